"""Master keys, runs and their audit, in the same database as the history."""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import polars as pl

from keysync_shell.storage import records

PROPOSED, ACTIVE, DEPRECATED = "proposed", "active", "deprecated"

EVENT_COLUMNS = "run, time, event, details, system, key, action, result"


@dataclass(frozen=True)
class MasterKey:
    """A master key for an unauthorized key. `status` goes from proposed to active to deprecated."""

    id: int
    master_key: str
    canonical: str
    source_system: str
    source_key: str
    status: str
    strategy: str
    created_at: str
    activated_at: str | None = None
    run: int | None = None


@dataclass(frozen=True)
class Run:
    """A reconciliation run: what it found (core.findings) and planned (core.planning) at an operation."""

    number: int
    time: str
    mode: str
    line: str
    user: str
    operation: int
    folder: str
    details: Mapping[str, Any]


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


RUN_COLUMNS = tuple(Run.__dataclass_fields__)


class Registry:
    """Reads and writes on an open connection; the sandbox's lock is held."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def master_keys(self) -> list[MasterKey]:
        columns = ", ".join(MasterKey.__dataclass_fields__)
        return [MasterKey(*row) for row in self._connection.execute(f"SELECT {columns} FROM master_keys ORDER BY id")]

    def names(self) -> list[tuple[str, str]]:
        """The canonical key and the name of every master key, in no order; much cheaper than all of them."""
        return self._connection.execute("SELECT canonical, master_key FROM master_keys").fetchall()

    def propose(self, proposals: Iterable[MasterKey], events: Iterable[Event] = ()) -> None:
        """Add proposals for canonical keys that have none yet; proposing again is nothing."""
        with self._connection:
            self._insert(proposals)
            self._audit(events)

    def set_status(self, ids: Collection[int], status: str, time: str, events: Iterable[Event]) -> None:
        with self._connection as connection:
            connection.executemany(
                "UPDATE master_keys SET status = ?, activated_at = CASE ? WHEN 'active' THEN ? ELSE activated_at END"
                " WHERE id = ?",
                [(status, status, time, number) for number in ids],
            )
            self._audit(events)

    def next_run(self) -> int:
        (number,) = self._connection.execute("SELECT coalesce(max(number), 0) + 1 FROM runs").fetchone()
        return int(number)

    def add_run(
        self,
        run: Run,
        findings: pl.DataFrame,
        actions: pl.DataFrame,
        proposals: Iterable[MasterKey],
        events: Iterable[Event],
    ) -> None:
        """The run with its proposals and audit: all or nothing."""
        blobs = records.packed(findings), records.packed(actions)
        values = (*(vars(run) | {"details": records.dumped(run.details)}).values(), *blobs, records.checksum(*blobs))
        columns = ", ".join((*RUN_COLUMNS, "findings", "actions", "checksum"))
        with self._connection as connection:
            connection.execute(f"INSERT INTO runs ({columns}) VALUES ({', '.join('?' * len(values))})", values)
            self._insert(proposals)
            self._audit(events)

    def runs(self) -> list[Run]:
        """Every run, newest first."""
        rows = self._connection.execute(f"SELECT {', '.join(RUN_COLUMNS)} FROM runs ORDER BY number DESC")
        return [_run(row) for row in rows]

    def tables(self, run: int) -> tuple[pl.DataFrame, pl.DataFrame]:
        """The findings and the actions of a run."""
        row = self._connection.execute(
            "SELECT findings, actions, checksum FROM runs WHERE number = ?", (run,)
        ).fetchone()
        findings, actions, written = row
        what = f"what run {run} found"
        records.verify(what, written, findings, actions)
        return records.unpacked(findings, what), records.unpacked(actions, what)

    def events(self, run: int) -> list[tuple[int, Event]]:
        """The audit of a run, newest first, with ids."""
        rows = self._connection.execute(
            f"SELECT id, {EVENT_COLUMNS} FROM audit WHERE run = ? ORDER BY id DESC",
            (run,),
        )
        return [(row[0], Event(*row[1:])) for row in rows]

    def _insert(self, proposals: Iterable[MasterKey]) -> None:
        columns = [name for name in MasterKey.__dataclass_fields__ if name != "id"]
        self._connection.executemany(
            f"INSERT OR IGNORE INTO master_keys ({', '.join(columns)}) VALUES ({', '.join('?' * len(columns))})",
            [tuple(getattr(proposal, name) for name in columns) for proposal in proposals],
        )

    def _audit(self, events: Iterable[Event]) -> None:
        self._connection.executemany(
            f"INSERT INTO audit ({EVENT_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            [tuple(vars(event).values()) for event in events],
        )


def _run(row: tuple[Any, ...]) -> Run:
    values = dict(zip(RUN_COLUMNS, row, strict=True))
    return records.record(Run, {**values, "details": records.loaded(values["details"], f"run {values['number']}")})
