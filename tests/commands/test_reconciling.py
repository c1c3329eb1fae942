"""Commands of reconciliation and history where a session to read would say too little."""

from __future__ import annotations

import json
import shutil
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from keysync_shell.core.findings.conditions import Condition
from keysync_shell.headless import main
from tests.building import FIVE
from tests.strategies import PURE
from tests.talking import Talk


@pytest.fixture
def talk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Talk]:
    """A shell on a sandbox with two gaps in D and an unauthorized key in B."""
    monkeypatch.chdir(tmp_path)
    made = Talk(tmp_path)
    for line in ("init --keys 12", "remove-key CUST-00001 CUST-00002 -s D -y", "add-key NEW-1 -s B"):
        assert made.say(line).status == 0
    yield made
    made.shell.sandbox.close()


def data(talk: Talk, line: str) -> Any:
    return json.loads(talk.say(f"{line} --format json").text)["data"]


def everything(root: Path) -> tuple[dict[str, bytes], list[str]]:
    """The files outside the private folder, and every table of the database as SQL."""
    files = {
        str(path): path.read_bytes() for path in root.rglob("*") if path.is_file() and ".keysync" not in path.parts
    }
    connection = sqlite3.connect(root / ".keysync" / "history.db")
    dump = list(connection.iterdump())
    connection.close()
    return files, dump


@pytest.mark.parametrize(
    "line",
    [
        "reconcile --dry-run",
        "reconcile --dry-run --auto-approve --strategy namespaced",
        "apply --dry-run",
        "apply --dry-run --unauthorized remove",
        "plan",
        "predict",
        "explain NEW-1",
        "whatif normalize uppercase=off",
        "matrix",
        "restore @1 --dry-run",
        "revert @2 --dry-run",
        "status --at @1",
    ],
)
def test_looking_and_dry_runs_leave_files_and_tables_alone(talk: Talk, tmp_path: Path, line: str) -> None:
    before = everything(tmp_path)
    assert talk.say(line).status in (0, 1)
    assert everything(tmp_path) == before


def test_run_leaves_the_systems_alone(talk: Talk, tmp_path: Path) -> None:
    before = {path.name: path.read_bytes() for path in (tmp_path / "systems").iterdir()}
    assert talk.say("reconcile").status == 0
    assert {path.name: path.read_bytes() for path in (tmp_path / "systems").iterdir()} == before
    assert len(list((tmp_path / "reports/run-1").iterdir())) == 7


def test_apply_is_one_operation_and_undo_brings_the_bytes_back(talk: Talk, tmp_path: Path) -> None:
    before, _ = everything(tmp_path)
    assert talk.say("apply --unauthorized adopt").status == 0
    assert data(talk, "status")["discrepancies"]["gaps"] == 0
    assert talk.say("plan").text == "No changes. Systems match A.\n"
    assert talk.say("undo").status == 0
    assert everything(tmp_path)[0] == before


def test_saved_plan_is_bound_to_content_and_not_to_time(talk: Talk) -> None:
    assert talk.say("plan --output p.json --exit-zero").status == 0
    assert talk.say("add-key X -s C").status == 0
    assert "was made for other content" in talk.say("apply p.json").text
    assert talk.say("undo").status == 0
    assert talk.say("apply p.json").status == 0


def test_saved_plan_that_was_edited_is_refused(talk: Talk, tmp_path: Path) -> None:
    assert talk.say("plan --output p.json --exit-zero").status == 0
    path = tmp_path / "p.json"
    saved = json.loads(path.read_text())
    saved["actions"][0]["key"] = "CUST-99999"
    path.write_text(json.dumps(saved))
    said = talk.say("apply p.json")
    assert said.status == 2
    assert "was edited" in said.text


