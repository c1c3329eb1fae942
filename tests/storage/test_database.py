"""What is told about an error of the database, and whether following it helps."""

from __future__ import annotations

import errno
import os
import shutil
import sqlite3
from pathlib import Path

import pytest

from keysync_shell.errors import KeySyncError
from keysync_shell.sandbox import Sandbox
from keysync_shell.storage import placing
from keysync_shell.storage.database import Database, hint
from keysync_shell.storage.oplog import Wanted
from tests.building import add, files, keys, opened, sandbox

PATH = Path("/home/x/.keysync/history.db")
LOST = "the log and its undo, master keys, runs and their audit are lost"


def sqlite_error(code: int) -> sqlite3.Error:
    error = sqlite3.OperationalError("told by SQLite")
    error.sqlite_errorcode = code
    return error


@pytest.mark.parametrize(
    ("code", "told"),
    [
        (sqlite3.SQLITE_BUSY, "Another program has it open"),
        (sqlite3.SQLITE_LOCKED, "Another program has it open"),
        (sqlite3.SQLITE_FULL, "Free some space"),
        (sqlite3.SQLITE_READONLY, "Copy the sandbox to a folder that you may write"),
        (sqlite3.SQLITE_READONLY_DIRECTORY, "Copy the sandbox to a folder that you may write"),
        (sqlite3.SQLITE_CANTOPEN, "Copy the sandbox to a folder that you may write"),
        (sqlite3.SQLITE_IOERR_WRITE, "Free some space"),
        (sqlite3.SQLITE_CORRUPT, LOST),
        (sqlite3.SQLITE_NOTADB, LOST),
        (sqlite3.SQLITE_INTERRUPT, "Try again"),
    ],
)
def test_each_kind_of_error_has_its_own_hint(code: int, told: str) -> None:
    assert told in hint(sqlite_error(code), PATH)
    assert (LOST in hint(sqlite_error(code), PATH)) == (told == LOST)


def test_error_of_the_disk_has_the_hint_of_the_disk() -> None:
    assert hint(OSError(errno.ENOSPC, "full"), PATH) == "Free some space, then try again."


def test_history_that_was_moved_away_as_the_hint_says_begins_anew(tmp_path: Path) -> None:
    sandbox(tmp_path, A="K1").close()
    database = tmp_path / ".keysync" / "history.db"
    database.write_bytes(b"no database at all, " * 99)
    before = files(tmp_path)
    with pytest.raises(KeySyncError, match="file is not a database") as error:
        opened(tmp_path).refresh()
    assert f"move {database}* away" in error.value.hint
    for file in database.parent.glob("history.db*"):
        file.rename(tmp_path / file.name)
    made = opened(tmp_path)
    assert add(made, "K2", "A").committed
    assert (keys(made.state), len(made.operations(Wanted(9)))) == ({"A": ["K1", "K2"]}, 1)
    assert before["B.csv"] == files(tmp_path)["B.csv"]


@pytest.mark.parametrize("swapped", [0, 1, 2])
def test_what_was_not_in_its_place_yet_outlives_the_history(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, swapped: int
) -> None:
    """After the commit point the disk fails between two files; then the database breaks and is moved away."""
    made = sandbox(tmp_path, A="K1", B="K1")
    put, left = placing.put, [swapped]

    def failing(new: Path, target: Path) -> None:
        if not left[0]:
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        left[0] -= 1
        put(new, target)

    monkeypatch.setattr(placing, "put", failing)
    with pytest.raises(KeySyncError) as error:
        add(made, "K2", "A,B,C")
    assert error.value.committed
    monkeypatch.undo()
    made.close()
    shutil.rmtree(tmp_path / ".keysync")
    again = opened(tmp_path)
    again.refresh()
    for name in "ABC":
        versions = [path.read_bytes() for path in again.home.systems.glob(f"{name}.csv*")]
        assert len(versions) == 2
        assert sum(b"K2" in version for version in versions) == 1
    kept = sorted(again.home.systems.glob("*.external-*"))
    assert [str(path) in told for path, told in zip(kept, again.warnings, strict=True)] == [True] * 3
    assert not list(again.home.systems.glob(".*.new"))
    assert add(again, "K9").committed


