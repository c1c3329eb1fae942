from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from keysync_shell.config import Config
from keysync_shell.errors import BadFile, KeySyncError
from keysync_shell.storage import files as storage_files
from keysync_shell.storage import unlocked
from keysync_shell.storage.home import Home
from tests.building import add, opened, sandbox

BOTH = {"A": ["K1", "K2"], "B": ["K2"]}


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """A sandbox in which K2 was added to A and B, by @2."""
    made = sandbox(tmp_path, A="K1")
    add(made, "K2", "A,B")
    made.close()
    return Home(tmp_path, Config())


def seen(home: Home) -> dict[str, list[str]]:
    """The keys of each system that has any."""
    return {name: rows["key"].to_list() for name, rows in unlocked.read(home).tables.items() if len(rows)}


def token(home: Home) -> str:
    with sqlite3.connect(home.database) as connection:
        [(token,)] = connection.execute("SELECT token FROM operations ORDER BY number DESC LIMIT 1").fetchall()
    connection.close()
    return str(token)


def everything(root: Path) -> dict[Path, tuple[int, int]]:
    return {path: (path.stat().st_ino, path.stat().st_mtime_ns) for path in (root, *root.rglob("*"))}


def test_all_systems_are_read_and_nothing_is_touched(home: Home) -> None:
    before = everything(home.root)
    reading = unlocked.read(home)
    assert (reading.number, reading.outside) == (2, ())
    assert seen(home) == BOTH
    assert everything(home.root) == before


def test_some_systems_are_read(home: Home) -> None:
    home.system_file("E").unlink()
    assert list(unlocked.read(home, ["A", "B"]).tables) == ["A", "B"]


@pytest.mark.parametrize("name", ["A", "B"])
def test_file_that_is_not_in_its_place_yet_is_read_where_it_is_staged(home: Home, name: str) -> None:
    home.system_file(name).rename(home.staged_file(name, token(home)))
    home.system_file(name).write_bytes(b"key,last_seen_at,system,status\n")
    assert seen(home) == BOTH
    home.system_file(name).unlink()
    assert seen(home) == BOTH
    assert unlocked.read(home).outside == ()


def test_displaced_file_is_passed_over(home: Home) -> None:
    home.staged_file("B", token(home)).write_bytes(b"key\nK0\n")
    assert seen(home) == BOTH


def test_file_that_was_never_committed_is_passed_over(home: Home) -> None:
    home.staged_file("B", "0123456789abcdef").write_bytes(b"key\nK0\n")
    assert seen(home) == BOTH


def test_edit_by_hand_is_read_and_named(home: Home) -> None:
    home.system_file("B").write_text("key\nK7\n")
    assert seen(home) == {"A": ["K1", "K2"], "B": ["K7"]}
    assert unlocked.read(home).outside == ("B",)


def test_folder_without_a_log_is_read_as_it_is(home: Home) -> None:
    home.private.rename(home.root / "away")
    assert seen(home) == BOTH
    assert unlocked.read(home).number is None


def test_log_in_which_nothing_stands_yet_is_as_none(home: Home) -> None:
    home.database.unlink()
    sqlite3.connect(home.database).executescript("PRAGMA journal_mode = WAL").close()
    assert seen(home) == BOTH


def test_what_a_log_that_is_gone_would_tell_is_not_guessed(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(storage_files, "PATIENCE_SECONDS", 0.1)
    home.system_file("B").rename(home.staged_file("B", token(home)))
    home.system_file("B").write_text("key\nK0\n")
    home.private.rename(home.root / "away")
    with pytest.raises(KeySyncError, match=r"history\.db, which tells what it did, is gone"):
        unlocked.read(home)


def test_log_of_a_killed_process_is_read_to_its_end(home: Home) -> None:
    holding = opened(home.root)
    add(holding, "K3", "C")
    log = home.database.with_name("history.db-wal")
    copies = {path: path.read_bytes() for path in (home.database, log)}
    holding.close()
    for path, data in copies.items():
        path.write_bytes(data)
    assert unlocked.read(home).number == 3


def test_missing_and_malformed_files_are_errors(home: Home) -> None:
    home.system_file("B").write_text("key\nK1,K2\n")
    with pytest.raises(BadFile, match="2 fields, but the header has 1"):
        unlocked.read(home)
    home.system_file("B").unlink()
    with pytest.raises(KeySyncError, match=r"B\.csv is missing"):
        unlocked.read(home)
    for path in home.systems.iterdir():
        path.unlink()
    home.systems.rmdir()
    with pytest.raises(KeySyncError, match=r"A\.csv is missing"):
        unlocked.read(home)


def test_damaged_log_is_an_error(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(storage_files, "PATIENCE_SECONDS", 0.1)
    home.database.write_bytes(b"no database, but long enough to look at" * 100)
    with pytest.raises(KeySyncError, match="file is not a database") as error:
        unlocked.read(home)
    assert "check" in error.value.hint


@pytest.fixture
def somebody_else() -> Iterator[Callable[[], None]]:
    """Become another user, until the test ends."""
    if os.geteuid() != 0:
        pytest.skip("only root can become somebody else")
    yield lambda: os.seteuid(65534)
    os.seteuid(0)


@pytest.mark.parametrize("broken_off", [False, True])
def test_who_may_not_read_the_log_is_shown_no_torn_state(
    home: Home, somebody_else: Callable[[], None], monkeypatch: pytest.MonkeyPatch, broken_off: bool
) -> None:
    monkeypatch.setattr(storage_files, "PATIENCE_SECONDS", 2 * storage_files.QUIET_NS / 1e9)
    home.root.chmod(0o755)
    monkeypatch.chdir(home.root)
    if broken_off:
        home.staged_file("B", token(home)).write_bytes(b"key\nK0\n")
    somebody_else()
    here = Home(Path(), Config())
    if not broken_off:
        assert (seen(here), unlocked.read(here).number) == (BOTH, None)
        return
    with pytest.raises(KeySyncError, match="at work or was broken off") as error:
        unlocked.read(here)
    assert "have the owner of the sandbox run any command" in error.value.hint
