"""The operation log: one row per committed operation in SQLite. Append-only.

The undo and redo stacks are linked lists through the log: each row holds the tops of both after it, and what lies
below it on the stack that it went on. So the newest row answers every question about undo.
"""

from __future__ import annotations

import contextlib
import json
import sqlite3
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from keysync_shell.config import Retention
from keysync_shell.core.model.change import Change, SystemChange
from keysync_shell.core.model.table import KEY
from keysync_shell.errors import KeySyncError
from keysync_shell.storage import database, files, records
from keysync_shell.storage.database import Database
from keysync_shell.storage.files import explained
from keysync_shell.storage.operations import MASTER_KEYS, Operation, Unavailable
from keysync_shell.storage.registry import Recording, Registry

OPERATION = ", ".join(records.OPERATION_COLUMNS)
CHANGE = ", ".join(records.CHANGE_COLUMNS)
BLOBS = "before, after, checksum"
COUNTED = "EXISTS (SELECT 1 FROM json_each(counts) WHERE key IN (SELECT value FROM json_each(?)))"
MAY_BE_UNKNOWN = "(unknown IS NULL AND kind IN ('external', 'repair') OR unknown != '[]')"


@dataclass(frozen=True)
class Wanted:
    """Which operations of the log: `since` is a UTC time, `key` a spelling that they touch; no `systems` mean any."""

    limit: int
    kind: str | None = None
    user: str | None = None
    source: str | None = None
    since: str | None = None
    systems: tuple[str, ...] = ()
    key: str | None = None


@dataclass(frozen=True)
class Touched:
    """The changes that touch a key, per operation number and system; `unread` are operations that may have, too."""

    changes: dict[int, dict[str, SystemChange]]
    unread: list[int]


