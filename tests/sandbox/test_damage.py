"""A history that is damaged in one place: everything that does not need that place works, and it is named."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from keysync_shell.sandbox import Request, Sandbox
from keysync_shell.storage.operations import OperationKind, Unavailable
from keysync_shell.storage.oplog import Wanted
from tests.building import add, files, keys, opened, sandbox
from tests.talking import Talk

DO = Request(OperationKind.ADD, "test", "test")
BLOBS = ("before", "after")
FIELDS = ("before", "after", "signatures", "counts", "discrepancies", "summary", "details", "unknown")


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A sandbox with four operations."""
    made = sandbox(tmp_path, A="K1", B="K1")
    for number in range(2, 5):
        add(made, f"K{number}", "A,B")
    made.close()
    return tmp_path


def flip(root: Path, table: str, column: str, number: int, at: int) -> None:
    """Flip a bit of a value in the log; of changes, in that of B."""
    row, kind = f"number = {number}", "TEXT"
    if table == "runs" and column != "details":
        kind = "BLOB"
    if table == "changes":
        row, kind = f"{row} AND system = 'B'", "BLOB"
    connection = sqlite3.connect(root / ".keysync" / "history.db")
    with connection:
        [value] = connection.execute(f"SELECT CAST({column} AS BLOB) FROM {table} WHERE {row}").fetchone()
        data = bytearray(value)
        data[at] ^= 2
        connection.execute(f"UPDATE {table} SET {column} = CAST(? AS {kind}) WHERE {row}", (bytes(data),))
    connection.close()


def drop_cache(root: Path) -> None:
    for file in (root / ".keysync" / "cache").iterdir():
        file.unlink()


@pytest.mark.parametrize("at", [0, 40, 150, -1])
@pytest.mark.parametrize("column", BLOBS)
@pytest.mark.parametrize("number", [2, 4])
def test_damaged_change_stops_only_who_needs_it(home: Path, number: int, column: str, at: int) -> None:
    flip(home, "changes", column, number, at)
    drop_cache(home)
    made = opened(home)
    made.refresh()
    assert [operation.number for operation in made.operations(Wanted(9))] == [4, 3, 2, 1]
    assert [problem.where for problem in made.check()] == [f"@{number}"]
    assert add(made, "K9", "A").committed
    made.undo(DO)
    with pytest.raises(Unavailable, match=f"what @{number} changed in B is damaged"):
        made.undo(DO, 5 - number)
    with pytest.raises(Unavailable, match=f"what @{number} changed in B is damaged"):
        made.restore(DO, 1)
    assert keys(made.state)["B"] == ["K1", "K2", "K3", "K4"]


def test_damage_in_the_very_key_that_is_looked_for_is_warned_of(home: Path) -> None:
    connection = sqlite3.connect(home / ".keysync" / "history.db")
    [(blob,)] = connection.execute("SELECT after FROM changes WHERE number = 3 AND system = 'B'").fetchall()
    connection.close()
    flip(home, "changes", "after", 3, blob.index(b"K3"))
    made = opened(home)
    assert [sorted(parts) for _, parts in made.touching("K3")] == [["A"]]
    assert made.warnings == ["what @3 changed is unknown, so it may have touched K3, too"]


def test_damaged_change_of_a_key_that_is_looked_for_is_warned_of(home: Path) -> None:
    flip(home, "changes", "after", 3, 20)
    made = opened(home)
    assert [sorted(parts) for _, parts in made.touching("K3")] == [["A"]]
    assert made.warnings == ["what @3 changed is unknown, so it may have touched K3, too"]


def test_system_that_is_not_damaged_can_be_told_where_another_is(home: Path) -> None:
    flip(home, "changes", "after", 3, 20)
    drop_cache(home)
    (home / "systems" / "A.csv").write_bytes(b"key\nK1\n")
    made = opened(home)
    made.refresh()
    assert made.newest
    assert (made.newest.kind, made.newest.unknown) == ("external", ())


