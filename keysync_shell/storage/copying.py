"""A copy of a sandbox's folder, to be thrown away: files share their blocks where the file system can do that.

Never hard links: a program that writes into a file in place would change both.
"""

from __future__ import annotations

import contextlib
import shutil
import sqlite3
from pathlib import Path

from keysync_shell.config import FILE
from keysync_shell.storage.home import Home

FICLONE = 0x40049409  # <linux/fs.h>; btrfs, xfs and others


def copy_home(home: Home, target: Home) -> None:
    """Copy settings, systems, snapshots and history. The sandbox's lock is held; `target` does not exist yet.

    Raises OSError, sqlite3.Error.
    """
    target.systems.mkdir(parents=True)
    target.private.mkdir(mode=0o700)
    with contextlib.suppress(FileNotFoundError):
        copy_file(home.root / FILE, target.root / FILE)
    for name in home.config.systems.names:
        with contextlib.suppress(FileNotFoundError):
            copy_file(home.system_file(name), target.system_file(name))
    for snapshot in sorted(home.snapshots.iterdir()) if home.snapshots.is_dir() else ():
        if snapshot.is_dir() and not snapshot.name.startswith("."):
            copy_folder(snapshot, target.snapshots / snapshot.name)
    if home.database.exists():
        with (
            contextlib.closing(sqlite3.connect(home.database)) as source,
            contextlib.closing(sqlite3.connect(target.database)) as copy,
        ):
            source.backup(copy)


def copy_folder(folder: Path, target: Path) -> None:
    """Copy the files of a folder, not those of folders in it."""
    target.mkdir(parents=True)
    for path in sorted(folder.iterdir()):
        if path.is_file() and not path.is_symlink():
            copy_file(path, target / path.name)


def copy_file(path: Path, target: Path) -> None:
    """Copy one file, by sharing its blocks where that can be done."""
    if not _shared(path, target):
        shutil.copyfile(path, target)


def _shared(path: Path, target: Path) -> bool:
    try:
        import fcntl

        with path.open("rb") as source, target.open("wb") as copy:
            fcntl.ioctl(copy.fileno(), FICLONE, source.fileno())
    except FileNotFoundError:
        raise
    except (ImportError, OSError):
        return False
    return True
