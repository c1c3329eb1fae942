"""What another process is about, as far as the system tells."""

from __future__ import annotations

import contextlib
import time
from pathlib import Path

import pytest

PATIENCE = 100.0
tells = pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="this system does not tell what a process opens")


def wait_for_opening(pid: int, path: Path) -> None:
    """Wait until the process is seen with the file open; it may open it for a moment again and again."""
    deadline = time.monotonic() + PATIENCE
    while not _has_open(pid, path):
        assert time.monotonic() < deadline, f"process {pid} never opened {path}"


def _has_open(pid: int, path: Path) -> bool:
    for entry in Path(f"/proc/{pid}/fd").iterdir():
        with contextlib.suppress(OSError):  # it was closed while we looked
            if entry.readlink() == path:
                return True
    return False
