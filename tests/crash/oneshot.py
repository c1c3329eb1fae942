"""One command as somebody would type it, in this process, with all that it says."""

from __future__ import annotations

import contextlib
import io
import signal
from dataclasses import dataclass
from pathlib import Path

from keysync_shell.cli import main


@dataclass(frozen=True)
class Said:
    """The exit code, data and talk."""

    status: int
    out: str
    err: str

    @property
    def crashed(self) -> bool:
        return "Traceback" in self.err or "should not have happened" in self.err


def command(home: Path, *words: str) -> Said:
    """Run `keysync-shell --home HOME WORDS`."""
    out, err = (io.TextIOWrapper(io.BytesIO(), encoding="utf-8", newline="", write_through=True) for _ in range(2))
    handler = signal.getsignal(signal.SIGINT)
    try:
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            status = main(["--home", str(home), *words])
    finally:
        signal.signal(signal.SIGINT, handler)
    return Said(status, *(stream.buffer.getvalue().decode() for stream in (out, err)))
