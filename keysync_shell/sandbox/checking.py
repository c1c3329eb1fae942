"""Verify everything against everything: files, log, replay of changes, cache, snapshots. The lock is held.

Each check returns its problems; CHECKS lists them.
"""

from __future__ import annotations

import itertools
import sqlite3
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import polars as pl

from keysync_shell.errors import KeySyncError
from keysync_shell.sandbox.keeper import Keeper
from keysync_shell.storage import cache, replaying, snapshots, tables
from keysync_shell.storage.database import beginning_anew
from keysync_shell.storage.operations import MASTER_KEYS, Unavailable
from keysync_shell.storage.records import Damaged

NOT_TRUSTED = "do not trust the history from there on back; snapshots are not affected"


@dataclass(frozen=True)
class Problem:
    """Something that does not fit: where, what, and what to do about it."""

    where: str
    what: str
    todo: str


def check(keeper: Keeper) -> list[Problem]:
    """Every problem there is, in the order of CHECKS; a database that cannot be read is one, too."""
    problems: dict[Problem, None] = {}
    for part in CHECKS:
        try:
            with keeper.home.progress.doing(f"checking {part.__name__.strip('_')}"):
                problems |= dict.fromkeys(part(keeper))
        except sqlite3.DatabaseError as error:
            keeper.store.log.close()
            problems[_broken(keeper, str(error))] = None
    return list(problems)


def _files(keeper: Keeper) -> Iterator[Problem]:
    """Each system file can be read, and holds what the newest operation left."""
    newest = keeper.store.log.newest()
    for name in keeper.home.config.systems.names:
        path = keeper.home.system_file(name)
        try:
            found = tables.read(keeper.home, name)
        except KeySyncError as error:
            for line in error.message.split("\n"):
                yield Problem(path.name, line.replace(str(path), path.name), f"repair {name}")
            continue
        if newest and found.sha256 != newest.after.get(name):
            yield Problem(path.name, "changed outside since the last operation", "any command takes it in")


def _database(keeper: Keeper) -> Iterator[Problem]:
    """SQLite finds its file whole."""
    for line in keeper.store.log.integrity():
        yield _broken(keeper, line)
    for sha256 in keeper.store.log.damaged_originals():
        what = f"the bytes of a file as it was found (SHA-256 {sha256[:12]}…) are damaged"
        yield Problem("history.db", what, "its rows can still be brought back")


def _broken(keeper: Keeper, what: str) -> Problem:
    return Problem("history.db", what, beginning_anew(keeper.home.database))


def _chain(keeper: Keeper) -> Iterator[Problem]:
    """Each operation can be read and begins with the files that the one before it left, and none is missing."""
    operations = list(keeper.store.log.summaries())
    for operation in operations:
        if operation.damaged:
            yield Problem(f"@{operation.number}", f"its {', '.join(operation.damaged)} cannot be read", NOT_TRUSTED)
    for earlier, later in itertools.pairwise(operations):
        follows = later.before == earlier.after or "after" in earlier.damaged or "before" in later.damaged
        if later.number != earlier.number + 1 or not follows:
            yield Problem(f"@{later.number}", f"does not begin where @{earlier.number} ended", NOT_TRUSTED)


def _changes(keeper: Keeper) -> Iterator[Problem]:
    """Each change that is kept can be read."""
    log = keeper.store.log
    for operation in log.since(log.oldest_kept() - 1):
        for name in (*operation.counts, *([MASTER_KEYS] if operation.master_keys else ())):
            try:
                log.part(operation, name)
            except Damaged as error:
                what = "the registry" if name == MASTER_KEYS else name
                todo = f"what {what} held before it cannot be brought back from the history"
                yield Problem(f"@{operation.number}", error.message, todo)


def _runs(keeper: Keeper) -> Iterator[Problem]:
    """Each run can be read."""
    registry = keeper.store.log.registry()
    for run in registry.runs():
        todo = "the run cannot be looked at again; nothing else needs it"
        if run.damaged:
            yield Problem(f"run {run.number}", "its details cannot be read", todo)
        try:
            registry.tables(run.number)
        except Damaged as error:
            yield Problem(f"run {run.number}", error.message, todo)


def _replay(keeper: Keeper) -> Iterator[Problem]:
    """Walking back through the changes gives the files that each operation says it began with."""
    log, limits = keeper.store.log, keeper.home.config.limits
    newest = log.newest()
    if newest is None:
        return
    rows: dict[str, pl.DataFrame] = {}
    for name in keeper.home.config.systems.names:
        told = replaying.at_any_cost(keeper.home, log, name, newest)
        if told is None:
            told = tables.read_if_committed(keeper.home, name, newest)
        if told is not None:
            rows[name] = told
    for operation in reversed(log.since(log.oldest_kept() - 1)):
        for name in [name for name in rows if name in (*operation.counts, *operation.unknown)]:
            try:
                part = log.part(operation, name)
                rows[name] = part.inverse.applied(rows[name]) if part else rows[name]
            except Unavailable:  # told by another check, or known to be so
                del rows[name]
                continue
            except ValueError:
                fits = False
            else:
                fits = replaying.stands_for(rows[name], operation.before.get(name), log, limits)
            if not fits:
                del rows[name]
                yield Problem(f"@{operation.number}", f"its change of {name} does not fit the files", NOT_TRUSTED)


def _cache(keeper: Keeper) -> Iterator[Problem]:
    """Each cached table is whole and agrees with the file that it stands for."""
    newest = keeper.store.log.newest()
    for name in keeper.home.config.systems.names if newest else ():
        assert newest is not None
        stamp = cache.stamp(keeper.home.cache, name)
        if stamp is None:
            continue
        rows = cache.load(keeper.home.cache, name)
        wrong = rows is None
        if rows is not None and stamp[0] == newest.after.get(name):
            there = tables.read_if_committed(keeper.home, name, newest)
            wrong = there is not None and not rows.equals(there)
        if wrong:
            yield Problem(f"cache of {name}", "damaged", f"delete {keeper.home.cache}; it is made anew")


def _snapshots(keeper: Keeper) -> Iterator[Problem]:
    """Each snapshot matches its checksums and can be read."""
    folder = keeper.home.snapshots
    for name in snapshots.names(folder):
        try:
            snapshot = snapshots.load(folder, name, keeper.home.config.limits)
            snapshot.tables(keeper.home.config.limits)
            snapshot.registry()
        except KeySyncError as error:
            yield Problem(f"snapshot {name}", error.message, f"delete-state {name}, or get a good copy of it")


CHECKS: tuple[Callable[[Keeper], Iterator[Problem]], ...] = (
    _files,
    _database,
    _chain,
    _changes,
    _runs,
    _replay,
    _cache,
    _snapshots,
)
