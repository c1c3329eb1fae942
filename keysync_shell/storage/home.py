"""Where everything lives under a sandbox folder."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path

from keysync_shell.config import Config
from keysync_shell.core.model.systems import NAME
from keysync_shell.progress import SILENT, Progress

STAGED_NAME = re.compile(rf"\.(?P<system>{NAME.pattern})\.csv\.(?P<token>[0-9a-f]{{16}})\.new")
LEFTOVER_NAME = re.compile(rf"\.(?P<system>{NAME.pattern})\.csv\.(?P<token>[0-9a-f]{{16}})\.(?P<end>new|old|part)")


@dataclass(frozen=True)
class Home:
    """The paths of one sandbox, and who hears what is being done there; nothing here touches the disk.

    `absent` are systems of the sandbox whose files are missing, and which are left out: `config` does not have them.
    """

    root: Path
    config: Config
    progress: Progress = field(default=SILENT, compare=False, repr=False)
    absent: tuple[str, ...] = ()

    @property
    def systems(self) -> Path:
        return self.root / "systems"

    @property
    def snapshots(self) -> Path:
        return self.root / self.config.snapshots

    @property
    def private(self) -> Path:
        return self.root / ".keysync"

    @property
    def database(self) -> Path:
        return self.private / "history.db"

    @property
    def lock(self) -> Path:
        return self.private / "lock"

    @property
    def cache(self) -> Path:
        return self.private / "cache"

    @property
    def displaced(self) -> tuple[Path, Path]:
        """Where displaced files are kept for a while: the second if the first is on another file system."""
        return self.private / "displaced", self.systems / ".displaced"

    @property
    def seen(self) -> Path:
        """What the system files looked like when they were last seen to hold what was committed."""
        return self.cache / "seen.json"

    @property
    def typed(self) -> Path:
        """The lines typed at the prompt."""
        return self.private / "typed"

    @property
    def own_folders(self) -> tuple[Path, ...]:
        """Where only the sandbox itself writes."""
        return (self.systems, self.snapshots, self.private)

    @property
    def every_system(self) -> tuple[str, ...]:
        """The names of all systems, also of those that are left out."""
        return (*self.config.systems.names, *self.absent)

    def system_file(self, name: str) -> Path:
        return self.systems / f"{name}.csv"

    def staged_file(self, name: str, token: str) -> Path:
        return self.systems / f".{name}.csv.{token}.new"

    def kept_file(self, name: str, token: str) -> Path:
        """Where a file goes that somebody wrote while a command was replacing it."""
        return self.systems / f"{name}.csv.external-{token}"
