"""Bring memory to what the disk holds. What other programs did to the files becomes an operation."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Mapping
from dataclasses import replace

from keysync_shell.core.edits.edit import Edit
from keysync_shell.core.model.change import Change
from keysync_shell.core.model.counts import Counts
from keysync_shell.errors import KeySyncError, ReadOnlyHome
from keysync_shell.sandbox import committing, memory
from keysync_shell.sandbox.committing import Stacks
from keysync_shell.sandbox.deciding import outcome_of
from keysync_shell.sandbox.keeper import Keeper
from keysync_shell.sandbox.memory import Memory, OutsideEdit
from keysync_shell.sandbox.outcome import Request
from keysync_shell.storage.home import Home
from keysync_shell.storage.operations import Operation, OperationKind

OUTSIDE = "external"  # the source of what other programs did


@contextlib.contextmanager
def locked(keeper: Keeper, *, creates: bool = True) -> Iterator[None]:
    """Hold the lock with memory caught up.

    Raises KeySyncError if there is no sandbox and it may not be created.
    """
    if keeper.still:
        raise KeySyncError("this is one moment of the sandbox, to look at", hint="Change the sandbox itself.")
    if not creates:
        keeper.require_sandbox()
    with keeper.store.locked():
        keeper.unwritable, keeper.reading = False, None
        _catch_up(keeper)
        yield


def look(keeper: Keeper) -> None:
    """Catch up with the disk; a folder without a sandbox is fine, and nothing is created there."""
    if keeper.still:
        return
    if keeper.source:
        peek(keeper)
        return
    if not keeper.store.exists():
        return
    try:
        with locked(keeper):
            pass
    except ReadOnlyHome:
        peek(keeper)


def peek(keeper: Keeper, *, for_a_run: bool = False) -> None:
    """Look at the disk without the lock and without a trace. Raises KeySyncError if nothing certain can be told.

    `for_a_run` only what is not in step is kept in memory.
    """
    if keeper.source:
        keeper.memory = memory.of_source(keeper.home, keeper.source)
    elif for_a_run:
        keeper.memory = memory.without_rows(keeper.home)
    else:
        keeper.memory, keeper.reading = memory.without_lock(keeper.home)
    keeper.begun = keeper.unwritable = True


def _catch_up(keeper: Keeper) -> None:
    """Bring memory to what the disk holds; outside edits become operations."""
    newest = keeper.store.log.newest()
    if keeper.source:
        keeper.memory, keeper.begun = memory.of_source(keeper.home, keeper.source, keeper.store.log, newest), True
        return
    _forget_another_history(keeper, newest)
    if newest is None:
        _begin(keeper)
        return
    if keeper.memory.newest is None:
        keeper.memory, outside = memory.from_committed(keeper.home, keeper.store, newest)
        keeper.begun = True
    else:
        keeper.memory, outside = memory.moved_on(keeper.home, keeper.store, keeper.memory)
    if outside is None or not outside.unknown:
        committing.keep(keeper, keeper.home.config.systems.names)
    if outside:
        _take_in(keeper, outside)


def _forget_another_history(keeper: Keeper, newest: Operation | None) -> None:
    """Drop what is in memory if it comes from a history that somebody removed or replaced."""
    if keeper.memory.newest is None or (newest and memory.of_this_history(keeper.store, keeper.memory)):
        return
    what = "another one now, with another history" if newest else "gone, and the history with it; a new one begins"
    keeper.warnings.append(f"{keeper.home.database} is {what}")
    keeper.forget()


def _begin(keeper: Keeper) -> None:
    """First look at a folder: adopt the files that are there, if any."""
    if not any(os.path.lexists(keeper.home.system_file(name)) for name in keeper.home.config.systems.names):
        keeper.forget()
        return
    first, found = memory.from_files(keeper.home, keeper.store.log)
    operation = replace(
        keeper.next_operation(Request(OperationKind.OPEN, "", OUTSIDE), None, first.summary()), number=0
    )
    committing.record(keeper, operation, OutsideEdit(found, Change()), first)
    keeper.begun = True


def _take_in(keeper: Keeper, edit: OutsideEdit) -> None:
    later = keeper.memory.after(edit.change, keeper.memory.newest)
    request = Request(OperationKind.EXTERNAL, "", OUTSIDE)
    outcome = outcome_of(keeper, Edit(edit.change), later, request)
    operation = replace(keeper.next_operation(request, outcome, outcome.after), unknown=edit.unknown)
    if edit.unknown:  # then memory holds what the files hold now, and only the log tells the totals before
        operation = replace(operation, discrepancies=_totals_before(keeper.memory) + operation.discrepancies[1:])
    stacks = Stacks.of_edit(operation, edit.change, keeper.memory.newest)
    committing.record(keeper, stacks.put_on(operation), edit, later)
    keeper.warnings.extend(_outside_warnings(keeper.home, operation.number, edit, outcome.counts))


def _outside_warnings(home: Home, number: int, edit: OutsideEdit, changed: Mapping[str, Counts]) -> list[str]:
    lines = []
    for name in edit.found:
        what = changed.get(name)
        same = "how is unknown" if name in edit.unknown else "the same rows"
        moved = f"+{what.added} −{what.removed} ~{what.altered} rows" if what else same
        lines.append(f"{home.system_file(name).name} changed outside: {moved}")
    if edit.unknown:
        held = f"no record is left of what {', '.join(edit.unknown)} held before"
        lines.append(f"{held}, so @{number} cannot be undone, nor can anything before it")
    return lines


def _totals_before(memory: Memory) -> tuple[Mapping[str, int], ...]:
    totals = memory.newest.summary.get("discrepancies") if memory.newest else None
    return (totals,) if totals else ()
