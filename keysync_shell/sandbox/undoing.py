"""Undo and redo: each step is an operation of its own. The lock is held, memory caught up."""

from __future__ import annotations

from dataclasses import replace

from keysync_shell.core.edits.edit import Edit
from keysync_shell.core.model.change import Change
from keysync_shell.errors import KeySyncError
from keysync_shell.sandbox.committing import Stacks, carry_out
from keysync_shell.sandbox.deciding import decided
from keysync_shell.sandbox.keeper import Keeper
from keysync_shell.sandbox.outcome import Outcome, Request, taken_back
from keysync_shell.storage.operations import Operation, OperationKind


def travel(keeper: Keeper, request: Request, count: int) -> list[Outcome]:
    """Take back, or do again, the topmost `count` entries of a stack; `request.kind` says which.

    Raises KeySyncError if there are not that many, or what one of them changed is no longer kept.
    """
    way = request.kind
    if count < 1:
        raise KeySyncError(f"{way} {count}: that is not a number of steps", hint="Use 1 or more.")
    entries = _entries(keeper, way, count)
    if len(entries) < count:
        raise _too_far(way, count, len(entries), keeper.store.log.unknown()[-1:] if way == OperationKind.UNDO else [])
    here, log = keeper.memory, keeper.store.log
    kept = [log.change(entry.number) for entry in entries]  # all of them first: each step may drop the oldest
    done: list[Outcome] = []
    try:
        for entry, change in zip(entries, kept, strict=True):
            done.append(_step(keeper, request, entry, change))  # what was done must be known if one fails
    except KeySyncError as error:
        if done and not request.dry_run:
            _say_how_far(error, way, len(done), count)
        raise
    finally:
        if request.dry_run:
            keeper.memory = here
    return done


def original(keeper: Keeper, entry: Operation) -> Operation:
    """The edit that an entry of a stack is about."""
    target = keeper.store.log.get(entry.target) if entry.target is not None else None
    return target or entry


def _entries(keeper: Keeper, way: str, count: int) -> list[Operation]:
    newest = keeper.memory.newest
    number = (newest.undo_top if way == OperationKind.UNDO else newest.redo_top) if newest else None
    entries: list[Operation] = []
    while number is not None and len(entries) < count:
        entry = keeper.store.log.get(number)
        assert entry is not None, "the stacks are linked through the log"
        entries.append(entry)
        number = entry.below
    return entries


def _step(keeper: Keeper, request: Request, entry: Operation, change: Change) -> Outcome:
    newest = keeper.memory.newest
    assert newest is not None, "a stack has an entry"
    decision = decided(keeper, lambda _: Edit(change.inverse, recounted=taken_back(entry, change)), request)
    decision = replace(decision, restores=entry.before)
    undid = original(keeper, entry)
    stacks = _stacks_after(request.kind, entry, newest, undid)
    if request.dry_run:
        keeper.memory = replace(decision.memory, newest=stacks.put_on(newest))
        return replace(decision.outcome, undid=undid)
    return replace(carry_out(keeper, decision, request, stacks), undid=undid)


def _say_how_far(error: KeySyncError, way: str, done: int, count: int) -> None:
    """Steps that were committed before one failed are not taken back."""
    done += error.committed is True
    error.args = (f"{way} {count}: {done} of {count} steps are done, then: {error.message}",)
    error.message = error.args[0]
    error.committed = True if error.committed is False else error.committed


def _stacks_after(way: str, entry: Operation, newest: Operation, undid: Operation) -> Stacks:
    number = newest.number + 1
    if way == OperationKind.UNDO:
        return Stacks(undid.number, undo_top=entry.below, redo_top=number, below=newest.redo_top)
    return Stacks(undid.number, undo_top=number, redo_top=entry.below, below=newest.undo_top)


def _too_far(way: str, count: int, steps: int, unknown: list[Operation]) -> KeySyncError:
    why = "".join(f" since @{entry.number}, whose change is unknown" for entry in unknown)
    if steps == 0:
        return KeySyncError(f"there is nothing to {way}{why}", hint="`log` shows what was done.")
    limit = "there is only 1" if steps == 1 else f"there are only {steps}"
    return KeySyncError(f"{way} {count}: {limit}{why}", hint=f"Use {way} {steps}, or look at `log`.")
