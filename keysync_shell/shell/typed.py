"""The lines typed at the prompt, in a plain file: one append a line, so that it survives kill -9 and two shells."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

KEPT = 10_000


def read(path: Path) -> list[str]:
    """The last lines, oldest first; none if there is no file or it cannot be read."""
    try:
        text = path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return []
    return [line for line in text.splitlines() if line.strip()][-KEPT:]


def append(path: Path, line: str) -> None:
    """Add a line. Trouble is ignored: a command must not fail for its history."""
    with contextlib.suppress(OSError):
        descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        try:
            os.write(descriptor, f"{line}\n".encode("utf-8", "replace"))
        finally:
            os.close(descriptor)
