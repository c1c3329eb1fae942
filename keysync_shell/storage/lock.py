"""One writer at a time: an advisory lock that the kernel drops when its holder dies."""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import time
from collections.abc import Iterator
from pathlib import Path

from keysync_shell.errors import LockTimeout
from keysync_shell.progress import SILENT, Progress
from keysync_shell.storage.files import explained

POLL_SECONDS = 0.005


@contextlib.contextmanager
def held(path: Path, timeout: float, progress: Progress = SILENT) -> Iterator[int]:
    """Hold the lock; its file says for people which process does.

    The descriptor is for a program that is to hold the lock together with us: it is free when the block ends, or,
    should we be killed, when that program ends.

    Raises LockTimeout after `timeout` seconds, ReadOnlyHome if the file cannot be written.
    """
    with progress.doing("waiting for another process"):
        descriptor = _acquire(path, time.monotonic() + timeout)
    try:
        yield descriptor
    finally:
        with contextlib.suppress(OSError):  # an error here would belie what was done under the lock
            fcntl.flock(descriptor, fcntl.LOCK_UN)
        with contextlib.suppress(OSError):
            os.close(descriptor)


def note(descriptor: int, pid: int) -> None:
    """Say in the lock's file which process holds it."""
    os.ftruncate(descriptor, 0)
    os.pwrite(descriptor, f"{pid}\n".encode(), 0)


def owner(path: Path) -> str:
    """What tells the sandbox with that lock from any other, a copy of it as well. Raises OSError."""
    status = path.stat()
    return hashlib.sha256(f"{os.uname().nodename} {status.st_dev} {status.st_ino}".encode()).hexdigest()[:16]


@contextlib.contextmanager
def at_work(folder: Path) -> Iterator[None]:
    """Keep whoever shares the folder from taking what is written in it for what a crash left behind."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        with contextlib.suppress(OSError):  # where a folder cannot be locked, nobody_at_work is never true
            fcntl.flock(descriptor, fcntl.LOCK_SH)
        yield
    finally:
        os.close(descriptor)


def nobody_at_work(folder: Path) -> bool:
    """Whether no process at all is at work in the folder now; False where that cannot be told. Raises OSError."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    finally:
        os.close(descriptor)
    return True


def _acquire(path: Path, deadline: float) -> int:
    while True:
        descriptor = _open(path)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if _same_file(descriptor, path):
                note(descriptor, os.getpid())
                return descriptor
        except BlockingIOError:
            pass
        except BaseException:
            os.close(descriptor)
            raise
        os.close(descriptor)
        if time.monotonic() > deadline:
            raise LockTimeout(
                f"{path.parent.parent} is in use by another process{_holder(path)}",
                hint="Wait for it to finish, or give it longer with --lock-timeout SECONDS.",
            )
        time.sleep(POLL_SECONDS)


def _open(path: Path) -> int:
    with explained("the sandbox cannot be locked"):
        return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)


def _same_file(descriptor: int, path: Path) -> bool:
    """Whether the file that we locked still has that name; somebody may have removed it meanwhile."""
    try:
        return os.path.samestat(os.fstat(descriptor), path.stat())
    except FileNotFoundError:
        return False


def _holder(path: Path) -> str:
    try:
        return f" (pid {int(path.read_text())})"
    except (OSError, ValueError):
        return ""
