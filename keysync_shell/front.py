"""What commands may ask of the screen and the keyboard: a prompt for a lesson, lines, a performance."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from keysync_shell.dialogue import Dialogue
from keysync_shell.sandbox import Sandbox

if TYPE_CHECKING:
    from keysync_shell.interpreter import Beyond, Interpreter
    from keysync_shell.lessons.course import Course
    from keysync_shell.lessons.shelf import Numbered


WAITING = "— Space goes on, q leaves —"
LEAVING = (b"q", b"Q", b"\x04", b"")


@dataclass
class Terminal:
    """The streams of this process. `dialogue` is the one that asks; `reads` if a command may take standard input."""

    dialogue: Dialogue
    color: str
    reads: bool = False

    @property
    def in_lesson(self) -> bool:
        """It is not: the prompt of a lesson is a front of its own."""
        return False

    def learn(self, course: Course, one: Numbered) -> bool:
        """Open the prompt of a lesson, and of those that follow it, until the learner leaves."""
        if not at_terminal():
            return False
        from keysync_shell.shell.lesson import talk

        talk(course, one, lambda home: self._interpreter(home, asks=True), self.color)
        return True

    def typed(self) -> Iterable[str]:
        """The lines on standard input, if they are for the command."""
        return sys.stdin if self.reads and sys.stdin is not None and not sys.stdin.isatty() else ()

    def aloud(self, home: Path) -> Callable[[str], int]:
        """Carries lines out on the sandbox of a folder; whatever they ask is answered with yes."""
        interpreter = self._interpreter(home, asks=False)
        return lambda line: interpreter.run_line(line).status

    def say(self, line: str) -> None:
        """A line for people, on stderr."""
        self.dialogue.writer().say(line)

    def wait(self) -> bool:
        """Wait for a key; `q` and Ctrl-D leave. Raises KeyboardInterrupt."""
        if not at_terminal():
            return True
        sys.stderr.write(WAITING)
        sys.stderr.flush()
        try:
            return key_pressed(sys.stdin.fileno()) not in LEAVING
        finally:
            sys.stderr.write("\r\x1b[K")
            sys.stderr.flush()

    def _interpreter(self, home: Path, *, asks: bool) -> Interpreter:
        from keysync_shell.interpreter import Interpreter

        mine = self.dialogue
        ask = mine.ask if asks else lambda _: True
        dialogue = Dialogue(Sandbox(home, progress=mine.sandbox.home.progress), mine.writer, ask, debug=mine.debug)
        dialogue.execute_on = mine.execute_on
        dialogue.front = Terminal(dialogue, self.color)
        return Interpreter(dialogue, self._make_shell)

    def _make_shell(self, interpreter: Interpreter) -> Beyond:
        from keysync_shell.shell.app import Shell

        return Shell(interpreter, interactive=False, color=self.color)


def at_terminal() -> bool:
    """Whether somebody can see what is written, and type."""
    return sys.stdin is not None and sys.stdin.isatty() and sys.stdout.isatty()


def key_pressed(descriptor: int) -> bytes:
    """The next key at a terminal, without its Enter; empty where the terminal is gone."""
    import termios
    import tty

    before = termios.tcgetattr(descriptor)
    try:
        tty.setcbreak(descriptor)
        return os.read(descriptor, 1)
    finally:
        termios.tcsetattr(descriptor, termios.TCSAFLUSH, before)