def test_saved_plan_carries_its_policy(talk: Talk) -> None:
    talk.say("plan --output p.json --exit-zero --unauthorized remove --decide CUST-00001 ignore")
    assert talk.say("apply p.json --yes").status == 0
    found = data(talk, "status")["discrepancies"]
    assert (found["gaps"], found["unauthorized"]) == (1, 0)


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"schema": "keysync-plan/2"}', "\x00", "[" * 100_000])
def test_what_is_no_plan_is_refused(talk: Talk, tmp_path: Path, content: str) -> None:
    (tmp_path / "p.json").write_text(content)
    said = talk.say("apply p.json")
    assert said.status == 2
    assert "p.json is not a saved plan" in said.text


def test_policy_comes_from_the_settings_and_the_line_goes_before(tmp_path: Path) -> None:
    (tmp_path / "keysync.toml").write_text('[policy]\nunauthorized = "remove"\ngap = "ignore"\n')
    talk = Talk(tmp_path)
    for line in ("init --keys 2", "add-key NEW-1 -s B", "remove-key CUST-00001 -s D -y"):
        talk.say(line)
    assert data(talk, "plan")["counts"] == {"-": 1}
    assert data(talk, "plan --unauthorized ignore --gap propagate")["counts"] == {"+": 1}


def test_prediction_holds_through_files_and_registry(talk: Talk) -> None:
    predicted = data(talk, "predict")
    run = data(talk, "reconcile")
    assert run["score"]["held"] is True
    assert run["summary"]["discrepancies"] == predicted["discrepancies"]
    assert [key["master_key"] for key in run["proposed"]] == predicted["master_keys"]
    assert data(talk, "compare")["counts"] == {"still open": 3}
    updated = {name: counts["added"] for name, counts in predicted["systems"].items()}
    changed = data(talk, "apply")["counts"]
    assert updated == {name: counts["added"] for name, counts in changed.items()}
    assert data(talk, "compare")["counts"] == {"still open": 1, "carried out": 2}


def test_report_can_be_written_again_for_any_run(talk: Talk, tmp_path: Path) -> None:
    talk.say("reconcile")
    talk.say("apply")
    assert talk.say("report 1 --output-dir again").status == 0
    first, again = tmp_path / "reports/run-1", tmp_path / "again"
    assert {path.name: path.read_bytes() for path in first.iterdir()} == {
        path.name: path.read_bytes() for path in again.iterdir()
    }


# Bisect


@settings(PURE, max_examples=8)
@given(st.lists(st.sampled_from(["+ X", "- X", "+ Y", "- Y", "undo"]), min_size=1, max_size=6))
def test_bisect_finds_each_operation_that_broke_it_or_mended_it(
    tmp_path_factory: pytest.TempPathFactory, steps: list[str]
) -> None:
    root = tmp_path_factory.mktemp("bisect")
    talk = Talk(root)
    talk.say("init --keys 2")
    for step in steps:
        sign, _, key = step.partition(" ")
        talk.say({"+": f"add-key {key} -s B", "-": f"remove-key {key} -s B -y", "undo": "undo"}[sign])
    condition = Condition.parse("unauthorized.B == 0", FIVE)
    held, turns = False, list[tuple[int, bool]]()
    for operation in talk.shell.sandbox.every_operation():
        holds = condition.holds(operation.summary)
        if holds != held:
            turns.append((operation.number, holds))
        held = holds
    found = data(talk, "bisect 'unauthorized.B == 0'")
    assert [(turn["operation"], turn["holds"]) for turn in found["turns"]] == turns[1:]
    assert (found["operation"]["number"] if found["operation"] else None) == (turns[1][0] if turns[1:] else None)
    talk.shell.sandbox.close()


# Edits by hand between runs


def by_hand(root: Path, system: str, *, without: str, and_then: str) -> None:
    """Another program drops a row and adds one at the end."""
    path = root / "systems" / f"{system}.csv"
    lines = [line for line in path.read_text().splitlines() if not line.startswith(f"{without},")]
    path.write_text("\n".join([*lines, f"{and_then},,{system},active", ""]))


