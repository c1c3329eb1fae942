"""Each kind of damage is found, and named with its place and what to do; a repair puts it right."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from keysync_shell.core.edits import removing
from keysync_shell.errors import Declined, KeySyncError
from keysync_shell.sandbox import Request, Sandbox
from keysync_shell.sandbox.checking import CHECKS, Problem
from keysync_shell.sandbox.repairing import Replacement
from keysync_shell.storage import snapshots
from keysync_shell.storage.operations import OperationKind
from keysync_shell.storage.oplog import Wanted
from tests.building import add, files, keys, opened, query, sandbox, snapshot

REPAIR, UNDO = Request(OperationKind.REPAIR, "repair B", "test"), Request(OperationKind.UNDO, "undo", "test")
Damage = Callable[[Path], None]


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A sandbox with a few operations and a snapshot."""
    made = sandbox(tmp_path, A="K1 K2 K3", B="K1 K2 K3")
    add(made, "K4", "A,B")
    made.edit(lambda state: removing.remove(state, query("K2"), ("B",)), Request(OperationKind.REMOVE, "", "test"))
    snapshots.save(made.home.snapshots, snapshot("good", A="K1"), "0" * 16, force=False)
    made.close()
    return tmp_path


@pytest.fixture
def at(home: Path) -> Iterator[Sandbox]:
    made = opened(home)
    yield made
    made.close()


def yes(_: Replacement) -> bool:
    return True


def append(path: Path, text: str) -> None:
    with path.open("a") as file:
        file.write(text)


