"""A file that was edited while nothing told what it held before: nobody moves over that as if nothing had happened."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from keysync_shell.core.edits import removing
from keysync_shell.errors import KeySyncError
from keysync_shell.sandbox import Request, Sandbox
from keysync_shell.storage.operations import OperationKind, Unavailable
from keysync_shell.storage.oplog import Wanted
from tests.building import FIVE, add, files, keys, opened, query, sandbox

DO = Request(OperationKind.ADD, "test", "test")
OURS = b"key\nK1\nK2\n"
BY_HAND = b"key\nK1\nK9\n"


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """Files in our form that the sandbox found: of what they held only the cache tells."""
    (tmp_path / "systems").mkdir()
    for name in FIVE.names:
        file(tmp_path, name).write_bytes(OURS)
    add(opened(tmp_path), "K3", "B")
    return tmp_path


def file(root: Path, name: str = "A") -> Path:
    return root / "systems" / f"{name}.csv"


def drop_cache(root: Path) -> None:
    shutil.rmtree(root / ".keysync" / "cache")


def edited_by_hand(root: Path) -> Sandbox:
    """The sandbox after its cache was lost, A edited by hand, and that taken in as @2."""
    drop_cache(root)
    file(root).write_bytes(BY_HAND)
    made = opened(root)
    made.refresh()
    return made


def test_edit_that_nothing_tells_the_rows_before_is_marked_and_warned_of(home: Path) -> None:
    made = edited_by_hand(home)
    assert made.newest
    assert (made.newest.number, made.newest.kind, made.newest.unknown) == (2, "external", ("A",))
    assert made.warnings == [
        "A.csv changed outside: how is unknown",
        "no record is left of what A held before, so @2 cannot be undone, nor can anything before it",
    ]


def test_totals_before_it_are_those_of_the_log(home: Path) -> None:
    made = edited_by_hand(home)
    assert made.newest
    before, after = made.newest.discrepancies
    assert (before["gaps"], after["gaps"]) == (0, 4)


def test_open_shell_does_not_overwrite_it(home: Path) -> None:
    shell = opened(home)
    shell.refresh()
    edited_by_hand(home)
    add(shell, "NEW", "A")
    assert keys(shell.state)["A"] == ["K1", "K9", "NEW"]
    assert file(home).read_bytes() == BY_HAND + b"NEW\n"


def test_open_shell_undoes_only_its_own_edit_after_it(home: Path) -> None:
    shell = opened(home)
    shell.refresh()
    edited_by_hand(home)
    add(shell, "NEW", "A")
    shell.undo(DO)
    assert file(home).read_bytes() == BY_HAND
    with pytest.raises(KeySyncError, match="nothing to undo since @2, whose change is unknown"):
        shell.undo(DO)
    assert file(home).read_bytes() == BY_HAND


WALKS: dict[str, Callable[[Sandbox], object]] = {
    "moment": lambda at: at.moment(1),
    "restore": lambda at: at.restore(DO, 1),
    "revert": lambda at: at.revert(DO, 2),
    "log show": lambda at: at.change(2),
}


@pytest.mark.parametrize("walk", WALKS.values(), ids=WALKS)
def test_every_walk_stops_there_and_names_it(home: Path, walk: Callable[[Sandbox], object]) -> None:
    made = edited_by_hand(home)
    add(made, "K4", "A,B")
    before = files(home)
    with pytest.raises(Unavailable, match="what @2 changed in A is unknown") as error:
        walk(made)
    assert "Everything since @2" in error.value.hint
    assert files(home) == before


@pytest.mark.parametrize("number", [2, 3])
def test_moments_since_can_be_visited(home: Path, number: int) -> None:
    made = edited_by_hand(home)
    add(made, "K4", "A")
    add(made, "K5", "A")
    assert keys(made.moment(number).state)["A"] == ["K1", "K9"] if number == 2 else ["K1", "K4", "K9"]
    made.restore(DO, number)
    assert "K5" not in keys(made.state)["A"]


def test_conflict_with_it_is_named_when_an_older_operation_is_reverted(home: Path) -> None:
    made = opened(home)
    add(made, "K4", "A")
    drop_cache(home)
    file(home).write_bytes(b"key\nK1\nK2\n")
    with pytest.raises(KeySyncError, match="A K4: @3") as error:
        opened(home).revert(DO, 2)
    assert error.value.hint == "Revert those first, or change the keys one by one."


def test_who_looks_for_a_key_is_told_that_it_may_be_touched_there(home: Path) -> None:
    made = edited_by_hand(home)
    made.warnings.clear()
    assert made.operations(Wanted(9, key="K2")) == []
    assert made.warnings == ["what @2 changed is unknown, so it may have touched K2, too"]


def test_check_has_nothing_against_it(home: Path) -> None:
    made = edited_by_hand(home)
    add(made, "K4", "A,B")
    assert made.check() == []


def test_repair_by_dropping_lines_without_a_cache_is_marked_too(home: Path) -> None:
    drop_cache(home)
    file(home).write_bytes(OURS + b"K9,x\nK8\n")
    made = opened(home)
    made.repair(DO, "A", (4,), lambda _: True)
    made.refresh()
    assert made.newest
    assert made.newest.unknown == ("A",)
    add(made, "K4", "A")
    assert keys(made.state)["A"] == ["K1", "K2", "K4", "K8"]
    with pytest.raises(Unavailable, match="what @2 changed in A is unknown"):
        made.restore(DO, 1)


def test_open_shell_reads_again_after_a_repair(home: Path) -> None:
    shell = opened(home)
    shell.refresh()
    drop_cache(home)
    file(home).write_bytes(OURS + b"K9,x\nK8\n")
    opened(home).repair(DO, "A", (4,), lambda _: True)
    add(shell, "K4", "A")
    assert keys(shell.state)["A"] == ["K1", "K2", "K4", "K8"]


# What still tells the rows before


def test_system_that_rested_longer_than_changes_are_kept_is_told_by_its_cache(home: Path) -> None:
    (home / "keysync.toml").write_text("[history]\noperations = 2\n")
    for number in range(5):
        add(opened(home), f"N{number}", "B")
    shell = opened(home)
    shell.refresh()
    file(home).write_bytes(BY_HAND)
    opened(home).refresh()
    add(shell, "NEW", "A")
    assert keys(shell.state)["A"] == ["K1", "K9", "NEW"]
    shell.undo(DO, 2)
    assert file(home).read_bytes() == OURS


def test_sandbox_that_was_made_here_is_told_by_its_own_log(tmp_path: Path) -> None:
    add(sandbox(tmp_path, A="K1 K2"), "K3", "A")
    before = files(tmp_path)
    made = edited_by_hand(tmp_path)
    assert made.newest
    assert made.newest.unknown == ()
    made.undo(DO)
    assert files(tmp_path) == before


def test_system_that_was_empty_from_the_start_is_told_by_its_own_log(tmp_path: Path) -> None:
    sandbox(tmp_path, B="K1")
    before = files(tmp_path)
    edited_by_hand(tmp_path).undo(DO)
    assert files(tmp_path) == before


@pytest.mark.parametrize("later", [False, True])
def test_file_that_was_kept_as_it_was_found_tells(tmp_path: Path, later: bool) -> None:
    (tmp_path / "systems").mkdir()
    for name in FIVE.names:
        file(tmp_path, name).write_bytes(b"key\r\nK1\r\n")
    made = opened(tmp_path)
    made.refresh()
    if later:
        add(made, "K2", "A")
    before = files(tmp_path)
    edited_by_hand(tmp_path).undo(DO)
    assert files(tmp_path) == before


def test_system_whose_log_does_not_lead_to_its_file_is_not_guessed(tmp_path: Path) -> None:
    (tmp_path / "keysync.toml").write_text("[history]\noperations = 2\n")
    made = sandbox(tmp_path, A="K1 K2")
    for number in range(5):
        add(made, f"N{number}", "A")
    made = edited_by_hand(tmp_path)
    assert made.newest
    assert made.newest.unknown == ("A",)


def test_memory_of_the_shell_itself_tells(home: Path) -> None:
    shell = opened(home)
    shell.refresh()
    drop_cache(home)
    file(home).write_bytes(BY_HAND)
    shell.undo(DO)
    assert file(home).read_bytes() == OURS


def test_remove_of_everything_in_between_is_followed(home: Path) -> None:
    shell = opened(home)
    shell.refresh()
    edited_by_hand(home).edit(lambda state: removing.remove(state, query("K1"), ("A",)), DO)
    add(shell, "NEW", "A,B")
    assert keys(shell.state)["A"] == ["K9", "NEW"]
