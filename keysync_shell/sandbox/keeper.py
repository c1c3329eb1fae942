"""Memory and disk, kept in step. Memory moves only after the disk."""

from __future__ import annotations

import contextlib
import functools
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime

from keysync_shell.core.edits.edits import Edit, NoSuchKey
from keysync_shell.core.findings.counting import Summary
from keysync_shell.core.model.change import Change, SystemChange
from keysync_shell.core.model.keys import shown
from keysync_shell.core.model.normalize import canonical
from keysync_shell.core.model.state import State
from keysync_shell.core.model.table import key_series, rows_of
from keysync_shell.core.selecting import keysets
from keysync_shell.core.selecting.selectors import near_misses
from keysync_shell.errors import KeySyncError, ReadOnlyHome
from keysync_shell.sandbox import memory
from keysync_shell.sandbox.memory import Memory, OutsideEdit
from keysync_shell.sandbox.outcome import Outcome, Request, counts
from keysync_shell.storage import system_csv, tables
from keysync_shell.storage.commit import Store, signals_wait
from keysync_shell.storage.files import Staged
from keysync_shell.storage.home import Home
from keysync_shell.storage.operations import Counts, Operation
from keysync_shell.storage.patching import LARGE, MOST_SHARE, Content, patches

OPEN, EXTERNAL = "open", "external"

Decide = Callable[[State], Edit]


@dataclass(frozen=True)
class Decision:
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

    def put_on(self, operation: Operation) -> Operation:
        return replace(operation, **vars(self))