def flip(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[-20] ^= 0xFF
    path.write_bytes(data)


def sql(statement: str) -> Damage:
    def work(home: Path) -> None:
        connection = sqlite3.connect(home / ".keysync" / "history.db")
        with connection:
            connection.execute(statement)
        connection.close()

    return work


def test_sound_sandbox_has_no_problems(at: Sandbox) -> None:
    assert at.check() == []


DAMAGES: dict[str, tuple[Damage, str, str, str]] = {
    "a file was changed": (
        lambda home: append(home / "systems/B.csv", "K9,t,B,active\n"),
        "B.csv",
        "changed outside since the last operation",
        "any command takes it in",
    ),
    "a file is malformed": (
        lambda home: append(home / "systems/B.csv", "K9,t\n"),
        "B.csv",
        "B.csv:5: 2 fields, but the header has 4",
        "repair B",
    ),
    "a file is missing": (lambda home: (home / "systems/B.csv").unlink(), "B.csv", "B.csv is missing", "repair B"),
    "a cached table is damaged": (
        lambda home: flip(home / ".keysync/cache/C.arrow"),
        "cache of C",
        "damaged",
        "it is made anew",
    ),
    "a snapshot is damaged": (
        lambda home: append(home / "snapshots/good/C.csv", "K9,t,C,active\n"),
        "snapshot good",
        "does not match its checksum",
        "delete-state good",
    ),
    "a digest in the log was changed": (
        sql("UPDATE operations SET before = replace(before, substr(before, 8, 8), '00000000') WHERE number = 3"),
        "@3",
        "does not begin where @2 ended",
        "do not trust the history",
    ),
    "an operation was taken out of the log": (
        sql("DELETE FROM operations WHERE number = 2"),
        "@3",
        "does not begin where @1 ended",
        "do not trust the history",
    ),
    "a change in the log was swapped": (
        sql("UPDATE changes SET before = after, after = before, checksum = NULL WHERE number = 3"),
        "@3",
        "its change of B does not fit the files",
        "do not trust the history",
    ),
    "a change in the log is damaged": (
        sql("UPDATE changes SET before = zeroblob(400) WHERE number = 3"),
        "@3",
        "what @3 changed in B is damaged in history.db",
        "what B held before it cannot be brought back",
    ),
}


@pytest.mark.parametrize("name", DAMAGES)
def test_damage_is_found(home: Path, at: Sandbox, name: str) -> None:
    damage, where, what, todo = DAMAGES[name]
    damage(home)
    before = files(home)
    found = at.check()
    assert [problem.where for problem in found] == [where], found
    assert what in found[0].what
    assert todo in found[0].todo
    assert files(home) == before


def test_damages_are_found_together_in_the_order_of_the_checks(home: Path, at: Sandbox) -> None:
    for name in ("a snapshot is damaged", "a cached table is damaged", "a file is malformed"):
        DAMAGES[name][0](home)
    assert [problem.where for problem in at.check()] == ["B.csv", "cache of C", "snapshot good"]
    assert len(CHECKS) == 8


def test_folder_without_a_sandbox_is_not_checked(tmp_path: Path) -> None:
    with pytest.raises(KeySyncError, match="there is no sandbox"):
        opened(tmp_path).check()
    assert list(tmp_path.iterdir()) == []


# Repair


def test_broken_file_is_kept_aside_and_the_committed_content_comes_back(home: Path, at: Sandbox) -> None:
    sound = files(home)
    append(home / "systems/B.csv", "K9,t\n")
    broken = (home / "systems/B.csv").read_bytes()
    done = at.repair(REPAIR, "B", (), yes)
    assert (done.rows, done.committed) == (3, True)
    assert done.broken == home / "systems/B.csv.broken-20260102T120000Z"
    assert done.broken.read_bytes() == broken
    assert files(home) == sound | {done.broken.name: broken}
    assert at.check() == []


def test_repair_is_an_operation(home: Path, at: Sandbox) -> None:
    append(home / "systems/B.csv", "K9,t\n")
    at.repair(REPAIR, "B", (), yes)
    [newest] = at.operations(Wanted(1))
    assert (newest.number, newest.kind, newest.line) == (4, "repair", "repair B")
    at.undo(UNDO)
    assert keys(at.state)["B"] == ["K1", "K2", "K3", "K4"]


def test_file_is_taken_in_without_the_lines_that_are_named(home: Path, at: Sandbox) -> None:
    append(home / "systems/B.csv", "K8,t,B,active\nK9,t\n")
    done = at.repair(REPAIR, "B", (6,), yes)
    at.refresh()
    assert (done.rows, keys(at.state)["B"]) == (4, ["K1", "K3", "K4", "K8"])
    at.undo(UNDO)
    assert keys(at.state)["B"] == ["K1", "K3", "K4"]


@pytest.mark.parametrize("lines", [(1,), (0,), (99,)])
def test_lines_that_are_none_are_refused(home: Path, at: Sandbox, lines: tuple[int, ...]) -> None:
    append(home / "systems/B.csv", "K9,t\n")
    before = files(home)
    with pytest.raises(KeySyncError, match=f"there is no line {lines[0]} to drop"):
        at.repair(REPAIR, "B", lines, yes)
    assert files(home) == before


def test_missing_file_comes_back(home: Path, at: Sandbox) -> None:
    sound = files(home)
    (home / "systems/B.csv").unlink()
    assert at.repair(REPAIR, "B", (), yes).broken is None
    assert files(home) == sound


def test_file_that_lost_all_its_rows_comes_back(home: Path, at: Sandbox) -> None:
    (home / "systems/B.csv").write_text("key\n")
    assert at.repair(REPAIR, "B", (), yes).rows == 3
    at.refresh()
    assert keys(at.state)["B"] == ["K1", "K3", "K4"]


def test_nothing_is_repaired_unasked_or_dry(home: Path, at: Sandbox) -> None:
    append(home / "systems/B.csv", "K9,t\n")
    before = files(home)
    with pytest.raises(Declined):
        at.repair(REPAIR, "B", (), lambda _: False)
    dry = at.repair(Request(OperationKind.REPAIR, "", "test", dry_run=True), "B", (), yes)
    assert (dry.rows, dry.committed) == (3, False)
    assert files(home) == before


def test_sound_file_is_left_alone(at: Sandbox) -> None:
    with pytest.raises(KeySyncError, match=r"B\.csv is not damaged"):
        at.repair(REPAIR, "B", (), yes)


def test_without_a_history_only_lines_can_be_dropped(tmp_path: Path) -> None:
    (tmp_path / "systems").mkdir()
    for name in "ABCDE":
        (tmp_path / "systems" / f"{name}.csv").write_text("key,note\nK1,x\n" + ("K2\n" if name == "B" else ""))
    made = opened(tmp_path)
    with pytest.raises(KeySyncError):
        made.refresh()
    with pytest.raises(KeySyncError, match="nothing tells what B held before") as error:
        made.repair(REPAIR, "B", (), yes)
    assert "--drop-lines" in error.value.hint
    assert made.repair(REPAIR, "B", (3,), yes).rows == 1
    made.refresh()
    assert keys(made.state)["B"] == ["K1"]
    made.close()


def test_problem_says_where_what_and_what_to_do(home: Path, at: Sandbox) -> None:
    append(home / "systems/B.csv", "K9,t\n")
    assert at.check() == [Problem("B.csv", "B.csv:5: 2 fields, but the header has 4", "repair B")]
