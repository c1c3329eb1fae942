"""What a power loss may leave on a weak file system: every disk state that the system calls of a command allow.

Only what was synced is certain. Of everything else any part may have reached the disk: writes in whole, by half, as
zeros or not at all; names without the data behind them; a rename that left both names. Built from a recording by
strace, with files and folders as numbered nodes, as the kernel sees them.
"""

from __future__ import annotations

import hashlib
import random
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

CALLS = "openat,close,write,pwrite64,read,lseek,fsync,fdatasync,ftruncate,rename,renameat2,unlink,unlinkat,mkdir,rmdir"
RECORD = ("-xx", "-s", "1000000000", "-e", f"trace={CALLS}")
CALL = re.compile(r"(?P<name>\w+)\((?P<arguments>.*)\) += (?P<result>\d+)")
TEXT = re.compile(r'"((?:\\x[0-9a-f]{2})*)"')
MEMORY_ONLY = "-shm"  # the index of SQLite's log; it is mapped, never read after a crash
CACHE = ".arrow"  # its second name is harmless: the next time the table is cached takes it over
RANDOM_SUBSETS = 12


@dataclass(frozen=True)
class Names:
    """Entries that change together: (folder, name, node or None)."""

    entries: tuple[tuple[int, str, int | None], ...]


@dataclass(frozen=True)
class Data:
    node: int
    offset: int
    content: bytes


@dataclass(frozen=True)
class Cut:
    node: int
    length: int


@dataclass(frozen=True)
class Sync:
    node: int


@dataclass(frozen=True)
class Told:
    """A line on standard error."""

    line: str


Event = Names | Data | Cut | Sync | Told


@dataclass
class Disk:
    """Folders by number, each with its names, and files by number, each with its content. 0 is the top."""

    folders: dict[int, dict[str, int]] = field(default_factory=lambda: {0: {}})
    files: dict[int, bytearray] = field(default_factory=dict)

    @classmethod
    def of(cls, folder: Path) -> Disk:
        """A folder as it is, all of it durable."""
        disk = cls()
        numbers = {folder: 0}
        for path in sorted(folder.rglob("*")):
            number = numbers[path] = len(numbers)
            disk.folders[numbers[path.parent]][path.name] = number
            if path.is_dir():
                disk.folders[number] = {}
            else:
                disk.files[number] = bytearray(path.read_bytes())
        return disk

    def copy(self) -> Disk:
        return Disk(
            {number: dict(names) for number, names in self.folders.items()},
            {number: bytearray(content) for number, content in self.files.items()},
        )

    def apply(self, event: Event) -> None:
        match event:
            case Names(entries):
                for folder, name, node in entries:
                    if node is None:
                        self.folders.get(folder, {}).pop(name, None)
                    else:
                        self.folders.setdefault(folder, {})[name] = node
            case Data(node, offset, content):
                file = self.files.setdefault(node, bytearray())
                file.extend(bytes(max(0, offset - len(file))))
                file[offset : offset + len(content)] = content
            case Cut(node, length):
                file = self.files.setdefault(node, bytearray())
                del file[length:]
                file.extend(bytes(length - len(file)))

    def tree(self, folder: int = 0, above: str = "") -> Iterator[tuple[str, bytes | None]]:
        """Every path with its content; None for a folder."""
        for name, node in sorted(self.folders[folder].items()):
            if node in self.folders:
                yield f"{above}{name}", None
                yield from self.tree(node, f"{above}{name}/")
            elif not name.endswith(MEMORY_ONLY):
                yield f"{above}{name}", bytes(self.files.get(node, b""))