@pytest.mark.parametrize("line", ["reconcile --mode incremental", "keysync"])
@pytest.mark.parametrize("forgotten", [False, True])
def test_what_was_open_before_an_edit_by_hand_is_open_after_it(
    talk: Talk, tmp_path: Path, line: str, forgotten: bool
) -> None:
    assert talk.say("reconcile").status == 0
    talk.shell.sandbox.close()
    by_hand(tmp_path, "D", without="CUST-00003", and_then="NEW-2")
    if forgotten:
        shutil.rmtree(tmp_path / ".keysync" / "cache")
    if line == "keysync":
        assert main(["--home", str(tmp_path), "--mode", "incremental"]) == 1
    else:
        said = Talk(tmp_path).say(line)
        assert (said.status, "2 new, 0 resolved, 3 still open" in said.text) == (0, True), said.text
    told = json.loads((tmp_path / "reports/run-2/reconciliation_run_2.json").read_text())
    assert [(row["kind"], row["canonical"]) for row in told["findings"]] == [
        ("gap", "CUST-00003"),
        ("unauthorized", "NEW-2"),
    ]


def test_edit_of_which_nothing_is_known_is_named_as_what_may_be_the_cause(tmp_path: Path) -> None:
    """Files that were found, a cache that is lost: nothing tells what A held before it was edited."""
    (tmp_path / "systems").mkdir()
    for name in FIVE.names:
        (tmp_path / "systems" / f"{name}.csv").write_text("key\nK1\n" if name == "D" else "key\nK1\nK2\n")
    talk = Talk(tmp_path)
    assert talk.say("reconcile").status == 0
    talk.shell.sandbox.close()
    shutil.rmtree(tmp_path / ".keysync" / "cache")
    (tmp_path / "systems" / "A.csv").write_text("key\nK1\n")
    rows = data(Talk(tmp_path), "compare --exit-zero")["keys"]
    assert [(row["status"], row["kind"], row["cause"]) for row in rows] == [
        ("changed otherwise", "gap", "@1 may have changed it in A: what it did cannot be told"),
        ("new", "unauthorized", "@1 may have changed it in A: what it did cannot be told"),
    ]


# Runs over systems of other names or another order


def outcomes(talk: Talk) -> list[tuple[str, str, str]]:
    return [(row["status"], row["system"], row["canonical"]) for row in data(talk, "compare --exit-zero")["keys"]]


def test_run_keeps_the_names_of_its_systems_in_another_order(talk: Talk, tmp_path: Path) -> None:
    assert talk.say("reconcile").status == 0
    open_still = outcomes(talk)
    assert ("still open", "D", "CUST-00001") in open_still
    (tmp_path / "keysync.toml").write_text('[systems]\nnames = ["E", "D", "C", "B", "A"]\nauthority = "A"\n')
    turned = Talk(tmp_path)
    assert outcomes(turned) == open_still
    assert [row["name"] for row in data(turned, "report")["summary"]["systems"]] == list("ABCDE")
    assert "0 new, 0 resolved, 3 still open" in turned.say("reconcile --mode incremental").text
    turned.shell.sandbox.close()


def test_run_without_some_system_is_compared_without_it(talk: Talk, tmp_path: Path) -> None:
    (tmp_path / "systems" / "C.csv").rename(tmp_path / "C.csv")
    assert main(["--home", str(tmp_path), "--partial"]) == 1
    (tmp_path / "C.csv").rename(tmp_path / "systems" / "C.csv")
    assert talk.say("add-key NEW-2 -s C").status == 0
    assert outcomes(talk) == [
        ("still open", "D", "CUST-00001"),
        ("still open", "D", "CUST-00002"),
        ("still open", "B", "NEW-1"),
    ]
    assert "C" not in [row["name"] for row in data(talk, "report")["summary"]["systems"]]
