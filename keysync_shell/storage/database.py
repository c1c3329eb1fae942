"""Opening history.db, and what its errors mean for people."""

from __future__ import annotations

import os
import shutil
import sqlite3
from pathlib import Path

from keysync_shell.storage import files, schema

DAMAGED = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_ERROR, sqlite3.SQLITE_FORMAT}
IN_USE = {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_PROTOCOL}
UNWRITABLE = {sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM, sqlite3.SQLITE_AUTH}


class Database:
    """An open connection. It is dropped after any error, and where the file is no longer the one that has the name.

    `reading` is for who may not write, or should leave no trace.
    """

    def __init__(self, path: Path, timeout: float, *, reading: bool = False) -> None:
        self.path = path
        self._reading = reading
        self._timeout = timeout
        self._connection: sqlite3.Connection | None = None
        self._file: os.stat_result | None = None

    def opened(self) -> sqlite3.Connection:
        """The connection, made where there is none."""
        if self._connection is None and self._reading:
            self._connection = schema.opened_for_reading(self.path)
        if self._connection is None:
            self._connection = _connected(self.path, self._timeout)
            self._file = self.path.stat()
        return self._connection

    def open_one(self) -> sqlite3.Connection | None:
        """The connection, if there is one."""
        return self._connection

    def in_place(self) -> bool:
        """Whether what is open is the file of that name; somebody may have removed or replaced it."""
        if self._file is None:
            return True
        try:
            return os.path.samestat(self._file, self.path.stat())
        except FileNotFoundError:
            return False

    def close(self) -> None:
        """Drop the connection; the next use opens it anew."""
        connection, self._connection, self._file = self._connection, None, None
        if connection is not None:
            connection.close()


def hint(error: sqlite3.Error | OSError, path: Path) -> str:
    """What to do about an error of the database."""
    if isinstance(error, OSError):
        return files.HINTS.get(error.errno or 0, "")
    code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_OK) & 0xFF
    if code in IN_USE:
        return "Another program has it open (a database browser, a backup); let it finish, then try again."
    if code == sqlite3.SQLITE_FULL:
        return "Free some space, then try again."
    if code in UNWRITABLE:
        return files.WRITABLE
    if code == sqlite3.SQLITE_IOERR:
        return f"Free some space ({_free(path)} there), or check the health of the disk, then try again."
    return beginning_anew(path) if code in DAMAGED else "Try again; if the error persists, `check` tells more."


def _free(path: Path) -> str:
    try:
        return f"{shutil.disk_usage(path.parent).free:,} bytes are free"
    except OSError:
        return "how much is free is unknown"


def beginning_anew(path: Path) -> str:
    """What can be done about a damaged database, and what that costs."""
    return (
        f"Get a good copy of it, or move {path}* away to begin a new history: the keys in systems/ and the snapshots "
        "stay; the log and its undo, master keys, runs and their audit are lost."
    )


def _connected(path: Path, timeout: float) -> sqlite3.Connection:
    connection = sqlite3.connect(path, timeout=timeout)
    try:
        # WAL and FULL: the log is synced at each commit. WAL with NORMAL, or DELETE with FULL, is not.
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA fullfsync = 1")
        connection.text_factory = _text
        schema.bring_up_to_date(connection, path)
        # Where it cannot open a file of its own for writing, SQLite goes on reading only, for good, and says so only
        # when it has to write: rather fail now.
        connection.executescript(f"BEGIN IMMEDIATE; PRAGMA user_version = {schema.VERSION}; ROLLBACK;")
    except BaseException:
        connection.close()
        raise
    return connection


def _text(data: bytes) -> str:
    """A text, however damaged: whoever reads it sees that it is."""
    return data.decode(errors="replace")
