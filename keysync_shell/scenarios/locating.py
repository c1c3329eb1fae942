"""Which scenario a word means: a file, the files of a folder, one of the sandbox's own, or one of the library."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

from keysync_shell.core.model.keys import safe
from keysync_shell.errors import KeySyncError
from keysync_shell.scenarios import loading
from keysync_shell.scenarios.model import NAME, Scenario
from keysync_shell.scenarios.places import Text
from keysync_shell.storage import files
from keysync_shell.storage.files import explained

FOLDER = "sandbox_scenarios"
SUFFIXES = (".yaml", ".yml", ".json")
SCHEMA = ".schema.json"
MOST_BYTES = 4 << 20
LIBRARY = Path(str(resources.files("keysync_shell.scenarios"))) / "library"


@dataclass(frozen=True)
class Located:
    """A scenario file. `file` is its name in messages, `path` where it lies."""

    path: Path
    file: str


@dataclass(frozen=True)
class Source:
    """The text of a scenario. `file` is its name in messages; `path` is where it lies; `shipped` if in the library."""

    path: Path
    file: str
    text: str
    shipped: bool = False

    def load(self) -> Scenario:
        """Raises BadScenario with every fault of the file."""
        return loading.load(self.text, self.file)


@dataclass(frozen=True)
class Shelf:
    """Where scenarios are looked for: the sandbox's own folder first, then the library.

    `allow` raises KeySyncError for a path that must not be looked at.
    """

    home: Path
    allow: Callable[[Path], None] = lambda _: None

    def named(self) -> dict[str, Path]:
        """Every scenario that has a name, the sandbox's own before one of the library that is called the same."""
        shipped = {_stem(path): path for path in _files(LIBRARY)}
        own = {_stem(path): path for path in _files(self.home / FOLDER)}
        return dict(sorted((shipped | own).items()))

    def sources(self, word: str, base: Path = Path()) -> list[Source]:
        """The scenarios that a word means, read. Raises KeySyncError as `files` and `read` do."""
        return [self.read(one) for one in self.files(word, base)]

    def files(self, word: str, base: Path = Path()) -> list[Located]:
        """The files of the scenarios that a word means; paths are relative to `base`.

        Raises KeySyncError if it means none.
        """
        if re.fullmatch(NAME, word) and (path := self.named().get(word)):
            return [Located(path, self._shown(path))]
        path = base / Path(word).expanduser()
        self.allow(path)
        if path.is_dir():
            located = [Located(one, f"{word.rstrip('/')}/{one.name}") for one in _files(path)]
            if not located:
                raise KeySyncError(f"{safe(word)}: no scenario is in this folder", hint=f"They end in {SUFFIXES[0]}.")
            return located
        if path.suffix in SUFFIXES:
            return [Located(path, word)]
        raise self._none(word)

    def included(self, word: Text, folder: Path) -> Source:
        """The scenario that an `include` names: a file of the folder of the one that includes it, or a name.

        Raises KeySyncError for a file elsewhere.
        """
        if "/" in word or "\\" in word:
            raise KeySyncError(f"{safe(word)} is not beside this scenario; name a file of the same folder")
        beside = folder / word
        if beside.suffix in SUFFIXES and beside.is_file():
            return self.read(Located(beside, str(Path(word.place.file).parent / word)))
        [source] = self.sources(word)
        return source

    def read(self, located: Located) -> Source:
        """Raises KeySyncError for a file that cannot be read, or is out of reach."""
        if located.path.parent != LIBRARY:
            self.allow(located.path)
        return read(located.path, located.file)

    def _shown(self, path: Path) -> str:
        return path.name if path.parent == LIBRARY else f"{FOLDER}/{path.name}"

    def _none(self, word: str) -> KeySyncError:
        near = difflib.get_close_matches(word, self.named(), n=1, cutoff=0.5)
        hint = f"Did you mean {near[0]}? " if near else ""
        return KeySyncError(f"no scenario is called {safe(word)!r}", hint=f"{hint}`scenario list` shows them all.")


def read(path: Path, file: str) -> Source:
    """Read a scenario file. Raises KeySyncError if it cannot be read, or is not UTF-8."""
    with explained(f"{safe(file)} cannot be read"):
        data = files.read_small(path, MOST_BYTES)
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise KeySyncError(
            f"{safe(file)}:{line}: byte 0x{data[error.start]:02x} is not UTF-8", hint="Save the file as UTF-8."
        ) from None
    return Source(path, file, text, shipped=path.parent == LIBRARY)


def _files(folder: Path) -> Iterator[Path]:
    if folder.is_dir():
        files_of = (path for path in folder.iterdir() if path.suffix in SUFFIXES and path.is_file())
        yield from sorted(path for path in files_of if not path.name.endswith(SCHEMA))


def _stem(path: Path) -> str:
    return path.name.removesuffix(path.suffix).removesuffix(".scenario")
