"""The operation log: one row per committed operation in SQLite. Append-only.

The undo and redo stacks are linked lists through the log: each row holds the tops of both after it, and what lies
below it on the stack that it went on. So the newest row answers every question about undo.
"""

from __future__ import annotations

import sqlite3
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from keysync_shell.config import Retention
from keysync_shell.core.model.change import Change, SystemChange
from keysync_shell.core.model.table import KEY
from keysync_shell.errors import KeySyncError
from keysync_shell.storage import records, schema
from keysync_shell.storage.operations import Operation
from keysync_shell.storage.registry import Registry

OPERATION = ", ".join(records.OPERATION_COLUMNS)
CHANGE = ", ".join(records.CHANGE_COLUMNS)
BLOBS = "before, after, checksum"


@dataclass(frozen=True)
class Wanted:
    """Which operations of the log: `since` is a UTC time, `key` a spelling that they touch."""

    limit: int
    kind: str | None = None
    user: str | None = None
    source: str | None = None
    since: str | None = None
    system: str | None = None
    key: str | None = None


class OperationLog:
    """The log of one sandbox. After any error the connection is closed and opened anew, never reused."""

    def __init__(self, path: Path, timeout: float, keep: Retention) -> None:
        self._path = path
        self._keep = keep
        self._timeout = timeout
        self._connection: sqlite3.Connection | None = None

    def append(
        self, operation: Operation, token: str, change: Change, originals: Mapping[str, bytes] | None = None
    ) -> None:
        """Write the row: when this returns, the operation is committed and durable.

        Changes beyond what is to be kept are dropped with it; rows stay for ever.
        """
        row = (*records.operation_row(operation), token)
        blobs = [records.change_row(operation.number, name, part) for name, part in change.parts.items()]
        kept = [(sha256, zlib.compress(data, 1)) for sha256, data in (originals or {}).items()]
        with self._open() as connection:
            connection.execute(f"INSERT INTO operations ({OPERATION}, token) VALUES ({_marks(row)})", row)
            marks = _marks(records.CHANGE_COLUMNS)
            connection.executemany(f"INSERT INTO changes ({CHANGE}) VALUES ({marks})", blobs)
            connection.executemany("INSERT OR IGNORE INTO originals VALUES (?, ?)", kept)
            self._forget(connection, operation.number)

    def registry(self) -> Registry:
        """Master keys and runs, in the same database."""
        return Registry(self._open())

    def newest(self) -> Operation | None:
        return next(self._select("ORDER BY number DESC LIMIT 1"), None)

    def get(self, number: int) -> Operation | None:
        return next(self._select("WHERE number = ?", number), None)

    def since(self, number: int) -> list[Operation]:
        """Operations after that one, oldest first."""
        return list(self._select("WHERE number > ? ORDER BY number", number))

    def find(self, wanted: Wanted) -> list[Operation]:
        """The newest operations that are wanted, newest first, without the opening entry."""
        clauses, values = ["number > 0"], list[Any]()
        for clause, value in (
            ("kind = ?", wanted.kind),
            ("user = ?", wanted.user),
            ("source = ?", wanted.source),
            ("time >= ?", wanted.since),
            ("json_type(counts, '$.' || ?) IS NOT NULL", wanted.system),
        ):
            if value is not None:
                clauses.append(clause)
                values.append(value)
        rows = self._select(f"WHERE {' AND '.join(clauses)} ORDER BY number DESC LIMIT ?", *values, _no_more(wanted))
        if wanted.key is None:
            return list(rows)
        touched = self.touching(wanted.key, wanted.system)
        return [operation for operation in rows if operation.number in touched][: wanted.limit]

    def touching(self, key: str, system: str | None = None) -> dict[int, dict[str, SystemChange]]:
        """The changes that touch a key, per operation number and system, of those that are still kept."""
        rows = self._open().execute(
            f"SELECT number, system, {BLOBS} FROM changes WHERE (?1 IS NULL OR system = ?1)"
            " AND (NOT plain OR instr(before, ?2) OR instr(after, ?2)) ORDER BY number",
            (system, key.encode()),
        )
        found: dict[int, dict[str, SystemChange]] = {}
        for number, name, *blobs in rows:
            part = records.change(number, name, *blobs)
            if (part.before[KEY] == key).any() or (part.after[KEY] == key).any():
                found.setdefault(number, {})[name] = part
        return found

    def summaries(self) -> Iterator[Operation]:
        """Every operation, oldest first, the opening entry as well."""
        return self._select("ORDER BY number")

    def oldest_kept(self) -> int:
        """The first operation from which on every change is kept: the state before it is the oldest there is."""
        row = self._open().execute(
            "SELECT coalesce(max(number), 0) FROM operations o WHERE counts != '{}' AND number > 0"
            " AND NOT EXISTS (SELECT 1 FROM changes c WHERE c.number = o.number)"
        )
        return int(row.fetchone()[0]) + 1

    def token(self, number: int) -> str:
        row = self._open().execute("SELECT token FROM operations WHERE number = ?", (number,)).fetchone()
        return str(row[0])

    def has_token(self, token: str) -> bool:
        """Whether the operation with this token was committed."""
        return self._open().execute("SELECT 1 FROM operations WHERE token = ?", (token,)).fetchone() is not None

    def change(self, number: int) -> Change:
        """What an operation changed. Raises KeySyncError if that is no longer kept."""
        rows = self._open().execute(f"SELECT system, {BLOBS} FROM changes WHERE number = ?", (number,))
        parts = {name: records.change(number, name, *blobs) for name, *blobs in rows}
        if not parts and (operation := self.get(number)) and operation.counts:
            raise KeySyncError(
                f"what @{number} changed is no longer kept",
                hint="The history keeps the last changes only: [history] operations and bytes in keysync.toml.",
            )
        return Change(parts)

    def original(self, sha256: str) -> bytes | None:
        """The bytes of a file that was not in our form, as it was found."""
        row = self._open().execute("SELECT content FROM originals WHERE sha256 = ?", (sha256,)).fetchone()
        return zlib.decompress(row[0]) if row else None

    def last_of_kind(self, kind: str, undo_top: int | None) -> Operation | None:
        """The newest operation of that kind which is not undone: on the undo stack with that top."""
        found = (
            self._open()
            .execute(
                """WITH RECURSIVE stack(number) AS (
                   SELECT ? UNION ALL
                   SELECT below FROM operations JOIN stack USING (number) WHERE below IS NOT NULL)
               SELECT edit.number FROM stack JOIN operations entry USING (number)
               JOIN operations edit ON edit.number = coalesce(entry.target, entry.number)
               WHERE edit.kind = ? ORDER BY entry.number DESC LIMIT 1""",
                (undo_top, kind),
            )
            .fetchone()
        )
        return self.get(found[0]) if found else None

    def integrity(self) -> list[str]:
        """What SQLite finds wrong with the file."""
        rows = self._open().execute("PRAGMA integrity_check(5)").fetchall()
        return [str(line) for (line,) in rows if line != "ok"]

    def close(self) -> None:
        """Drop the connection; the next use opens it anew."""
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()

    def _forget(self, connection: sqlite3.Connection, newest: int) -> None:
        """Drop the oldest changes beyond what is to be kept; that of the newest operation always stays."""
        connection.execute("DELETE FROM changes WHERE number <= ?", (newest - max(1, self._keep.operations),))
        sizes = connection.execute("SELECT number, sum(bytes) FROM changes GROUP BY number ORDER BY number DESC")
        total = 0
        for number, size in sizes.fetchall():
            total += size
            if total > self._keep.bytes and number < newest:
                connection.execute("DELETE FROM changes WHERE number <= ?", (number,))
                break

    def _select(self, clause: str, *values: Any) -> Iterator[Operation]:
        for row in self._open().execute(f"SELECT {OPERATION} FROM operations {clause}", values):
            yield records.operation(row)

    def _open(self) -> sqlite3.Connection:
        if self._connection is None:
            connection = sqlite3.connect(self._path, timeout=self._timeout)
            try:
                # WAL and FULL: the log is synced at each commit. WAL with NORMAL, or DELETE with FULL, is not.
                connection.execute("PRAGMA journal_mode = WAL")
                connection.execute("PRAGMA synchronous = FULL")
                connection.execute("PRAGMA fullfsync = 1")
                schema.bring_up_to_date(connection, self._path)
                # Where it cannot open a file of its own for writing, SQLite goes on reading only, for good, and says
                # so only when it has to write: rather fail now.
                connection.executescript(f"BEGIN IMMEDIATE; PRAGMA user_version = {schema.VERSION}; ROLLBACK;")
            except BaseException:
                connection.close()
                raise
            self._connection = connection
        return self._connection


def _no_more(wanted: Wanted) -> int:
    """How many rows to read: all of them where the key still has to be looked for."""
    return wanted.limit if wanted.key is None else -1


def _marks(values: Sequence[Any]) -> str:
    return ", ".join("?" * len(values))
