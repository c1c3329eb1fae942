"""The past: what was done, the state at any moment, and bringing it back. The lock is held, memory caught up."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from keysync_shell.core.edits.edit import Edit
from keysync_shell.core.findings.counting import Summary
from keysync_shell.core.model.change import Change, between, changes
from keysync_shell.core.model.keys import shown
from keysync_shell.core.model.table import rows_of
from keysync_shell.errors import KeySyncError
from keysync_shell.sandbox.deciding import Decision, decided
from keysync_shell.sandbox.keeper import Keeper
from keysync_shell.sandbox.memory import Memory
from keysync_shell.sandbox.outcome import Once, Outcome, Request, taken_back
from keysync_shell.storage.operations import MASTER_KEYS, Operation, OperationKind, Unavailable
from keysync_shell.storage.oplog import OperationLog, Touched

MOST_CONFLICTS = 20


def operation(log: OperationLog, number: int) -> Operation:
    """Raises KeySyncError if there is no such operation."""
    wanted = log.get(number)
    if wanted is None:
        raise KeySyncError(f"there is no operation @{number}", hint="`log` lists them.")
    return wanted


def touching(keeper: Keeper, log: OperationLog, key: str, systems: tuple[str, ...] = ()) -> Touched:
    """The operations that touched a key; a warning names those of which that cannot be told."""
    touched = log.touching(key, systems)
    for number in touched.unread:
        keeper.warnings.append(f"what @{number} changed is unknown, so it may have touched {shown(key)}, too")
    return touched


def seen(keeper: Keeper, log: OperationLog) -> Memory:
    """Memory with the operation that it is after, also where nothing may be written.

    Raises Unavailable if files hold what no operation tells.
    """
    reading = keeper.reading
    if reading is None:
        return keeper.memory
    if reading.outside:
        names = ", ".join(f"{name}.csv" for name in reading.outside)
        raise Unavailable(
            f"{names} was edited by hand, which nobody has taken in yet, so what was there before is unknown",
            hint="Have the sandbox's owner give any command there, such as status.",
        )
    return replace(keeper.memory, newest=log.get(reading.number or 0))


def moment(here: Memory, log: OperationLog, number: int) -> Memory:
    """Memory as it was after an operation, of one at which it is later.

    Raises KeySyncError if there is no such operation, and Unavailable if one since cannot be taken back.
    """
    then = operation(log, number)
    newest = here.newest.number if here.newest else 0
    if number > newest:
        raise KeySyncError(f"there is no operation @{number} yet", hint="`log` lists them.")
    back = Change()
    for later in reversed([later for later in log.since(number) if later.number <= newest]):
        back = _one_after_another(back, log.change(later.number).inverse, later)
    try:
        return here.after(back, then)
    except ValueError:
        raise _unfitting(f"what was changed since @{number} does") from None


def restoring(keeper: Keeper, request: Request, number: int) -> Decision:
    """Bring back the state after an operation."""
    then = moment(keeper.memory, keeper.store.log, number)
    parts = {name: between(rows, then.state.tables[name]) for name, rows in keeper.memory.state.tables.items()}
    change = changes(parts, between(keeper.memory.state.master_keys, then.state.master_keys))
    decision = decided(keeper, lambda _: Edit(change, details={"restored": number}), request)
    assert then.newest is not None, "a moment is after an operation"
    return replace(decision, restores=then.newest.after)


def reverting(keeper: Keeper, request: Request, number: int) -> Decision:
    """Undo one old operation where nothing later touched the same rows.

    Raises KeySyncError that lists the conflicts.
    """
    operation(keeper.store.log, number)
    change = keeper.store.log.change(number)
    if conflicts := _conflicts(keeper, number, change):
        raise KeySyncError(
            "\n".join([f"@{number} cannot be reverted alone; later operations changed the same rows:", *conflicts]),
            hint=_way_back(keeper.store.log, number - 1),
        )
    counts = taken_back(operation(keeper.store.log, number), change)
    edit = Edit(change.inverse, details={"reverted": number}, recounted=counts)
    return decided(keeper, lambda _: edit, request)


def answered(log: OperationLog, once: Once) -> Outcome | None:
    """What came of a request that is carried out once; None if it was not yet.

    Raises KeySyncError if the key was used for another request.
    """
    done = log.answering(once.key)
    if done is None:
        return None
    if done.asked.get("digest") != once.digest:
        raise KeySyncError(
            f"that Idempotency-Key carried out another request, as @{done.number}",
            hint="Make a new key for each request; send the same one only to repeat a request.",
        )
    before = log.get(done.number - 1)
    after = Summary.of_data(done.summary)
    try:
        change = log.change(done.number)
    except Unavailable:  # it is no longer kept; its numbers are
        change = Change()
    return Outcome(
        kind=next(kind for kind in OperationKind if kind == done.kind),
        counts=done.counts,
        before=Summary.of_data(before.summary) if before and before.summary else after,
        after=after,
        change=change,
        left_out=done.asked["left_out"],
        lost=done.asked["lost"],
        notes=tuple(done.asked["notes"]),
        operation=done,
        undid=None if done.target is None else log.get(done.target),
    )


def changes_since(log: OperationLog, number: int) -> Iterator[tuple[int, Change, tuple[str, ...]]]:
    """The operations after that one, oldest first, with what they changed, and the systems where that is not told."""
    for later in log.since(number):
        yield later.number, *log.told(later)


def _way_back(log: OperationLog, number: int) -> str:
    """What to do about conflicts: the moment before may be out of reach."""
    if number < log.horizon() or log.get(number) is None:
        return "Revert those first, or change the keys one by one."
    return f"Revert those first, or bring everything back with: restore @{number}"


def _one_after_another(done: Change, change: Change, operation: Operation) -> Change:
    try:
        return done.then(change)
    except ValueError:
        raise _unfitting(f"what @{operation.number} changed does") from None


def _unfitting(what: str) -> Unavailable:
    return Unavailable(f"{what} not fit the files", hint="`check` names what is damaged; nothing was touched.")


def _conflicts(keeper: Keeper, number: int, change: Change) -> list[str]:
    """A line for each key whose rows are not as the operation left them, or for a system with other columns."""
    lines: list[str] = []
    registry = {MASTER_KEYS: change.master_keys} if change.master_keys else {}
    for name, part in {**change.parts, **registry}.items():
        state = keeper.memory.state
        rows = state.master_keys if name == MASTER_KEYS else state.tables[name]
        if rows.columns != part.after.columns:
            lines.append(f"  {name}: its columns changed{_when_columns_changed(keeper.store.log, number, name)}")
            continue
        keys = between(part.after, rows if part.whole else rows_of(rows, part.keys)).keys
        for key in keys.head(max(0, MOST_CONFLICTS + 1 - len(lines))):
            touched = keeper.store.log.touching(key, (name,))
            later = sorted(n for n in {*touched.changes, *touched.unread} if n > number)
            lines.append(f"  {name} {shown(key)}: {', '.join(f'@{n}' for n in later) or 'what changed it is not kept'}")
    if len(lines) > MOST_CONFLICTS:
        lines[MOST_CONFLICTS:] = ["  …"]
    return lines


def _when_columns_changed(log: OperationLog, number: int, name: str) -> str:
    """Which operation after that one gave a system other columns, as far as that can be told."""
    changes = ((later, change.parts.get(name)) for later, change, _ in changes_since(log, number))
    whole = [later for later, part in changes if part is not None and part.whole]
    return f" with @{whole[-1]}" if whole else ""
