"""How far the learner is: a small file beside the sandboxes of the lessons, in the user's state folder."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from enum import StrEnum
from pathlib import Path
from typing import Any

from keysync_shell.storage.files import explained

FILE = "progress.json"


class Mark(StrEnum):
    """What became of a lesson."""

    NEW = "new"
    BEGUN = "begun"
    SKIPPED = "skipped"
    DONE = "done"


@dataclass(frozen=True)
class Step:
    """A lesson so far: how many hints were shown, and whether the question was answered."""

    mark: Mark = Mark.NEW
    hints: int = 0
    answered: bool = False


@dataclass(frozen=True)
class Progress:
    """Every lesson so far, by its name; `current` is the one that somebody is at."""

    current: str = ""
    steps: Mapping[str, Step] = field(default_factory=dict)

    def of(self, name: str) -> Step:
        return self.steps.get(name, Step())

    def with_step(self, name: str, step: Step) -> Progress:
        return replace(self, current=name, steps={**self.steps, name: step})

    def without(self, name: str) -> Progress:
        return replace(self, steps={other: step for other, step in self.steps.items() if other != name})


def folder() -> Path:
    """Where the tutorial keeps its own: $XDG_STATE_HOME/keysync-shell/tutorial, by default under ~/.local/state."""
    base = os.environ.get("XDG_STATE_HOME", "")
    state = Path(base) if base.startswith("/") else Path.home() / ".local" / "state"  # relative ones are to be ignored
    return state / "keysync-shell" / "tutorial"


def read(at: Path) -> Progress:
    """What was written last; nothing for a file that is not there or was spoilt, since the lessons tell it again."""
    try:
        data = json.loads((at / FILE).read_text(encoding="utf-8"))
        return Progress(str(data["current"]), {str(name): _step(step) for name, step in data["steps"].items()})
    except (OSError, ValueError, LookupError, TypeError, AttributeError):
        return Progress()


def write(at: Path, progress: Progress) -> None:
    """Put it in the place of what was there. Raises KeySyncError if that cannot be."""
    with explained("the progress of the tutorial cannot be written"):
        at.mkdir(parents=True, exist_ok=True)
        temporary = at / f".{FILE}.{os.getpid()}"
        temporary.write_text(json.dumps(asdict(progress), indent=1), encoding="utf-8")
        temporary.replace(at / FILE)


def _step(data: Mapping[str, Any]) -> Step:
    return Step(Mark(data["mark"]), int(data["hints"]), bool(data["answered"]))
