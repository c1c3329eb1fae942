"""The operation log: one row per committed operation in SQLite. Append-only.

The undo and redo stacks are linked lists through the log: each row holds the tops of both after it, and what lies
below it on the stack that it went on. So the newest row answers every question about undo.
"""

from __future__ import annotations

import io
import json
import sqlite3
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

import polars as pl

from keysync_shell.core.change import Change, SystemChange
from keysync_shell.errors import KeySyncError
from keysync_shell.storage.files import Signature

SCHEMA_VERSION = 1
SCHEMA = """
CREATE TABLE operations (
    number INTEGER PRIMARY KEY, token TEXT NOT NULL UNIQUE, time TEXT NOT NULL, kind TEXT NOT NULL, line TEXT NOT NULL,
    user TEXT NOT NULL, host TEXT NOT NULL, source TEXT NOT NULL, target INTEGER, undo_top INTEGER, redo_top INTEGER,
    below INTEGER, before TEXT NOT NULL, after TEXT NOT NULL, signatures TEXT NOT NULL, counts TEXT NOT NULL,
    discrepancies TEXT NOT NULL, details TEXT NOT NULL
) STRICT;
CREATE TABLE changes (
    number INTEGER NOT NULL REFERENCES operations, system TEXT NOT NULL, before BLOB NOT NULL, after BLOB NOT NULL,
    PRIMARY KEY (number, system)
) STRICT;
CREATE TABLE originals (sha256 TEXT PRIMARY KEY, content BLOB NOT NULL) STRICT;
"""


@dataclass(frozen=True)
class Counts:
    """Keys of one system that an operation added, removed, and altered (the same key, other rows)."""

    added: int
    removed: int
    altered: int


@dataclass(frozen=True)
class Operation:
    """A committed operation.

    `before` and `after` are the SHA-256 of every system's file (None: there was none), `discrepancies` the totals
    before and after it (none for the opening entry), `target` the operation that an undo or a redo is about.
    """

    number: int
    time: str
    kind: str
    line: str
    user: str
    host: str
    source: str
    target: int | None = None
    undo_top: int | None = None
    redo_top: int | None = None
    below: int | None = None
    before: Mapping[str, str | None] = field(default_factory=dict)
    after: Mapping[str, str | None] = field(default_factory=dict)
    signatures: Mapping[str, Signature] = field(default_factory=dict)
    counts: Mapping[str, Counts] = field(default_factory=dict)
    discrepancies: tuple[Mapping[str, int], ...] = ()
    details: Mapping[str, Any] = field(default_factory=dict)


JSON_COLUMNS = ("before", "after", "signatures", "counts", "discrepancies", "details")
PLAIN_COLUMNS = tuple(item.name for item in fields(Operation) if item.name not in JSON_COLUMNS)
COLUMNS = ", ".join((*PLAIN_COLUMNS, *JSON_COLUMNS))


