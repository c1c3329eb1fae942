"""The system files as they were at one moment, read without the lock and without a trace.

For homes that may only be read, for other users, and for dry runs. Every file is opened, then compared with its name
and with the log: if nothing moved meanwhile, all of them were there at one moment, and what is open stays as it was,
whatever a command does afterwards. A file that a commit has not put in its place yet is read where it is staged.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
import time
from collections.abc import Callable, Collection, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from io import FileIO
from pathlib import Path

import polars as pl

from keysync_shell.errors import KeySyncError
from keysync_shell.storage import files, records, schema, tables
from keysync_shell.storage.files import Signature, explained
from keysync_shell.storage.home import STAGED_NAME, Home

PAUSE_SECONDS = 0.02


@dataclass(frozen=True)
class Reading:
    """The rows of every system at one moment, or its keys alone.

    `number` is the operation after which that was; None if there was none yet, or if the log may not be read. `outside`
    are the systems whose files are not what that operation left: another program changed them.
    """

    tables: Mapping[str, pl.DataFrame]
    number: int | None
    outside: tuple[str, ...]


class _Moved(Exception):
    """Something changed between two looks."""


@dataclass(frozen=True)
class _Head:
    """The newest operation, as far as it matters here; without a number there is none. `there`: so is a log."""

    number: int | None = None
    token: str = ""
    after: Mapping[str, str | None] | None = None
    there: bool = True


Parse = Callable[[Home, str, bytes], pl.DataFrame]


def read(home: Home, names: Collection[str] = (), parse: Parse = tables.parsed) -> Reading:
    """Read all systems, or some, without the lock; while commits come between, again.

    Raises KeySyncError for a file that is missing, malformed, too large or unfinished, if the log is damaged, and if a
    command was broken off and only the log, which may not be read, tells what it did.
    """
    names = names or home.config.systems.names
    deadline = time.monotonic() + files.PATIENCE_SECONDS
    while True:
        with explained("the sandbox cannot be read"), contextlib.suppress(FileNotFoundError), ExitStack() as stack:
            try:
                return _reading(home, names, stack, parse)
            except (_Moved, sqlite3.Error) as error:
                if time.monotonic() > deadline:
                    raise _refusal(home, error) from error
        time.sleep(PAUSE_SECONDS)


def _reading(home: Home, names: Collection[str], stack: ExitStack, parse: Parse) -> Reading:
    head = _head(home)
    there = {name: file for name in names if (file := _opened(home.system_file(name), stack))}
    staged = _staged(home, names, head, stack)
    for name in names:
        _same(home.system_file(name), there.get(name))
    if _head(home) != head:
        raise _Moved
    after = head.after if head and head.after else {}
    digests: dict[str, str] = {}
    rows: dict[str, pl.DataFrame] = {}
    for name in names:
        with home.progress.doing(f"reading {name}"):
            data, digests[name] = _content(home, name, after.get(name), there.get(name), staged.get(name))
            rows[name] = parse(home, name, data)
    outside = tuple(name for name in names if after and digests[name] != after.get(name))
    return Reading(rows, head.number if head else None, outside)


def _staged(home: Home, names: Collection[str], head: _Head | None, stack: ExitStack) -> dict[str, FileIO]:
    """The files that the newest operation has not put in their place yet, or put aside.

    Raises _Moved if there are any, and whose they are cannot be told.
    """
    there = home.systems.iterdir() if home.systems.is_dir() else ()
    matches = [match for path in there if (match := STAGED_NAME.fullmatch(path.name))]
    if matches and (head is None or not head.there):
        raise _Moved
    ours = [match for match in matches if head and match["token"] == head.token and match["system"] in names]
    return {match["system"]: stack.enter_context(files.opened(home.systems / match[0])) for match in ours}


def _content(
    home: Home, name: str, after: str | None, there: FileIO | None, staged: FileIO | None
) -> tuple[bytes, str]:
    """The bytes of a system file and their digest: those that are staged, if they are what was committed."""
    path = home.system_file(name)
    found = []
    for file in (there, staged):
        if file is not None:
            data, signature = files.read_opened(file, path, home.config.limits)
            found.append((data, files.digest(data)))
            if found[-1][1] == after:
                return found[-1]
            _require_whole(file, path, signature)
    if there is None:
        raise tables.missing(home, name)
    return found[0]


def _require_whole(file: FileIO, path: Path, signature: Signature) -> None:
    """Wait while another program writes the file; raise _Moved if it has changed since it was read.

    Commits may take its name meanwhile, as often as they like: it is what was there at the moment.
    """
    files.wait_for_writer_of(file, path, files.QUIET_NS)
    if Signature.of(os.fstat(file.fileno())).renamed() != signature.renamed():
        raise _Moved


def _opened(path: Path, stack: ExitStack) -> FileIO | None:
    try:
        return stack.enter_context(files.opened(path))
    except FileNotFoundError:
        return None


def _same(path: Path, file: FileIO | None) -> None:
    """Raise _Moved unless the name still is that file's, or still nobody's."""
    status = files.regular(path)
    if file is None or status is None:
        same = file is None and status is None
    else:
        same = os.path.samestat(status, os.fstat(file.fileno()))
    if not same:
        raise _Moved


def _head(home: Home) -> _Head | None:
    """The newest operation; None if the log may not be read.

    Raises sqlite3.Error, or _Moved if the log was written meanwhile.
    """
    try:
        before = _state_of_database(home)
        head = _Head(there=False) if before is None else _newest(home)
    except PermissionError:
        return None
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_CANTOPEN:
            raise
        return None
    if not schema.write_ahead_log(home.database).exists() and _state_of_database(home) != before:
        raise _Moved  # somebody wrote where nobody was thought to
    return head


def _newest(home: Home) -> _Head:
    with contextlib.closing(schema.connected_for_reading(home.database)) as connection:
        (version,) = connection.execute("PRAGMA user_version").fetchone()
        newest = "SELECT number, token, after FROM operations ORDER BY number DESC LIMIT 1"
        row = connection.execute(newest).fetchone() if version else None
    return _Head(row[0], row[1], records.loaded(row[2], f"@{row[0]}")) if row else _Head()


def _state_of_database(home: Home) -> Signature | None:
    status = files.regular(home.database)
    return Signature.of(status) if status else None


def _refusal(home: Home, trouble: Exception) -> KeySyncError:
    if isinstance(trouble, sqlite3.Error):
        return KeySyncError(
            f"{home.database}: {trouble}", hint="Have its owner run `check` there; without the log nothing is certain."
        )
    head = _head(home)
    if head is None or not head.there:
        return KeySyncError(
            f"a command in {home.root} is at work or was broken off, and {home.database}, which tells what it did, "
            f"{'is gone' if head else 'may not be read'}",
            hint="Wait for it, or have the owner of the sandbox run any command there, such as status.",
        )
    return KeySyncError(
        f"the system files in {home.systems} change faster than they can be read",
        hint="Wait for the other program to finish, then try again.",
    )
