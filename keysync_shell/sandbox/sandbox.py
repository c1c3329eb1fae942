"""The sandbox: the one object that every front end talks to.

It catches up with what others did on disk, lets a decision be made on the newest state under the lock, and commits
it. Memory moves only after the disk.
"""

from __future__ import annotations

import contextlib
import getpass
import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from keysync_shell import config
from keysync_shell.core.change import Change
from keysync_shell.core.discrepancies import Summary
from keysync_shell.core.edits import Edit, NoSuchKey
from keysync_shell.core.index import Index
from keysync_shell.core.keys import shown
from keysync_shell.core.normalize import canonical
from keysync_shell.core.selectors import near_misses
from keysync_shell.core.state import State
from keysync_shell.core.table import key_series
from keysync_shell.errors import Declined, KeySyncError, ReadOnlyHome
from keysync_shell.sandbox import memory
from keysync_shell.sandbox.memory import Memory, OutsideEdit
from keysync_shell.sandbox.outcome import Outcome, Request, counts
from keysync_shell.storage import system_csv, tables
from keysync_shell.storage.commit import ChangedMeanwhile, Store, signals_wait
from keysync_shell.storage.home import Home
from keysync_shell.storage.oplog import Counts, Operation

OPEN, EXTERNAL, UNDO, REDO, SCRIPT = "open", "external", "undo", "redo", "script"
TRIES = 5

Decide = Callable[[State], Edit]


@dataclass(frozen=True)
class _Decision:
    """A decided edit with the memory that it leads to."""

    edit: Edit
    memory: Memory
    outcome: Outcome


@dataclass(frozen=True)
class Stacks:
    """The fields of an operation that place it on the undo and redo stacks (see storage.oplog)."""

    target: int | None
    undo_top: int | None
    redo_top: int | None
    below: int | None

    def put_on(self, operation: Operation) -> Operation:
        return replace(operation, **vars(self))


