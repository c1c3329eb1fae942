"""Files that survive a crash: staged beside their target, synced, then swapped in."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import hashlib
import os
import signal
import stat
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from io import FileIO
from pathlib import Path

from keysync_shell.core.model.limits import Limits
from keysync_shell.errors import KeySyncError, ReadOnlyHome

READ_ONLY = {errno.EACCES, errno.EPERM, errno.EROFS}
COARSE_CLOCK_NS = 2_000_000_000  # FAT counts in steps of 2 s, HFS+ and ext3 in seconds
FINE_CLOCK_NS = 20_000_000  # others in steps of a clock tick, at most 10 ms
STALLED_NS = 2_000_000_000  # a program that keeps a file open but wrote nothing for so long is not writing
QUIET_NS = 200_000_000  # where open files cannot be seen, one that was not touched for so long counts as whole
PATIENCE_SECONDS = 5.0
POLL_SECONDS = 0.005
CHUNK = 1 << 20  # bytes

WRITABLE = "Copy the sandbox to a folder that you may write, or name another with --home."
HINTS = {
    errno.ENOSPC: "Free some space, then try again.",
    errno.EDQUOT: "Your quota is used up; free some space, then try again.",
    **dict.fromkeys(READ_ONLY, WRITABLE),
    errno.EIO: "The disk reports an error; look at its health before you go on.",
}


@dataclass(frozen=True)
class Signature:
    """What tells cheaply that a file is probably untouched.

    Of a file that took another name since, and of one that version 0.1 saw, the time of the last change to its status
    is not known: such a signature is equal to none that is. Programs can set the mtime back, but not that time.
    """

    inode: int
    size: int
    mtime_ns: int
    ctime_ns: int | None = None

    @classmethod
    def of(cls, status: os.stat_result) -> Signature:
        return cls(status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns)

    def renamed(self) -> Signature:
        """The same file under another name."""
        return replace(self, ctime_ns=None)

    def settled(self) -> bool:
        """Whether a write from now on is sure to get other times."""
        return all(_long_ago(moment) for moment in (self.mtime_ns, self.ctime_ns or 0))


@dataclass(frozen=True)
class Staged:
    """A complete, synced file that waits beside its target."""

    path: Path
    target: Path
    sha256: str
    signature: Signature


@contextlib.contextmanager
def explained(doing: str, committed: Callable[[], bool | None] = lambda: False) -> Iterator[None]:
    """Turn an OSError into an error for the user; `committed` is asked when it happens."""
    try:
        yield
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        kind = ReadOnlyHome if error.errno in READ_ONLY else KeySyncError
        hint = HINTS.get(error.errno or 0, "")
        raise kind(f"{doing}: {where}{error.strerror or error}", hint=hint, committed=committed()) from error


def regular(path: Path) -> os.stat_result | None:
    """The file's status, None if there is no such file.

    Raises KeySyncError for a symlink, a folder, a FIFO or a device.
    """
    try:
        status = os.lstat(path)
    except FileNotFoundError:
        return None
    if not stat.S_ISREG(status.st_mode):
        raise _not_regular(path)
    return status


def read(path: Path, limits: Limits) -> tuple[bytes, Signature]:
    """The content of a regular file and the signature of what was read.

    Raises KeySyncError if it is larger than the limits allow, OSError if it cannot be read.
    """
    with opened(path) as file:
        return read_opened(file, path, limits)


def read_small(path: Path, most: int) -> bytes:
    """The content of a regular file that is never large. Raises KeySyncError past `most` bytes, and as `read` does."""
    with opened(path) as file:
        size = os.fstat(file.fileno()).st_size
        if size > most:
            raise KeySyncError(
                f"{path}: {size:,} bytes are more than such a file has ({most:,} at most)",
                hint="Look whether it is the right one.",
            )
        return file.read()


def opened(path: Path) -> FileIO:
    """Open a regular file to read, unbuffered. Raises KeySyncError if it is anything else, OSError if it cannot be."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        raise (_not_regular(path) if error.errno == errno.ELOOP else error) from None
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise _not_regular(path)
    return FileIO(descriptor)


def read_opened(file: FileIO, path: Path, limits: Limits) -> tuple[bytes, Signature]:
    """As `read`, of a file that is open already; `path` is its name in messages."""
    status = os.fstat(file.fileno())
    limits.check("file_bytes", status.st_size, f"{path} in bytes")
    return file.read(), Signature.of(status)


