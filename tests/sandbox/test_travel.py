from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keysync_shell.core.edits import replacing, respelling
from keysync_shell.core.model.counts import Counts
from keysync_shell.errors import Declined, KeySyncError
from keysync_shell.sandbox import Outcome, Request, Sandbox
from keysync_shell.storage.commit import Committed, Store
from keysync_shell.storage.operations import OperationKind
from keysync_shell.storage.oplog import Wanted
from tests.building import FIVE, add, files, keys, opened, sandbox
from tests.strategies import ON_DISK, edits_of

UNDO, REDO = Request(OperationKind.UNDO, "undo", "test"), Request(OperationKind.REDO, "redo", "test")
ADOPTED = b'\xef\xbb\xbfkey,note\r\nK2,"b"\r\nk1,a\r\n'


def targets(steps: list[Outcome]) -> list[int]:
    """The numbers of the operations that were undone or done again."""
    return [step.undid.number for step in steps if step.undid]


@pytest.fixture
def made(tmp_path: Path) -> Sandbox:
    """A sandbox of A with K1 to K3, each an operation of its own."""
    made = sandbox(tmp_path, A="K1")
    add(made, "K2", "A")
    add(made, "K3", "A")
    return made


def test_undo_takes_back_the_last_and_redo_does_it_again(made: Sandbox) -> None:
    assert targets(made.undo(UNDO)) == [3]
    assert keys(made.state) == {"A": ["K1", "K2"]}
    assert targets(made.redo(REDO)) == [3]
    assert keys(made.state) == {"A": ["K1", "K2", "K3"]}


def test_several_steps_are_an_operation_each(made: Sandbox) -> None:
    assert targets(made.undo(UNDO, 2)) == [3, 2]
    assert targets(made.redo(REDO, 2)) == [2, 3]
    log = [(operation.kind, operation.target) for operation in made.operations(Wanted(4))]
    assert log == [("redo", 3), ("redo", 2), ("undo", 2), ("undo", 3)]


def test_steps_one_by_one_lead_the_same_way_as_together(made: Sandbox) -> None:
    assert [targets(made.undo(UNDO)) for _ in range(3)] == [[3], [2], [1]]
    assert [targets(made.redo(REDO)) for _ in range(3)] == [[1], [2], [3]]
    assert [targets(made.undo(UNDO)) for _ in range(3)] == [[3], [2], [1]]


def test_every_step_back_ends_before_the_first(made: Sandbox, tmp_path: Path) -> None:
    made.undo(UNDO, 3)
    assert keys(made.state) == {}
    assert files(tmp_path)["A.csv"] == b"key,last_seen_at,system,status\n"


def test_an_edit_leaves_nothing_to_redo(made: Sandbox) -> None:
    made.undo(UNDO)
    add(made, "K9", "A")
    with pytest.raises(KeySyncError, match="there is nothing to redo"):
        made.redo(REDO)
    assert targets(made.undo(UNDO, 2)) == [5, 2]


def test_another_process_travels_the_same_way(made: Sandbox, tmp_path: Path) -> None:
    made.undo(UNDO)
    other = opened(tmp_path)
    assert targets(other.redo(REDO)) == [3]
    assert targets(made.undo(UNDO)) == [3]


@pytest.mark.parametrize("way", ["undo", "redo"])
def test_nothing_to_travel_to_is_an_error(tmp_path: Path, way: str) -> None:
    made = sandbox(tmp_path, A="K1")
    made.undo(UNDO) if way == "undo" else None
    with pytest.raises(KeySyncError) as error:
        made.undo(UNDO) if way == "undo" else made.redo(REDO)
    assert error.value.message == f"there is nothing to {way}"
    assert error.value.hint == "`log` shows what was done."


def test_too_far_is_an_error_and_goes_nowhere(made: Sandbox, tmp_path: Path) -> None:
    before = files(tmp_path)
    with pytest.raises(KeySyncError, match="undo 4: there are only 3") as error:
        made.undo(UNDO, 4)
    assert error.value.hint.startswith("Use undo 3")
    assert files(tmp_path) == before


@pytest.mark.parametrize(
    ("committed", "steps", "said"), [(False, 1, True), (True, 2, True), (None, 1, None)], ids=["no", "yes", "unknown"]
)
def test_steps_before_one_that_fails_are_told(
    made: Sandbox, monkeypatch: pytest.MonkeyPatch, committed: bool | None, steps: int, said: bool | None
) -> None:
    commits, commit = [], Store.commit

    def second_fails(*args: Any, **options: Any) -> Committed:
        commits.append(args)
        if len(commits) == 2:
            raise KeySyncError("the disk is full", committed=committed)
        return commit(*args, **options)

    monkeypatch.setattr(Store, "commit", second_fails)
    with pytest.raises(KeySyncError, match=rf"undo 3: {steps} of 3 steps are done, then: the disk is full") as error:
        made.undo(UNDO, 3)
    assert error.value.committed is said


@pytest.mark.parametrize("count", [0, -1])
def test_less_than_one_step_is_an_error(made: Sandbox, count: int) -> None:
    with pytest.raises(KeySyncError, match="that is not a number of steps"):
        made.undo(UNDO, count)


