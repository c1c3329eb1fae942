"""The rows of a system after an operation, told from what is kept: rows of an earlier moment and the changes since.

A file is a pure function of its rows, so rows that once stood for the same digest are the same rows, however long ago
that was; only a system that really changed since has to be replayed.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import polars as pl

from keysync_shell.core.model import table
from keysync_shell.core.model.limits import Limits
from keysync_shell.storage import cache, files, system_csv
from keysync_shell.storage.home import Home
from keysync_shell.storage.operations import Operation, Unavailable
from keysync_shell.storage.oplog import OperationLog

FEW_CHANGES = 64  # of one system; replaying more takes longer than reading its file
FEW_BYTES = 4 << 20  # of changes, compressed


@dataclass(frozen=True)
class Base:
    """Rows as they were after an operation, when the system's file had that digest (None: there was no file).

    `load` gives None where they turn out to be damaged.
    """

    number: int
    digest: str | None
    load: Callable[[], pl.DataFrame | None]


def at_once(home: Home, log: OperationLog, name: str, newest: Operation, memory: Base | None) -> pl.DataFrame | None:
    """The rows after the newest operation, if they can be had for less than reading the file."""
    bases = tuple(_near(home, log, name, memory))
    for base in bases:
        if base.digest == newest.after.get(name) and (rows := base.load()) is not None:
            return rows
    for base in bases:
        if few(log, name, base.number) and (rows := _replayed(log, name, base)) is not None:
            return rows
    return None


def at_any_cost(
    home: Home, log: OperationLog, name: str, newest: Operation, memory: Base | None = None
) -> pl.DataFrame | None:
    """The rows after the newest operation; None if nothing that is kept tells them."""
    if (rows := at_once(home, log, name, newest, memory)) is not None:
        return rows
    for base in _near(home, log, name, memory):
        if (rows := _replayed(log, name, base)) is not None:
            return rows
    for base in _far(home, log, name):
        rows = _replayed(log, name, base)
        if rows is not None and stands_for(rows, newest.after.get(name), log, home.config.limits):
            return rows
    return None


def few(log: OperationLog, name: str, number: int) -> bool:
    """Whether the changes of a system since that operation are few enough to replay them at each start."""
    count, size = log.extent(name, number)
    return count <= FEW_CHANGES and size <= FEW_BYTES


def stands_for(rows: pl.DataFrame, digest: str | None, log: OperationLog, limits: Limits) -> bool:
    """Whether the file with that digest held these rows."""
    if digest is None or files.digest(system_csv.serialize(rows)) == digest:
        return True
    original = log.original(digest)
    return original is not None and system_csv.parse(original, "", limits).equals(rows)


def _near(home: Home, log: OperationLog, name: str, memory: Base | None) -> Iterator[Base]:
    """Rows that are at hand: in memory, and in the cache if that is of this history."""
    if memory is not None:
        yield memory
    stamp = cache.stamp(home.cache, name)
    then = log.get(stamp[1]) if stamp else None
    if stamp and then and then.after.get(name) == stamp[0]:
        yield Base(stamp[1], stamp[0], lambda: cache.load(home.cache, name))


def _far(home: Home, log: OperationLog, name: str) -> Iterator[Base]:
    """Rows that the log itself tells: of a file that was kept as it was found, and those that it began with."""
    for number, digest in log.originals_of(name):
        yield Base(number, digest, functools.partial(_original, log, digest, home.config.limits))
    first = log.get(1)
    if first is not None and first.before.get(name) is None:
        yield Base(0, None, functools.partial(_beginning, log, first, name))


def _original(log: OperationLog, digest: str, limits: Limits) -> pl.DataFrame | None:
    data = log.original(digest)
    return None if data is None else system_csv.parse(data, "", limits)


def _beginning(log: OperationLog, first: Operation, name: str) -> pl.DataFrame:
    part = log.part(first, name)
    return table.empty() if part is None else part.before


def _replayed(log: OperationLog, name: str, base: Base) -> pl.DataFrame | None:
    """None if a change since is unknown, damaged or no longer kept, or was made on other rows."""
    try:
        rows = base.load()
        if rows is None:
            return None
        for operation in log.touching_file(name, base.number):
            if part := log.part(operation, name):
                rows = part.applied(rows)
    except (Unavailable, ValueError):
        return None
    return rows
