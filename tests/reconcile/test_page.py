from __future__ import annotations

import re
from html.parser import HTMLParser

import pytest

from keysync_shell.core.model.rules import Rules
from keysync_shell.core.model.state import State
from keysync_shell.reconcile.page import page
from tests.building import systems
from tests.reconcile.building import ran

DRIFTED = systems(A="K1 K2 K3 K4", B="K1 X1", C="K1 K2 K3 K4", D="k1 K1", E="K1 K2 K3 K4")
HOSTILE = [
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "&lt;b&gt;",
    "'\"><b>",
    "\x1b[31m",
    "\u202eevil",
]
VOID = {"meta", "br"}


class Tags(HTMLParser):
    """Every tag is closed in turn; the names and attributes that were used."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.names: set[str] = set()
        self.attributes: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.names.add(tag)
        self.attributes |= {name for name, _ in attrs}
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def tags(text: str) -> Tags:
    parsed = Tags()
    parsed.feed(text)
    assert parsed.open == []
    return parsed


def text(state: State, rules: Rules | None = None) -> str:
    return page(ran(state, rules=rules))


def test_page_shows_totals_patterns_findings_and_master_keys() -> None:
    shown = text(DRIFTED)
    assert ">9 discrepancies</p><p>gaps 6 · unauthorized 1 · duplicates 1 · variants 1</p>" in shown
    assert "1 of 5 keys (20.0 %) are in all systems." in shown
    on, off = '<td class="dot">●</td>', '<td class="dot off">○</td>'
    assert f'<tr>{on}{off}{on}{off}{on}<td class="n">3</td>' in shown
    assert "<td>gap: B D</td>" in shown
    assert "K2..K4 (3)" in shown
    assert "<td>X1</td><td>B</td><td>X1</td><td>proposed</td>" in shown


def test_page_shows_raw_spellings_the_plan_and_the_name_of_the_sandbox() -> None:
    shown = page(ran(systems(A="K1", B=["K1", "x 1", "X-1"], C="K1", D="K1", E="k_1"), home="lab"))
    assert "<h1>Reconciliation run 1 of lab</h1>" in shown
    assert "X-1 / x 1" in shown
    assert "add to E (gap): 1</summary><p><code>K1</code>" in shown
    assert "propose for B (unauthorized): 1</summary>" in shown
    tags(shown)


def test_page_of_systems_in_step_says_so() -> None:
    assert "No discrepancies." in text(systems(A="K1", B="K1", C="K1", D="K1", E="K1"))
    tags(text(systems()))


def test_page_names_the_systems_that_were_not_read() -> None:
    assert "Not read: F." in page(ran(DRIFTED, absent=("F",)))


def test_page_needs_nothing_from_outside() -> None:
    shown = text(DRIFTED)
    parsed = tags(shown)
    assert not parsed.names & {"script", "link", "img", "iframe", "object", "form", "a", "base"}
    assert not parsed.attributes & {"src", "href", "onload", "onclick", "action"}
    assert not re.search(r"https?:|//|url\(|@import", shown)


@pytest.mark.parametrize("rules", [Rules(), Rules(strip_other=False, uppercase=False)], ids=["stripped", "kept"])
@pytest.mark.parametrize("key", HOSTILE, ids=range(len(HOSTILE)))
def test_hostile_key_is_only_text(key: str, rules: Rules) -> None:
    shown = text(systems(A=[key, f"A1{key}"], B=[f"X1{key}"], D=[f"a1{key}", f"a1{key}"]), rules)
    parsed = tags(shown)
    assert not parsed.names & {"script", "img", "b"}
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u2069]", shown)