class Recorder:
    """Turns traces into events. `disk` is what the running system sees; `start` what was there before."""

    def __init__(self, folder: Path) -> None:
        self._folder = str(folder)
        self.start = Disk.of(folder)
        self.disk = self.start.copy()
        self.events: list[Event] = []
        self._next = max({*self.disk.folders, *self.disk.files}) + 1
        self._open: dict[int, int] = {}
        self._position: dict[int, int] = {}

    def add(self, trace: Path) -> None:
        """Append what one process did."""
        self._open, self._position = {}, {}
        with trace.open() as lines:
            for line in lines:
                if call := CALL.match(line):
                    arguments = TEXT.sub("", call["arguments"]).split(", ")
                    texts = [bytes.fromhex(text.replace("\\x", "")) for text in TEXT.findall(call["arguments"])]
                    self._call(call["name"], arguments, texts, int(call["result"]))

    def _call(self, name: str, arguments: list[str], texts: list[bytes], result: int) -> None:
        match name:
            case "openat":
                self._opened(arguments, texts[0].decode(), result)
            case "mkdir":
                if place := self._place("AT_FDCWD", texts[0].decode()):
                    self.start.folders[self._next] = {}  # not to be reached before it has a name
                    self.disk.folders[self._next] = {}
                    self._named((*place, self._fresh()))
            case "unlink" | "rmdir":
                self._dropped("AT_FDCWD", texts[0].decode())
            case "unlinkat":
                self._dropped(arguments[0], texts[0].decode())
            case "rename":
                self._renamed("AT_FDCWD", texts[0].decode(), "AT_FDCWD", texts[1].decode(), exchange=False)
            case "renameat2":
                exchange = "RENAME_EXCHANGE" in arguments[-1]
                self._renamed(arguments[0], texts[0].decode(), arguments[2], texts[1].decode(), exchange=exchange)
            case _:
                self._on_descriptor(name, arguments, texts, result)

    def _on_descriptor(self, name: str, arguments: list[str], texts: list[bytes], result: int) -> None:
        descriptor = int(arguments[0])
        if name == "write" and descriptor == 2:
            self.events.append(Told(texts[0].decode()))
        node = self._open.get(descriptor)
        if node is None:
            return
        match name:
            case "close":
                del self._open[descriptor]
            case "lseek":
                self._position[descriptor] = result
            case "read":
                self._position[descriptor] += result
            case "fsync" | "fdatasync":
                self.events.append(Sync(node))
            case "ftruncate":
                self._did(Cut(node, int(arguments[1])))
            case "write":
                self._did(Data(node, self._position[descriptor], texts[0][:result]))
                self._position[descriptor] += result
            case "pwrite64":
                self._did(Data(node, int(arguments[3]), texts[0][:result]))

    def _opened(self, arguments: list[str], path: str, descriptor: int) -> None:
        self._open.pop(descriptor, None)
        if (place := self._place(arguments[0], path)) is None:
            return
        folder, name = place
        node = self.disk.folders[folder].get(name) if name else folder
        if node is None:
            node = self._fresh()
            self._named((folder, name, node))
        elif "O_TRUNC" in arguments[2]:
            self._did(Cut(node, 0))
        self._open[descriptor], self._position[descriptor] = node, 0

    def _dropped(self, at: str, path: str) -> None:
        if place := self._place(at, path):
            self._named((*place, None))

    def _renamed(self, at: str, old: str, to: str, new: str, *, exchange: bool) -> None:
        source, target = self._place(at, old), self._place(to, new)
        if source and target:
            one = self.disk.folders[source[0]][source[1]]
            other = self.disk.folders[target[0]].get(target[1]) if exchange else None
            self._named((*target, one), (*source, other))

    def _place(self, at: str, path: str) -> tuple[int, str] | None:
        """Folder and last name of a path; None for what is outside or in memory only."""
        if path.startswith("/"):
            if not f"{path}/".startswith(f"{self._folder}/"):
                return None
            at, path = "AT_FDCWD", path.removeprefix(self._folder).lstrip("/")
        folder = 0 if at == "AT_FDCWD" else self._open.get(int(at))
        if folder is None or path.endswith(MEMORY_ONLY) or ".." in path:
            return None
        *above, name = path.split("/")
        for step in above:
            folder = self.disk.folders[folder][step]
        return folder, "" if name == "." else name

    def _fresh(self) -> int:
        self._next += 1
        return self._next - 1

    def _named(self, *entries: tuple[int, str, int | None]) -> None:
        self._did(Names(entries))

    def _did(self, event: Event) -> None:
        self.disk.apply(event)
        self.events.append(event)


@dataclass(frozen=True)
class Crash:
    """The power fails after that many events, with these of the unsynced ones on the disk."""

    after: int
    kept: frozenset[int]
    damage: tuple[int, str] | None = None


def crashes(events: list[Event], start: int = 0) -> Iterator[Crash]:
    """Every moment from that event on, with what may then be on the disk."""
    dice = random.Random(1)
    for after in range(start, len(events) + 1):
        certain = _certain(events[:after])
        pending = [i for i in range(after) if i not in certain and isinstance(events[i], Names | Data | Cut)]
        everything = certain | frozenset(pending)
        yield Crash(after, everything)
        yield Crash(after, certain)
        for i in pending:
            yield Crash(after, everything - {i})
            yield Crash(after, certain | {i})
            yield from (Crash(after, everything, (i, kind)) for kind in _damages(events[i]))
        for _ in range(RANDOM_SUBSETS if pending else 0):
            yield Crash(after, certain | {i for i in pending if dice.random() < 0.5})


def rebuilt(start: Disk, events: list[Event], crash: Crash) -> dict[str, bytes | None]:
    """The tree that is found after the crash."""
    disk = start.copy()
    for i in sorted(crash.kept):
        event = events[i]
        disk.apply(_damaged(event, crash.damage[1]) if crash.damage and crash.damage[0] == i else event)
    return dict(disk.tree())


def fingerprint(tree: Mapping[str, bytes | None]) -> bytes:
    digest = hashlib.sha256()
    for path, content in tree.items():
        digest.update(repr((path, content)).encode())
    return digest.digest()


def put(tree: Mapping[str, bytes | None], folder: Path) -> None:
    """Make the tree real."""
    folder.mkdir()
    for path, content in tree.items():
        if content is None:
            (folder / path).mkdir()
        else:
            (folder / path).write_bytes(content)


def _certain(events: list[Event]) -> frozenset[int]:
    """What was synced: data by a sync of the file, names by a sync of every folder that they are in."""
    certain = set()
    synced: set[int] = set()
    for i in range(len(events) - 1, -1, -1):
        match events[i]:
            case Sync(node):
                synced.add(node)
            case Data(node, _, _) | Cut(node, _):
                certain |= {i} if node in synced else set()
            case Names(entries):
                certain |= {i} if {folder for folder, _, _ in entries} <= synced else set()
    return frozenset(certain)


def _damages(event: Event) -> tuple[str, ...]:
    match event:
        case Data():
            return ("half", "zeros", "noise")
        case Names(((_, name, _), (_, _, None))) if not name.endswith(CACHE):
            return ("both names",)
        case _:
            return ()


def _damaged(event: Event, kind: str) -> Event:
    match event, kind:
        case Names(entries), _:
            return Names(entries[:1])
        case Data(node, offset, content), "half":
            return Data(node, offset, content[: len(content) // 2])
        case Data(node, offset, content), "zeros":
            return Data(node, offset, bytes(len(content)))
        case Data(node, offset, content), _:
            return Data(node, offset, random.Random(len(content)).randbytes(len(content)))
        case _:
            return event