def test_dry_run_tells_every_step_and_goes_nowhere(made: Sandbox, tmp_path: Path) -> None:
    before = files(tmp_path)
    dry = made.undo(Request(OperationKind.UNDO, "undo 2", "test", dry_run=True), 2)
    assert (files(tmp_path), len(made.operations(Wanted(9)))) == (before, 3)
    real = made.undo(UNDO, 2)
    assert targets(dry) == targets(real)
    assert [(step.counts, step.after) for step in dry] == [(step.counts, step.after) for step in real]


def test_what_can_be_undone_and_the_last_init_are_known(made: Sandbox) -> None:
    undoable, init = made.undoable(), made.last_init()
    assert undoable
    assert init
    assert (undoable.number, init.number) == (3, 1)
    made.undo(UNDO, 3)
    assert (made.undoable(), made.last_init()) == (None, None)
    made.redo(REDO)
    init = made.last_init()
    assert init
    assert init.number == 1


@contextmanager
def folder() -> Iterator[Path]:
    """A folder for one example of a property; pytest's is for all of them."""
    with tempfile.TemporaryDirectory() as name:
        yield Path(name)


@ON_DISK
@given(st.lists(st.tuples(st.sampled_from(["edit", "undo", "redo", "reopen"]), st.integers(1, 3)), max_size=14))
def test_stacks_are_those_of_plain_lists(steps: list[tuple[str, int]]) -> None:
    with folder() as root:
        made, number = sandbox(root, A="K0"), 1
        undo, redo = [1], list[int]()
        for step, count in steps:
            if step == "edit":
                number += 1
                add(made, f"K{number}", "A")
                undo, redo = [*undo, number], []
            elif step == "reopen":
                made.close()
                made = opened(root)
            elif count <= len(here := undo if step == "undo" else redo):
                expected = [here.pop() for _ in range(count)]
                (redo if step == "undo" else undo).extend(expected)
                assert targets(made.undo(UNDO, count) if step == "undo" else made.redo(REDO, count)) == expected
                number += count
            else:
                with pytest.raises(KeySyncError, match=r"there is nothing to|there (is|are) only"):
                    made.undo(UNDO, count) if step == "undo" else made.redo(REDO, count)
        made.refresh()
        assert keys(made.state).get("A", []) == sorted(f"K{n if n > 1 else 0}" for n in undo)
        made.close()


@ON_DISK
@given(st.data(), st.integers(1, 4))
def test_undo_of_everything_gives_the_first_bytes_back(data: st.DataObject, count: int) -> None:
    with folder() as root:
        (root / "systems").mkdir()
        for name in FIVE.names:
            (root / "systems" / f"{name}.csv").write_bytes(ADOPTED)
        made, done = opened(root), 0
        made.refresh()
        for _ in range(count):
            edit = data.draw(edits_of(made.state))
            done += made.edit(lambda _, edit=edit: edit, Request(OperationKind.MODIFY, "edit", "test")).committed  # type: ignore[misc]  # bound in the loop
        last = files(root)
        made.undo(UNDO, done) if done else None
        assert set(files(root).values()) == {ADOPTED}
        made.redo(REDO, done) if done else None
        assert files(root) == last
        made.close()


def test_edit_that_empties_and_fills_again_is_undone_to_the_byte(tmp_path: Path) -> None:
    made = sandbox(tmp_path, A="K1 K2")
    before = files(tmp_path)
    made.edit(
        lambda state: replacing.replace(state, {"A": state.tables["B"]}), Request(OperationKind.RESET, "reset", "test")
    )
    made.undo(UNDO)
    assert files(tmp_path) == before


# What loses rows asks


def refused(kind: OperationKind) -> Request:
    return Request(kind, kind, "test", approve=lambda _: False)


def test_going_back_asks_where_rows_are_lost_and_only_there(made: Sandbox, tmp_path: Path) -> None:
    before = files(tmp_path)
    with pytest.raises(Declined):
        made.restore(refused(OperationKind.RESTORE), 1)
    with pytest.raises(Declined):
        made.revert(refused(OperationKind.REVERT), 2)
    assert files(tmp_path) == before
    made.undo(refused(OperationKind.UNDO))
    assert made.restore(refused(OperationKind.RESTORE), 3).committed


def test_whoever_approves_a_way_back_has_the_lock_free(made: Sandbox, tmp_path: Path) -> None:
    def approve(_: Outcome) -> bool:
        add(opened(tmp_path), "K9", "B")
        return True

    made.restore(Request(OperationKind.RESTORE, "restore", "test", approve=approve), 1)
    assert keys(made.state) == {"A": ["K1"]}
    assert made.newest
    assert made.newest.number == 5


def test_undo_tells_the_rows_of_what_it_takes_back(made: Sandbox) -> None:
    made.edit(
        lambda state: respelling.rename(state, "A", {"K1": "k1", "K2": "K3"}), Request(OperationKind.MODIFY, "", "test")
    )
    [undone] = made.undo(UNDO)
    assert undone.counts == {"A": Counts(added=1, altered=1)}
    [again] = made.redo(REDO)
    assert again.counts == {"A": Counts(removed=1, altered=1)}
