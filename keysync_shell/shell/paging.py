"""Results that are longer than the screen go through a pager."""

from __future__ import annotations

import contextlib
import io
import os
import shlex
import shutil
import signal
import subprocess
from collections.abc import Iterator
from typing import TextIO

DEFAULT = "less -RXF"


class Paged(io.TextIOBase):
    """A stream in front of a terminal: what is flushed together goes through a pager if the screen is too small."""

    def __init__(self, terminal: TextIO) -> None:
        self._terminal = terminal
        self._pieces: list[str] = []

    @property
    def encoding(self) -> str:  # type: ignore[override]  # of a text stream it may be read only
        return self._terminal.encoding

    def isatty(self) -> bool:
        return True

    def write(self, text: str) -> int:
        self._pieces.append(text)
        return len(text)

    def flush(self) -> None:
        text, self._pieces = "".join(self._pieces), []
        if not text:
            return
        pager = pager_of_choice()
        if pager is None or _lines(text) < shutil.get_terminal_size().lines:
            self._terminal.write(text)
            self._terminal.flush()
            return
        _show(text, pager)


def pager_of_choice() -> list[str] | None:
    """The words of $PAGER, else of `less`; None where there is none, or PAGER is empty or `cat`."""
    words = shlex.split(os.environ.get("PAGER", DEFAULT))
    usable = bool(words) and words[0] != "cat" and shutil.which(words[0])
    return words if usable else None


def _show(text: str, pager: list[str]) -> None:
    """Until the person leaves the pager."""
    environment = {"LESSCHARSET": "utf-8", **os.environ}
    process = subprocess.Popen(pager, stdin=subprocess.PIPE, env=environment)
    with _left_alone():
        process.communicate(text.encode("utf-8", "backslashreplace"))  # a reader that leaves early is no trouble


@contextlib.contextmanager
def _left_alone() -> Iterator[None]:
    """Ctrl-C is for the pager alone, which has the terminal."""
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _lines(text: str) -> int:
    """How many lines of the screen the text takes."""
    columns = shutil.get_terminal_size().columns
    return sum(max(1, -(-len(line) // columns)) for line in text.split("\n"))
