"""The registry of master keys, runs and their audit, in the same database as the history.

The registry is part of the history: each change of it is stored with the operation that made it, in the transaction of
that operation. The table `master_keys` is the registry after the newest operation.
"""

from __future__ import annotations

import contextlib
import sqlite3
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, fields
from typing import Any

import polars as pl

from keysync_shell.core.model import table
from keysync_shell.core.model.change import SystemChange
from keysync_shell.core.model.master_keys import ACTIVE, DEPRECATED, PROPOSED, SCHEMA, MasterKey, by_number
from keysync_shell.storage import records
from keysync_shell.storage.operations import MASTER_KEYS, Operation

COLUMNS = tuple("canonical" if name == table.KEY else name for name in SCHEMA)
EVENT_COLUMNS = "run, time, event, details, system, key, action, result"
EVENTS = {PROPOSED: "MASTER_KEY_PROPOSED", ACTIVE: "MASTER_KEY_ACTIVATED", DEPRECATED: "MASTER_KEY_DEPRECATED"}
TAKEN_BACK = "MASTER_KEY_TAKEN_BACK"


@dataclass(frozen=True)
class Run:
    """A reconciliation run: what it found (core.findings) and planned (core.planning) at an operation.

    `damaged` if its details cannot be read any more, and are empty.
    """

    number: int
    time: str
    mode: str
    line: str
    user: str
    operation: int
    folder: str
    details: Mapping[str, Any]
    damaged: bool = False


@dataclass(frozen=True)
class Event:
    """A line of the audit."""

    run: int | None
    time: str
    event: str
    details: str
    system: str
    key: str
    action: str
    result: str


@dataclass(frozen=True, eq=False)
class Recording:
    """A run as it is recorded: with its findings and actions, and the lines of its audit."""

    run: Run
    findings: pl.DataFrame
    actions: pl.DataFrame
    events: tuple[Event, ...]


DETAILS = frozenset(("rules", "policy", "summary"))  # what every version recorded of a run
RUN_COLUMNS = tuple(item.name for item in fields(Run) if item.name != "damaged")


class Registry:
    """Reads and writes on an open connection; who writes holds the lock and has begun a transaction."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def master_keys(self, number: int | None = None) -> pl.DataFrame:
        """The registry after an operation, by default after the newest: a table as in core.model.master_keys.

        Raises Damaged if a later change cannot be read.
        """
        with _one_moment(self._connection):
            rows = self._connection.execute(f"SELECT {', '.join(COLUMNS)} FROM master_keys").fetchall()
            later = self._connection.execute(
                "SELECT number, before, after, checksum FROM changes"
                " WHERE system = ? AND number > ? ORDER BY number DESC",
                (MASTER_KEYS, sys.maxsize if number is None else number),
            ).fetchall()
        known = pl.DataFrame(rows, schema=SCHEMA, orient="row").sort(table.KEY)
        for operation, *blobs in later:
            known = records.change(operation, MASTER_KEYS, *blobs).inverse.applied(known)
        return known

    def change(self, change: SystemChange, operation: Operation, *, told: bool) -> None:
        """Change the master keys; the audit tells of each, unless that of a run has `told` it."""
        gone = [(key,) for key in change.before[table.KEY]]
        self._connection.executemany("DELETE FROM master_keys WHERE canonical = ?", gone)
        marks = ", ".join("?" * len(COLUMNS))
        rows = change.after.select(*SCHEMA).iter_rows()
        self._connection.executemany(f"INSERT INTO master_keys ({', '.join(COLUMNS)}) VALUES ({marks})", rows)
        if not told:
            self._audit(_events(change, operation))

    def add(self, recording: Recording) -> None:
        """Record a run."""
        blobs = records.packed(recording.findings), records.packed(recording.actions)
        values = {**vars(recording.run), "details": records.dumped(recording.run.details)}
        row = (*(values[name] for name in RUN_COLUMNS), *blobs, records.checksum(*blobs))
        columns = ", ".join((*RUN_COLUMNS, "findings", "actions", "checksum"))
        self._connection.execute(f"INSERT INTO runs ({columns}) VALUES ({', '.join('?' * len(row))})", row)
        self._audit(recording.events)

    def next_run(self) -> int:
        (number,) = self._connection.execute("SELECT coalesce(max(number), 0) + 1 FROM runs").fetchone()
        return int(number)

    def runs(self) -> list[Run]:
        """Every run, newest first."""
        rows = self._connection.execute(f"SELECT {', '.join(RUN_COLUMNS)} FROM runs ORDER BY number DESC")
        return [_run(row) for row in rows]

    def has(self, run: Run) -> bool:
        """Whether that very run is recorded."""
        return any((other.number, other.time, other.line) == (run.number, run.time, run.line) for other in self.runs())

    def tables(self, run: int) -> tuple[pl.DataFrame, pl.DataFrame]:
        """The findings and the actions of a run. Raises Damaged, also for one that is not recorded."""
        row = self._connection.execute(
            "SELECT findings, actions, checksum FROM runs WHERE number = ?", (run,)
        ).fetchone()
        what = f"what run {run} found"
        if row is None:
            raise records.Damaged(what, "it is gone")
        findings, actions, written = row
        records.verify(what, written, findings, actions)
        return records.unpacked(findings, what), records.unpacked(actions, what)

    def events(self, run: int) -> list[tuple[int, Event]]:
        """The audit of a run, newest first, with ids."""
        rows = self._connection.execute(
            f"SELECT id, {EVENT_COLUMNS} FROM audit WHERE run = ? ORDER BY id DESC",
            (run,),
        )
        return [(row[0], Event(*row[1:])) for row in rows]

    def _audit(self, events: Iterable[Event]) -> None:
        self._connection.executemany(
            f"INSERT INTO audit ({EVENT_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            [tuple(vars(event).values()) for event in events],
        )


@contextlib.contextmanager
def _one_moment(connection: sqlite3.Connection) -> Iterator[None]:
    """Let every look of the block see the same moment."""
    if connection.in_transaction:
        yield
        return
    connection.execute("BEGIN")
    try:
        yield
    finally:
        connection.rollback()


def _events(change: SystemChange, operation: Operation) -> Iterator[Event]:
    """The audit of a change: what a master key has become, or that it is gone."""
    left = set(change.after[table.KEY])
    for key in by_number(change.before):
        if key.canonical not in left:
            yield _event(TAKEN_BACK, key, operation)
    for key in by_number(change.after):
        yield _event(EVENTS[key.status], key, operation)


def _event(what: str, key: MasterKey, operation: Operation) -> Event:
    return Event(
        None, operation.time, what, key.master_key, key.source_system, key.source_key, operation.kind, "success"
    )


def _run(row: tuple[Any, ...]) -> Run:
    values = dict(zip(RUN_COLUMNS, row, strict=True))
    details = _details(values["details"])
    return records.record(Run, {**values, "details": details, "damaged": not details})


def _details(text: Any) -> Mapping[str, Any]:
    """The details of a run; none if they are damaged."""
    try:
        details: Mapping[str, Any] = records.loaded(text, "")
        whole = details.keys() >= DETAILS and isinstance(details["summary"]["discrepancies"], dict)
    except (records.Damaged, KeyError, TypeError):
        return {}
    return details if whole else {}
