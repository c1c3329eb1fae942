"""What a crash leaves behind, and what another program does in the worst moment; the log says what happened."""

from __future__ import annotations

import os
import signal
import sqlite3
import threading
from hashlib import sha256
from pathlib import Path

import pytest

from keysync_shell.errors import KeySyncError
from keysync_shell.sandbox import Request, Sandbox
from keysync_shell.storage.commit import signals_wait
from keysync_shell.storage.operations import OperationKind
from keysync_shell.storage.oplog import Wanted
from tests.building import add, files, keys, opened, sandbox

UNDO = Request(OperationKind.UNDO, "undo", "test")


def system_file(root: Path) -> Path:
    return root / "systems" / "A.csv"


def staged_file(root: Path, token: str) -> Path:
    return root / "systems" / f".A.csv.{token}.new"


def query(root: Path, sql: str) -> list[tuple[str | int, ...]]:
    """Rows of the database, which nobody has open."""
    with sqlite3.connect(root / ".keysync" / "history.db") as connection:
        rows = connection.execute(sql).fetchall()
    connection.close()
    return rows


@pytest.fixture
def made(tmp_path: Path) -> Sandbox:
    """A sandbox with K1 in A, and K2 added to it."""
    made = sandbox(tmp_path, A="K1")
    add(made, "K2", "A")
    made.close()
    return made


def test_nothing_is_left_beside_the_files(made: Sandbox, tmp_path: Path) -> None:
    assert sorted(files(tmp_path)) == [f"{name}.csv" for name in "ABCDE"]


def test_staged_file_that_was_never_committed_is_dropped(made: Sandbox, tmp_path: Path) -> None:
    before = files(tmp_path)
    staged_file(tmp_path, "0123456789abcdef").write_bytes(b"key\nhalf")
    opened(tmp_path).refresh()
    assert files(tmp_path) == before


def test_file_edited_by_hand_before_the_recovery_keeps_its_edit(made: Sandbox, tmp_path: Path) -> None:
    """Killed after the swap, before the displaced file was dropped."""
    [(token,)] = query(tmp_path, "SELECT token FROM operations WHERE number = 2")
    staged_file(tmp_path, str(token)).write_bytes(b"key\nK0\n")
    system_file(tmp_path).write_bytes(b"key\nK1\nK2\nK7\n")
    after = opened(tmp_path)
    after.refresh()
    assert keys(after.state)["A"] == ["K1", "K2", "K7"]
    [kept] = system_file(tmp_path).parent.glob("A.csv.external-*")
    assert kept.read_bytes() == b"key\nK0\n"


def test_file_of_another_name_is_left_alone(made: Sandbox, tmp_path: Path) -> None:
    other = tmp_path / "systems" / ".A.csv.swp"
    other.write_bytes(b"an editor's")
    opened(tmp_path).refresh()
    assert other.read_bytes() == b"an editor's"


def test_committed_file_that_was_not_swapped_in_is_put_in_its_place(made: Sandbox, tmp_path: Path) -> None:
    [(token,)] = query(tmp_path, "SELECT token FROM operations WHERE number = 2")
    after = files(tmp_path)
    made.undo(UNDO)
    made.close()
    query(tmp_path, "DELETE FROM operations WHERE number = 3")
    staged_file(tmp_path, str(token)).write_bytes(after["A.csv"])
    opened(tmp_path).refresh()
    assert files(tmp_path) == after


def test_file_that_came_in_between_is_kept_aside(made: Sandbox, tmp_path: Path) -> None:
    [(token,)] = query(tmp_path, "SELECT token FROM operations WHERE number = 2")
    staged_file(tmp_path, str(token)).write_bytes(system_file(tmp_path).read_bytes())
    system_file(tmp_path).write_bytes(b"key\nTHEIRS\n")
    again = opened(tmp_path)
    again.refresh()
    kept = tmp_path / "systems" / f"A.csv.external-{token}"
    assert kept.read_bytes() == b"key\nTHEIRS\n"
    assert again.warnings == [f"another program's version was kept as {kept}"]
    assert keys(again.state) == {"A": ["K1", "K2"]}


@pytest.mark.parametrize("data", [b"", b"no database at all, " * 99])
def test_damaged_log_is_an_error_that_says_where_the_keys_are(made: Sandbox, tmp_path: Path, data: bytes) -> None:
    for path in (tmp_path / ".keysync").glob("history.db*"):
        path.unlink()
    (tmp_path / ".keysync" / "history.db").write_bytes(data)
    if not data:  # an empty file is a new database: the files are found as they are
        again = opened(tmp_path)
        again.refresh()
        assert (keys(again.state), again.operations(Wanted(9))) == ({"A": ["K1", "K2"]}, [])
        return
    with pytest.raises(KeySyncError, match=r"history.db: file is not a database") as error:
        opened(tmp_path).refresh()
    assert "the keys in systems/ and the snapshots stay" in error.value.hint
    assert (tmp_path / ".keysync" / "history.db").read_bytes() == data