@pytest.mark.parametrize("number", [2, 4])
@pytest.mark.parametrize("column", FIELDS)
def test_operation_of_which_a_field_is_damaged_stays_in_the_log(home: Path, number: int, column: str) -> None:
    flip(home, "operations", column, number, 0)
    drop_cache(home)
    made = opened(home)
    made.refresh()
    wanted = made.operations(Wanted(9, systems=("A",)))
    assert number in [operation.number for operation in wanted]
    assert [operation.damaged for operation in made.every_operation() if operation.damaged] == [(column,)]
    assert (f"@{number}", f"its {column} cannot be read") in [(at.where, at.what) for at in made.check()]
    assert add(made, "K9", "A").committed
    made.undo(DO)
    assert keys(made.state)["A"] == ["K1", "K2", "K3", "K4"]


@pytest.mark.parametrize(("column", "at"), [("details", 0), ("details", -1), ("findings", 40), ("actions", -1)])
def test_damaged_run_stops_only_who_needs_it(home: Path, column: str, at: int) -> None:
    talk = Talk(home)
    assert [talk.say("reconcile").status for _ in range(3)] == [0, 0, 0]
    flip(home, "runs", column, 2, at)
    talk = Talk(home)
    said = talk.say("runs")
    assert (said.status, "run 2 is damaged" in said.text) == (0, column == "details")
    assert [said.text.count(f"\n  {number}  2026") for number in (1, 2, 3)] == [1, 1, 1]
    assert "run 2" in talk.say("check").text
    assert talk.say("compare 2").text.startswith("error: ")
    assert "is damaged in history.db" in talk.say("report 2").text
    assert [
        talk.say(line).status for line in ("report 3", "report 1", "compare 3", "reconcile --mode incremental")
    ] == [0] * 4


@pytest.mark.parametrize("column", FIELDS)
def test_open_shell_lives_on_when_the_newest_operation_is_damaged(home: Path, column: str) -> None:
    made = opened(home)
    made.refresh()
    flip(home, "operations", column, 4, 0)
    assert add(made, "K9", "A").committed
    assert keys(made.state)["A"] == ["K1", "K2", "K3", "K4", "K9"]


def test_damaged_original_gives_its_rows_and_says_so(tmp_path: Path) -> None:
    made = sandbox(tmp_path, A="K1")
    (tmp_path / "systems" / "A.csv").write_bytes(b"key\r\nK7\r\n")
    add(made, "K8", "A")
    connection = sqlite3.connect(tmp_path / ".keysync" / "history.db")
    with connection:
        connection.execute("UPDATE originals SET content = zeroblob(20)")
    connection.close()
    assert "as it was found" in made.check()[0].what
    made.warnings.clear()
    made.undo(DO)
    assert made.warnings == ["A.csv comes back with its rows only: its bytes are damaged in history.db"]
    assert files(tmp_path)["A.csv"] == b"key\nK7\n"


def test_check_tells_of_a_database_that_is_destroyed(home: Path) -> None:
    database = home / ".keysync" / "history.db"
    data = bytearray(database.read_bytes())
    data[4096:] = b"\xff" * (len(data) - 4096)
    database.write_bytes(data)
    before = files(home)
    problems = opened(home).check()
    assert {problem.where for problem in problems} == {"history.db"}
    assert all("begin a new history" in problem.todo for problem in problems)
    assert files(home) == before


def test_what_is_no_database_at_all_is_a_problem_too(home: Path) -> None:
    (home / ".keysync" / "history.db").write_bytes(b"no database at all, " * 99)
    assert [problem.what for problem in opened(home).check()] == ["file is not a database"]


def test_sound_history_has_no_damage(home: Path) -> None:
    made: Sandbox = opened(home)
    assert made.check() == []
    assert all(operation.damaged == () for operation in made.every_operation())