class Sandbox:
    """Five systems of keys with their history. `clock` gives the time in UTC."""

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
        self.warnings: list[str] = []
        self._store = Store(self.home, lock_timeout)
        self._clock = clock
        self._user = user or _user()
        self._host = host or os.uname().nodename
        self._memory = self._nothing()
        self._begun = False
        self._batch: Change | None = None
        self._unwritable = False

    # What is there

    @property
    def state(self) -> State:
        """The state as of the last `refresh` or edit."""
        return self._memory.state

    @property
    def index(self) -> Index:
        return self._memory.index

    @property
    def newest(self) -> Operation | None:
        """The last operation; None before the first."""
        return self._memory.newest

    @property
    def begun(self) -> bool:
        """Whether there is a sandbox at all."""
        return self._begun

    def wait(self, lock_timeout: float) -> None:
        """How many seconds to wait for the lock from now on."""
        self._store.lock_timeout = lock_timeout

    def summary(self) -> Summary:
        return self._memory.summary()

    def now(self) -> str:
        """UTC, ISO 8601, to the second."""
        return self._clock().astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")

    def author(self) -> str:
        """Who works here, for logs and manifests."""
        return f"{self._user}@{self._host}"

    def refresh(self) -> None:
        """Catch up with what other processes and programs did.

        Raises KeySyncError if there is no sandbox, a system file is missing or malformed, or the lock is not to be
        had in time.
        """
        self.look()
        if not self._begun:
            raise self._no_sandbox()

    def look(self) -> None:
        """As `refresh`, but a folder without a sandbox is fine, and nothing is created there."""
        if self._batch is not None or not self._store.exists():
            return
        try:
            with self._store.locked():
                self._catch_up()
        except ReadOnlyHome:
            self._memory, _ = memory.from_files(self.home, self.config.rules)
            self._begun = self._unwritable = True

    def operations(self, count: int) -> list[Operation]:
        """The newest operations, newest first."""
        self.refresh()
        if self._unwritable:
            return []
        with self._store.locked():
            return self._store.log.last(count)

    def last_init(self) -> Operation | None:
        """The last `init` that is not undone."""
        newest = self._memory.newest
        if newest is None:
            return None
        with self._store.locked():
            return self._store.log.last_of_kind("init", newest.undo_top)

    def undoable(self) -> Operation | None:
        """What the next undo would take back."""
        newest = self._memory.newest
        if newest is None or newest.undo_top is None:
            return None
        with self._store.locked():
            entry = self._store.log.get(newest.undo_top)
            return self._original(entry) if entry else None

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
            with contextlib.suppress(ChangedMeanwhile), self._transaction(request):
                decision = self._decided(decide, request)
                outcome = decision.outcome
                if request.dry_run or not outcome.change:
                    return outcome
                if request.approve is None or _same(outcome, approved):
                    return self._carried_out(decision, request)
            if request.approve is not None:
                if not request.approve(outcome):
                    raise Declined("not confirmed", code=2)
                approved = outcome
        raise KeySyncError(
            "the system files change faster than this command can be carried out",
            hint="Wait for the other program to finish and say it again.",
        )

    def undo(self, request: Request, count: int = 1) -> list[Outcome]:
        """Take back the last operations, each as an operation of its own.

        Raises KeySyncError if there are not that many.
        """
        return self._travel(request, count, "undo")

    def redo(self, request: Request, count: int = 1) -> list[Outcome]:
        """Do again what was undone, each as an operation of its own."""
        return self._travel(request, count, "redo")

    @contextlib.contextmanager
    def exclusively(self) -> Iterator[None]:
        """Hold the lock, caught up: for work on snapshots."""
        with self._store.locked():
            self._catch_up()
            yield

    @contextlib.contextmanager
    def atomically(self, request: Request) -> Iterator[list[Outcome]]:
        """Hold the lock and gather every edit of the block into one operation; an exception drops them all.

        The outcome is put into the list that is yielded.
        """
        self.require_no_batch("an atomic script")
        outcomes: list[Outcome] = []
        with self._transaction(request):
            base = self._memory
            self._batch = Change()
            try:
                yield outcomes
                batch = self._batch
            finally:
                self._memory, self._batch = base, None
            decision = self._decided(lambda _: Edit(batch), request)
            outcomes.append(self._carried_out(decision, request) if batch else decision.outcome)

    def require_no_batch(self, what: str) -> None:
        """Raise KeySyncError inside an atomic script: `what` could not be rolled back."""
        if self._batch is not None:
            raise KeySyncError(f"{what} cannot be part of an atomic script", hint="Put it before or after the script.")

    def close(self) -> None:
        self._store.close()

    # Deciding

    def _decided(self, decide: Decide, request: Request) -> _Decision:
        try:
            edit = decide(self.state)
        except NoSuchKey as error:
            raise self._with_near_misses(error) from None
        later = self._memory.after(edit.change, self._memory.newest)
        for name in edit.change.parts:
            self.config.limits.check("keys_per_system", later.state.rows(name), f"rows in {name}")
        outcome = Outcome(
            kind=request.kind,
            counts={name: counts(part) for name, part in edit.change.parts.items()},
            before=self.summary(),
            after=later.summary(),
            change=edit.change,
            left_out=edit.left_out,
            notes=edit.notes,
            dry_run=request.dry_run,
        )
        return _Decision(edit, later, outcome)

    def _edit_in_batch(self, decide: Decide, request: Request) -> Outcome:
        assert self._batch is not None
        decision = self._decided(decide, request)
        outcome = decision.outcome
        if request.dry_run or not outcome.change:
            return outcome
        if request.approve is not None and not request.approve(outcome):
            raise Declined("not confirmed", code=2)
        self._batch = self._batch.then(decision.edit.change)
        self._memory = decision.memory
        return replace(outcome, pending=True)

    def _with_near_misses(self, error: NoSuchKey) -> KeySyncError:
        for word in error.query.literals[:1]:
            [wanted] = canonical(key_series([word]), self.config.rules)["canonical"]
            rows = self.index.rows
            near = near_misses(rows["key"], rows["canonical"], word, wanted)
            if near:
                meant = ", ".join(shown(key) for key in near)
                return KeySyncError(error.message, hint=f"Did you mean {meant}? {error.hint}")
        return error

    # Committing

    @contextlib.contextmanager
    def _transaction(self, request: Request) -> Iterator[None]:
        if not request.creates and not self._store.exists():
            raise self._no_sandbox()
        with self._store.locked():
            self._catch_up()
            yield

    def _carried_out(
        self,
        decision: _Decision,
        request: Request,
        stacks: Stacks | None = None,
        restores: Mapping[str, str | None] | None = None,
    ) -> Outcome:
        """Commit a decision.

        Without `stacks` (those of an undo or redo) the edit goes on the undo stack. `restores` are the digests of
        files that come back.
        """
        newest = self._memory.newest
        operation = self._operation(request.kind, request.line, request.source, decision.outcome)
        operation = replace(operation, details=decision.edit.details)
        operation = stacks.put_on(operation) if stacks else _pushed(operation, newest)
        changed = decision.edit.change.parts if newest else self.systems.names
        contents = {name: self._content(decision.memory.state, name, (restores or {}).get(name)) for name in changed}
        with self._store.staging(contents, newest) as staging, signals_wait():
            committed = self._store.commit(operation, decision.edit.change, staging, {})
            self._memory = replace(decision.memory, newest=committed.operation)
            self._begun = True
        self._keep_cache(changed)
        return replace(decision.outcome, operation=committed.operation, kept=committed.kept)

    def _content(self, state: State, name: str, found_as: str | None) -> bytes:
        """The bytes of a system file; one that was not in our form comes back as it was found."""
        original = self._store.log.original(found_as) if found_as else None
        return original if original is not None else system_csv.serialize(state.tables[name])

    def _operation(self, kind: str, line: str, source: str, outcome: Outcome | None) -> Operation:
        newest = self._memory.newest
        before: Mapping[str, str | None] = newest.after if newest else dict.fromkeys(self.systems.names)
        return Operation(
            number=newest.number + 1 if newest else 1,
            time=self.now(),
            kind=kind,
            line=line,
            user=self._user,
            host=self._host,
            source=source,
            before=before,
            after=before,
            signatures=newest.signatures if newest else {},
            counts=outcome.counts if outcome else {},
            discrepancies=(asdict(outcome.before.discrepancies), asdict(outcome.after.discrepancies))
            if outcome
            else ({}, {}),
        )

    # Travelling

    def _travel(self, request: Request, count: int, way: str) -> list[Outcome]:
        self.require_no_batch(way)
        if count < 1:
            raise KeySyncError(f"{way} {count}: there is no such number of steps", hint=f"Say {way} 1 or more.")
        with self._transaction(request):
            entries = self._entries(way, count)
            if len(entries) < count:
                raise _too_far(way, count, len(entries))
            here = self._memory
            try:
                return [self._step(replace(request, kind=way), entry) for entry in entries]
            finally:
                self._memory = here if request.dry_run else self._memory

    def _entries(self, way: str, count: int) -> list[Operation]:
        """The topmost entries of the undo or redo stack."""
        newest = self._memory.newest
        number = (newest.undo_top if way == "undo" else newest.redo_top) if newest else None
        entries: list[Operation] = []
        while number is not None and len(entries) < count:
            entry = self._store.log.get(number)
            assert entry is not None, "the stacks are linked through the log"
            entries.append(entry)
            number = entry.below
        return entries

    def _step(self, request: Request, entry: Operation) -> Outcome:
        newest = self._memory.newest
        assert newest is not None
        change = self._store.log.change(entry.number).inverse
        decision = self._decided(lambda _: Edit(change), request)
        undid = self._original(entry)
        stacks = _stacks_after(request.kind, entry, newest, undid)
        if request.dry_run:
            self._memory = replace(decision.memory, newest=stacks.put_on(newest))
            return replace(decision.outcome, undid=undid)
        return replace(self._carried_out(decision, request, stacks, entry.before), undid=undid)

    def _original(self, entry: Operation) -> Operation:
        """The edit that an entry of a stack is about."""
        original = self._store.log.get(entry.target) if entry.target is not None else None
        return original or entry

    # Catching up

    def _catch_up(self) -> None:
        """Bring memory to what the disk holds; outside edits become operations. Wants the lock."""
        newest = self._store.log.newest()
        if newest is None:
            self._begin()
            return
        if self._memory.newest is None:
            self._memory, outside = memory.from_committed(self.home, self._store, newest, self.config.rules)
            self._begun = True
            if outside is None or outside.traceable:
                self._keep_cache(self.systems.names)
        else:
            self._memory, outside = memory.moved_on(self.home, self._store, self._memory)
        if outside:
            self._take_in(outside)
        self.warnings += [f"another program's version was kept as {path}" for path in self._store.kept]
        self._store.kept.clear()

    def _begin(self) -> None:
        """First look at a folder: adopt the files that are there, if any."""
        there = [name for name in self.systems.names if os.path.lexists(self.home.system_file(name))]
        if not there:
            self._memory, self._begun = self._nothing(), False
            return
        self._memory, found = memory.from_files(self.home, self.config.rules)
        edit = OutsideEdit(found, Change(), traceable=True)
        operation = replace(self._operation(OPEN, "", EXTERNAL, None), number=0)
        self._record(operation, edit)
        self._begun = True

    def _take_in(self, edit: OutsideEdit) -> None:
        later = self._memory.after(edit.change, self._memory.newest)
        outcome = Outcome(
            kind=EXTERNAL,
            counts={name: counts(part) for name, part in edit.change.parts.items()},
            before=self.summary(),
            after=later.summary(),
            change=edit.change,
            left_out={},
        )
        operation = self._operation(EXTERNAL, "", EXTERNAL, outcome)
        if edit.change:
            operation = _pushed(operation, self._memory.newest)
        if not edit.traceable:
            operation = replace(operation, undo_top=None, redo_top=None)
        self._memory = later
        self._record(operation, edit)
        self.warnings += _outside_warnings(self.home, edit, outcome.counts)

    def _record(self, operation: Operation, edit: OutsideEdit) -> None:
        originals = {file.sha256: file.original for file in edit.found.values() if file.original is not None}
        operation = memory.taken_in(operation, edit)
        with signals_wait():
            self._store.record(operation, edit.change, originals)
            self._memory = replace(self._memory, newest=operation)
        self._keep_cache(edit.found)

    def _keep_cache(self, names: Mapping[str, object] | tuple[str, ...]) -> None:
        for name in names if self._memory.newest else ():
            assert self._memory.newest is not None
            tables.keep(self.home, name, self.state.tables[name], self._memory.newest)

    def _nothing(self) -> Memory:
        return Memory(State.empty(self.systems), self.config.rules)

    def _no_sandbox(self) -> KeySyncError:
        return KeySyncError(
            f"there is no sandbox in {self.home.root}",
            hint="Make one with `init`, or name another folder with --home.",
        )