def test_log_of_another_version_is_refused(made: Sandbox, tmp_path: Path) -> None:
    query(tmp_path, "PRAGMA user_version = 99")
    with pytest.raises(KeySyncError, match=r"written by a newer version of KeySync Shell \(format 99") as error:
        opened(tmp_path).refresh()
    assert error.value.hint


def test_lost_log_costs_the_history_and_no_key(made: Sandbox, tmp_path: Path) -> None:
    for path in (tmp_path / ".keysync").iterdir():
        path.unlink() if path.is_file() else None
    again = opened(tmp_path)
    again.refresh()
    assert keys(again.state) == {"A": ["K1", "K2"]}
    with pytest.raises(KeySyncError, match="nothing to undo"):
        again.undo(UNDO)


def test_locked_database_is_an_error_and_nothing_is_committed(made: Sandbox, tmp_path: Path) -> None:
    before = files(tmp_path)
    holder = sqlite3.connect(tmp_path / ".keysync" / "history.db", isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    impatient = Sandbox(tmp_path, lock_timeout=0)
    with pytest.raises(KeySyncError, match="database is locked") as error:
        add(impatient, "K3", "A")
    holder.close()
    assert error.value.committed is False
    assert files(tmp_path) == before
    assert add(impatient, "K3", "A").committed


def test_database_is_in_the_modes_that_survive_a_power_loss(made: Sandbox, tmp_path: Path) -> None:
    assert query(tmp_path, "PRAGMA journal_mode") == [("wal",)]


def test_log_is_only_ever_added_to(made: Sandbox, tmp_path: Path) -> None:
    before = query(tmp_path, "SELECT * FROM operations ORDER BY number")
    made.undo(UNDO, 2)
    made.redo(UNDO)
    made.close()
    after = query(tmp_path, "SELECT * FROM operations ORDER BY number")
    assert after[: len(before)] == before
    assert len(after) == 5


def test_digests_in_the_log_are_those_of_the_files(made: Sandbox, tmp_path: Path) -> None:
    made.refresh()
    assert made.newest
    assert made.newest.after == {
        name.removesuffix(".csv"): sha256(data).hexdigest() for name, data in files(tmp_path).items()
    }
    assert made.newest.before["A"] != made.newest.after["A"]


def test_signals_wait_until_the_end_and_arrive_then() -> None:
    heard = list[int]()
    old = signal.signal(signal.SIGTERM, lambda number, _: heard.append(number))
    try:
        with signals_wait():
            os.kill(os.getpid(), signal.SIGTERM)
            assert heard == []
        assert heard == [signal.SIGTERM]
    finally:
        signal.signal(signal.SIGTERM, old)


def test_interrupt_arrives_after_the_commit() -> None:
    done = list[bool]()

    def commit() -> None:
        with signals_wait():
            os.kill(os.getpid(), signal.SIGINT)
            done.append(True)

    old = signal.signal(signal.SIGINT, signal.default_int_handler)  # who runs the tests may have it ignored
    try:
        with pytest.raises(KeyboardInterrupt):
            commit()
    finally:
        signal.signal(signal.SIGINT, old)
    assert done


def test_commit_works_outside_of_the_main_thread(made: Sandbox, tmp_path: Path) -> None:
    thread = threading.Thread(target=lambda: add(opened(tmp_path), "K3", "A"))
    thread.start()
    thread.join()
    made.refresh()
    assert keys(made.state) == {"A": ["K1", "K2", "K3"]}


def test_database_that_sqlite_opened_for_reading_only_is_opened_anew(
    made: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So SQLite helps itself where the disk refuses once; the next command must not suffer from it."""
    connect = sqlite3.connect

    def reading_only(path: Path, timeout: float) -> sqlite3.Connection:
        monkeypatch.setattr(sqlite3, "connect", connect)
        return connect(f"{path.as_uri()}?mode=ro", timeout, uri=True)

    monkeypatch.setattr(sqlite3, "connect", reading_only)
    with pytest.raises(KeySyncError, match="readonly"):
        made.refresh()
    add(made, "K3", "A")
    assert keys(made.state) == {"A": ["K1", "K2", "K3"]}