class OperationLog:
    """The log of one sandbox. After any error the connection is closed and opened anew, never reused."""

    def __init__(self, path: Path, timeout: float) -> None:
        self._path = path
        self._timeout = timeout
        self._connection: sqlite3.Connection | None = None

    def append(
        self, operation: Operation, token: str, change: Change, originals: Mapping[str, bytes] | None = None
    ) -> None:
        """Write the row: when this returns, the operation is committed and durable."""
        row = (*_row(operation), token)
        blobs = [
            (operation.number, name, _packed(part.before), _packed(part.after)) for name, part in change.parts.items()
        ]
        kept = [(sha256, zlib.compress(data, 1)) for sha256, data in (originals or {}).items()]
        with self._open() as connection:
            marks = ", ".join("?" * len(row))
            connection.execute(f"INSERT INTO operations ({COLUMNS}, token) VALUES ({marks})", row)
            connection.executemany("INSERT INTO changes VALUES (?, ?, ?, ?)", blobs)
            connection.executemany("INSERT OR IGNORE INTO originals VALUES (?, ?)", kept)

    def newest(self) -> Operation | None:
        return next(self._select("ORDER BY number DESC LIMIT 1"), None)

    def get(self, number: int) -> Operation | None:
        return next(self._select("WHERE number = ?", number), None)

    def since(self, number: int) -> list[Operation]:
        """Operations after that one, oldest first."""
        return list(self._select("WHERE number > ? ORDER BY number", number))

    def last(self, count: int) -> list[Operation]:
        """The newest operations, newest first, without the opening entry."""
        return list(self._select("WHERE number > 0 ORDER BY number DESC LIMIT ?", count))

    def size(self) -> int:
        """How many operations there are, without the opening entry."""
        row = self._open().execute("SELECT count(*) FROM operations WHERE number > 0").fetchone()
        return int(row[0])

    def token(self, number: int) -> str:
        row = self._open().execute("SELECT token FROM operations WHERE number = ?", (number,)).fetchone()
        return str(row[0])

    def has_token(self, token: str) -> bool:
        """Whether the operation with this token was committed."""
        return self._open().execute("SELECT 1 FROM operations WHERE token = ?", (token,)).fetchone() is not None

    def change(self, number: int) -> Change:
        """What an operation changed."""
        rows = self._open().execute("SELECT system, before, after FROM changes WHERE number = ?", (number,))
        return Change({name: SystemChange(_unpacked(before), _unpacked(after)) for name, before, after in rows})

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

    def close(self) -> None:
        """Drop the connection; the next use opens it anew."""
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()

    def _select(self, clause: str, *values: Any) -> Iterator[Operation]:
        for row in self._open().execute(f"SELECT {COLUMNS} FROM operations {clause}", values):
            yield _operation(row)

    def _open(self) -> sqlite3.Connection:
        if self._connection is None:
            connection = sqlite3.connect(self._path, timeout=self._timeout)
            try:
                # WAL and FULL: the log is synced at each commit. WAL with NORMAL, or DELETE with FULL, is not.
                connection.execute("PRAGMA journal_mode = WAL")
                connection.execute("PRAGMA synchronous = FULL")
                connection.execute("PRAGMA fullfsync = 1")
                self._set_up(connection)
            except BaseException:
                connection.close()
                raise
            self._connection = connection
        return self._connection

    def _set_up(self, connection: sqlite3.Connection) -> None:
        (version,) = connection.execute("PRAGMA user_version").fetchone()
        if version == SCHEMA_VERSION:
            return
        if version:
            raise KeySyncError(
                f"{self._path} was written by another version of KeySync Shell (format {version})",
                hint="Use the version that wrote it, or move the file away: the keys themselves are in systems/.",
            )
        connection.executescript(f"BEGIN IMMEDIATE; {SCHEMA} PRAGMA user_version = {SCHEMA_VERSION}; COMMIT;")


def _row(operation: Operation) -> tuple[Any, ...]:
    row = asdict(operation)
    for name in JSON_COLUMNS:
        row[name] = json.dumps(row[name], ensure_ascii=False)
    return tuple(row.values())


def _operation(row: tuple[Any, ...]) -> Operation:
    before, after, signatures, counts, discrepancies, details = (json.loads(text) for text in row[len(PLAIN_COLUMNS) :])
    return Operation(
        **dict(zip(PLAIN_COLUMNS, row, strict=False)),
        before=before,
        after=after,
        signatures={name: Signature(**values) for name, values in signatures.items()},
        counts={name: Counts(**values) for name, values in counts.items()},
        discrepancies=tuple(discrepancies),
        details=details,
    )


def _packed(rows: pl.DataFrame) -> bytes:
    out = io.BytesIO()
    rows.write_ipc_stream(out, compression="zstd")
    return out.getvalue()


def _unpacked(blob: bytes) -> pl.DataFrame:
    return pl.read_ipc_stream(io.BytesIO(blob))
