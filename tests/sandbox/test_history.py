"""Going back to a moment, taking back one operation, and what is no longer kept."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from keysync_shell.core.edits import removing
from keysync_shell.core.findings.index import Index
from keysync_shell.errors import KeySyncError
from keysync_shell.sandbox import Request, Sandbox
from keysync_shell.storage.operations import OperationKind
from keysync_shell.storage.oplog import Wanted
from tests.building import add, files, keys, opened, query, sandbox
from tests.strategies import ON_DISK, edits_of

UNDO, RESTORE, REVERT = (
    Request(kind, kind, "test") for kind in (OperationKind.UNDO, OperationKind.RESTORE, OperationKind.REVERT)
)
FORGETFUL = "[history]\noperations = 3\n"


@pytest.fixture
def made(tmp_path: Path) -> Sandbox:
    """A sandbox of A with K1 to K3, each an operation of its own."""
    made = sandbox(tmp_path, A="K1")
    add(made, "K2", "A")
    add(made, "K3", "A")
    return made


def remove(at: Sandbox, word: str, system: str) -> None:
    at.edit(lambda state: removing.remove(state, query(word), (system,)), Request(OperationKind.REMOVE, "", "test"))


# Moments


def test_moment_is_the_state_after_an_operation(made: Sandbox) -> None:
    held = [keys(made.moment(number).state)["A"] for number in (1, 2, 3)]
    assert held == [["K1"], ["K1", "K2"], ["K1", "K2", "K3"]]
    assert keys(made.moment(None).state) == keys(made.state)


def test_looking_at_the_past_leaves_the_present_alone(made: Sandbox, tmp_path: Path) -> None:
    before = files(tmp_path)
    assert made.moment(1).summary().keys == 1
    assert (files(tmp_path), len(made.operations(Wanted(9)))) == (before, 3)
    assert made.summary().keys == 3


@pytest.mark.parametrize("number", [0, 4, 99])
def test_moment_that_never_was(made: Sandbox, number: int) -> None:
    with pytest.raises(KeySyncError, match=f"there is no operation @{number}"):
        made.moment(number)


@settings(ON_DISK, max_examples=6)
@given(st.data(), st.integers(2, 5))
def test_every_moment_comes_back_in_looking_and_in_restoring(data: st.DataObject, count: int) -> None:
    with tempfile.TemporaryDirectory() as name:
        root = Path(name)
        made = sandbox(root, A="K1 K2", B="k1", D="X1")
        bytes_then = {1: files(root)}
        for _ in range(count):
            edit = data.draw(edits_of(made.state))
            done = made.edit(lambda _, edit=edit: edit, Request(OperationKind.MODIFY, "", "test"))  # type: ignore[misc]  # bound in the loop
            if done.operation:
                bytes_then[done.operation.number] = files(root)
        for number in data.draw(st.permutations(sorted(bytes_then))):
            then = made.moment(number)
            assert then.index.totals == Index.build(then.state, then.rules).totals
            made.restore(RESTORE, number)
            assert files(root) == bytes_then[number]
            assert made.state.tables.keys() == then.state.tables.keys()
            assert all(made.state.tables[system].equals(rows) for system, rows in then.state.tables.items())
        made.close()


# Restore


def test_restore_is_an_operation_that_can_be_undone(made: Sandbox, tmp_path: Path) -> None:
    before = files(tmp_path)
    done = made.restore(RESTORE, 1)
    assert done.operation
    assert (done.operation.number, done.operation.kind, done.operation.details) == (4, "restore", {"restored": 1})
    assert keys(made.state) == {"A": ["K1"]}
    made.undo(UNDO)
    assert files(tmp_path) == before


def test_restore_of_the_present_is_nothing(made: Sandbox) -> None:
    assert made.restore(RESTORE, 3).operation is None
    assert len(made.operations(Wanted(9))) == 3


def test_dry_restore_goes_nowhere(made: Sandbox, tmp_path: Path) -> None:
    before = files(tmp_path)
    dry = made.restore(Request(OperationKind.RESTORE, "", "test", dry_run=True), 1)
    assert (dry.counts["A"].removed, dry.operation, files(tmp_path)) == (2, None, before)


def test_restore_gives_back_the_bytes_of_a_file_in_another_form(tmp_path: Path) -> None:
    made = sandbox(tmp_path, A="K1", B="K1")
    odd = b"\xef\xbb\xbfkey,note\r\nK2,b\r\nK1,a\r\n"
    (tmp_path / "systems" / "B.csv").write_bytes(odd)
    made.refresh()
    add(made, "K9", "B")
    made.restore(RESTORE, 2)
    assert files(tmp_path)["B.csv"] == odd


# Revert


def test_revert_takes_back_one_operation_in_the_middle(made: Sandbox) -> None:
    done = made.revert(REVERT, 2)
    assert keys(made.state) == {"A": ["K1", "K3"]}
    assert done.operation
    assert (done.operation.number, done.operation.details) == (4, {"reverted": 2})
    made.undo(UNDO)
    assert keys(made.state) == {"A": ["K1", "K2", "K3"]}


def test_revert_lists_what_later_operations_changed(made: Sandbox, tmp_path: Path) -> None:
    remove(made, "K2", "A")
    add(made, "K2", "A")
    remove(made, "K2", "A")
    before = files(tmp_path)
    with pytest.raises(KeySyncError) as error:
        made.revert(REVERT, 2)
    assert error.value.message.splitlines()[1:] == ["  A K2: @4, @5, @6"]
    assert error.value.hint.endswith("restore @1")
    assert files(tmp_path) == before


def test_later_change_that_was_taken_back_is_no_conflict(made: Sandbox) -> None:
    remove(made, "K2", "A")
    made.undo(UNDO)
    made.revert(REVERT, 2)
    assert keys(made.state) == {"A": ["K1", "K3"]}


def test_revert_of_a_revert_brings_it_back(made: Sandbox) -> None:
    made.revert(REVERT, 2)
    made.revert(REVERT, 4)
    assert keys(made.state) == {"A": ["K1", "K2", "K3"]}


def test_many_conflicts_are_cut_short(tmp_path: Path) -> None:
    made = sandbox(tmp_path, A=" ".join(f"K{number:03}" for number in range(50)))
    remove(made, "K0*", "A")
    with pytest.raises(KeySyncError) as error:
        made.revert(REVERT, 1)
    assert len(error.value.message.splitlines()) == 22
    assert error.value.message.endswith("…")


# What is no longer kept


@pytest.fixture
def forgetful(tmp_path: Path) -> Sandbox:
    """A sandbox that keeps the last three changes, after five operations."""
    (tmp_path / "keysync.toml").write_text(FORGETFUL)
    made = sandbox(tmp_path, A="K1")
    for number in range(2, 6):
        add(made, f"K{number}", "A")
    return made


def test_rows_stay_when_their_changes_are_dropped(forgetful: Sandbox) -> None:
    assert [operation.number for operation in forgetful.operations(Wanted(9))] == [5, 4, 3, 2, 1]
    assert keys(forgetful.moment(2).state)["A"] == ["K1", "K2"]


def test_undo_of_what_is_gone_says_so_and_goes_nowhere(forgetful: Sandbox, tmp_path: Path) -> None:
    before = files(tmp_path)
    with pytest.raises(KeySyncError, match="what @2 changed is no longer kept") as error:
        forgetful.undo(UNDO, 4)
    assert "[history] operations" in error.value.hint
    assert files(tmp_path) == before


def test_undo_of_everything_that_is_kept_is_not_cut_short_by_itself(forgetful: Sandbox) -> None:
    assert len(forgetful.undo(UNDO, 3)) == 3
    assert keys(forgetful.state)["A"] == ["K1", "K2"]


NEEDY: dict[str, Callable[[Sandbox], object]] = {
    "moment": lambda at: at.moment(1),
    "restore": lambda at: at.restore(RESTORE, 1),
    "revert": lambda at: at.revert(REVERT, 2),
    "log show": lambda at: at.change(2),
}


@pytest.mark.parametrize("way", NEEDY)
def test_whatever_needs_a_dropped_change_says_so(forgetful: Sandbox, tmp_path: Path, way: str) -> None:
    before = files(tmp_path)
    with pytest.raises(KeySyncError, match="what @2 changed is no longer kept"):
        NEEDY[way](forgetful)
    assert files(tmp_path) == before


def test_blame_knows_only_what_is_kept(forgetful: Sandbox) -> None:
    assert forgetful.touching("K2") == []
    assert [operation.number for operation, _ in forgetful.touching("K4")] == [4]


def test_size_limits_what_is_kept_but_the_newest_change(tmp_path: Path) -> None:
    (tmp_path / "keysync.toml").write_text("[history]\nbytes = 1\n")
    made = sandbox(tmp_path, A="K1")
    add(made, "K2", "A")
    made.undo(UNDO)
    assert keys(made.state) == {"A": ["K1"]}
    with pytest.raises(KeySyncError, match="what @1 changed is no longer kept"):
        made.undo(UNDO)


# Who did it


def test_blame_is_oldest_first_with_what_was_done_where(made: Sandbox) -> None:
    add(made, "K2", "B,C")
    remove(made, "K2", "A")
    made.undo(UNDO)
    touches = [(operation.number, sorted(parts)) for operation, parts in made.touching("K2")]
    assert touches == [(2, ["A"]), (4, ["B", "C"]), (5, ["A"]), (6, ["A"])]
    assert made.touching("k2") == []


def test_outside_edit_is_blamed_like_any(made: Sandbox, tmp_path: Path) -> None:
    with (tmp_path / "systems" / "A.csv").open("a") as file:
        file.write("K7,2026-01-02T12:00:00Z,A,active\n")
    other = opened(tmp_path)
    assert [operation.kind for operation, _ in other.touching("K7")] == ["external"]
