"""Commands for the first day: the tutorial."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from keysync_shell.commands import lines
from keysync_shell.commands.catalogue import learning as asked
from keysync_shell.commands.meanings import near
from keysync_shell.commands.results import LearningResult
from keysync_shell.commands.session import Front, Session
from keysync_shell.core.model.keys import safe
from keysync_shell.errors import KeySyncError
from keysync_shell.lessons import progress, shelf
from keysync_shell.lessons.course import Course, Judged
from keysync_shell.lessons.progress import Mark
from keysync_shell.lessons.shelf import Numbered


@dataclass(frozen=True)
class Item:
    """A lesson in a list."""

    number: int
    name: str
    title: str
    mark: Mark
    current: bool


@dataclass(frozen=True)
class Lessons(LearningResult):
    """Every lesson, and what became of it."""

    items: tuple[Item, ...]
    folder: Path


@dataclass(frozen=True)
class Goal(LearningResult):
    """A lesson as it is shown to whoever comes to it. `missing` is what its goal lacks; `of` counts the lessons.

    `outside` if it is shown elsewhere than at its prompt; `prefix` stands before its words there.
    """

    number: int
    of: int
    name: str
    title: str
    text: str
    goal: str
    home: Path
    missing: tuple[str, ...]
    mark: Mark
    prefix: str
    outside: bool = False


@dataclass(frozen=True)
class Hint(LearningResult):
    """A hint, the first of them 1."""

    number: int
    of: int
    text: str
    prefix: str


@dataclass(frozen=True)
class Solution(LearningResult):
    """Lines that lead to the goal, among other ways."""

    lines: tuple[str, ...]


@dataclass(frozen=True)
class Checked(LearningResult):
    """Whether a goal is reached; `following` is the number of the lesson to go on with, None after the last.

    `wrong` if the answer was; `told` if the last line said so already.
    """

    number: int
    goal: str
    judged: Judged
    following: int | None
    prefix: str
    wrong: bool = False
    told: bool = False

    @property
    def exit_code(self) -> int:
        return int(self.wrong or not self.judged.reached)


@dataclass(frozen=True)
class Shown(LearningResult):
    """A demo that was shown to its end, or left before."""

    whole: bool


@dataclass(frozen=True)
class Left(LearningResult):
    """Somebody was at the prompt of a lesson, and left it or goes on elsewhere."""


NEW_LINE = "\n"

# What the demo says, and the commands that follow it.
DEMO = (
    ("Five systems hold business keys. A is the authority; the others should agree.", "init --keys 200"),
    (
        "Now they drift apart: D loses keys, B and C take strays in, E spells oddly.",
        "remove-key 'CUST-0001?' --systems D --yes",
        "add-key ROGUE-1 ROGUE-2 --systems B,C",
        "corrupt case --count 3 --seed 7 --systems E",
    ),
    ("What is wrong, system by system:", "status"),
    ("Which systems hold which keys together:", "matrix"),
    ("What a reconciliation will find and propose; then the run itself:", "predict", "reconcile"),
    ("What would be done about it, and doing it, as one change:", "plan", "apply"),
    ("Any change can be taken back, also tomorrow:", "undo", "log"),
)
TUTORIAL = "tutorial "
TELLING = (["tutorial", "answer"], ["tutorial", "check"])

Results = Lessons | Goal | Hint | Solution | Checked | Left | Shown


def tutorial(session: Session, args: asked.Tutorial) -> Results:
    course, prefix = _course(session), _prefix(session)
    one = course.current()
    match args.words:
        case ():
            return _come_to(session, course, _where_to_go_on(course))
        case ("list",):
            return listed(course)
        case ("reset", "all"):
            course.forget()
            return listed(course)
        case ("reset",):
            course.reset(one)
            return _come_to(session, course, one)
        case ("skip",):
            course.skip(one)
            return _come_to(session, course, _after(course, one))
        case ("next",):
            return _next(session, course, one)
        case ("answer", *words):
            return _answered(course, one, words, prefix)
        case (word,) if word not in asked.WORDS:
            return _come_to(session, course, _named(word))
        case (word,):
            return _about(course, one, word, prefix)
    raise KeySyncError(
        f"tutorial takes one word, not {safe(' '.join(args.words))!r}", hint="`tutorial --help` shows which."
    )


def demo(session: Session, args: asked.Demo) -> Shown:
    front = session.front
    if front is None:
        raise KeySyncError("the demo cannot be shown from here", hint="Say `keysync-shell demo`.")
    with tempfile.TemporaryDirectory(prefix="keysync-") as temporary:
        home = Path(temporary) / "demo"
        home.mkdir()
        carry_out = front.aloud(home)
        for number, (text, *commands) in enumerate(DEMO):
            if number and not args.fast and not front.wait():
                return Shown(False)
            front.say(f"{'' if number == 0 else NEW_LINE}{text}")
            for line in commands:
                front.say(f"> {line}")
                if (code := carry_out(line)) > 1:  # 1 is an answer
                    raise KeySyncError(f"`{line}` ended with exit {code}", hint="This should not be; please report it.")
    return Shown(True)


def checked(course: Course, one: Numbered, prefix: str) -> Checked:
    """Whether the goal of a lesson is reached."""
    judged = course.check(one)
    following = course.following(one)
    return Checked(one.number, str(one.lesson.goal), judged, following.number if following else None, prefix)


def listed(course: Course) -> Lessons:
    steps = course.progress
    items = (
        Item(one.number, one.name, str(one.lesson.title), steps.of(one.name).mark, one.name == steps.current)
        for one in shelf.lessons()
    )
    return Lessons(tuple(items), course.folder)


def _course(session: Session) -> Course:
    if session.execute_on is None:
        raise KeySyncError(
            "the tutorial cannot be opened from here", hint="Open it from the shell or the command line."
        )
    session.sandbox.require_no_batch("the tutorial")
    return Course(progress.folder(), session.execute_on)


def _prefix(session: Session) -> str:
    """What stands before the words of a lesson where somebody is."""
    return "" if session.front is not None and session.front.in_lesson else TUTORIAL


def _about(course: Course, one: Numbered, word: str, prefix: str) -> Results:
    """What is said about the current lesson."""
    course.begin(one)
    match word:
        case "hint":
            number, text = course.hint(one)
            return Hint(number, len(one.lesson.hints), text, prefix)
        case "solution":
            return Solution(tuple(map(str, one.lesson.solution)))
        case "check":
            return checked(course, one, prefix)
        case _:
            return shown(course, one, prefix, course.check(one).missing)


def _answered(course: Course, one: Numbered, words: list[str], prefix: str) -> Checked:
    course.begin(one)
    if course.answer(one, words):
        return checked(course, one, prefix)
    wrong = Judged((f"{safe(' '.join(words))} is not the answer",))
    return Checked(one.number, str(one.lesson.goal), wrong, None, prefix, wrong=True)


def _next(session: Session, course: Course, one: Numbered) -> Results:
    course.begin(one)
    if not _is_done(course, one) and not course.check(one).reached:
        raise KeySyncError(
            f"the goal of lesson {one.number} is not reached", hint=f"`{_prefix(session)}skip` goes on without it."
        )
    return _come_to(session, course, _after(course, one))


def _after(course: Course, one: Numbered) -> Numbered:
    following = course.following(one)
    if following is None:
        raise KeySyncError("no other lesson is left", hint="`tutorial list` shows them; `tutorial 1` goes back to one.")
    return following


def _where_to_go_on(course: Course) -> Numbered:
    """The current lesson, or the next one if that is done."""
    one = course.current()
    return (course.following(one) or one) if _is_done(course, one) else one


def _is_done(course: Course, one: Numbered) -> bool:
    """Whether the goal was reached once, whatever the learner did afterwards."""
    return course.progress.of(one.name).mark is Mark.DONE


def _named(word: str) -> Numbered:
    try:
        return shelf.named(word)
    except KeySyncError as error:
        guess = near(word, [*asked.WORDS, *(one.name for one in shelf.lessons())])
        raise KeySyncError(error.message, hint=f"Did you mean {guess}?" if guess else error.hint) from None


def _come_to(session: Session, course: Course, one: Numbered) -> Results:
    """Come to a lesson: at a terminal its prompt opens; else it is shown, and lines on standard input are played."""
    course.begin(one)
    if session.front is None:
        return replace(shown(course, one, _prefix(session)), outside=True)
    if session.front.learn(course, one):
        return Left()
    typed = [line for line in session.front.typed() if line.strip()]
    return (
        played(session.front, course, typed) if typed else replace(shown(course, one, _prefix(session)), outside=True)
    )


def played(front: Front, course: Course, typed: Iterable[str]) -> Checked:
    """Carry lines out as if they were typed at the prompt of the current lesson; how the goal stands then."""
    at, carry_out, told = None, None, False
    for line in typed:
        for command in lines.commands_in(line):
            if carry_out is None or course.current() != at:
                at = course.current()
                carry_out = front.aloud(course.home(at))
            with contextlib.chdir(course.home(at)):
                carry_out(spelled(command))
            told = spelled(command).split()[:2] in TELLING
    return replace(checked(course, course.current(), TUTORIAL), told=told)


def spelled(command: str) -> str:
    """A line of a lesson as any shell takes it: the words about the lesson begin with `tutorial`."""
    return f"{TUTORIAL}{command}" if command.partition(" ")[0] in asked.SHORT else command


def shown(course: Course, one: Numbered, prefix: str, missing: tuple[str, ...] = ()) -> Goal:
    """A lesson with its goal."""
    lesson, step = one.lesson, course.progress.of(one.name)
    return Goal(
        one.number,
        len(shelf.lessons()),
        one.name,
        str(lesson.title),
        str(lesson.text),
        str(lesson.goal),
        course.home(one),
        missing,
        step.mark,
        prefix,
    )