def test_file_that_was_half_written_over_is_finished_without_the_history_too(tmp_path: Path) -> None:
    made = sandbox(tmp_path, A="K1")
    made.close()
    shutil.rmtree(tmp_path / ".keysync")
    path, staged = made.home.system_file("A"), made.home.staged_file("A", "0123456789abcdef")
    old = path.read_bytes()
    staged.write_bytes(old + b"K2,,A,active\n")
    path.rename(staged.with_suffix(".old"))
    path.write_bytes(old[:-9])
    again = opened(tmp_path)
    again.refresh()
    assert keys(again.state) == {"A": ["K1", "K2"]}
    assert again.home.kept_file("A", "0123456789abcdef").read_bytes() == old


@pytest.fixture
def made(tmp_path: Path) -> Sandbox:
    return sandbox(tmp_path, A="K1", B="K1")


def taken_away(root: Path) -> None:
    shutil.rmtree(root / ".keysync")


def replaced(root: Path) -> None:
    """By a copy, as from a backup."""
    shutil.copytree(root / ".keysync", root / "copy")
    shutil.rmtree(root / ".keysync")
    (root / "copy").rename(root / ".keysync")


def test_removed_history_is_noticed_by_an_open_shell(made: Sandbox, tmp_path: Path) -> None:
    taken_away(tmp_path)
    done = add(made, "K2", "A")
    assert made.warnings == [f"{made.home.database} is gone, and the history with it; a new one begins"]
    assert done.operation
    again = opened(tmp_path)
    assert [operation.number for operation in again.operations(Wanted(9))] == [done.operation.number] == [1]
    assert keys(again.state) == {"A": ["K1", "K2"], "B": ["K1"]}


def test_history_that_a_copy_of_itself_replaced_goes_on(made: Sandbox, tmp_path: Path) -> None:
    replaced(tmp_path)
    done = add(made, "K2", "A")
    assert made.warnings == []
    assert done.operation
    assert [operation.number for operation in opened(tmp_path).operations(Wanted(9))] == [2, 1]


def test_older_history_in_the_place_of_a_newer_is_noticed(made: Sandbox, tmp_path: Path) -> None:
    made.close()
    shutil.copytree(tmp_path / ".keysync", tmp_path / "backup")
    add(made, "K2", "A")
    taken_away(tmp_path)
    (tmp_path / "backup").rename(tmp_path / ".keysync")
    add(made, "K3", "A")
    assert made.warnings[0] == f"{made.home.database} is another one now, with another history"
    assert keys(made.state)["A"] == ["K1", "K2", "K3"]
    assert [operation.kind for operation in opened(tmp_path).operations(Wanted(9))] == ["add", "external", "init"]


@pytest.mark.parametrize("damage", [taken_away, replaced])
def test_nothing_is_acknowledged_into_a_history_that_is_gone(
    made: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, damage: object
) -> None:
    """It is removed when the command has the lock and has looked already."""
    forget = type(made._keeper.store.log)._forget
    before = files(tmp_path)

    def removed_meanwhile(*args: object) -> None:
        forget(*args)  # type: ignore[arg-type]  # as it was called
        monkeypatch.undo()
        assert callable(damage)
        damage(tmp_path)

    monkeypatch.setattr(type(made._keeper.store.log), "_forget", removed_meanwhile)
    with pytest.raises(KeySyncError, match=r"nothing was committed: .*history.db was removed or replaced") as error:
        add(made, "K2", "A")
    assert error.value.committed is False
    assert files(tmp_path) == before
    assert add(made, "K2", "A").committed
    again = opened(tmp_path)
    again.refresh()
    assert keys(again.state) == {"A": ["K1", "K2"], "B": ["K1"]}


def test_database_that_nobody_opened_is_in_its_place(tmp_path: Path) -> None:
    database = Database(tmp_path / "history.db", 1)
    assert database.in_place()
    database.opened()
    assert database.in_place()
    (tmp_path / "history.db").unlink()
    assert not database.in_place()
    database.close()
    assert database.in_place()
