"""The prompt of a lesson: the ordinary one on the lesson's own sandbox, with a few words more."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from cmd2 import with_category
from cmd2.parsing import Statement

from keysync_shell.commands import learning
from keysync_shell.commands.catalogue.learning import GROUP
from keysync_shell.commands.session import Front
from keysync_shell.errors import KeySyncError
from keysync_shell.interpreter import Interpreter
from keysync_shell.lessons.course import Course
from keysync_shell.lessons.progress import Mark
from keysync_shell.lessons.shelf import Numbered
from keysync_shell.render.learning import reached, view
from keysync_shell.shell.app import Shell

LEAVING = "The tutorial waits where you left it: `tutorial` goes on."
DONE = "The tutorial stays where it is: `tutorial list` shows the lessons, `tutorial 3` goes back to one."


def talk(course: Course, one: Numbered, interpreter_on: Callable[[Path], Interpreter], color: str) -> None:
    """Talk in the lesson, and in those that the learner goes on to, until they leave."""
    going: Numbered | None = one
    while going is not None:
        with contextlib.chdir(course.home(going)):
            shell = LessonShell(interpreter_on(course.home(going)), course, going, color)
            shell.talk()
        shell.sandbox.close()
        going = shell.going_on
    shell.dialogue.writer().say(LEAVING if course.following(shell.one) else DONE)


class LessonShell(Shell):
    """A shell in which somebody learns. After each line it looks whether the goal is reached.

    `going_on` is the lesson to go on with when it ends.
    """

    def __init__(self, interpreter: Interpreter, course: Course, one: Numbered, color: str) -> None:
        self.course, self.one = course, one
        self.going_on: Numbered | None = None
        super().__init__(interpreter, interactive=True, color=color)
        self._screen = self._front_behind()
        self.dialogue.front = self
        self._done = course.progress.of(one.name).mark is Mark.DONE

    def _front_behind(self) -> Front:
        """Who has the screen and the keyboard."""
        front = self.dialogue.front
        assert front is not None, "the prompt of a lesson is opened by a front"
        return front

    def welcome(self) -> str:
        """The lesson."""
        told = view(learning.shown(self.course, self.one, "")).lines
        return "\n".join([*told, "`hint` helps, `goal` shows this again, `skip` goes on without, `quit` leaves."])

    def onecmd_plus_hooks(self, line: str, *, add_to_history: bool = True, **options: Any) -> bool:
        """Carry out what was typed, and look at the goal."""
        stop = super().onecmd_plus_hooks(line, add_to_history=add_to_history, **options)
        if not self._in_script and line.strip() and self.going_on is None and not self._done:
            self._look_at_the_goal()
        return stop or self.going_on is not None

    def _look_at_the_goal(self) -> None:
        with contextlib.suppress(KeySyncError):
            found = learning.checked(self.course, self.one, "")
            if found.judged.reached:
                self._done = True
                for told in reached(found) if found.judged.news else ():
                    self.dialogue.writer().say(told)

    # As a front: other lessons are gone on to, not opened within this one

    @property
    def in_lesson(self) -> bool:
        return True

    def learn(self, _course: Course, one: Numbered, /) -> bool:
        self.going_on = one
        return True

    def typed(self) -> Iterable[str]:
        return ()

    def aloud(self, home: Path, /) -> Callable[[str], int]:
        return self._screen.aloud(home)

    def say(self, line: str, /) -> None:
        self._screen.say(line)

    def wait(self) -> bool:
        return self._screen.wait()

    # Words

    def _tutorial(self, word: str, statement: Statement) -> bool:
        return self._one_line(f"tutorial {word} {statement.args}".strip(), add_to_history=False)

    @with_category(GROUP)
    def do_goal(self, statement: Statement) -> bool:
        """Show the lesson and its goal again."""
        return self._tutorial("goal", statement)

    @with_category(GROUP)
    def do_hint(self, statement: Statement) -> bool:
        """Show the next of three hints."""
        return self._tutorial("hint", statement)

    @with_category(GROUP)
    def do_answer(self, statement: Statement) -> bool:
        """Answer the question of the lesson."""
        return self._tutorial("answer", statement)

    @with_category(GROUP)
    def do_solution(self, statement: Statement) -> bool:
        """Show one way to the goal."""
        return self._tutorial("solution", statement)

    @with_category(GROUP)
    def do_skip(self, statement: Statement) -> bool:
        """Go on to the next lesson without reaching the goal."""
        return self._tutorial("skip", statement)

    @with_category(GROUP)
    def do_next(self, statement: Statement) -> bool:
        """Go on to the next lesson."""
        return self._tutorial("next", statement)
