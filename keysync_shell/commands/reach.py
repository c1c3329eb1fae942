"""Which files a person may name: any, or, where a shell is restricted, only those in its sandbox."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from keysync_shell.config import path_of
from keysync_shell.core.model.keys import safe
from keysync_shell.errors import KeySyncError


@dataclass(frozen=True)
class Reach:
    """The folders that named files must lie in, whatever way leads there; None if they may lie anywhere.

    `what` and `why` are told about a file elsewhere.
    """

    within: tuple[Path, ...] | None = None
    what: str = "the sandbox"
    why: str = "This shell is --restricted to it."

    def path(self, name: str, folder: Path = Path()) -> Path:
        """The path that a name means in a folder. Raises KeySyncError if it is none, or out of reach."""
        if not name or "\0" in name:
            raise KeySyncError(f"{safe(name)!r} is not a valid file name", hint="Name one, such as ./keys.txt.")
        path = folder / path_of(name)
        self.check(path)
        return path

    def check(self, path: Path) -> None:
        """Raise KeySyncError if the path, or what its links lead to, is out of reach."""
        if self.within is None:
            return
        try:
            real = path.resolve()
        except (OSError, RuntimeError):  # links in a circle
            real = Path("/")
        if not any(real.is_relative_to(folder.resolve()) for folder in self.within):
            raise KeySyncError(f"{safe(str(path))} is outside {self.what}", hint=self.why)


ANYWHERE = Reach()
