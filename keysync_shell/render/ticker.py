"""What is being done, on one line of a terminal: only after half a second, and gone when it is over."""

from __future__ import annotations

import contextlib
import os
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from typing import TextIO

from keysync_shell.core.model.keys import safe
from keysync_shell.progress import SILENT, Progress

PATIENCE_SECONDS = 0.5
PAUSE_SECONDS = 0.3  # steps that follow each other within it are one piece of work
TICK_SECONDS = 0.1
ERASE = "\r\x1b[K"


class Ticker:
    """Writes the current step to a terminal, from a thread of its own: the work itself may be one long call.

    Outside of steps nothing is on the line and the thread sleeps, so that everybody may write.
    """

    def __init__(self, stream: TextIO, clock: Callable[[], float] = time.monotonic) -> None:
        self._stream, self._clock = stream, clock
        self._steps: list[str] = []
        self._began = self._ended = float("-inf")
        self._drawn = False
        self._lock = threading.Lock()
        self._busy = threading.Event()
        self._thread: threading.Thread | None = None

    @contextlib.contextmanager
    def doing(self, what: str) -> Iterator[None]:
        """As Progress says."""
        self._begin(what)
        try:
            yield
        finally:
            self._end()

    def tick(self) -> None:
        """Show the step, if the work has taken long enough."""
        with self._lock:
            seconds = self._clock() - self._began
            if self._steps and seconds >= PATIENCE_SECONDS:
                self._draw(f"{self._steps[-1]}… {seconds:.0f} s")

    def _begin(self, what: str) -> None:
        with self._lock:
            now = self._clock()
            if not self._steps and now - self._ended > PAUSE_SECONDS:
                self._began = now
            self._steps.append(safe(what))
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="ticker", daemon=True)
            self._thread.start()
        self._busy.set()

    def _end(self) -> None:
        with self._lock:
            self._steps.pop()
            if not self._steps:
                self._busy.clear()
                self._ended = self._clock()
                self._erase()

    def _run(self) -> None:
        while self._busy.wait():
            time.sleep(TICK_SECONDS)
            self.tick()

    def _draw(self, line: str) -> None:
        width = shutil.get_terminal_size().columns - 1
        with contextlib.suppress(OSError, ValueError):  # a terminal that is gone is no reason to stop the work
            self._stream.write(f"{ERASE}{line[:width]}")
            self._stream.flush()
            self._drawn = True

    def _erase(self) -> None:
        if self._drawn:
            with contextlib.suppress(OSError, ValueError):
                self._stream.write(ERASE)
                self._stream.flush()
        self._drawn = False


def ticker_for(stream: TextIO) -> Progress:
    """A ticker if the stream is a terminal that can erase a line; nobody hears in a pipe."""
    return Ticker(stream) if stream.isatty() and os.environ.get("TERM", "dumb") != "dumb" else SILENT
