"""The course of somebody through the lessons: each has a sandbox of its own, which is made when they come to it."""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from keysync_shell.errors import KeySyncError
from keysync_shell.lessons import judging, progress
from keysync_shell.lessons.model import Lesson
from keysync_shell.lessons.progress import Mark, Progress, Step
from keysync_shell.lessons.shelf import Numbered, lessons
from keysync_shell.sandbox import Sandbox
from keysync_shell.scenarios import staging
from keysync_shell.scenarios.model import Scenario
from keysync_shell.scenarios.places import Text
from keysync_shell.scenarios.playing import Player, Result
from keysync_shell.scenarios.staging import ExecuteOn, SandboxStage
from keysync_shell.scenarios.unrolling import chosen, unrolled
from keysync_shell.storage.files import explained


@dataclass(frozen=True)
class Judged:
    """What is missing at the goal of a lesson; `news` if it was reached just now."""

    missing: tuple[str, ...]
    news: bool = False

    @property
    def reached(self) -> bool:
        return not self.missing


@dataclass(frozen=True)
class Course:
    """The lessons in a folder. `execute_on` gives what runs lines on a stage."""

    folder: Path
    execute_on: ExecuteOn

    @property
    def progress(self) -> Progress:
        return progress.read(self.folder)

    def home(self, one: Numbered) -> Path:
        return self.folder / one.label

    def current(self) -> Numbered:
        """The lesson that somebody is at, else the first one."""
        every, name = lessons(), self.progress.current
        return next((one for one in every if one.name == name), every[0])

    def following(self, one: Numbered) -> Numbered | None:
        """The next lesson that is not done; None if there is none."""
        steps, every = self.progress, lessons()
        ahead = (*every[one.number :], *every[: one.number - 1])
        return next((other for other in ahead if steps.of(other.name).mark is not Mark.DONE), None)

    def begin(self, one: Numbered) -> None:
        """Come to a lesson: its sandbox is there, as it was left or new. Raises KeySyncError if it cannot be made."""
        if not self.home(one).is_dir():
            self._prepare(one)
        step = self.progress.of(one.name)
        mark = Mark.BEGUN if step.mark in (Mark.NEW, Mark.SKIPPED) else step.mark
        self._write(one, replace(step, mark=mark))

    def reset(self, one: Numbered) -> None:
        """Begin a lesson anew."""
        self._drop(one)
        progress.write(self.folder, self.progress.without(one.name))
        self.begin(one)

    def forget(self) -> None:
        """Begin the whole course anew."""
        for one in lessons():
            self._drop(one)
        progress.write(self.folder, Progress())

    def hint(self, one: Numbered) -> tuple[int, str]:
        """The next hint with its number; the last one again and again."""
        step = self.progress.of(one.name)
        number = min(step.hints + 1, len(one.lesson.hints))
        self._write(one, replace(step, hints=number))
        return number, one.lesson.hints[number - 1]

    def answer(self, one: Numbered, words: Sequence[str]) -> bool:
        """Whether the words are the answer. Raises KeySyncError where nothing is asked, or nothing is said."""
        if one.lesson.answer is None:
            raise KeySyncError(
                f"lesson {one.number} asks no question",
                hint="Its goal is something to bring about: `tutorial goal` shows it.",
            )
        if not words:
            raise KeySyncError("an answer is missing", hint="For example: tutorial answer 3")
        if not judging.right(one.lesson.answer, words, self.home(one), self.execute_on):
            return False
        self._write(one, replace(self.progress.of(one.name), answered=True))
        return True

    def check(self, one: Numbered) -> Judged:
        """Whether the goal is reached."""
        step = self.progress.of(one.name)
        missing = judging.missing(one.lesson, self.home(one), self.execute_on, answered=step.answered)
        if missing or step.mark is Mark.DONE:
            return Judged(tuple(missing))
        self._write(one, replace(step, mark=Mark.DONE))
        return Judged((), news=True)

    def skip(self, one: Numbered) -> None:
        """Leave a lesson out for now."""
        step = self.progress.of(one.name)
        if step.mark is not Mark.DONE:
            self._write(one, replace(step, mark=Mark.SKIPPED))

    def _write(self, one: Numbered, step: Step) -> None:
        progress.write(self.folder, self.progress.with_step(one.name, step))

    def _drop(self, one: Numbered) -> None:
        with explained(f"lesson {one.number} cannot be reset"), contextlib.suppress(FileNotFoundError):
            shutil.rmtree(self.home(one))

    def _prepare(self, one: Numbered) -> None:
        """Play the steps of a lesson beside its place, so that it is whole or not there."""
        making = self.folder / f".{one.label}.{os.getpid()}"
        with explained("the sandbox of the lesson cannot be made"):
            try:
                self._play_steps(one.lesson, making)
                making.rename(self.home(one))
            finally:
                shutil.rmtree(making, ignore_errors=True)

    def _play_steps(self, lesson: Lesson, making: Path) -> None:
        staging.prepare(lesson, Sandbox(self.folder), making)
        stage = SandboxStage(making, self.execute_on)
        with contextlib.closing(stage.sandbox):
            for played in Player(unrolled(lesson, chosen(lesson, {}), _nothing), stage).play():
                if played.result is not Result.PASSED:
                    raise KeySyncError(f"{played.place}: {played.word} {played.text}: {played.reason or played.result}")


def _nothing(word: Text) -> Scenario:
    raise KeySyncError(f"{word}: a lesson includes nothing")
