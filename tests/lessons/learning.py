"""Learn in tests: a course in a folder, and lines as a learner would type them."""

from __future__ import annotations

import io
from collections.abc import Iterable
from pathlib import Path

from keysync_shell.commands import learning
from keysync_shell.commands.learning import Checked
from keysync_shell.commands.session import nobody
from keysync_shell.dialogue import Dialogue
from keysync_shell.front import Terminal
from keysync_shell.interpreter import executor
from keysync_shell.lessons import progress, shelf
from keysync_shell.lessons.course import Course
from keysync_shell.lessons.shelf import Numbered
from keysync_shell.render.writing import Writer
from keysync_shell.sandbox import Sandbox


def course() -> Course:
    """The course of whoever XDG_STATE_HOME belongs to."""
    return Course(progress.folder(), executor)


def at(name: str) -> tuple[Course, Numbered]:
    """A course that has come to a lesson."""
    made, one = course(), shelf.named(name)
    made.begin(one)
    return made, one


def learned(name: str, lines: Iterable[str], home: Path) -> tuple[Checked, str]:
    """How the goal of a lesson stands after lines, and what was said."""
    said = io.StringIO()
    dialogue = Dialogue(Sandbox(home), lambda: Writer(said, said), nobody)
    dialogue.execute_on = executor
    made, _ = at(name)
    return learning.played(Terminal(dialogue, "never"), made, lines), said.getvalue()
