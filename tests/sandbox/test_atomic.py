from __future__ import annotations

from pathlib import Path

import pytest

from keysync_shell.core.edits import removing
from keysync_shell.errors import Declined, KeySyncError
from keysync_shell.sandbox import Outcome, Request, Sandbox
from keysync_shell.storage.operations import OperationKind
from keysync_shell.storage.oplog import Wanted
from tests.building import add, files, keys, query, sandbox

SCRIPT, UNDO = Request(OperationKind.SCRIPT, "run x", "test"), Request(OperationKind.UNDO, "undo", "test")


def removed(made: Sandbox, key: str, approve: bool = True, dry_run: bool = False) -> Outcome:
    request = Request(OperationKind.REMOVE, "", "test", dry_run=dry_run, approve=lambda _: approve)
    return made.edit(lambda state: removing.remove(state, query(key), ("A",)), request)


def script(made: Sandbox, added: str, key: str) -> None:
    """Add a key, then remove one."""
    with made.atomically(SCRIPT):
        add(made, added, "A")
        removed(made, key)


def test_edits_of_an_atomic_script_are_one_operation(tmp_path: Path) -> None:
    made = sandbox(tmp_path, A="K1")
    before = files(tmp_path)
    with made.atomically(SCRIPT) as outcomes:
        assert add(made, "K2", "A,B").pending
        assert removed(made, "K1").pending
        assert files(tmp_path) == before
    assert keys(made.state) == {"A": ["K2"], "B": ["K2"]}
    assert [operation.kind for operation in made.operations(Wanted(9))] == ["script", "init"]
    assert outcomes[0].committed
    made.undo(UNDO)
    assert files(tmp_path) == before


def test_failed_script_changes_nothing(tmp_path: Path) -> None:
    made = sandbox(tmp_path, A="K1")
    before = files(tmp_path)
    with pytest.raises(KeySyncError, match="no key in A matches K9"):
        script(made, "K2", "K9")
    assert (files(tmp_path), keys(made.state)) == (before, {"A": ["K1"]})
    assert add(made, "K2", "A").committed


def test_script_whose_edits_cancel_out_is_no_operation(tmp_path: Path) -> None:
    made = sandbox(tmp_path, A="K1")
    with made.atomically(SCRIPT) as outcomes:
        add(made, "K2", "A")
        removed(made, "K2")
    assert not outcomes[0].committed
    assert made.newest
    assert made.newest.number == 1


def test_dry_run_inside_a_script_adds_nothing_to_it(tmp_path: Path) -> None:
    made = sandbox(tmp_path, A="K1")
    with made.atomically(SCRIPT) as outcomes:
        assert not removed(made, "K1", dry_run=True).pending
    assert not outcomes[0].change


def test_no_to_one_edit_ends_the_script(tmp_path: Path) -> None:
    made = sandbox(tmp_path, A="K1")
    with pytest.raises(Declined), made.atomically(SCRIPT):
        removed(made, "K1", approve=False)
    assert keys(made.state) == {"A": ["K1"]}


def test_what_cannot_be_rolled_back_is_refused(tmp_path: Path) -> None:
    made = sandbox(tmp_path, A="K1")
    with made.atomically(SCRIPT):
        for attempt in (made.undo, made.redo):
            with pytest.raises(KeySyncError, match="cannot be part of an atomic script") as error:
                attempt(UNDO)
            assert error.value.hint
        with pytest.raises(KeySyncError, match="an atomic script cannot be part of"), made.atomically(SCRIPT):
            pass
