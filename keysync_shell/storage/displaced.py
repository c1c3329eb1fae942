"""Files that others have taken the place of, kept for a while: somebody may still have one open and go on writing it.

Who has a file open cannot be seen everywhere: not of another user's file, and never on macOS. There a displaced file
is put aside. What is written into it meanwhile gives it a name that people see; what is not touched is dropped.
"""

from __future__ import annotations

import contextlib
import errno
import os
import re
import time
from dataclasses import dataclass
from pathlib import Path

from keysync_shell.core.model.systems import NAME as SYSTEM
from keysync_shell.storage.home import Home

KEPT_NS = 600 * 1_000_000_000
MOST_FILES = 50
MOST_BYTES = 256 << 20
NAME = re.compile(rf"(?P<system>{SYSTEM.pattern})\.csv\.(?P<token>[0-9a-f]{{16}})\.(?P<size>\d+)\.(?P<mtime_ns>\d+)")


@dataclass(frozen=True)
class _Displaced:
    """A file that was put aside; its name says what it was like then. `since` is the time of that, in ns."""

    path: Path
    system: str
    token: str
    changed: bool
    size: int
    since: int


def put_aside(home: Home, path: Path, name: str, token: str) -> None:
    """Keep a file that stood in the place of a system's. Raises OSError."""
    status = path.lstat()
    aside = f"{name}.csv.{token}.{status.st_size}.{status.st_mtime_ns}"
    for folder in home.displaced:
        folder.mkdir(mode=0o700, exist_ok=True)
        try:
            path.rename(folder / aside)
        except OSError as error:
            if error.errno != errno.EXDEV:  # the system files may be on a file system of their own
                raise
            continue
        path.unlink(missing_ok=True)  # after a power loss a file may have both names
        return


def sweep(home: Home) -> list[Path]:
    """Drop what was kept long enough, or is too much; returns where files are that were written meanwhile."""
    found = sorted((one for folder in home.displaced for one in _in(folder)), key=lambda one: -one.since)
    kept, files, size = [], 0, 0
    for one in found:
        files, size = files + 1, size + one.size
        with contextlib.suppress(OSError):
            if one.changed:
                kept.append(one.path.rename(home.kept_file(one.system, one.token)))
            elif time.time_ns() - one.since > KEPT_NS or files > MOST_FILES or (files > 1 and size > MOST_BYTES):
                one.path.unlink()
    return kept


def _in(folder: Path) -> list[_Displaced]:
    try:
        names = os.listdir(folder)  # noqa: PTH208  # one call, for nearly every command finds nothing
    except OSError:
        return []
    found = []
    for name in names:
        with contextlib.suppress(OSError):
            if match := NAME.fullmatch(name):
                status = (folder / name).lstat()
                was = int(match["size"]), int(match["mtime_ns"])
                changed = (status.st_size, status.st_mtime_ns) != was
                path = folder / name
                found.append(
                    _Displaced(path, match["system"], match["token"], changed, status.st_size, status.st_ctime_ns)
                )
    return found
