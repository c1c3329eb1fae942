"""What another process is about, as far as the system tells."""

from __future__ import annotations

import contextlib
import ctypes
import os
import select
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

PATIENCE = 100.0
IN_OPEN = 0x20
_libc = ctypes.CDLL(None, use_errno=True)
tells = pytest.mark.skipif(not hasattr(_libc, "inotify_init"), reason="this system does not tell who opens a file")


@contextlib.contextmanager
def watched(path: Path) -> Iterator[Callable[[], None]]:
    """Watch a file; what is yielded waits until somebody opens it."""
    descriptor = _libc.inotify_init()
    try:
        assert _libc.inotify_add_watch(descriptor, os.fsencode(path), IN_OPEN) > 0

        def wait() -> None:
            assert select.select([descriptor], [], [], PATIENCE)[0], f"nobody opened {path}"

        yield wait
    finally:
        os.close(descriptor)