class Keeper:
    """The newest state of one sandbox, and its commits. `clock` gives the time in UTC."""

    def __init__(self, home: Home, lock_timeout: float, clock: Callable[[], datetime], user: str, host: str) -> None:
        self.home = home
        self.systems = home.config.systems
        self.store = Store(home, lock_timeout)
        self.memory = self._nothing()
        self.begun = False
        self.unwritable = False
        self.warnings: list[str] = []
        self._clock = clock
        self._user = user
        self._host = host

    @property
    def author(self) -> str:
        """Who works here."""
        return f"{self._user}@{self._host}"

    def now(self) -> str:
        """UTC, ISO 8601, to the second."""
        return self._clock().astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")

    # Catching up

    def look(self) -> None:
        """Catch up with the disk; a folder without a sandbox is fine, and nothing is created there."""
        if not self.store.exists():
            return
        try:
            with self.locked():
                pass
        except ReadOnlyHome:
            self.memory, _ = memory.from_files(self.home)
            self.begun = self.unwritable = True

    @contextlib.contextmanager
    def locked(self, *, creates: bool = True) -> Iterator[None]:
        """Hold the lock with memory caught up.

        Raises KeySyncError if there is no sandbox and it may not be created.
        """
        if not creates and not self.store.exists():
            raise self.no_sandbox()
        with self.store.locked():
            self.unwritable = False
            self._catch_up()
            yield

    def no_sandbox(self) -> KeySyncError:
        return KeySyncError(
            f"there is no sandbox in {self.home.root}",
            hint="Make one with `init`, or name another folder with --home.",
        )

    def forget(self) -> None:
        """Drop what is in memory; the next look reads the disk."""
        self.memory, self.begun = self._nothing(), False

    def record_repair(
        self,
        request: Request,
        newest: Operation,
        change: Change,
        written: Mapping[str, Staged],
        unknown: tuple[str, ...],
    ) -> None:
        """Log a file that was put in the place of a broken one; the numbers of the whole are not known yet."""
        self.memory = replace(self._nothing(), newest=newest)
        operation = replace(
            self._operation(request, None, None),
            counts={name: counts(part) for name, part in change.parts.items()},
            after={**newest.after, **{name: file.sha256 for name, file in written.items()}},
            signatures={**newest.signatures, **{name: file.signature for name, file in written.items()}},
            unknown=unknown,
        )
        stacks = Stacks.pushed(operation.number, newest) if change else Stacks.unchanged(newest)
        with signals_wait():
            self.store.record(stacks.put_on(operation), change, {})

    def _catch_up(self) -> None:
        """Bring memory to what the disk holds; outside edits become operations."""
        newest = self.store.log.newest()
        if newest is None:
            self._begin()
            return
        if self.memory.newest is None:
            self.memory, outside = memory.from_committed(self.home, self.store, newest)
            self.begun = True
            if outside is None or not outside.unknown:
                self._keep_cache(self.systems.names)
        else:
            self.memory, outside = memory.moved_on(self.home, self.store, self.memory)
        if outside:
            self._take_in(outside)
        self.warnings += [f"another program's version was kept as {path}" for path in self.store.kept]
        self.store.kept.clear()

    def _begin(self) -> None:
        """First look at a folder: adopt the files that are there, if any."""
        if not any(os.path.lexists(self.home.system_file(name)) for name in self.systems.names):
            self.memory, self.begun = self._nothing(), False
            return
        found_memory, found = memory.from_files(self.home)
        operation = replace(self._operation(Request(OPEN, "", EXTERNAL), None, found_memory.summary()), number=0)
        self._record(operation, OutsideEdit(found, Change()), found_memory)
        self.begun = True

    def _take_in(self, edit: OutsideEdit) -> None:
        later = self.memory.after(edit.change, self.memory.newest)
        request = Request(EXTERNAL, "", EXTERNAL)
        outcome = self._outcome(Edit(edit.change), later, request)
        operation = self._operation(request, outcome, outcome.after)
        newest = self.memory.newest
        if edit.unknown:
            stacks = Stacks.unchanged(None)
        elif edit.change:
            stacks = Stacks.pushed(operation.number, newest)
        else:
            stacks = Stacks.unchanged(newest)
        self._record(stacks.put_on(operation), edit, later)
        self.warnings += _outside_warnings(self.home, edit, outcome.counts)

    def _record(self, operation: Operation, edit: OutsideEdit, later: Memory) -> None:
        """Log what the files hold already."""
        originals = {file.sha256: file.original for file in edit.found.values() if file.original is not None}
        operation = memory.taken_in(operation, edit)
        with signals_wait():
            self.store.record(operation, edit.change, originals)
            self.memory = replace(later, newest=operation)
        self._keep_cache(edit.found)

    # Deciding

    def decided(self, decide: Decide, request: Request) -> Decision:
        """What a decision on the state in memory would lead to.

        Raises NoSuchKey's message with near misses, and KeySyncError if a system would hold too many rows.
        """
        try:
            edit = decide(self.memory.state)
        except NoSuchKey as error:
            raise self._with_near_misses(error) from None
        later = self.memory.after(edit.change, self.memory.newest)
        for name in edit.change.parts:
            self.home.config.limits.check("keys_per_system", later.state.rows(name), f"rows in {name}")
        return Decision(edit, later, self._outcome(edit, later, request))

    def _outcome(self, edit: Edit, later: Memory, request: Request) -> Outcome:
        return Outcome(
            kind=request.kind,
            counts={name: counts(part) for name, part in edit.change.parts.items()},
            before=self.memory.summary(),
            after=later.summary(),
            change=edit.change,
            left_out=edit.left_out,
            notes=edit.notes,
            dry_run=request.dry_run,
        )

    def _with_near_misses(self, error: NoSuchKey) -> KeySyncError:
        """The error with the keys that were probably meant, or with the systems that hold the key."""
        for word in error.query.literals[:1]:
            rows = self.memory.index.rows
            masks = rows_of(rows, key_series([word]))["mask"]
            if len(masks):
                return KeySyncError(error.message, hint=f"It is in {', '.join(self.systems.members(masks[0]))}.")
            [wanted] = canonical(key_series([word]), self.home.config.rules)["canonical"]
            if near := keysets.meant(word) + near_misses(rows["key"], rows["canonical"], word, wanted):
                meant = ", ".join(shown(key) for key in near)
                return KeySyncError(error.message, hint=f"Did you mean {meant}? {error.hint}")
        return error

    # Committing

    def carry_out(
        self,
        decision: Decision,
        request: Request,
        stacks: Stacks | None = None,
        restores: Mapping[str, str | None] | None = None,
    ) -> Outcome:
        """Commit a decision; the lock is held.

        Without `stacks` (those of an undo or redo) the edit goes on the undo stack. `restores` are the digests of
        files that come back. Raises KeySyncError whose `committed` says what became of it.
        """
        newest, change = self.memory.newest, decision.edit.change
        operation = self._operation(request, decision.outcome, decision.outcome.after)
        operation = replace(operation, details=decision.edit.details)
        operation = (stacks or Stacks.pushed(operation.number, newest)).put_on(operation)
        changed = tuple(change.parts) if newest else self.systems.names
        found_as = restores or {}
        contents = {name: self._content(decision, name, found_as.get(name)) for name in changed}
        for name, content in contents.items():
            self.home.config.limits.check("file_bytes", content.size, f"{self.home.system_file(name)} in bytes")
        with self.store.staging(contents, newest) as staging, signals_wait():
            committed = self.store.commit(operation, change, staging, {})
            self.memory = replace(decision.memory, newest=committed.operation)
            self.begun = True
        self._keep_cache(changed)
        return replace(decision.outcome, operation=committed.operation, kept=committed.kept)

    def _content(self, decision: Decision, name: str, found_as: str | None) -> Content:
        """The content of a system file; one that was not in our form comes back as it was found."""
        original = self.store.log.original(found_as) if found_as else None
        if original is not None:
            return Content(lambda: original)
        rows = decision.memory.state.tables[name]
        whole = functools.cache(lambda: system_csv.serialize(rows))
        newest, part = self.memory.newest, decision.edit.change.parts.get(name)
        if newest is None or part is None or not self._can_patch(newest, name, part):
            return Content(whole)
        signature = newest.signatures[name]
        made = patches(self.memory.state.tables[name], signature.size, part)
        return Content(whole) if made is None else Content(whole, self.home.system_file(name), signature, made)

    def _can_patch(self, newest: Operation, name: str, part: SystemChange) -> bool:
        """Whether the file is large, is in our form, and a small part of its rows changes."""
        signature, digest = newest.signatures.get(name), newest.after.get(name)
        most = MOST_SHARE * self.memory.state.rows(name)
        few = not part.whole and len(part.before) + len(part.after) <= most
        if not few or signature is None or digest is None or signature.size < LARGE:
            return False
        return self.store.log.original(digest) is None

    def _operation(self, request: Request, outcome: Outcome | None, after: Summary | None) -> Operation:
        newest = self.memory.newest
        before: Mapping[str, str | None] = newest.after if newest else dict.fromkeys(self.systems.names)
        totals = (outcome.before, outcome.after) if outcome else ()
        return Operation(
            number=newest.number + 1 if newest else 1,
            time=self.now(),
            kind=request.kind,
            line=request.line,
            user=self._user,
            host=self._host,
            source=request.source,
            before=before,
            after=before,
            signatures=newest.signatures if newest else {},
            counts=outcome.counts if outcome else {},
            discrepancies=tuple(asdict(summary.discrepancies) for summary in totals),
            summary=asdict(after) if after else {},
        )

    def _keep_cache(self, names: Iterable[str]) -> None:
        newest = self.memory.newest
        for name in names if newest else ():
            assert newest is not None
            tables.keep(self.home, name, self.memory.state.tables[name], newest)

    def _nothing(self) -> Memory:
        return Memory(State.empty(self.systems), self.home.config.rules)


def _outside_warnings(home: Home, edit: OutsideEdit, changed: Mapping[str, Counts]) -> list[str]:
    lines = []
    for name in edit.found:
        what = changed.get(name)
        moved = f"+{what.added} −{what.removed} ~{what.altered}" if what else "the same rows"
        lines.append(f"{home.system_file(name).name} changed outside: {moved}")
    if edit.unknown:
        lines.append("what was there before is unknown, so it cannot be undone, nor can anything before it")
    return lines
