"""What surrounds a process: files that are mounted by themselves, and files and folders of other users."""

from __future__ import annotations

import ctypes
import os
import stat
import subprocess
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

HOME = "home"
NOBODY, SOMEBODY = 65534, 1000
CLONE_NEWNS, MS_BIND, MS_REC, MS_PRIVATE = 0x20000, 0x1000, 0x4000, 0x40000


@dataclass(frozen=True)
class World:
    """`mounted` are systems whose files are mounted by themselves, as `docker -v A.csv:…` does.

    `user` is who runs commands, to whom all belongs but the files of the systems in `foreign`, which anybody may write;
    with `sticky` they lie in a folder where only owners may move files. A `guest` is a user to whom nothing belongs.
    """

    mounted: tuple[str, ...] = ()
    user: int = 0
    foreign: tuple[str, ...] = ()
    sticky: bool = False
    guest: bool = False

    def as_json(self) -> dict[str, Any]:
        return asdict(self)

    def enter(self) -> None:
        """Put this process and the sandbox in its folder into such surroundings."""
        present = [path for name in self.mounted if (path := system_file(name)).exists()]
        if present:
            _call("unshare", CLONE_NEWNS)
            _call("mount", None, b"/", None, MS_REC | MS_PRIVATE, None)
        for path in present:
            _call("mount", os.fsencode(path), os.fsencode(path), None, MS_BIND, None)
        if self.user:
            if not self.guest:
                self._give_away()
            os.setgroups([])
            os.setgid(self.user)
            os.setuid(self.user)

    def _give_away(self) -> None:
        for path in (Path(), *_below(Path())):
            os.chown(path, self.user, self.user, follow_symlinks=False)
        if self.sticky and (folder := system_file("A").parent).is_dir():
            os.chown(folder, 0, 0)
            folder.chmod(0o777 | stat.S_ISVTX)
        for path in map(system_file, self.foreign):
            if path.exists():
                os.chown(path, NOBODY, NOBODY)
                path.chmod(0o666)


WORLDS = {
    "mounted": World(mounted=("A", "B")),
    "sticky": World(user=SOMEBODY, foreign=("A",), sticky=True),
    "foreign": World(user=SOMEBODY, foreign=("A", "B")),
}


def system_file(name: str) -> Path:
    """The file of a system, seen from the folder in which commands run."""
    return Path(HOME) / "systems" / f"{name}.csv"


def unusable(world: World) -> str:
    """Why there is no such world here; empty if there is."""
    if (world.mounted or world.user) and os.geteuid() != 0:
        return "only root can mount files and become somebody else"
    if world.mounted:
        tried = subprocess.run(["unshare", "-m", "true"], capture_output=True, text=True, check=False)
        return f"files cannot be mounted here: {tried.stderr.strip()}" if tried.returncode else ""
    return ""


def _below(folder: Path) -> Iterator[Path]:
    for path in folder.iterdir():
        yield path
        if path.is_dir() and not path.is_symlink():
            yield from _below(path)


def _call(name: str, *arguments: object) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if getattr(libc, name)(*arguments) != 0:
        code = ctypes.get_errno()
        raise OSError(code, f"{name}: {os.strerror(code)}")
