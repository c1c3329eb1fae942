"""The sandbox: the one object that every front end talks to."""

from __future__ import annotations

import contextlib
import getpass
import os
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from keysync_shell import config
from keysync_shell.core.edits.edits import Edit
from keysync_shell.core.findings.counting import Summary
from keysync_shell.core.findings.index import Index
from keysync_shell.core.model.change import Change, SystemChange
from keysync_shell.core.model.normalize import canonical
from keysync_shell.core.model.state import State
from keysync_shell.errors import Declined, KeySyncError
from keysync_shell.sandbox.checking import Problem, check
from keysync_shell.sandbox.keeper import Decide, Keeper
from keysync_shell.sandbox.memory import Memory
from keysync_shell.sandbox.outcome import Outcome, Request
from keysync_shell.sandbox.repairing import Repair, repair
from keysync_shell.sandbox.travel import (
    REDO,
    UNDO,
    moment,
    no_such_operation,
    original,
    restore,
    revert,
    travel,
)
from keysync_shell.storage import files, system_csv
from keysync_shell.storage.commit import ChangedMeanwhile
from keysync_shell.storage.home import Home
from keysync_shell.storage.operations import Operation
from keysync_shell.storage.oplog import OperationLog, Wanted
from keysync_shell.storage.registry import MasterKey, Registry

TRIES = 5


