"""What commands may ask of the screen and the keyboard: a prompt for a lesson, lines, a performance."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from keysync_shell.dialogue import Dialogue
from keysync_shell.interpreter import Beyond, Interpreter
from keysync_shell.sandbox import Sandbox

if TYPE_CHECKING:
    from keysync_shell.lessons.course import Course
    from keysync_shell.lessons.shelf import Numbered


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

    def _interpreter(self, home: Path, *, asks: bool) -> Interpreter:
        mine = self.dialogue
        ask = mine.ask if asks else lambda _: True
        dialogue = Dialogue(Sandbox(home, progress=mine.sandbox.home.progress), mine.writer, ask, debug=mine.debug)
        dialogue.execute_on = mine.execute_on
        return Interpreter(dialogue, self._make_shell)

    def _make_shell(self, interpreter: Interpreter) -> Beyond:
        from keysync_shell.shell.app import Shell

        return Shell(interpreter, interactive=False, color=self.color)


def at_terminal() -> bool:
    """Whether somebody can see what is written, and type."""
    return sys.stdin is not None and sys.stdin.isatty() and sys.stdout.isatty()
