"""Systems with names as companies give them, `erp_eu` and `web-shop`, through everything that takes or tells a name."""

from __future__ import annotations

import fcntl
import json
from pathlib import Path

import pytest

from keysync_shell.cli import main as shell
from keysync_shell.commands.catalogue import BY_NAME
from keysync_shell.headless import main as keysync
from tests.talking import Talk

SETTINGS = '[systems]\nnames = ["erp_eu", "web-shop", "crm"]\n'

# In one sandbox, one after the other: the line, its status, and what it says.
LINES: tuple[tuple[str, int, str], ...] = (
    ("init --keys 5", 0, "erp_eu +5, web-shop +5, crm +5 rows"),
    ("remove-key CUST-00003 --systems web-shop --yes", 0, "gaps web-shop 0 → 1"),
    ("add-key X1 --systems WEB-SHOP,crm", 0, "web-shop +1, crm +1 rows"),
    ("add-key X2 --systems web_shop", 2, "Did you mean web-shop?"),
    ("status", 0, "web-shop"),
    ("list gap:web-shop", 0, "CUST-00003"),
    ("list 'erp_eu - web-shop'", 0, "CUST-00003"),
    ("list pattern:erp_eu+crm", 0, "CUST-00003"),
    ("list --pattern web-shop+crm", 0, "X1"),
    ("discrepancies gap --systems web-shop", 1, "CUST-00003"),
    ("diff web-shop erp_eu", 1, "CUST-00003"),
    ("diff now @1", 1, "CUST-00003"),
    ("matrix", 0, "unauthorized: web-shop crm"),
    ("explain CUST-00003", 0, "pattern erp_eu+crm"),
    ("plan", 1, "web-shop"),
    ("predict", 0, "web-shop +1"),
    ("reconcile", 0, "2 discrepancies (gaps 1, unauthorized 1)"),
    ("compare", 0, "2 still open"),
    ("apply --systems web-shop", 0, "gaps web-shop 1 → 0"),
    ("report --output-dir again", 0, "Run 1"),
    ("registry", 0, "web-shop"),
    ("bisect 'gaps.web-shop == 0'", 1, "@2"),
    ("bisect 'gap.web-shop < 1'", 1, "@2"),
    ("blame CUST-00003", 0, "web-shop"),
    ("log --systems web-shop", 0, "web-shop −1"),
    ("copy-key CUST-00001 --from erp_eu --to web-shop", 0, ""),
    ("move-key X1 --from web-shop --to erp_eu --yes", 0, "web-shop −1"),
    ("modify-key CUST-00005 --to CUST-5 --systems web-shop", 0, "web-shop ~1 row"),
    ("corrupt space --systems web-shop --count 1", 0, "web-shop ~1 row"),
    ("set-value web-shop CUST-00001 status odd", 0, "web-shop ~1 row"),
    ("undo", 0, "web-shop ~1 row"),
    ("expect 'rows.web-shop > 0'", 0, ""),
    ("undo 2", 0, "web-shop ~1 row"),
    ("redo", 0, "web-shop ~1 row"),
    ("restore @3 --yes", 0, "web-shop"),
    ("revert @2 --yes", 0, "web-shop +1"),
    ("save-state one", 0, "web-shop"),
    ("export-state one one.zip", 0, "web-shop"),
    ("mock --keys 20 --yes", 0, "web-shop"),
    ("import-state one.zip --as two", 0, "web-shop"),
    ("load-state two --yes", 0, "web-shop"),
    ("import web-shop new.csv --yes", 0, "web-shop"),
    ("check", 0, ""),
    ("repair web-shop", 2, "web-shop.csv is not damaged"),
    ("whatif normalize pad_numbers=6", 0, ""),
    ("scenario run shop", 0, "passed"),
    ("run lines", 0, "web-shop +1"),
    ("reset --empty --yes", 0, "web-shop"),
)


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "keysync.toml").write_text(SETTINGS)
    (tmp_path / "new.csv").write_text("key\nN1\n")
    (tmp_path / "lines").write_text("add-key N2 --systems web-shop\n")
    (tmp_path / "sandbox_scenarios").mkdir()
    (tmp_path / "sandbox_scenarios" / "shop.yaml").write_text(SCENARIO)
    return tmp_path


