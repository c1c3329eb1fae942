"""The lessons in their order: each file of the library begins with its number."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib import resources
from pathlib import Path

from keysync_shell.core.model.keys import safe
from keysync_shell.errors import KeySyncError
from keysync_shell.lessons import model
from keysync_shell.lessons.model import Lesson
from keysync_shell.scenarios import locating

LIBRARY = Path(str(resources.files("keysync_shell.lessons"))) / "library"


@dataclass(frozen=True)
class Numbered:
    """A lesson with its number, from 1; `label` is the name of its sandbox."""

    number: int
    lesson: Lesson

    @property
    def name(self) -> str:
        return self.lesson.name

    @property
    def label(self) -> str:
        return f"{self.number}-{self.name}"


@cache
def lessons() -> tuple[Numbered, ...]:
    """Every lesson, the first one first."""
    paths = sorted(LIBRARY.glob("*.yaml"), key=lambda path: int(path.name.partition("-")[0]))
    return tuple(
        Numbered(number, model.load(locating.read(path, path.name))) for number, path in enumerate(paths, start=1)
    )


def named(word: str) -> Numbered:
    """The lesson of a number or a name. Raises KeySyncError if there is none."""
    every = lessons()
    for one in every:
        if word in (str(one.number), one.name, one.label):
            return one
    raise KeySyncError(f"there is no lesson {safe(word)!r}", hint=f"`tutorial list` shows them: 1 to {len(every)}.")
