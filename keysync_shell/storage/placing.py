"""Put a staged file in the place of another: by a swap of names, or where a name can only stay, by writing over it.

A file that is mounted by itself, as `docker -v A.csv:…` does, and another user's file in a sticky folder can have no
other put in their place. They are written over, under the protection of the staged file and of a copy of what stood
there: whatever breaks off, the next start goes on from these. What can be neither moved nor written is refused before
anything is committed.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import functools
import os
import shutil
import stat
from collections.abc import Callable
from pathlib import Path

from keysync_shell.errors import ReadOnlyHome
from keysync_shell.storage import files

AT_FDCWD = -100
AT_SYMLINK_NOFOLLOW = 0x100
RENAME_EXCHANGE = 2
NO_EXCHANGE = {errno.ENOSYS, errno.EINVAL, errno.ENOTSUP}
IMMOVABLE = {errno.EBUSY, errno.EXDEV, errno.EPERM, errno.EACCES}
IMMUTABLE, APPEND_ONLY, MOUNTED = 0x10, 0x20, 0x2000  # stx_attributes of statx(2)
ASIDE = ".old.tmp"  # the end of a folder's name while it makes room for another


def check(target: Path) -> None:
    """Raise ReadOnlyHome if nothing could ever be put in the file's place. Raises OSError."""
    if not os.path.lexists(target):
        return
    for path in (target, target.parent):
        if flag := _flag(path):
            raise ReadOnlyHome(
                f"{target} cannot be replaced: {path.name} is {flag[0]}",
                hint=f"Allow changes: chattr -{flag[1]} {path} (as root), then try again.",
            )
    if (why := _immovable(target)) and not _may_be_written(target):
        raise ReadOnlyHome(
            f"{target} cannot be replaced: {why}, and it may not be written",
            hint=f"Make {target.name} writable (a mount: without `ro`), then try again.",
        )


def put(new: Path, target: Path) -> None:
    """Put the new file in the target's place; what stood there, if anything, is then under the new file's name.

    Where names cannot be exchanged in one step, what stood there is gone. Raises OSError; then it may be said again,
    also after a crash.
    """
    try:
        swap(new, target)
    except OSError as error:
        if error.errno not in IMMOVABLE:
            raise
        _write_over(new, target)
    tidy(new)


def tidy(new: Path) -> None:
    """Of a target that was written over and is whole: the copy of what stood there takes the new file's name."""
    with contextlib.suppress(FileNotFoundError):
        _copy(new).replace(new)


def swap(new: Path, target: Path) -> None:
    """Give the new file or folder the target's name.

    What stood there is then under the new file's name, where the file system can exchange two names in one step;
    elsewhere a file is gone, and a folder has to step aside first.
    """
    if os.path.lexists(target) and _exchange(new, target):
        return
    if target.is_dir():
        aside = new.with_name(f"{new.name}{ASIDE}")
        target.rename(aside)
        new.rename(target)
        aside.rename(new)
    else:
        new.replace(target)


def _write_over(new: Path, target: Path) -> None:
    copy = _copy(new)
    if not copy.exists():  # else the target may be half written already
        part = copy.with_suffix(".part")
        _written(target, part, os.O_CREAT | os.O_TRUNC)
        part.replace(copy)
        files.sync_folder(copy.parent)
    _written(new, target, 0)


def _written(source: Path, to: Path, flags: int) -> None:
    """Write the content of one file into another, durably."""
    descriptor = os.open(to, os.O_WRONLY | os.O_NOFOLLOW | os.O_CLOEXEC | flags, 0o600)
    with files.opened(source) as reading, os.fdopen(descriptor, "wb") as writing:
        shutil.copyfileobj(reading, writing, files.CHUNK)
        writing.truncate()
        writing.flush()
        files.sync(descriptor)


def _copy(new: Path) -> Path:
    """The complete copy of what the new file is written over."""
    return new.with_suffix(".old")


def _flag(path: Path) -> tuple[str, str] | None:
    """What forbids every change of a file or of its folder, and its letter for chattr."""
    attributes = _attributes(path)
    if attributes & IMMUTABLE:
        return "immutable", "i"
    return ("append-only", "a") if attributes & APPEND_ONLY else None


def _immovable(target: Path) -> str:
    """Why no other file can take the target's name; empty if one can."""
    if _attributes(target) & MOUNTED:
        return "it is mounted by itself"
    folder, file = target.parent.stat(), target.lstat()
    if folder.st_mode & stat.S_ISVTX and os.geteuid() not in (0, folder.st_uid, file.st_uid):
        return f"it is another user's, in a folder with the sticky bit ({target.parent})"
    return ""


def _may_be_written(path: Path) -> bool:
    return os.access(path, os.W_OK, effective_ids=os.access in os.supports_effective_ids)


def _attributes(path: Path) -> int:
    """The bits of statx(2), of which Python knows nothing before 3.15; 0 where there is no such call."""
    call = _function("statx")
    if call is None:
        return 0
    out = (ctypes.c_uint64 * 32)()
    if call(AT_FDCWD, os.fsencode(path), AT_SYMLINK_NOFOLLOW, 0, out) != 0:
        return 0
    return out[1]


def _exchange(one: Path, other: Path) -> bool:
    """Swap two names; False where the system cannot."""
    rename = _function("renameat2")
    if rename is None:
        return False
    if rename(AT_FDCWD, os.fsencode(one), AT_FDCWD, os.fsencode(other), RENAME_EXCHANGE) == 0:
        return True
    code = ctypes.get_errno()
    if code in NO_EXCHANGE:
        return False
    raise OSError(code, os.strerror(code), str(other))


@functools.cache
def _function(name: str) -> Callable[..., int] | None:
    """A function of the C library that Python does not offer; None where there is none."""
    return getattr(ctypes.CDLL(None, use_errno=True), name, None)
