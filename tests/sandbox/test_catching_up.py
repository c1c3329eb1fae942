"""What a start and a long-lived shell cost, and that both see everything that others did."""

from __future__ import annotations

from pathlib import Path

import pytest

from keysync_shell.core.edits import replacing
from keysync_shell.sandbox import Request, Sandbox, memory
from keysync_shell.storage import records, tables
from keysync_shell.storage.operations import OperationKind
from tests.building import FIVE, add, files, keys, opened, rows, sandbox

UNDO = Request(OperationKind.UNDO, "undo", "test")
FORGETFUL = "[history]\noperations = 3\n"


@pytest.fixture
def replayed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The changes that are read from the log, as `@3 B`."""
    read: list[str] = []
    change = records.change

    def noted(number: int, name: str, before: bytes, after: bytes, written: int | None) -> object:
        read.append(f"@{number} {name}")
        return change(number, name, before, after, written)

    monkeypatch.setattr(records, "change", noted)
    return read


@pytest.fixture
def large(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every table and every file counts as large, so that files are patched and caches are not always written."""
    monkeypatch.setattr(tables, "CACHE_ALWAYS_ROWS", -1)
    monkeypatch.setattr("keysync_shell.storage.patching.LARGE", 0)
    monkeypatch.setattr("keysync_shell.storage.patching.MOST_SHARE", 10)


def initialize(made: Sandbox, keys: str) -> None:
    """All five systems anew: their files are written as a whole."""
    made.edit(
        lambda state: replacing.replace(state, {name: rows(keys, name) for name in FIVE.names}),
        Request(OperationKind.INIT, "init", "test"),
    )


@pytest.mark.parametrize("others", [1, 5, 20])
def test_idle_shell_outlives_what_the_history_keeps(tmp_path: Path, others: int) -> None:
    (tmp_path / "keysync.toml").write_text(FORGETFUL)
    shell = sandbox(tmp_path, A="K1", B="K1")
    other = opened(tmp_path)
    for number in range(others):
        add(other, f"N{number}", "B")
    add(shell, "MINE", "A,B")
    assert shell.state == opened_state(tmp_path)
    assert keys(shell.state)["A"] == ["K1", "MINE"]
    assert shell.newest
    assert shell.newest.number == others + 2


def opened_state(root: Path) -> object:
    made = opened(root)
    made.refresh()
    return made.state


@pytest.mark.parametrize("most", [0, 1, 2, 9])
def test_shell_sees_the_same_whether_it_follows_or_reads_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, most: int
) -> None:
    monkeypatch.setattr(memory, "MOST_FOLLOWED", most)
    shell = sandbox(tmp_path, A="K1", B="K1")
    other = opened(tmp_path)
    add(other, "K2", "A")
    other.undo(UNDO)
    add(other, "K3", "A,B")
    shell.refresh()
    assert shell.state == other.state
    assert shell.index.rows.equals(other.index.rows)
    assert shell.summary() == other.summary()


def test_start_replays_nothing_of_systems_that_rest(tmp_path: Path, replayed: list[str], large: None) -> None:
    made = sandbox(tmp_path, A="K1", B="K1", C="K1")
    for number in range(9):
        add(made, f"N{number}", "B")
    opened(tmp_path).refresh()
    assert {entry.split()[1] for entry in replayed} == {"B"}


def test_start_after_many_changes_reads_the_file_once_and_then_the_cache(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, replayed: list[str], large: None
) -> None:
    made = sandbox(tmp_path, A="K1", B="K1")
    made.close()
    monkeypatch.setattr("keysync_shell.storage.replaying.FEW_CHANGES", 3)
    for number in range(9):
        add(made, f"N{number}", "B")
    replayed.clear()
    for _ in range(2):
        again = opened(tmp_path)
        again.refresh()
        assert again.state == made.state
    assert len(replayed) <= 2 * 3


def test_whole_file_that_was_written_is_cached(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, replayed: list[str], large: None
) -> None:
    monkeypatch.setattr("keysync_shell.storage.patching.MOST_SHARE", 0)
    made = sandbox(tmp_path, A="K1")
    initialize(made, "K1 K2 K3")
    made.undo(UNDO)
    replayed.clear()
    again = opened(tmp_path)
    again.refresh()
    assert (replayed, again.state) == ([], made.state)


def test_idle_shell_that_comes_back_to_an_undone_world_replays_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, replayed: list[str]
) -> None:
    monkeypatch.setattr(memory, "MOST_FOLLOWED", 9)
    shell = sandbox(tmp_path, A="K1")
    before = files(tmp_path)
    other = opened(tmp_path)
    for _ in range(10):
        add(other, "K2", "A")
        other.undo(UNDO)
    replayed.clear()
    shell.refresh()
    assert (replayed, keys(shell.state), files(tmp_path)) == ([], {"A": ["K1"]}, before)


def test_another_history_in_the_place_of_ours_is_read_from_the_start(tmp_path: Path) -> None:
    shell = sandbox(tmp_path / "ours", A="K1")
    sandbox(tmp_path / "theirs", A="K7").close()
    shell.close()
    (tmp_path / "ours").rename(tmp_path / "away")
    (tmp_path / "theirs").rename(tmp_path / "ours")
    add(shell, "K8", "A")
    assert keys(shell.state) == {"A": ["K7", "K8"]}
