"""What somebody does on the page, with the mouse and with the keyboard, while others are at work as well."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

playwright = pytest.importorskip("playwright.sync_api")

from axe_playwright_python.sync_playwright import Axe  # noqa: E402
from playwright.sync_api import Browser, expect  # noqa: E402

from tests.building import files  # noqa: E402
from tests.reconcile.test_page import HOSTILE  # noqa: E402
from tests.web.browser import CHROMIUM, chromium, tab  # noqa: E402
from tests.web.serving import Server, serving, started  # noqa: E402

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="neither chromium nor google-chrome is installed")


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as browser:
        yield browser


@pytest.mark.parametrize(
    ("width", "scheme"), [(1280, "light"), (1280, "dark"), (768, "light"), (768, "dark"), (390, "light")]
)
def test_it_fits_and_everybody_can_use_it(browser: Browser, shared: Server, width: int, scheme: str) -> None:
    with tab(browser, shared, width, scheme=scheme) as page:
        page.page.locator(".key").first.click()
        expect(page.page.locator("#detail-title")).to_have_text("CUST-00001")
        expect(page.page.locator("#diff-said")).not_to_be_empty()
        assert page.page.evaluate("document.documentElement.scrollWidth") <= width
        assert Axe().run(page.page).violations_count == 0


def test_a_dot_is_set_and_cleared_by_mouse_and_by_keyboard(browser: Browser, server: Server) -> None:
    with tab(browser, server) as page:
        page.dot("CUST-00003", "D").click()
        expect(page.dot("CUST-00003", "D")).to_have_text("●")
        expect(page.page.locator("#told code").first).to_have_text("add-key key:CUST-00003 --systems D")
        page.page.keyboard.press("ArrowRight")
        page.page.keyboard.press("Space")
        expect(page.dot("CUST-00003", "E")).to_have_text("○")
        expect(page.words).to_contain_text("Removed: E −1 row")
        page.page.get_by_role("button", name=re.compile("^Undo: @5")).click()
        expect(page.dot("CUST-00003", "E")).to_have_text("●")
    kinds = [one["kind"] for one in server.get("/operations", limit=3)["operations"]]
    assert kinds == ["undo", "remove", "add"]


def test_keys_are_moved_by_keyboard_and_dragged_with_the_same_words(browser: Browser, server: Server) -> None:
    words = "Would move: A +1, B −1 rows · rows: A 21 B 20 C 21 D 19 E 20"
    with tab(browser, server) as page:
        page.page.locator("#search").fill("UNAUTH")
        expect(page.page.locator(".rows .row")).to_have_count(1)
        page.row("UNAUTH-001").locator(".key").click()
        for _ in range(2):
            page.page.keyboard.press("ArrowRight")
        page.page.keyboard.press("m")
        expect(page.words).to_contain_text("Moving UNAUTH-001 from B")
        page.page.keyboard.press("ArrowLeft")
        expect(page.words).to_contain_text(words)
        page.page.keyboard.press("Escape")
        expect(page.words).to_contain_text("Put back")
        page.page.keyboard.press("m")
        page.page.keyboard.press("ArrowLeft")
        expect(page.words).to_contain_text(words)
        page.page.keyboard.press("Enter")
        expect(page.dot("UNAUTH-001", "A")).to_have_text("●")
        expect(page.dot("UNAUTH-001", "B")).not_to_have_text("●")
        page.page.get_by_role("button", name=re.compile("^Undo")).click()
        expect(page.dot("UNAUTH-001", "B")).to_have_text("●")
        page.dot("UNAUTH-001", "B").hover()
        page.page.mouse.down()
        page.dot("UNAUTH-001", "A").hover()
        page.dot("UNAUTH-001", "A").hover()
        expect(page.words).to_contain_text(words)
        page.page.mouse.up()
        expect(page.dot("UNAUTH-001", "A")).to_have_text("●")
    assert [one["line"] for one in server.get("/operations", limit=3)["operations"]][::2] == [
        "move-key key:UNAUTH-001 --from B --to A"
    ] * 2


def test_what_others_do_is_seen_at_once(browser: Browser, server: Server) -> None:
    with tab(browser, server) as page:
        server.say("remove-key", "CUST-00007", "--systems", "C", "--yes")
        expect(page.dot("CUST-00007", "C")).to_have_text("○")
        path = server.home / "systems" / "A.csv"
        path.write_text(re.sub("CUST-00009,.*\n", "", path.read_text()))
        expect(page.dot("CUST-00009", "A")).to_have_text("·")


def test_what_somebody_types_is_kept_when_others_change_the_key(browser: Browser, server: Server) -> None:
    with tab(browser, server) as page:
        page.row("CUST-00005").locator(".key").click()
        field = page.page.get_by_label("status in B")
        field.fill("mine")
        server.say("set-value", "B", "CUST-00005", "status", "theirs")
        expect(page.page.locator(".stale")).to_contain_text("changed this key in @4")
        expect(field).to_have_value("mine")
        field.press("Enter")
        expect(page.page.locator("#banner")).to_contain_text("CUST-00005 was changed by")
        expect(page.page.locator("#banner")).to_contain_text("@4")
        expect(field).to_have_value("mine")
        page.page.get_by_role("button", name="Keep mine").click()
        field.press("Enter")
        expect(page.page.locator("#told code").first).to_have_text("set-value B key:CUST-00005 status mine")
    assert server.get("/rows", key="CUST-00005")["rows"]["B"][0]["status"] == "mine"


def test_a_key_is_renamed_in_place(browser: Browser, server: Server) -> None:
    with tab(browser, server) as page:
        page.row("CUST-00005").locator(".key").click()
        page.page.get_by_label("Rename").fill("CUST-00005-B")
        page.page.get_by_label("Rename").press("Enter")
        expect(page.row("CUST-00005-B")).to_be_visible()
        expect(page.page.locator("#detail-title")).to_have_text("CUST-00005-B")


def test_what_loses_rows_is_previewed(browser: Browser, server: Server) -> None:
    before = files(server.home)
    with tab(browser, server) as page:
        page.page.get_by_role("button", name="Reset", exact=True).click()
        page.page.locator("dialog select").select_option("no keys at all")
        page.page.locator("dialog .main").click()
        expect(page.page.locator("dialog pre")).to_contain_text("A −20, B −21, C −21, D −19, E −20 rows")
        page.page.get_by_role("button", name="Cancel").click()
        assert files(server.home) == before
        page.page.get_by_role("button", name="Reset", exact=True).click()
        page.page.locator("dialog select").select_option("no keys at all")
        page.page.locator("dialog .main").click()
        expect(page.page.locator("dialog pre")).to_contain_text("A −20")
        page.page.locator("dialog .main").click()
        expect(page.page.locator("#state")).to_contain_text("0 keys")


def test_a_list_is_pasted(browser: Browser, server: Server) -> None:
    with tab(browser, server) as page:
        page.page.get_by_role("button", name="Add keys").click()
        page.page.locator("dialog textarea").fill("K 1\n@K2\n\n-K3\nK*\n")
        page.page.locator("dialog .main").click()
        expect(page.page.locator("#state")).to_contain_text("25 keys")
    assert {"K 1", "@K2", "-K3", "K*"} <= {row["key"] for row in server.get("/keys", limit=100)["keys"]}


def test_the_past_is_looked_at_and_brought_back(browser: Browser, server: Server) -> None:
    with tab(browser, server) as page:
        page.page.get_by_label("Look at an operation").select_option(index=3)
        expect(page.page.locator("#state")).to_contain_text("as it was after @1")
        expect(page.dot("CUST-00003", "D")).to_have_text("●")
        page.page.get_by_role("button", name="Restore").click()
        expect(page.page.locator("dialog pre")).to_contain_text("This would restore: B −1, C −1, D +1 rows.")
        page.page.locator("dialog .main").click()
        expect(page.page.locator("#told code").first).to_have_text("restore @1")
        expect(page.page.locator("#state")).to_contain_text("0 discrepancies")


def test_differences_are_walked_through(browser: Browser, server: Server) -> None:
    with tab(browser, server) as page:
        page.page.get_by_label("To", exact=True).fill("D")
        page.page.get_by_label("To", exact=True).press("Enter")
        expect(page.page.locator("#diff-said")).to_have_text("+0 −1 ~0")
        page.page.locator("h1").click()
        page.page.keyboard.press("n")
        expect(page.row("CUST-00003").locator(".key, .dot").locator("visible=true").first).to_be_visible()
        expect(page.page.locator("#diff-rows [aria-current]")).to_have_text("-  CUST-00003")


def test_a_pattern_filters_the_grid(browser: Browser, shared: Server) -> None:
    with tab(browser, shared) as page:
        page.page.locator(".pattern").filter(has_text="unauthorized").click()
        expect(page.page.locator(".rows .row")).to_have_count(1)
        expect(page.row("UNAUTH-001")).to_be_visible()
        page.page.get_by_role("button", name="show all").click()
        expect(page.row("CUST-00001")).to_be_visible()


def test_a_scenario_goes_green(browser: Browser, server: Server) -> None:
    with tab(browser, server) as page:
        page.page.get_by_label("Scenario", exact=True).select_option("network-partition")
        page.page.locator("#scenario-step").click()
        expect(page.page.locator("#scenario-said")).to_contain_text("paused")
        page.page.locator("#scenario-resume").click()
        expect(page.page.locator("#scenario-said")).to_contain_text("passed")
        expect(page.page.locator("#steps .checkpoint.passed").first).to_be_visible()


def test_hostile_keys_are_texts_and_come_back_exactly(browser: Browser, tmp_path: Path) -> None:
    keys = [key for key in HOSTILE if key]
    with serving(tmp_path, "init --keys 1") as server:
        server.post("/keys", keys=[f"key:{key}" for key in keys], systems="B")
        with tab(browser, server, height=2000) as page:
            expect(page.page.locator("#state")).to_contain_text("keys")
            expect(page.page.locator(".rows .row")).to_have_count(server.get("/keys")["total"])
            for at in range(server.get("/keys")["total"]):
                page.page.locator(".rows .row").nth(at).locator(".dot").nth(2).click()
                expect(page.page.locator(".rows .row").nth(at).locator(".dot").nth(2)).to_have_text(
                    "●" if at else re.compile(".")
                )
        held = {row["key"]: row["systems"] for row in server.get("/keys", limit=500)["keys"]}
        assert all({"B", "C"} <= set(held[key]) for key in keys)


def test_offline_is_shown_and_heals(browser: Browser, tmp_path: Path) -> None:
    with serving(tmp_path, "init --keys 3") as server, tab(browser, server) as page:
        server.end()
        expect(page.page.locator("#state")).to_contain_text("offline")
        again = started(tmp_path, ("--port", str(server.port)))
        try:
            expect(page.page.locator("#state")).not_to_contain_text("offline")
            server.say("remove-key", "CUST-00002", "--systems", "B", "--yes")
            expect(page.dot("CUST-00002", "B")).to_have_text("○")
        finally:
            again.kill()
            again.communicate()


def test_many_keys_are_few_rows_and_the_last_one_is_reached(browser: Browser, tmp_path: Path) -> None:
    """So many that the height of all rows is more than a browser draws, and is scaled."""
    with serving(tmp_path, "init --keys 400000 --key-format K{n:06}") as server, tab(browser, server) as page:
        page.row("K000001").locator(".key").click()
        page.page.keyboard.press("End")
        expect(page.row("K400000")).to_be_visible()
        page.page.locator(".scroller").evaluate("one => { one.scrollTop = one.scrollHeight / 2 }")
        expect(page.page.locator(".rows .key").first).to_contain_text(re.compile("K(199|200)"))
        assert page.page.locator(".rows .row").count() < 80


WORDS: list[tuple[str, Any]] = [
    ("selectors(' CUST-00 gap:D K* ')", ["CUST-00*", "gap:D", "K*"]),
    ("selectors('A - D')", ["A - D"]),
    ("selectors('')", []),
    ("literal('@x')", "key:@x"),
    ("pasted('a\\r\\nb\\n\\na')", ["a", "b"]),
    ("height(10, 28)", 280),
    ("height(1e6, 28)", 8_000_000),
    ("firstRow(0, 1e6, 28, 20)", 0),
    ("firstRow(8e6, 1e6, 28, 20)", 999_980),
    ("firstRow(scrollTop(123456, 1e6, 28, 20), 1e6, 28, 20)", 123_456),
    ("firstRow(5, 3, 28, 20)", 0),
]


@pytest.mark.parametrize(("code", "result"), WORDS)
def test_words(browser: Browser, shared: Server, code: str, result: object) -> None:
    page = browser.new_page()
    page.goto(f"{shared.origin}/")
    asked = (
        f"import('/static/words.js').then(({{ selectors, literal, pasted, height, firstRow, scrollTop }}) => {code})"
    )
    assert page.evaluate(asked) == result
    page.close()