def _pushed(operation: Operation, newest: Operation | None) -> Operation:
    """The edit on top of the undo stack; there is nothing to redo after it."""
    below = newest.undo_top if newest else None
    return replace(operation, undo_top=operation.number, redo_top=None, below=below)


def _stacks_after(way: str, entry: Operation, newest: Operation, undid: Operation) -> Stacks:
    number = newest.number + 1
    if way == UNDO:
        return Stacks(undid.number, undo_top=entry.below, redo_top=number, below=newest.redo_top)
    return Stacks(undid.number, undo_top=number, redo_top=entry.below, below=newest.undo_top)


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


def _too_far(way: str, count: int, there: int) -> KeySyncError:
    if there == 0:
        return KeySyncError(f"there is nothing to {way}", hint="`log` shows what was done.")
    return KeySyncError(f"{way} {count}: there are only {there}", hint=f"Say {way} {there}, or look at `log`.")


def _outside_warnings(home: Home, edit: OutsideEdit, changed: Mapping[str, Counts]) -> list[str]:
    lines = []
    for name in edit.found:
        what = changed.get(name)
        moved = f"+{what.added} −{what.removed} ~{what.altered}" if what else "the same rows"
        lines.append(f"{home.system_file(name).name} changed outside: {moved}")
    if not edit.traceable:
        lines.append("what was there before is unknown, so it cannot be undone, nor can anything before it")
    return lines


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return str(os.getuid())
