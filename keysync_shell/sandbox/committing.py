"""Decisions and outside edits become operations. The lock is held; memory moves only after the disk."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from keysync_shell.core.model.change import Change
from keysync_shell.core.model.counts import counted
from keysync_shell.sandbox import conditions, memory
from keysync_shell.sandbox.deciding import Decision
from keysync_shell.sandbox.keeper import Keeper
from keysync_shell.sandbox.memory import Memory, OutsideEdit
from keysync_shell.sandbox.outcome import Outcome, Request
from keysync_shell.storage import patching, seen, tables
from keysync_shell.storage.commit import signals_wait
from keysync_shell.storage.files import Staged
from keysync_shell.storage.operations import Operation
from keysync_shell.storage.patching import Content, Rewrite
from keysync_shell.storage.registry import Recording


@dataclass(frozen=True)
class Stacks:
    """The fields of an operation that place it on the undo and redo stacks (see storage.oplog)."""

    target: int | None
    undo_top: int | None
    redo_top: int | None
    below: int | None

    @classmethod
    def pushed(cls, number: int, newest: Operation | None) -> Stacks:
        """An edit on top of the undo stack; there is nothing to redo after it."""
        return cls(None, undo_top=number, redo_top=None, below=newest.undo_top if newest else None)

    @classmethod
    def unchanged(cls, newest: Operation | None) -> Stacks:
        """For an operation that there is nothing to undo of."""
        if newest is None:
            return cls(None, None, None, None)
        return cls(None, newest.undo_top, newest.redo_top, None)

    @classmethod
    def of_edit(cls, operation: Operation, change: Change, newest: Operation | None) -> Stacks:
        """For an edit by hand or a repair: both stacks end at a change that is unknown."""
        if operation.unknown:
            return cls.unchanged(None)
        return cls.pushed(operation.number, newest) if change else cls.unchanged(newest)

    def put_on(self, operation: Operation) -> Operation:
        return replace(operation, **vars(self))


def carry_out(
    keeper: Keeper,
    decision: Decision,
    request: Request,
    stacks: Stacks | None = None,
    recording: Recording | None = None,
) -> Outcome:
    """Commit a decision.

    Without `stacks` (those of an undo or redo) the edit goes on the undo stack. `recording` is the run that the
    decision belongs to. Raises KeySyncError whose `committed` says what became of it, and as `conditions.check`.
    """
    conditions.check(keeper, decision.outcome, request)
    newest, change, home = keeper.memory.newest, decision.edit.change, keeper.home
    operation = keeper.next_operation(request, decision.outcome, decision.outcome.after)
    operation = replace(operation, details=decision.edit.details, **_once(decision.outcome, request))
    operation = (stacks or Stacks.pushed(operation.number, newest)).put_on(operation)
    begins = newest is None and keeper.source is None
    changed = home.config.systems.names if begins else tuple(change.parts)
    contents = {name: _content(keeper, decision, name, decision.restores.get(name)) for name in changed}
    for name, content in contents.items():
        home.config.limits.check("file_bytes", content.size, f"{home.system_file(name)} in bytes")
    with keeper.store.staging(contents, newest) as staging, signals_wait():
        committed = keeper.store.commit(operation, change, staging, recording)
        keeper.memory = replace(decision.memory, newest=committed.operation)
        keeper.begun = True
        keeper.committed.append(committed.operation)
    keep(keeper, changed, rewritten=[name for name, content in contents.items() if not content.patches])
    return replace(decision.outcome, operation=committed.operation, kept=committed.kept)


def _once(outcome: Outcome, request: Request) -> dict[str, Any]:
    """What the operation keeps of a request that is carried out once: enough to answer it again."""
    if request.once is None:
        return {}
    told = {"left_out": outcome.left_out, "lost": outcome.lost, "notes": outcome.notes}
    return {"idempotency_key": request.once.key, "asked": {"digest": request.once.digest, **told}}


def _content(keeper: Keeper, decision: Decision, name: str, found_as: str | None) -> Content:
    newest, log = keeper.memory.newest, keeper.store.log
    if found_as and log.has_original(found_as) and log.original(found_as) is None:
        keeper.warnings.append(f"{name}.csv comes back with its rows only: its bytes are damaged in history.db")
    wanted = Rewrite(
        keeper.home.system_file(name),
        before=keeper.memory.state.tables[name],
        after=decision.memory.state.tables[name],
        part=decision.edit.change.parts.get(name),
        signature=newest.signatures.get(name) if newest else None,
        digest=newest.after.get(name) if newest else None,
        found_as=found_as,
    )
    return patching.content(log, wanted)


def record(keeper: Keeper, operation: Operation, edit: OutsideEdit, later: Memory) -> None:
    """Log what the files hold already."""
    originals = {file.sha256: file.original for file in edit.found.values() if file.original is not None}
    operation = memory.taken_in(operation, edit)
    with signals_wait():
        keeper.store.record(operation, edit.change, originals)
        keeper.memory = replace(later, newest=operation)
    keep(keeper, edit.found, rewritten=edit.found)


def record_repair(
    keeper: Keeper,
    request: Request,
    newest: Operation,
    change: Change,
    written: Mapping[str, Staged],
    unknown: tuple[str, ...],
) -> None:
    """Log a file that was put in the place of a broken one; the numbers of the whole are not known yet."""
    keeper.forget()
    keeper.memory = replace(keeper.memory, newest=newest)
    operation = replace(
        keeper.next_operation(request, None, None),
        counts={name: counted(part) for name, part in change.parts.items()},
        after={**newest.after, **{name: file.sha256 for name, file in written.items()}},
        signatures={**newest.signatures, **{name: file.signature for name, file in written.items()}},
        unknown=unknown,
    )
    with signals_wait():
        keeper.store.record(Stacks.of_edit(operation, change, newest).put_on(operation), change, {})
        keeper.committed.append(operation)


def keep(keeper: Keeper, names: Iterable[str], *, rewritten: Collection[str] = ()) -> None:
    """Cache the tables in memory, where that pays, and what their files look like."""
    newest, log = keeper.memory.newest, keeper.store.log
    for name in names if newest else ():
        assert newest is not None
        with keeper.home.progress.doing(f"caching {name}"):
            tables.keep(keeper.home, log, name, keeper.memory.state.tables[name], newest, rewritten=name in rewritten)
    if newest:
        seen.remember(keeper.home, newest)
