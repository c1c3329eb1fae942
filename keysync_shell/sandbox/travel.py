"""Undo and redo: operations of their own, each with the operation that it is about as its target."""

from __future__ import annotations

from dataclasses import replace

from keysync_shell.core.edits import Edit
from keysync_shell.errors import KeySyncError
from keysync_shell.sandbox.keeper import Keeper, Stacks
from keysync_shell.sandbox.outcome import Outcome, Request
from keysync_shell.storage.oplog import Operation

UNDO, REDO = "undo", "redo"


def travel(keeper: Keeper, request: Request, count: int) -> list[Outcome]:
    """Take back, or do again, the topmost `count` entries of a stack; `request.kind` says which. The lock is held.

    Raises KeySyncError if there are not that many.
    """
    way = request.kind
    if count < 1:
        raise KeySyncError(f"{way} {count}: there is no such number of steps", hint=f"Say {way} 1 or more.")
    entries = _entries(keeper, way, count)
    if len(entries) < count:
        raise _too_far(way, count, len(entries))
    here = keeper.memory
    try:
        return [_step(keeper, request, entry) for entry in entries]
    finally:
        if request.dry_run:
            keeper.memory = here


def original(keeper: Keeper, entry: Operation) -> Operation:
    """The edit that an entry of a stack is about."""
    target = keeper.store.log.get(entry.target) if entry.target is not None else None
    return target or entry


def _entries(keeper: Keeper, way: str, count: int) -> list[Operation]:
    newest = keeper.memory.newest
    number = (newest.undo_top if way == UNDO else newest.redo_top) if newest else None
    entries: list[Operation] = []
    while number is not None and len(entries) < count:
        entry = keeper.store.log.get(number)
        assert entry is not None, "the stacks are linked through the log"
        entries.append(entry)
        number = entry.below
    return entries


def _step(keeper: Keeper, request: Request, entry: Operation) -> Outcome:
    newest = keeper.memory.newest
    assert newest is not None, "a stack has an entry"
    change = keeper.store.log.change(entry.number).inverse
    decision = keeper.decided(lambda _: Edit(change), request)
    undid = original(keeper, entry)
    stacks = _stacks_after(request.kind, entry, newest, undid)
    if request.dry_run:
        keeper.memory = replace(decision.memory, newest=stacks.put_on(newest))
        return replace(decision.outcome, undid=undid)
    return replace(keeper.carry_out(decision, request, stacks, entry.before), undid=undid)


def _stacks_after(way: str, entry: Operation, newest: Operation, undid: Operation) -> Stacks:
    number = newest.number + 1
    if way == UNDO:
        return Stacks(undid.number, undo_top=entry.below, redo_top=number, below=newest.redo_top)
    return Stacks(undid.number, undo_top=number, redo_top=entry.below, below=newest.undo_top)


def _too_far(way: str, count: int, there: int) -> KeySyncError:
    if there == 0:
        return KeySyncError(f"there is nothing to {way}", hint="`log` shows what was done.")
    return KeySyncError(f"{way} {count}: there are only {there}", hint=f"Say {way} {there}, or look at `log`.")