class OperationLog:
    """The log of one sandbox. After any error the connection is closed and opened anew, never reused.

    `reading` is for who may not write, or should leave no trace.
    """

    def __init__(self, path: Path, timeout: float, keep: Retention, *, reading: bool = False) -> None:
        self._database = Database(path, timeout, reading=reading)
        self._keep = keep

    def append(
        self,
        operation: Operation,
        token: str,
        change: Change,
        originals: Mapping[str, bytes] | None = None,
        recording: Recording | None = None,
    ) -> None:
        """Write the row: when this returns, the operation is committed and durable, and so is its run if it is one.

        Changes beyond what is to be kept are dropped with it; rows stay for ever. Raises KeySyncError if the log was
        removed or replaced meanwhile, so that the row went nowhere.
        """
        row = (*records.operation_row(operation), token)
        registry = {MASTER_KEYS: change.master_keys} if change.master_keys else {}
        parts = {**change.parts, **registry}
        blobs = [records.change_row(operation.number, name, part) for name, part in parts.items()]
        kept = [(sha256, zlib.compress(data, 1)) for sha256, data in (originals or {}).items()]
        with self._open() as connection:
            connection.execute(f"INSERT INTO operations ({OPERATION}, token) VALUES ({_marks(row)})", row)
            marks = _marks(records.CHANGE_COLUMNS)
            connection.executemany(f"INSERT INTO changes ({CHANGE}) VALUES ({marks})", blobs)
            connection.executemany("INSERT OR IGNORE INTO originals VALUES (?, ?)", kept)
            if change.master_keys:
                Registry(connection).change(change.master_keys, operation, told=recording is not None)
            if recording:
                Registry(connection).add(recording)
            self._forget(connection, operation.number)
        self._require_in_place()

    def registry(self) -> Registry:
        """Master keys and runs, in the same database."""
        return Registry(self._open())

    def master_keys(self, number: int | None) -> pl.DataFrame:
        """The registry after an operation, None is the newest: a table as in core.model.master_keys.

        It is read on demand, wherever that is. Raises Damaged, KeySyncError if the database cannot be read.
        """
        try:
            return self.registry().master_keys(number)
        except sqlite3.Error as error:
            self.close()
            path = self._database.path
            raise KeySyncError(f"{path}: {error}", hint=database.hint(error, path)) from error

    def add(self, recording: Recording) -> None:
        """Record a run that changed nothing, so that it is no operation."""
        with self._open() as connection:
            Registry(connection).add(recording)
        self._require_in_place()

    def newest(self) -> Operation | None:
        return next(self._select("ORDER BY number DESC LIMIT 1"), None)

    def get(self, number: int) -> Operation | None:
        return next(self._select("WHERE number = ?", number), None)

    def since(self, number: int) -> list[Operation]:
        """Operations after that one, oldest first."""
        return list(self._select("WHERE number > ? ORDER BY number", number))

    def find(self, wanted: Wanted, touched: Touched | None = None) -> list[Operation]:
        """The newest operations that are wanted (and touched a key), newest first, without the opening entry."""
        clauses, values = ["number > 0"], list[Any]()
        names = _names(wanted.systems)
        for clause, value in (
            ("kind = ?", wanted.kind),
            ("user = ?", wanted.user),
            ("source = ?", wanted.source),
            ("time >= ?", wanted.since),
            (f"CASE WHEN json_valid(counts) THEN {COUNTED} ELSE 1 END", names),
        ):
            if value is not None:
                clauses.append(clause)
                values.append(value)
        rows = self._select(
            f"WHERE {' AND '.join(clauses)} ORDER BY number DESC LIMIT ?",
            *values,
            wanted.limit if touched is None else -1,
        )
        return [row for row in rows if touched is None or row.number in touched.changes][: wanted.limit]

    def touching(self, key: str, systems: tuple[str, ...] = ()) -> Touched:
        """The changes that touch a key, of those that can still be read."""
        connection = self._open()
        connection.create_function("intact", 3, records.intact)  # a damaged change may have lost the very key
        rows = connection.execute(
            f"SELECT number, system, {BLOBS} FROM changes"
            " WHERE (?1 IS NULL AND system != ?3 OR system IN (SELECT value FROM json_each(?1)))"
            " AND (NOT plain OR instr(before, ?2) OR instr(after, ?2) OR NOT intact(checksum, before, after))"
            " ORDER BY number",
            (_names(systems), key.encode(), MASTER_KEYS),
        )
        touched = Touched({}, [operation.number for operation in self.unknown(systems)])
        for number, name, *blobs in rows:
            try:
                part = records.change(number, name, *blobs)
            except records.Damaged:
                touched.unread.append(number)
                continue
            if (part.before[KEY] == key).any() or (part.after[KEY] == key).any():
                touched.changes.setdefault(number, {})[name] = part
        return touched

    def unknown(self, systems: tuple[str, ...] = ()) -> list[Operation]:
        """The operations whose change (of those systems) is unknown, oldest first."""
        rows = self._select(f"WHERE {MAY_BE_UNKNOWN} ORDER BY number")
        return [row for row in rows if row.unknown and (not systems or set(systems) & set(row.unknown))]

    def summaries(self) -> Iterator[Operation]:
        """Every operation, oldest first, the opening entry as well."""
        return self._select("ORDER BY number")

    def oldest_kept(self) -> int:
        """The first operation from which on every change is kept: the state before it is the oldest there is."""
        row = self._open().execute(
            "SELECT coalesce(max(number), 0) FROM operations o WHERE (counts != '{}' OR master_keys IS NOT NULL)"
            " AND number > 0"
            " AND NOT EXISTS (SELECT 1 FROM changes c WHERE c.number = o.number)"
        )
        return int(row.fetchone()[0]) + 1

    def horizon(self) -> int:
        """The earliest operation that the state after it can be told of."""
        unknown = self.unknown()
        return max(self.oldest_kept() - 1, unknown[-1].number if unknown else 0)

    def token(self, number: int) -> str:
        row = self._open().execute("SELECT token FROM operations WHERE number = ?", (number,)).fetchone()
        return str(row[0])

    def answering(self, key: str) -> Operation | None:
        """The operation that carried out the request with that key."""
        return next(self._select("WHERE idempotency_key = ?", key), None)

    def version(self) -> int | None:
        """A number that moves when another process commits; None where the database is not open. Needs no lock."""
        connection = self._database.open_one()
        return None if connection is None else int(connection.execute("PRAGMA data_version").fetchone()[0])

    def has_token(self, token: str) -> bool:
        """Whether the operation with this token was committed."""
        return self._open().execute("SELECT 1 FROM operations WHERE token = ?", (token,)).fetchone() is not None

    def change(self, number: int) -> Change:
        """What an operation changed. Raises Unavailable, which names it, if that cannot be told."""
        operation = self.get(number)
        if operation is None:
            return Change()
        parts = {name: self.part(operation, name) for name in self._touched(operation)}
        registry = self.part(operation, MASTER_KEYS) if operation.master_keys else None
        return Change({name: part for name, part in parts.items() if part is not None}, registry)

    def told(self, operation: Operation) -> tuple[Change, tuple[str, ...]]:
        """What an operation changed in the systems, as far as that can be told, and those of which it cannot."""
        parts: dict[str, SystemChange | None] = {}
        untold = []
        for name in self._touched(operation):
            try:
                parts[name] = self.part(operation, name)
            except Unavailable:
                untold.append(name)
        return Change({name: part for name, part in parts.items() if part is not None}), tuple(untold)

    def part(self, operation: Operation, name: str) -> SystemChange | None:
        """What an operation changed in a system, or in the registry; None if it left its rows as they were.

        Raises Unavailable if that cannot be told.
        """
        number = operation.number
        if name in operation.unknown:
            raise Unavailable(
                f"what @{number} changed in {name} is unknown: no record is left of what {name} held before it",
                hint=f"Everything since @{number} can be looked at and brought back; what was before it cannot.",
            )
        question = f"SELECT {BLOBS} FROM changes WHERE number = ? AND system = ?"
        if row := self._open().execute(question, (number, name)).fetchone():
            return records.change(number, name, *row)
        if name in operation.counts or name == MASTER_KEYS:
            raise Unavailable(
                f"what @{number} changed is no longer kept",
                hint="The history keeps the last changes only: [history] operations and bytes in keysync.toml.",
            )
        if operation.damaged:
            raise records.Damaged(f"@{number}", f"its {', '.join(operation.damaged)} cannot be read")
        return None

    def _touched(self, operation: Operation) -> list[str]:
        """The systems whose rows an operation may have changed."""
        kept = self._open().execute("SELECT system FROM changes WHERE number = ?", (operation.number,))
        named = (*operation.unknown, *operation.counts, *(name for (name,) in kept if name != MASTER_KEYS))
        return sorted(set(named))

    def touching_file(self, name: str, number: int) -> list[Operation]:
        """The operations after that one which wrote the file of a system, oldest first."""
        path = _member(name)
        moved = "json_extract(before, ?) IS NOT json_extract(after, ?)"
        clause = f"CASE WHEN json_valid(before) AND json_valid(after) THEN {moved} ELSE 1 END"
        return list(self._select(f"WHERE number > ? AND {clause} ORDER BY number", number, path, path))

    def extent(self, name: str | None, number: int) -> tuple[int, int]:
        """How many changes (of a system) there are after an operation, and their bytes."""
        question = "SELECT count(*), coalesce(sum(bytes), 0) FROM changes WHERE number > ?1"
        question += " AND system = ?2" if name else ""
        row = self._open().execute(question, (number, name)[: 1 + bool(name)]).fetchone()
        return int(row[0]), int(row[1])

    def originals_of(self, name: str) -> list[tuple[int, str]]:
        """The operations after which the file of a system was not in our form, newest first, with its digests."""
        return (
            self._open()
            .execute(
                "SELECT number, sha256 FROM operations JOIN originals"
                " ON sha256 = CASE WHEN json_valid(after) THEN json_extract(after, ?) END"
                " ORDER BY number DESC",
                (_member(name),),
            )
            .fetchall()
        )

    def original(self, sha256: str) -> bytes | None:
        """The bytes of a file that was not in our form, as it was found; None if it was, or if they are damaged."""
        row = self._open().execute("SELECT content FROM originals WHERE sha256 = ?", (sha256,)).fetchone()
        try:
            data = zlib.decompress(row[0]) if row else None
        except zlib.error:
            return None
        return data if data is not None and files.digest(data) == sha256 else None

    def has_original(self, sha256: str) -> bool:
        """Whether the file with that digest was not in our form."""
        return self._open().execute("SELECT 1 FROM originals WHERE sha256 = ?", (sha256,)).fetchone() is not None

    def damaged_originals(self) -> list[str]:
        """The digests of files whose bytes, as they were found, are damaged."""
        kept = self._open().execute("SELECT sha256 FROM originals").fetchall()
        return [sha256 for (sha256,) in kept if self.original(sha256) is None]

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

    def in_place(self) -> bool:
        """Whether the log that is open is still the one of that name."""
        return self._database.in_place()

    def close(self) -> None:
        """Drop the connection; the next use opens it anew."""
        self._database.close()

    def _require_in_place(self) -> None:
        """What went into a file that has lost its name went nowhere."""
        if not self.in_place():
            raise KeySyncError(
                f"nothing was committed: {self._database.path} was removed or replaced meanwhile",
                hint="Put it back and try again; without it, the next command begins a new history.",
            )

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
        return self._database.opened()


@contextlib.contextmanager
def looking(path: Path) -> Iterator[OperationLog]:
    """The log of a database, without a lock and without a trace; empty where there is none.

    Raises KeySyncError if it cannot be read.
    """
    try:
        with explained("the history cannot be read"), contextlib.closing(_log_to_read(path)) as log:
            yield log
    except sqlite3.Error as error:
        raise KeySyncError(f"{path}: {error}", hint="Have its owner run `check` there.") from error


def master_keys_of(path: Path, number: int | None) -> pl.DataFrame:
    """The registry of a database after an operation, None is the newest; without a lock and without a trace."""
    with looking(path) as log:
        return log.master_keys(number)


def _log_to_read(path: Path) -> OperationLog:
    return OperationLog(path, 0, Retention(), reading=True)


def _names(systems: tuple[str, ...]) -> str | None:
    """The systems as SQLite takes a list; None for any."""
    return json.dumps(systems) if systems else None


def _member(name: str) -> str:
    """The path of a system in an object of JSON; quotes let a name have `-`."""
    return f'$."{name}"'


def _marks(values: Sequence[Any]) -> str:
    return ", ".join("?" * len(values))
