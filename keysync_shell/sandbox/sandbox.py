"""The sandbox: the one door for every front end. What is behind it is told in the package."""

from __future__ import annotations

import contextlib
import getpass
import os
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from keysync_shell import config
from keysync_shell.config import Config
from keysync_shell.core.findings.counting import Summary
from keysync_shell.core.findings.index import Index
from keysync_shell.core.model.change import Change, SystemChange
from keysync_shell.core.model.state import State
from keysync_shell.progress import SILENT, Progress
from keysync_shell.sandbox import catching_up, checking, editing, past, repairing, running, staging, undoing
from keysync_shell.sandbox.checking import Problem
from keysync_shell.sandbox.deciding import Decide
from keysync_shell.sandbox.keeper import Keeper, nothing
from keysync_shell.sandbox.memory import Memory, Source
from keysync_shell.sandbox.outcome import Once, Outcome, Request
from keysync_shell.sandbox.repairing import Replacement
from keysync_shell.sandbox.running import Noted, RunDecision
from keysync_shell.storage import files, system_csv
from keysync_shell.storage.commit import Glance, Store
from keysync_shell.storage.home import Home
from keysync_shell.storage.operations import Operation, OperationKind
from keysync_shell.storage.oplog import OperationLog, Wanted, looking
from keysync_shell.storage.registry import Registry