class Sandbox:
    """Some systems of keys with their history. `clock` gives the time in UTC."""

    def __init__(
        self,
        root: Path,
        *,
        lock_timeout: float = 10.0,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        user: str = "",
        host: str = "",
    ) -> None:
        self.config = config.load(root)
        self.home = Home(root, self.config)
        self.systems = self.config.systems
        self._keeper = Keeper(self.home, lock_timeout, clock, user or _user(), host or os.uname().nodename)
        self._batch: Change | None = None

    # What is there

    @property
    def state(self) -> State:
        """The state as of the last `refresh` or edit."""
        return self._keeper.memory.state

    @property
    def index(self) -> Index:
        return self._keeper.memory.index

    @property
    def newest(self) -> Operation | None:
        """The last operation; None before the first."""
        return self._keeper.memory.newest

    @property
    def begun(self) -> bool:
        """Whether there is a sandbox at all."""
        return self._keeper.begun

    @property
    def warnings(self) -> list[str]:
        """What people should know, such as edits by other programs; whoever shows them clears the list."""
        return self._keeper.warnings

    def wait(self, lock_timeout: float) -> None:
        """How many seconds to wait for the lock from now on."""
        self._keeper.store.lock_timeout = lock_timeout

    def summary(self) -> Summary:
        return self._keeper.memory.summary()

    def now(self) -> str:
        """UTC, ISO 8601, to the second."""
        return self._keeper.now()

    def author(self) -> str:
        """Who works here, for manifests."""
        return self._keeper.author

    def refresh(self) -> None:
        """Catch up with what other processes and programs did.

        Raises KeySyncError if there is no sandbox, a system file is missing or malformed, or the lock is not to be
        had in time.
        """
        self.look()
        if not self.begun:
            raise self._keeper.no_sandbox()

    def look(self) -> None:
        """As `refresh`, but a folder without a sandbox is fine, and nothing is created there."""
        if self._batch is None:
            self._keeper.look()

    def operations(self, wanted: Wanted) -> list[Operation]:
        """The newest operations that are wanted, newest first."""
        with self._history() as log:
            return log.find(wanted)

    def touching(self, key: str) -> list[tuple[Operation, Mapping[str, SystemChange]]]:
        """The operations that touched a key, oldest first, with what they changed."""
        with self._history() as log:
            return [(_there(log, number), parts) for number, parts in log.touching(key).items()]

    def change(self, number: int) -> tuple[Operation, Change]:
        """An operation and what it changed. Raises KeySyncError if there is none, or that is no longer kept."""
        with self._history() as log:
            return _there(log, number), log.change(number)

    def every_operation(self) -> list[Operation]:
        """All of them, oldest first, the opening entry as well."""
        with self._history() as log:
            return list(log.summaries())

    def moment(self, number: int | None) -> Memory:
        """State and index as they were after an operation; None is now.

        Raises KeySyncError if there is no such operation, or the changes since are no longer kept.
        """
        if number is None:
            self.refresh()
            return self._keeper.memory
        with self._history():
            return moment(self._keeper, number)

    def last_init(self) -> Operation | None:
        """The last `init` that is not undone."""
        newest = self.newest
        if newest is None:
            return None
        with self._keeper.store.locked():
            return self._keeper.store.log.last_of_kind("init", newest.undo_top)

    def undoable(self) -> Operation | None:
        """What the next undo would take back."""
        newest = self.newest
        if newest is None or newest.undo_top is None:
            return None
        with self._keeper.store.locked():
            entry = self._keeper.store.log.get(newest.undo_top)
            return original(self._keeper, entry) if entry else None

    # What is done

    def edit(self, decide: Decide, request: Request) -> Outcome:
        """Decide on the newest state, and commit what really changes.

        If somebody has to approve, the lock is free while they think; should the change be another one afterwards,
        they are asked again. Raises Declined, or KeySyncError whose `committed` says what became of the change.
        """
        if self._batch is not None:
            return self._edit_in_batch(decide, request)
        approved: Outcome | None = None
        for _ in range(TRIES):
            with contextlib.suppress(ChangedMeanwhile), self._keeper.locked(creates=request.creates):
                decision = self._keeper.decided(decide, request)
                outcome = decision.outcome
                if request.dry_run or not outcome.change:
                    return outcome
                if request.approve is None or _same(outcome, approved):
                    return self._keeper.carry_out(decision, request)
            if request.approve is not None:
                if not request.approve(outcome):
                    raise Declined("not confirmed")
                approved = outcome
        raise KeySyncError(
            "the system files change faster than this command can be carried out",
            hint="Wait for the other program to finish and say it again.",
        )

    def restore(self, request: Request, number: int) -> Outcome:
        """Bring back the state after an operation, as a new operation."""
        self.require_no_batch("restore")
        with self._keeper.locked(creates=False):
            return restore(self._keeper, request, number)

    def revert(self, request: Request, number: int) -> Outcome:
        """Undo one old operation, as a new operation.

        Raises KeySyncError that lists the conflicts if later operations changed the same rows.
        """
        self.require_no_batch("revert")
        with self._keeper.locked(creates=False):
            return revert(self._keeper, request, number)

    def undo(self, request: Request, count: int = 1) -> list[Outcome]:
        """Take back the last operations, each as an operation of its own.

        Raises KeySyncError if there are not that many.
        """
        return self._travel(replace(request, kind=UNDO), count)

    def redo(self, request: Request, count: int = 1) -> list[Outcome]:
        """Do again what was undone, each as an operation of its own."""
        return self._travel(replace(request, kind=REDO), count)

    @contextlib.contextmanager
    def exclusively(self) -> Iterator[None]:
        """Hold the lock, caught up: for work on snapshots."""
        with self._keeper.locked():
            yield

    @contextlib.contextmanager
    def atomically(self, request: Request) -> Iterator[list[Outcome]]:
        """Hold the lock and gather every edit of the block into one operation; an exception drops them all.

        The outcome is put into the list that is yielded.
        """
        self.require_no_batch("an atomic script")
        outcomes: list[Outcome] = []
        with self._keeper.locked(creates=request.creates):
            base = self._keeper.memory
            self._batch = Change()
            try:
                yield outcomes
                batch = self._batch
            finally:
                self._keeper.memory, self._batch = base, None
            decision = self._keeper.decided(lambda _: Edit(batch), request)
            outcomes.append(self._keeper.carry_out(decision, request) if batch else decision.outcome)

    def change_since(self, number: int) -> Change:
        """All that was changed after an operation, as one change. Raises KeySyncError if that is no longer kept."""
        with self._history() as log:
            done = Change()
            for operation in log.since(number):
                done = done.then(log.change(operation.number))
            return done

    def touched_since(self, number: int) -> dict[tuple[str, str], int]:
        """Per system and canonical key, the last operation after that one which touched it."""
        touched: dict[tuple[str, str], int] = {}
        with self._history() as log:
            for operation in log.since(number):
                for name, part in log.change(operation.number).parts.items():
                    keys = canonical(part.keys, self.config.rules)["canonical"]
                    touched |= {(name, key): operation.number for key in keys}
        return touched

    def master_keys(self) -> list[MasterKey]:
        """The registry; the lock is taken if it is not held."""
        with self._keeper.store.locked():
            return self._keeper.store.log.registry().master_keys()

    @contextlib.contextmanager
    def registry(self) -> Iterator[Registry]:
        """Master keys and runs, with the lock held and memory caught up."""
        self.require_no_batch("the registry")
        with self._keeper.locked(creates=False):
            yield self._keeper.store.log.registry()

    def digest(self) -> str:
        """A digest of the content of all systems: the same content, the same digest, on any machine."""
        parts = (f"{name} {files.digest(system_csv.serialize(rows))}" for name, rows in self.state.tables.items())
        return files.digest("\n".join(parts).encode())

    def check(self) -> list[Problem]:
        """Verify files, log, changes, cache and snapshots against each other."""
        self.require_no_batch("check")
        if not self._keeper.store.exists():
            raise self._keeper.no_sandbox()
        with self._keeper.store.locked():
            return check(self._keeper)

    def repair(self, request: Request, name: str, lines: Collection[int], confirm: Callable[[Repair], bool]) -> Repair:
        """Put a sound file in the place of a broken one, which is kept aside."""
        self.require_no_batch("repair")
        if not self._keeper.store.exists():
            raise self._keeper.no_sandbox()
        with self._keeper.store.locked():
            return repair(self._keeper, name, lines, request, confirm)

    def require_no_batch(self, what: str) -> None:
        """Raise KeySyncError inside an atomic script: `what` could not be rolled back."""
        if self._batch is not None:
            raise KeySyncError(f"{what} cannot be part of an atomic script", hint="Put it before or after the script.")

    def close(self) -> None:
        self._keeper.store.close()

    @contextlib.contextmanager
    def _history(self) -> Iterator[OperationLog]:
        self.refresh()
        if self._keeper.unwritable:
            raise KeySyncError(
                f"{self.home.root} cannot be written, so its history is not read", hint="Copy it to a folder of yours."
            )
        with self._keeper.store.locked():
            yield self._keeper.store.log

    def _travel(self, request: Request, count: int) -> list[Outcome]:
        self.require_no_batch(request.kind)
        with self._keeper.locked(creates=False):
            return travel(self._keeper, request, count)

    def _edit_in_batch(self, decide: Decide, request: Request) -> Outcome:
        assert self._batch is not None
        decision = self._keeper.decided(decide, request)
        outcome = decision.outcome
        if request.dry_run or not outcome.change:
            return outcome
        if request.approve is not None and not request.approve(outcome):
            raise Declined("not confirmed")
        self._batch = self._batch.then(decision.edit.change)
        self._keeper.memory = decision.memory
        return replace(outcome, pending=True)


def _there(log: OperationLog, number: int) -> Operation:
    operation = log.get(number)
    if operation is None:
        raise no_such_operation(number)
    return operation


def _same(outcome: Outcome, approved: Outcome | None) -> bool:
    """Whether this is the change that was approved, on the same state."""
    return (
        approved is not None
        and outcome.counts == approved.counts
        and outcome.before == approved.before
        and all(
            part.before.equals(approved.change.parts[name].before)
            and part.after.equals(approved.change.parts[name].after)
            for name, part in outcome.change.parts.items()
        )
    )


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return str(os.getuid())