SCENARIO = """
name: shop
given: empty
config: {systems: {names: [erp_eu, web-shop, crm]}}
steps:
  - run: init --keys 5
  - run: remove-key CUST-00003 --systems web-shop
  - checkpoint: one gap
    expect: [gaps.web-shop == 1, pattern.erp_eu+crm == 1]
"""


def test_every_command_takes_and_tells_such_names(home: Path) -> None:
    talk = Talk(home)
    for line, status, told in LINES:
        said = talk.say(line)
        assert (said.status, told in said.text) == (status, True), (line, said)


def test_no_command_is_left_out() -> None:
    """Every command that has to do with systems is in the table above."""
    driven = {name for name in BY_NAME for line, _, _ in LINES if line == name or line.startswith(f"{name} ")}
    apart = {"states", "delete-state", "runs", "rules", "lock", "sample", "demo", "tutorial"}
    apart |= {name for name in BY_NAME if "scenario" in name}
    assert set(BY_NAME) - driven - apart == set()


def test_tab_offers_such_names(home: Path) -> None:
    talk = Talk(home, interactive=True)
    talk.say("init --keys 5")
    talk.say("remove-key CUST-00003 --systems web-shop --yes")
    assert talk.offers("add-key X --systems w") == ["web-shop"]
    assert talk.offers("add-key X --systems erp_eu,w") == ["erp_eu,web-shop"]
    assert talk.offers("diff e") == ["erp_eu"]
    assert talk.offers("list --pattern erp_eu+c") == ["erp_eu+crm"]


def test_one_shot_commands_and_the_headless_run_take_them(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert shell(["init", "--keys", "5"]) == 0
    assert shell(["add-key", "X1", "--systems", "web-shop"]) == 0
    capsys.readouterr()
    assert keysync(["--format", "json"]) == 1
    counted = json.loads(capsys.readouterr().out)["data"]["summary"]["systems"]
    assert [(row["name"], row["rows"]) for row in counted] == [("erp_eu", 5), ("web-shop", 6), ("crm", 5)]
    summary = (home / "reports" / "run-1" / "reconciliation_summary.csv").read_text()
    assert "Keys in System web-shop,6," in summary
    assert (home / "reports" / "run-1" / "diff_missing_in_erp_eu.csv").read_text().count("web-shop") == 1
    assert "web-shop" in (home / "reports" / "run-1" / "reconciliation_run_1.html").read_text()


def test_what_a_killed_command_left_is_cleared_away(home: Path) -> None:
    Talk(home).say("init --keys 5")
    staged = home / "systems" / ".web-shop.csv.0123456789abcdef.new"
    staged.write_bytes(b"key\nhalf")
    assert Talk(home).say("status").status == 0
    assert not staged.exists()


def test_tail_of_a_slow_writer_is_kept(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(fcntl, "F_SETLEASE", raising=False)  # nobody can tell who has a file open
    talk = Talk(home)
    talk.say("init --keys 5")
    with (home / "systems" / "web-shop.csv").open("ab", buffering=0) as file:
        talk.say("add-key X1 --systems web-shop")
        file.write(b"K3,,web-shop,active\n")
    assert "another program's version was kept" in talk.say("status").text


def test_file_that_is_not_in_our_form_can_be_brought_back(home: Path) -> None:
    (home / "systems").mkdir()
    for name in ("erp_eu", "web-shop", "crm"):
        (home / "systems" / f"{name}.csv").write_bytes(b"key\r\nK2\r\nK1\r\n")
    talk = Talk(home)
    talk.say("add-key X1 --systems web-shop")
    talk.say("undo")
    assert (home / "systems" / "web-shop.csv").read_bytes() == b"key\r\nK2\r\nK1\r\n"
