"""The tables of history.db, and how those of an older version become them.

The format of a database is the number of steps that it has been through. What a step says stands for ever: to change
a table, add a step. A database is always brought to the newest format before it is used, in one transaction.
"""

from __future__ import annotations

import contextlib
import shutil
import sqlite3
import tempfile
from pathlib import Path

from keysync_shell.errors import KeySyncError

FIRST = """
CREATE TABLE operations (
    number INTEGER PRIMARY KEY, token TEXT NOT NULL UNIQUE, time TEXT NOT NULL, kind TEXT NOT NULL, line TEXT NOT NULL,
    user TEXT NOT NULL, host TEXT NOT NULL, source TEXT NOT NULL, target INTEGER, undo_top INTEGER, redo_top INTEGER,
    below INTEGER, before TEXT NOT NULL, after TEXT NOT NULL, signatures TEXT NOT NULL, counts TEXT NOT NULL,
    discrepancies TEXT NOT NULL, summary TEXT NOT NULL, details TEXT NOT NULL
) STRICT;
CREATE TABLE changes (
    number INTEGER NOT NULL REFERENCES operations, system TEXT NOT NULL, plain INTEGER NOT NULL,
    bytes INTEGER NOT NULL, before BLOB NOT NULL, after BLOB NOT NULL, PRIMARY KEY (number, system)
) STRICT;
CREATE TABLE originals (sha256 TEXT PRIMARY KEY, content BLOB NOT NULL) STRICT;
CREATE TABLE master_keys (
    id INTEGER PRIMARY KEY, master_key TEXT NOT NULL, canonical TEXT NOT NULL UNIQUE, source_system TEXT NOT NULL,
    source_key TEXT NOT NULL, status TEXT NOT NULL, strategy TEXT NOT NULL, created_at TEXT NOT NULL,
    activated_at TEXT, run INTEGER
) STRICT;
CREATE TABLE runs (
    number INTEGER PRIMARY KEY, time TEXT NOT NULL, mode TEXT NOT NULL, line TEXT NOT NULL, user TEXT NOT NULL,
    operation INTEGER NOT NULL, folder TEXT NOT NULL, details TEXT NOT NULL, findings BLOB NOT NULL,
    actions BLOB NOT NULL
) STRICT;
CREATE TABLE audit (
    id INTEGER PRIMARY KEY, run INTEGER, time TEXT NOT NULL, event TEXT NOT NULL, details TEXT NOT NULL,
    system TEXT NOT NULL, key TEXT NOT NULL, action TEXT NOT NULL, result TEXT NOT NULL
) STRICT;
"""
SECOND = """
ALTER TABLE operations ADD COLUMN unknown TEXT;
ALTER TABLE changes ADD COLUMN checksum INTEGER;
ALTER TABLE runs ADD COLUMN checksum INTEGER;
CREATE INDEX changes_of_a_system ON changes (system, number);
"""
THIRD = """
ALTER TABLE operations ADD COLUMN master_keys TEXT;
CREATE TABLE registered (
    canonical TEXT PRIMARY KEY, id INTEGER NOT NULL, master_key TEXT NOT NULL, source_system TEXT NOT NULL,
    source_key TEXT NOT NULL, status TEXT NOT NULL, strategy TEXT NOT NULL, created_at TEXT NOT NULL,
    activated_at TEXT, run INTEGER
) STRICT, WITHOUT ROWID;
INSERT INTO registered SELECT canonical, id, master_key, source_system, source_key, status, strategy, created_at,
    activated_at, run FROM master_keys;
DROP TABLE master_keys;
ALTER TABLE registered RENAME TO master_keys;
"""
FOURTH = """
ALTER TABLE operations ADD COLUMN idempotency_key TEXT;
ALTER TABLE operations ADD COLUMN asked TEXT;
CREATE UNIQUE INDEX requests ON operations (idempotency_key);
"""
STEPS = (
    FIRST,
    SECOND,
    THIRD,
    FOURTH,
)  # a column that a step adds is nullable: the rows of before have nothing to put there
VERSION = len(STEPS)


def bring_up_to_date(connection: sqlite3.Connection, path: Path) -> None:
    """Take the steps that the database has not been through. Raises KeySyncError if a newer version wrote it."""
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if version == VERSION:
        return
    if version > VERSION:
        raise KeySyncError(
            f"{path} was written by a newer version of KeySync Shell (format {version}; this one writes {VERSION})",
            hint="Use that version. The keys themselves are in systems/.",
        )
    steps = " ".join(STEPS[version:])
    connection.executescript(f"BEGIN IMMEDIATE; {steps} PRAGMA user_version = {VERSION}; COMMIT;")


def opened_for_reading(path: Path) -> sqlite3.Connection:
    """A connection that writes nothing to the disk; an older database is brought up to date in memory.

    Where there is none, it is one without an operation.
    """
    if not path.exists():
        nothing = sqlite3.connect(":memory:")
        bring_up_to_date(nothing, path)
        return nothing
    connection = connected_for_reading(path)
    try:
        (version,) = connection.execute("PRAGMA user_version").fetchone()
        if version == VERSION:
            return connection
        copy = sqlite3.connect(":memory:")
        connection.backup(copy)
    except BaseException:
        connection.close()
        raise
    connection.close()
    bring_up_to_date(copy, path)
    return copy


def connected_for_reading(path: Path) -> sqlite3.Connection:
    """As `opened_for_reading`, in whatever format the database is.

    Even who only reads makes the files of a write-ahead log, unless told that nobody writes: then there is none.
    """
    log = write_ahead_log(path)
    connection = _connected(path, "mode=ro" if log.exists() else "immutable=1")
    try:
        connection.execute("PRAGMA user_version").fetchone()
    except sqlite3.OperationalError:
        connection.close()
        if not log.exists():
            raise
        return _copied(path, log)
    return connection


def write_ahead_log(path: Path) -> Path:
    return path.with_name(f"{path.name}-wal")


def _connected(path: Path, how: str) -> sqlite3.Connection:
    return sqlite3.connect(f"{path.resolve().as_uri()}?{how}", uri=True)


def _copied(path: Path, log: Path) -> sqlite3.Connection:
    """The database in memory: of a log whose index is lost, in a folder where none may be made."""
    copy = sqlite3.connect(":memory:")
    with tempfile.TemporaryDirectory() as folder:
        for part in (path, log):
            shutil.copyfile(part, Path(folder) / part.name)
        with contextlib.closing(sqlite3.connect(Path(folder) / path.name)) as connection:
            connection.backup(copy)
    return copy