class Sandbox:
    """Some systems of keys with their history. `clock` gives the time in UTC.

    `source` reads the keys of systems whose files are somebody else's; then only runs are recorded here. `absent` are
    systems that `settings` leave out, since their files are missing. `progress` hears what is being done.
    """

    def __init__(
        self,
        root: Path,
        *,
        lock_timeout: float = 10.0,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        user: str = "",
        host: str = "",
        settings: Config | None = None,
        source: Source | None = None,
        absent: tuple[str, ...] = (),
        progress: Progress = SILENT,
    ) -> None:
        self.config = settings or config.load(root)
        self.home = Home(root, self.config, progress, absent)
        self.systems = self.config.systems
        self._keeper = Keeper(
            self.home,
            Store(self.home, lock_timeout),
            clock,
            user or _user(),
            host or os.uname().nodename,
            nothing(self.home),
            source,
        )

    # The newest state

    @property
    def state(self) -> State:
        """The state as of the last `refresh` or edit."""
        return self._keeper.memory.state

    @property
    def index(self) -> Index:
        return self._keeper.memory.index

    @property
    def seen(self) -> Memory:
        """State and index as of the last look."""
        return self._keeper.memory

    @property
    def newest(self) -> Operation | None:
        """The last operation; None before the first."""
        return self._keeper.memory.newest

    @property
    def committed(self) -> Sequence[Operation]:
        """What was committed through this object, oldest first; after Ctrl-C nobody else tells."""
        return self._keeper.committed

    @property
    def begun(self) -> bool:
        """Whether there is a sandbox at all."""
        return self._keeper.begun

    @property
    def warnings(self) -> list[str]:
        """What people should know, such as edits by other programs; whoever shows them clears the list."""
        return self._keeper.warnings

    @property
    def patience(self) -> float:
        """How many seconds to wait for the lock."""
        return self._keeper.store.lock_timeout

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

    def digest(self) -> str:
        """A digest of the content of all systems: the same content, the same digest, on any machine."""
        parts = (f"{name} {files.digest(system_csv.serialize(rows))}" for name, rows in self.state.tables.items())
        return files.digest("\n".join(parts).encode())

    def refresh(self) -> None:
        """Catch up with what other processes and programs did.

        Raises KeySyncError if there is no sandbox, a system file is missing or malformed, or the lock is not to be
        had in time.
        """
        self.look()
        if not self.begun:
            self._keeper.require_sandbox()

    def look(self) -> None:
        """As `refresh`, but a folder without a sandbox is fine, and nothing is created there."""
        if self._keeper.batch is None:
            catching_up.look(self._keeper)

    def peek(self, *, for_a_run: bool = False) -> None:
        """As `refresh`, but without the lock and without a trace, whoever is at work.

        `for_a_run` only what is not in step is kept in memory: enough for findings, plans and proposals, not for edits.
        """
        if not self._keeper.source:
            self._keeper.require_sandbox()
        catching_up.peek(self._keeper, for_a_run=for_a_run)

    def still(self, memory: Memory | None = None) -> Sandbox:
        """A sandbox that stays as this one last saw it, or at a moment: it can be looked at by any thread, without the
        lock."""
        memory = memory or self._keeper.memory
        at_rest = Sandbox(self.home.root, settings=self.config)
        at_rest._keeper.memory = memory.without_connection(self.home)
        at_rest._keeper.begun, at_rest._keeper.unwritable, at_rest._keeper.still = self.begun, True, True
        return at_rest

    def glance(self) -> Glance:
        """What the disk looks like, without the lock: where that is as before, nobody else was at work."""
        return self._keeper.store.glance()

    def changed_outside(self) -> bool:
        """Whether a system file is another than the one that was last seen; without the lock."""
        newest = self.newest
        return newest is not None and self._keeper.store.glance().files != dict(newest.signatures)

    # The past

    def operations(self, wanted: Wanted) -> list[Operation]:
        """The newest operations that are wanted, newest first."""
        with self._history() as log:
            touched = past.touching(self._keeper, log, wanted.key, wanted.systems) if wanted.key is not None else None
            return log.find(wanted, touched)

    def touching(self, key: str) -> list[tuple[Operation, Mapping[str, SystemChange]]]:
        """The operations that touched a key, oldest first, with what they changed."""
        with self._history() as log:
            changes = past.touching(self._keeper, log, key).changes
            return [(past.operation(log, number), parts) for number, parts in changes.items()]

    def change(self, number: int) -> tuple[Operation, Change]:
        """An operation and what it changed. Raises KeySyncError if there is none, or that is no longer kept."""
        with self._history() as log:
            return past.operation(log, number), log.change(number)

    def every_operation(self) -> list[Operation]:
        """All of them, oldest first, the opening entry as well."""
        with self._history() as log:
            return list(log.summaries())

    def operations_since(self, number: int) -> list[Operation]:
        """The operations after that one, oldest first."""
        with self._history() as log:
            return log.since(number)

    def answered(self, once: Once) -> Outcome | None:
        """What came of a request that was carried out before; None if it was not.

        Raises KeySyncError if its key was used for another one.
        """
        with self._history() as log:
            return past.answered(log, once)

    def moment(self, number: int | None) -> Memory:
        """State and index as they were after an operation; None is now.

        Raises KeySyncError if there is no such operation, or the changes since are no longer kept.
        """
        if number is None:
            self.refresh()
            return self._keeper.memory
        with self._history() as log:
            return past.moment(past.seen(self._keeper, log), log, number)

    def last_init(self) -> Operation | None:
        """The last `init` that is not undone."""
        newest = self.newest
        if newest is None:
            return None
        with self._keeper.store.locked():
            return self._keeper.store.log.last_of_kind(OperationKind.INIT, newest.undo_top)

    def undoable(self) -> Operation | None:
        """What the next undo would take back."""
        newest = self.newest
        if newest is None or newest.undo_top is None:
            return None
        with self._keeper.store.locked():
            entry = self._keeper.store.log.get(newest.undo_top)
            return undoing.original(self._keeper, entry) if entry else None

    def changes_since(self, number: int) -> Iterator[tuple[int, Change, tuple[str, ...]]]:
        """The operations after that one, oldest first, with what they changed, and systems where that is not told."""
        with self._history() as log:
            yield from past.changes_since(log, number)

    # Stages

    def stage(self, folder: Path) -> None:
        """Copy the sandbox to a new folder, to be thrown away (see sandbox.staging)."""
        self._keeper.require_no_batch("a scenario")
        staging.stage(self._keeper, folder)

    def bring_home(self, request: Request, staged: State, base: int) -> Outcome:
        """Make the systems what they are on a stage that was made after operation `base` (see sandbox.staging)."""
        self._keeper.require_no_batch("a scenario")
        return staging.bring_home(self._keeper, request, staged, base)

    # Edits

    def edit(self, decide: Decide, request: Request) -> Outcome:
        """Decide on the newest state, and commit what really changes (see sandbox.editing)."""
        return editing.edit(self._keeper, decide, request)

    @contextlib.contextmanager
    def atomically(self, request: Request) -> Iterator[list[Outcome]]:
        """Gather every edit of the block into one operation (see sandbox.editing)."""
        with editing.atomically(self._keeper, request) as outcomes:
            yield outcomes

    def restore(self, request: Request, number: int) -> Outcome:
        """Bring back the state after an operation, as a new operation."""
        self._keeper.require_no_batch("restore")
        return editing.settled(self._keeper, lambda: past.restoring(self._keeper, request, number), request)

    def revert(self, request: Request, number: int) -> Outcome:
        """Undo one old operation, as a new operation (see sandbox.past)."""
        self._keeper.require_no_batch("revert")
        return editing.settled(self._keeper, lambda: past.reverting(self._keeper, request, number), request)

    def undo(self, request: Request, count: int = 1) -> list[Outcome]:
        """Take back the last operations, each as an operation of its own.

        Raises KeySyncError if there are not that many.
        """
        with self._alone(OperationKind.UNDO):
            return undoing.travel(self._keeper, replace(request, kind=OperationKind.UNDO), count)

    def redo(self, request: Request, count: int = 1) -> list[Outcome]:
        """Do again what was undone, each as an operation of its own."""
        with self._alone(OperationKind.REDO):
            return undoing.travel(self._keeper, replace(request, kind=OperationKind.REDO), count)

    # With the lock held

    @contextlib.contextmanager
    def exclusively(self) -> Iterator[int]:
        """Hold the lock, caught up: for work on snapshots, and for programs, which share it by its descriptor."""
        with catching_up.locked(self._keeper):
            yield self._keeper.store.lock_descriptor

    # Runs

    def record(self, decide: Callable[[Memory, Registry], RunDecision], request: Request) -> Noted:
        """Record a run with what it changes (see sandbox.running)."""
        return running.record(self._keeper, decide, request)

    @contextlib.contextmanager
    def records(self) -> Iterator[Registry]:
        """The runs and their audit, to look at; without a trace where nothing may be written."""
        if self._keeper.unwritable:
            with looking(self.home.database) as log:
                yield log.registry()
        else:
            with self._keeper.store.locked():
                yield self._keeper.store.log.registry()

    def check(self) -> list[Problem]:
        """Verify files, log, changes, cache and snapshots against each other."""
        with self._as_it_is("check"):
            return checking.check(self._keeper)

    def repair(
        self, request: Request, name: str, lines: Collection[int], confirm: Callable[[Replacement], bool]
    ) -> Replacement:
        """Put a sound file in the place of a broken one, which is kept aside."""
        with self._as_it_is("repair"):
            return repairing.repair(self._keeper, name, lines, request, confirm)

    def require_no_batch(self, what: str) -> None:
        """Raise KeySyncError inside an atomic script: `what` could not be rolled back."""
        self._keeper.require_no_batch(what)

    def close(self) -> None:
        self._keeper.store.close()

    @contextlib.contextmanager
    def _alone(self, what: str) -> Iterator[None]:
        """Hold the lock, caught up, outside of an atomic script."""
        self._keeper.require_no_batch(what)
        with catching_up.locked(self._keeper, creates=False):
            yield

    @contextlib.contextmanager
    def _as_it_is(self, what: str) -> Iterator[None]:
        """Hold the lock, whatever the files hold."""
        self._keeper.require_no_batch(what)
        self._keeper.require_sandbox()
        with self._keeper.store.locked():
            yield

    @contextlib.contextmanager
    def _history(self) -> Iterator[OperationLog]:
        """The log, to look at; without a trace where nothing may be written."""
        self.refresh()
        if self._keeper.unwritable:
            with looking(self.home.database) as log:
                yield log
        else:
            with self._keeper.store.locked():
                yield self._keeper.store.log


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return str(os.getuid())
