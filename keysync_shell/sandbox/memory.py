"""The newest state in memory, and how it catches up with the disk. Every function here but one wants the lock held."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

import polars as pl

from keysync_shell.core.findings.assessing import assess
from keysync_shell.core.findings.counting import Summary, summarize
from keysync_shell.core.findings.index import Index
from keysync_shell.core.model.change import Change, between, changes
from keysync_shell.core.model.rules import Rules
from keysync_shell.core.model.state import OnDemand, State
from keysync_shell.core.model.table import KEY
from keysync_shell.errors import KeySyncError
from keysync_shell.progress import SILENT, Progress
from keysync_shell.storage import oplog, replaying, seen, tables, unlocked
from keysync_shell.storage.commit import Store
from keysync_shell.storage.home import Home
from keysync_shell.storage.operations import Operation, Unavailable
from keysync_shell.storage.oplog import OperationLog
from keysync_shell.storage.replaying import Base
from keysync_shell.storage.tables import Found

UNREADABLE = "unreadable"  # in the place of a digest
MOST_FOLLOWED = 256  # changes; past that reading again is faster

Source = Callable[[], Mapping[str, pl.DataFrame]]


@dataclass
class Memory:
    """State and index after `newest`; without `newest` nothing was ever committed."""

    state: State
    rules: Rules
    newest: Operation | None = None
    progress: Progress = field(default=SILENT, compare=False, repr=False)
    _index: Index | None = field(default=None, repr=False)

    @property
    def index(self) -> Index:
        if self._index is None:
            with self.progress.doing("comparing the systems"):
                self._index = Index.build(self.state, self.rules)
        return self._index

    def without_connection(self, home: Home) -> Memory:
        """The same, with its index, for another thread: the registry is read through a connection of its own."""
        number = self.newest.number if self.newest else None
        master_keys = OnDemand(functools.partial(oplog.master_keys_of, home.database, number))
        return replace(self, state=replace(self.state, registry=master_keys), _index=self.index)

    def summary(self) -> Summary:
        return summarize(self.index, self.state)

    def after(self, change: Change, newest: Operation | None) -> Memory:
        """Memory moved on by a change; this one stays as it is."""
        index = self.index
        with self.progress.doing("applying the change"):
            state = self.state.apply(change)
            return Memory(state, self.rules, newest, self.progress, index.after(change, state))


@dataclass(frozen=True)
class OutsideEdit:
    """What other programs did to system files. `unknown` are the systems whose rows before it are not known."""

    found: Mapping[str, Found]
    change: Change
    unknown: tuple[str, ...] = ()


Reading = tuple[Memory, OutsideEdit | None]


def from_files(home: Home, log: OperationLog) -> tuple[Memory, dict[str, Found]]:
    """Read every system file, with no history; there may be runs and master keys."""
    found = {name: tables.read(home, name) for name in home.config.systems.names}
    master_keys = OnDemand(functools.partial(log.master_keys, None))
    state = State(home.config.systems, {name: file.rows for name, file in found.items()}, master_keys)
    return Memory(state, home.config.rules, progress=home.progress), found


def without_lock(home: Home) -> tuple[Memory, unlocked.Reading]:
    """What is there at one moment, of a home that may only be read; with no history. This one needs no lock."""
    reading = unlocked.read(home)
    master_keys = OnDemand(functools.partial(oplog.master_keys_of, home.database, reading.number))
    state = State(home.config.systems, reading.tables, master_keys)
    return Memory(state, home.config.rules, progress=home.progress), reading


def without_rows(home: Home) -> Memory:
    """The same for one comparison: only what is not in step, and its keys alone."""
    reading = unlocked.read(home, parse=tables.keys)
    master_keys = OnDemand(functools.partial(oplog.master_keys_of, home.database, reading.number))
    return _assessed(home, reading.tables, master_keys)


def _assessed(home: Home, rows: Mapping[str, pl.DataFrame], master_keys: OnDemand) -> Memory:
    with home.progress.doing("comparing the systems"):
        keys = {name: table[KEY] for name, table in rows.items()}
        state, index = assess(keys, home.config.systems, home.config.rules, master_keys)
    return Memory(state, home.config.rules, progress=home.progress, _index=index)


def of_source(home: Home, source: Source, log: OperationLog | None = None, newest: Operation | None = None) -> Memory:
    """The keys of files that are not ours; without the log, which wants the lock, at a look without a trace."""
    read = log.master_keys if log else functools.partial(oplog.master_keys_of, home.database)
    master_keys = OnDemand(functools.partial(read, newest.number if newest else None))
    with home.progress.doing("reading the files"):
        rows = source()
    return replace(_assessed(home, rows, master_keys), newest=newest)


def from_committed(home: Home, store: Store, newest: Operation, before: Memory | None = None) -> Reading:
    """The state after the newest operation, and what was done outside since.

    `before` is a memory of an earlier moment, whose rows are used where they still hold.
    """
    rows: dict[str, pl.DataFrame] = {}
    found: dict[str, Found] = {}
    unknown: list[str] = []
    if "after" in newest.damaged:  # then every file is another than it left, in an unknown way
        newest = replace(newest, after=dict.fromkeys(home.every_system, UNREADABLE))
    if set(newest.after) != set(home.every_system):
        raise _other_systems(home, newest)
    newest = seen.recalled(home, newest)
    for name in home.config.systems.names:
        base = _base(before, name)
        with home.progress.doing(f"reading {name}"):
            told = replaying.at_once(home, store.log, name, newest, base)
            confirmed = tables.confirmed(home, name, newest) if told is not None else None
        if told is not None and confirmed:
            newest, rows[name] = confirmed, told
            continue
        file = tables.read(home, name)
        if file.sha256 == newest.after.get(name):
            newest, rows[name] = tables.sighted(newest, name, file.signature), file.rows
            continue
        found[name] = file
        if told is None:
            with home.progress.doing(f"going through the changes of {name}"):
                told = replaying.at_any_cost(home, store.log, name, newest, base)
        if told is None:
            _refuse_emptiness(home, name, file, _rows_then(newest, name))
            unknown.append(name)
        rows[name] = file.rows if told is None else told
    master_keys = OnDemand(functools.partial(store.log.master_keys, newest.number))
    memory = Memory(State(home.config.systems, rows, master_keys), home.config.rules, newest, home.progress)
    return memory, _outside(home, memory, found, tuple(unknown)) if found else None


def moved_on(home: Home, store: Store, memory: Memory) -> Reading:
    """Memory after the operations that other processes committed, and what was done outside since.

    One that cannot follow, or would take longer than a look at the disk, reads again.
    """
    followed = _followed(home, store, memory)
    if followed is None:
        newest = store.log.newest()
        assert newest is not None, "there is a history"
        return from_committed(home, store, newest, memory)
    memory = followed
    found: dict[str, Found] = {}
    for name in home.config.systems.names:
        assert memory.newest is not None
        if confirmed := tables.confirmed(home, name, memory.newest):
            memory = replace(memory, newest=confirmed)
        else:
            found[name] = tables.read(home, name)
    return memory, _outside(home, memory, found) if found else None


def _followed(home: Home, store: Store, memory: Memory) -> Memory | None:
    """Memory moved on by the operations since; None if they cannot be followed, or are too many."""
    assert memory.newest is not None
    number = memory.newest.number
    count, size = store.log.extent(None, number)
    if count > MOST_FOLLOWED or size > replaying.FEW_BYTES:
        return None
    done = Change()
    later = store.log.since(number)
    try:
        for operation in later:
            done = done.then(store.log.change(operation.number))
        return memory.after(done, seen.recalled(home, later[-1])) if later else memory
    except (Unavailable, ValueError):
        return None


def of_this_history(store: Store, memory: Memory) -> bool:
    """Whether the log is the one that memory comes from; somebody may have put another one in its place."""
    assert memory.newest is not None
    then = store.log.get(memory.newest.number)
    if then is None or then.time != memory.newest.time:
        return False
    return then.after == memory.newest.after or "after" in then.damaged


def _base(memory: Memory | None, name: str) -> Base | None:
    if memory is None or memory.newest is None:
        return None
    rows = memory.state.tables[name]
    return Base(memory.newest.number, memory.newest.after.get(name), lambda: rows)


def _outside(home: Home, memory: Memory, found: Mapping[str, Found], unknown: tuple[str, ...] = ()) -> OutsideEdit:
    for name, file in found.items():
        _refuse_emptiness(home, name, file, memory.state.rows(name))
    parts = {name: between(memory.state.tables[name], file.rows) for name, file in found.items()}
    return OutsideEdit(found, changes(parts), unknown)


def taken_in(operation: Operation, edit: OutsideEdit) -> Operation:
    """The operation with what the files hold now."""
    return replace(
        operation,
        after={**operation.after, **{name: file.sha256 for name, file in edit.found.items()}},
        signatures={**operation.signatures, **{name: file.signature for name, file in edit.found.items()}},
        unknown=edit.unknown,
    )


def _refuse_emptiness(home: Home, name: str, file: Found, rows: int) -> None:
    """A file that held rows and holds none any more is an accident, not an empty system."""
    if rows > 0 and len(file.rows) == 0:
        raise KeySyncError(
            f"{home.system_file(name)} lost all its {rows:,} rows outside of KeySync",
            hint=f"Run: repair {name}. If it should be empty: repair it, then remove-key '*' --systems {name}",
        )


def _rows_then(operation: Operation, name: str) -> int:
    """How many rows a system had after an operation, as the log says."""
    return sum(row["rows"] for row in operation.summary.get("systems", ()) if row["name"] == name)


def _other_systems(home: Home, newest: Operation) -> KeySyncError:
    return KeySyncError(
        f"the systems are {', '.join(home.every_system)}, but this sandbox was made with {', '.join(newest.after)}",
        hint=f"Keep the names, or move {home.private} away to begin a new history.",
    )
