"""A real terminal: keys go in, and what stands on the screen comes out."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pexpect
import pyte

PATIENCE = 100.0
COLUMNS, LINES = 120, 40
UP, RIGHT, CTRL_C, CTRL_D = "\x1b[A", "\x1b[C", "\x03", "\x04"
ASK_PLACE = "\x1b[6n"


class Terminal:
    """The shell on a folder, or one command, in a pseudo-terminal.

    Nothing sleeps: what is awaited is looked for until it is there.
    """

    def __init__(self, home: Path, environment: dict[str, str], *words: str) -> None:
        self._screen = pyte.Screen(COLUMNS, LINES)
        self._stream = pyte.Stream(self._screen)
        self.raw = ""
        self.process = pexpect.spawn(
            sys.executable,
            ["-m", "keysync_shell", "--home", str(home), *words],
            env={**{k: v for k, v in os.environ.items() if k != "NO_COLOR"}, **environment},
            dimensions=(LINES, COLUMNS),
            use_poll=True,  # select takes no descriptor past 1,024
            encoding="utf-8",
        )

    @property
    def text(self) -> str:
        """The screen."""
        return "\n".join(line.rstrip() for line in self._screen.display)

    @property
    def line(self) -> str:
        """The line of the cursor, up to its end."""
        return str(self._screen.display[self._screen.cursor.y]).rstrip()

    @property
    def typed(self) -> str:
        """What stands behind the prompt, up to the cursor."""
        line = str(self._screen.display[self._screen.cursor.y])
        return line[: self._screen.cursor.x].partition("> ")[2]

    @property
    def at_prompt(self) -> bool:
        return self.line.startswith("keysync ") and "> " in f"{self.line} " and self.typed == ""

    def press(self, keys: str) -> None:
        self.process.send(keys)

    def enter(self, line: str) -> None:
        """Type a line at the prompt, and Enter when it is there."""
        self.wait(lambda: self.at_prompt)
        self.press(line)
        self.wait(lambda: self.typed == line)
        self.press("\r")

    def say(self, line: str, answer: str) -> None:
        """Enter a line and wait for an answer and the next prompt."""
        before = self.raw.count(answer)
        self.enter(line)
        self.wait(lambda: self.raw.count(answer) > before)
        self.wait(lambda: self.at_prompt)

    def see(self, *texts: str) -> None:
        """Wait until all of these are on the screen."""
        self.wait(lambda: all(text in self.text for text in texts))

    def see_at_the_end(self, *texts: str) -> None:
        """These were written before the program ended."""
        assert all(text in self.raw for text in texts), self.raw[-2000:]

    def wait(self, holds: Callable[[], bool]) -> None:
        """Wait for a condition; give up with the screen."""
        deadline = time.monotonic() + PATIENCE
        while not holds():
            assert time.monotonic() < deadline, f"waited in vain before this screen:\n{self.text}"
            self._take()

    def ended(self) -> int | None:
        """The exit code, when there is one."""
        with contextlib.suppress(pexpect.EOF):
            self.process.expect(pexpect.EOF, timeout=PATIENCE)
        self.raw += self.process.before or ""
        self.process.wait()
        status: int | None = self.process.exitstatus
        return status

    def close(self) -> None:
        if self.process.isalive():
            self.process.kill(signal.SIGKILL)
            self.process.wait()
        self.process.close()

    def _take(self) -> None:
        with contextlib.suppress(pexpect.TIMEOUT):
            try:
                piece = self.process.read_nonblocking(65536, timeout=0.1)
            except pexpect.EOF:
                raise AssertionError(f"the shell has ended; the screen was:\n{self.text}") from None
            self.raw += piece
            self._stream.feed(piece)
            for _ in range(piece.count(ASK_PLACE)):  # as every terminal answers
                self.press(f"\x1b[{self._screen.cursor.y + 1};{self._screen.cursor.x + 1}R")
