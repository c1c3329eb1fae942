"""Files of a person's choice: results, plans, archives, reports.

Complete under their name or not there at all; never over a file that is there unless that is asked for, never through
a link, and never among the files that a sandbox keeps for itself, whatever way the path takes there.
"""

from __future__ import annotations

import contextlib
import io
import os
import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, TextIO

from keysync_shell.core.model.keys import safe
from keysync_shell.errors import KeySyncError
from keysync_shell.storage import files
from keysync_shell.storage.files import explained
from keysync_shell.storage.home import Home


def check(path: Path, home: Home | None, *, force: bool = False) -> None:
    """Raise KeySyncError if the file may not be written: to be said before any work is done.

    `home` is the sandbox whose own folders are out of bounds.
    """
    if os.path.lexists(path) and not force:
        raise _taken(path)
    with explained(f"{safe(str(path))} cannot be written"):
        files.regular(path)
        if not path.parent.is_dir():
            raise KeySyncError(
                f"there is no folder {safe(str(path.parent))}", hint="Make it first, or name another file."
            )
        refuse_inside(path, home)


def check_folder(folder: Path, home: Home | None) -> None:
    """Raise KeySyncError if no file may be written in the folder; it need not be there yet."""
    with explained(f"{safe(str(folder))} cannot be written"):
        if os.path.lexists(folder) and not folder.is_dir():
            raise KeySyncError(f"{safe(str(folder))} is not a folder", hint="Name another one.")
        _refuse(folder, folder.resolve() / "any", home)


def write(path: Path, data: bytes | memoryview, home: Home | None, *, force: bool = False) -> None:
    """Write a file to the side, durably, then give it its name.

    Raises KeySyncError if it may not be written (see `check`), or cannot be.
    """
    with _written(path, home, force=force) as file:
        file.write(data)


@contextlib.contextmanager
def opened(path: Path, home: Home | None, *, force: bool = False) -> Iterator[TextIO]:
    """A file for text, UTF-8 with line ends as they come; it gets its name when the block ends without an error.

    Raises KeySyncError as `write` does.
    """
    with _written(path, home, force=force) as file:
        text = io.TextIOWrapper(file, encoding="utf-8", newline="")
        try:
            yield text
            text.flush()
        finally:
            text.detach()


@contextlib.contextmanager
def _written(path: Path, home: Home | None, *, force: bool) -> Iterator[BinaryIO]:
    check(path, home, force=force)
    with explained(f"{safe(str(path))} was not written"):
        folder = path.parent.resolve(strict=True)  # one look at the way there: what is checked is what is written
        refuse_inside(folder / path.name, home)
        temporary = folder / f".keysync-{secrets.token_hex(8)}.tmp"
        try:
            with io.BufferedWriter(files.create(temporary, like=path)) as file:
                yield file
                file.flush()
                files.sync(file.fileno())
            _give_name(temporary, folder / path.name, path, force=force)
        finally:
            with contextlib.suppress(OSError):
                temporary.unlink(missing_ok=True)
        with explained(f"{safe(str(path))} is written, but might not outlive a power loss", lambda: True):
            files.sync_folder(folder)


def _give_name(temporary: Path, target: Path, path: Path, *, force: bool) -> None:
    """Rename; unless forced, never over a file that somebody made meanwhile."""
    if force:
        temporary.replace(target)
        return
    try:
        os.link(temporary, target, follow_symlinks=False)
    except FileExistsError:
        raise _taken(path) from None
    except OSError:  # a file system without hard links
        if os.path.lexists(target):
            raise _taken(path) from None
        temporary.rename(target)


def refuse_inside(path: Path, home: Home | None) -> None:
    """Raise KeySyncError if the path leads to one of the sandbox's own folders, by links or by another name."""
    _refuse(path, path.resolve(), home)


def _refuse(path: Path, real: Path, home: Home | None) -> None:
    own = [folder for folder in home.own_folders if folder.exists()] if home else []
    for parent in real.parents:
        for folder in own:
            if parent.exists() and parent.samefile(folder):
                raise KeySyncError(
                    f"{safe(str(path))} would lie in {safe(str(folder))}, where the sandbox keeps its own files",
                    hint="Name another folder.",
                )


def _taken(path: Path) -> KeySyncError:
    return KeySyncError(f"{safe(str(path))} already exists", hint="Name another file, or add --yes to replace it.")