def has_writer(path: Path) -> bool | None:
    """Whether a program has the file open for writing; None where the system cannot tell.

    The kernel grants a read lease only on a file that nobody has open for writing. Somebody who opens it while we
    hold the lease waits until we drop it; the signal about that is one that is ignored unless asked for.
    """
    with _looked_at(path) as descriptor:
        return _refuses_lease(descriptor)


def wait_for_writer(path: Path, quiet_ns: int = 0) -> None:
    """Wait while a program is in the middle of writing the file that has the name.

    Where open files cannot be seen, wait until it was not touched for `quiet_ns`. Raises KeySyncError if that takes
    too long, OSError if there is no such file.
    """

    def being_written() -> bool:
        with _looked_at(path) as descriptor:
            return _being_written(descriptor, quiet_ns)

    _wait_while(being_written, path)


def wait_for_writer_of(file: FileIO, path: Path, quiet_ns: int) -> None:
    """As `wait_for_writer`, of a file that is open already, whatever has its name meanwhile."""
    _wait_while(lambda: _being_written(file.fileno(), quiet_ns), path)


def unfinished(path: Path) -> KeySyncError:
    return KeySyncError(
        f"{path} is being written by another program",
        hint="Wait until that program has finished, then try again.",
    )


def digest(data: bytes | memoryview) -> str:
    return hashlib.sha256(data).hexdigest()


def file_digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def stage(path: Path, target: Path, chunks: Iterable[bytes | memoryview]) -> Staged:
    """Write a new file beside its target, with the target's mode and owner, and sync it.

    Raises OSError; then the file may be there in part, for the caller to drop.
    """
    hashed = hashlib.sha256()
    with create(path, like=target) as file:
        for chunk in chunks:
            hashed.update(chunk)
            rest = memoryview(chunk)
            while rest:
                rest = rest[file.write(rest) :]  # a raw write may be short when the disk is nearly full
        sync(file.fileno())
        status = os.fstat(file.fileno())
    return Staged(path, target, hashed.hexdigest(), Signature.of(status))


def create(path: Path, like: Path) -> FileIO:
    """Open a new file, unbuffered; its mode and owner are those of the file that it is going to replace, if any.

    Raises OSError.
    """
    old = regular(like)
    mode = 0o600 if old else 0o666
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, mode)
    file = FileIO(descriptor, "wb")
    if old:
        os.fchmod(descriptor, stat.S_IMODE(old.st_mode))
        if os.geteuid() == 0:
            os.fchown(descriptor, old.st_uid, old.st_gid)
    return file


def sync(descriptor: int) -> None:
    """Make a file's content durable; on macOS fsync alone leaves it in the drive's cache."""
    if full := getattr(fcntl, "F_FULLFSYNC", None):
        fcntl.fcntl(descriptor, full)
    else:
        os.fsync(descriptor)


def sync_folder(path: Path) -> None:
    """Make the names in a folder durable."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def make_folder(path: Path) -> None:
    """Make a folder and its parents, durably."""
    if not path.is_dir():
        make_folder(path.parent)
        with contextlib.suppress(FileExistsError):
            path.mkdir()
        sync_folder(path.parent)


def _long_ago(moment_ns: int) -> bool:
    """Whether the clock of any file system has moved on since."""
    step = FINE_CLOCK_NS if moment_ns % 1_000_000_000 else COARSE_CLOCK_NS
    return time.time_ns() - moment_ns > step


def _not_regular(path: Path) -> KeySyncError:
    return KeySyncError(f"{path} is not a regular file", hint="Put a real file there; links are not followed.")


@contextlib.contextmanager
def _looked_at(path: Path) -> Iterator[int]:
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def _wait_while(being_written: Callable[[], bool], path: Path) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while being_written():
        if time.monotonic() > deadline:
            raise unfinished(path)
        time.sleep(POLL_SECONDS)


def _being_written(descriptor: int, quiet_ns: int) -> bool:
    writer = _refuses_lease(descriptor)
    age = time.time_ns() - os.fstat(descriptor).st_mtime_ns
    return bool(writer is not False and 0 <= age < (STALLED_NS if writer else quiet_ns))


def _refuses_lease(descriptor: int) -> bool | None:
    if not hasattr(fcntl, "F_SETLEASE"):
        return None
    try:
        fcntl.fcntl(descriptor, fcntl.F_SETSIG, signal.SIGURG)
        fcntl.fcntl(descriptor, fcntl.F_SETLEASE, fcntl.F_RDLCK)
        fcntl.fcntl(descriptor, fcntl.F_SETLEASE, fcntl.F_UNLCK)
    except BlockingIOError:
        return True
    except OSError:  # another's file, or a file system without leases
        return None
    return False
