"""Snapshots: named copies of all systems with checksums, complete or not there at all.

Several sandboxes may share a folder of snapshots, each with a lock of its own. So whatever is being written has a name
that tells whose it is (`owner`, see storage.lock), and nobody drops anything of another who may be at work.
"""

from __future__ import annotations

import contextlib
import difflib
import errno
import functools
import json
import os
import re
import secrets
import shutil
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import polars as pl

from keysync_shell.core.model.keys import safe
from keysync_shell.core.model.limits import Limits
from keysync_shell.core.model.master_keys import table_of
from keysync_shell.core.model.systems import NAME as SYSTEM_NAME
from keysync_shell.core.model.systems import Systems
from keysync_shell.errors import KeySyncError
from keysync_shell.storage import files, lock, placing, registry_file, system_csv
from keysync_shell.storage.files import explained

SCHEMA = "keysync-snapshot/1"
MANIFEST = "manifest.json"
UNREADABLE = "the snapshots cannot be read"
MANIFEST_BYTES = 1 << 20
TRIES = 10
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
LEFTOVER = re.compile(rf"\.[0-9a-f]{{16}}\.[0-9a-f]{{16}}\.tmp({re.escape(placing.ASIDE)})?")
DEVICE = re.compile(r"(?i)(con|prn|aux|nul|com[0-9]|lpt[0-9])(\..*)?")


@dataclass(frozen=True)
class FileRecord:
    """One file of a snapshot. Sizes are bytes; `keys` counts distinct spellings."""

    sha256: str
    bytes: int
    rows: int
    keys: int


@dataclass(frozen=True)
class Manifest:
    """What a snapshot says of itself."""

    name: str
    note: str
    author: str
    created_at: str
    version: str
    authority: str
    rules: Mapping[str, Any]
    discrepancies: Mapping[str, int]
    systems: Mapping[str, FileRecord]
    master_keys: FileRecord | None = None

    @property
    def files(self) -> dict[str, FileRecord]:
        """Every file beside the manifest, by its name."""
        registry = {registry_file.NAME: self.master_keys} if self.master_keys else {}
        return {f"{system}.csv": record for system, record in self.systems.items()} | registry


@dataclass(frozen=True)
class Snapshot:
    """A whole snapshot: manifest and the bytes of its files, which match it; `master_keys` is None without any."""

    manifest: Manifest
    contents: Mapping[str, bytes]
    master_keys: bytes | None = None

    @property
    def files(self) -> dict[str, bytes]:
        """Every file beside the manifest, by its name."""
        registry = {} if self.master_keys is None else {registry_file.NAME: self.master_keys}
        return {f"{system}.csv": data for system, data in self.contents.items()} | registry

    def registry(self) -> pl.DataFrame:
        """The master keys, a table as in core.model.master_keys. Raises KeySyncError if that is damaged."""
        if self.master_keys is None:
            return table_of([])
        try:
            return registry_file.parse(self.master_keys)
        except ValueError as error:
            raise damaged(self.manifest.name, f"{registry_file.NAME}: {safe(str(error))}") from error

    def tables(self, limits: Limits) -> dict[str, pl.DataFrame]:
        """The key tables. Raises BadFile if a file is malformed, KeySyncError if the manifest counts other rows."""
        name = self.manifest.name
        tables = {
            system: system_csv.parse(data, f"{name}/{system}.csv", limits) for system, data in self.contents.items()
        }
        for system, rows in tables.items():
            if len(rows) != self.manifest.systems[system].rows:
                raise damaged(name, f"{system}.csv has {len(rows):,} rows, which is not what {MANIFEST} says")
        return tables


def check_name(name: str) -> str:
    """The name itself, if it may name a snapshot. Raises KeySyncError; a path is never a name."""
    if name == "now" or not NAME.fullmatch(name) or name.endswith(".") or DEVICE.fullmatch(name):
        raise KeySyncError(
            f"{safe(name)!r} is not a valid name for a snapshot",
            hint="Use letters, digits, '.', '_' and '-', at most 64, starting with a letter or digit.",
        )
    return name


def record(data: bytes, rows: pl.DataFrame) -> FileRecord:
    return FileRecord(files.digest(data), len(data), len(rows), rows["key"].n_unique())


def save(folder: Path, snapshot: Snapshot, owner: str, *, force: bool) -> None:
    """Write a snapshot to the side, durably, then give it its name; the sandbox's lock is held.

    Raises KeySyncError if the name is taken and not `force`, or by what is no snapshot, or if the disk is full; then
    nothing is there.
    """
    name = check_name(snapshot.manifest.name)
    target = folder / name
    with explained(UNREADABLE):
        taken = target.exists()
    if taken and not force:
        raise _taken(name)
    with explained(f"snapshot {name} was not saved"):
        files.make_folder(folder)
        files.sync_folder(folder.parent)  # whoever made the folder may have died before this
        sweep(folder, owner)
        if taken:
            _require_snapshot(target)
        with lock.at_work(folder), _scratch(folder, owner) as scratch:
            for part, data in snapshot.files.items():
                files.stage(scratch / part, target / part, [data])
            files.stage(scratch / MANIFEST, target / MANIFEST, [dump(snapshot.manifest)])
            files.sync_folder(scratch)
            _give_name(scratch, target, force=force)
            with explained(f"snapshot {name} is saved, but might not outlive a power loss", lambda: True):
                files.sync_folder(folder)


def load(folder: Path, name: str, limits: Limits) -> Snapshot:
    """Read a snapshot and verify every checksum.

    Raises KeySyncError if there is none of that name, or it is damaged.
    """
    check_name(name)
    for again in reversed(range(TRIES)):
        before = _identity(folder / name)
        try:
            manifest = read_manifest(folder, name)
            reading = functools.partial(_part, folder, name, read=lambda path: files.read(path, limits)[0])
            return verified(manifest, {part: reading(part) for part in manifest.files})
        except KeySyncError:
            if _identity(folder / name) == before or not again:  # else it was replaced, and this was half of each
                raise
    raise AssertionError("the last try returns or raises")


def verified(manifest: Manifest, parts: Mapping[str, bytes]) -> Snapshot:
    """The snapshot, if its files are those of the manifest. Raises KeySyncError naming the damaged file."""
    for part, expected in manifest.files.items():
        if (len(parts[part]), files.digest(parts[part])) != (expected.bytes, expected.sha256):
            raise damaged(manifest.name, f"{part} does not match its checksum")
    contents = {system: parts[f"{system}.csv"] for system in manifest.systems}
    return Snapshot(manifest, contents, parts.get(registry_file.NAME))


def read_manifest(folder: Path, name: str) -> Manifest:
    """The manifest alone; the files are not verified."""
    require(folder, name)
    return _manifest(folder, name)


def parse_manifest(data: bytes, name: str) -> Manifest:
    """Raises KeySyncError unless the bytes are a manifest of our form."""
    try:
        raw = json.loads(data)
        if raw.pop("checksum", None) not in (None, _checksum(raw)):
            raise ValueError("it does not match its own checksum")
        if raw.pop("schema") != SCHEMA:
            raise ValueError("not a KeySync snapshot")
        systems = {system: FileRecord(**values) for system, values in raw.pop("systems").items()}
        registry = raw.pop("master_keys", None)
        manifest = Manifest(systems=systems, master_keys=FileRecord(**registry) if registry else None, **raw)
        if not _sane(manifest):
            raise ValueError("a value has the wrong type")
        Systems(tuple(systems), manifest.authority)  # raises if these are no names of systems
    except (KeySyncError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise damaged(name, f"{MANIFEST}: {safe(str(error))}") from error
    return manifest


def names(folder: Path) -> list[str]:
    """Every snapshot's name, in order."""
    if not _is_there(folder):
        return []
    with explained(UNREADABLE):
        return sorted(entry.name for entry in folder.iterdir() if NAME.fullmatch(entry.name) and entry.is_dir())


def require(folder: Path, name: str) -> None:
    """Raise KeySyncError if there is no snapshot of that name, sound or damaged."""
    if not _is_there(folder / check_name(name)):
        raise KeySyncError(f"there is no snapshot {name}", hint=_known(folder, name))


def delete(folder: Path, name: str, owner: str) -> None:
    """Take the name away first, so that a snapshot is never there in part; the sandbox's lock is held.

    Raises KeySyncError if there is none, or if the folder holds anything else.
    """
    require(folder, name)
    with explained(f"snapshot {name} was not deleted"):
        _require_snapshot(folder / name)
        doomed = _scratch_name(folder, owner)
        (folder / name).rename(doomed)
    with explained(f"snapshot {name} is deleted, but might come back after a power loss", lambda: True):
        files.sync_folder(folder)
    _drop(doomed)


def sweep(folder: Path, owner: str) -> None:
    """Drop what a crash left behind: ours, and another's if nobody is at work in the folder. Trouble is ignored.

    Our own lock is held, so none of us is at work. A sandbox that was copied, or whose lock was made anew, is another.
    """
    with contextlib.suppress(OSError):
        leftovers = [entry for entry in folder.iterdir() if LEFTOVER.fullmatch(entry.name)]
        if leftovers and not lock.nobody_at_work(folder):
            leftovers = [entry for entry in leftovers if entry.name.startswith(f".{owner}.")]
        for entry in leftovers:
            if not entry.name.endswith(placing.ASIDE) or _made_room(folder, entry):
                _drop(entry)


def dump(manifest: Manifest) -> bytes:
    """The bytes of manifest.json."""
    content = {"schema": SCHEMA, **asdict(manifest)}
    if manifest.master_keys is None:  # as versions write it that know of no registry in a snapshot
        del content["master_keys"]
    return (json.dumps({**content, "checksum": _checksum(content)}, indent=2, ensure_ascii=True) + "\n").encode()


def damaged(name: str, why: str) -> KeySyncError:
    return KeySyncError(f"snapshot {safe(name)} is damaged: {why}", hint="Nothing was loaded. Get a good copy of it.")


def _is_there(folder: Path) -> bool:
    """Raises KeySyncError if the disk does not answer."""
    with explained(UNREADABLE):
        return folder.is_dir()


def _part(folder: Path, name: str, part: str, read: Callable[[Path], bytes]) -> bytes:
    try:
        return read(folder / name / part)
    except FileNotFoundError:
        raise damaged(name, f"{part} is missing") from None
    except OSError as error:
        raise damaged(name, f"{part}: {error.strerror}") from error


def _manifest(folder: Path, name: str) -> Manifest:
    return parse_manifest(_part(folder, name, MANIFEST, lambda path: files.read_small(path, MANIFEST_BYTES)), name)


def _checksum(content: Mapping[str, Any]) -> str:
    """Of all that a manifest says, however it is laid out."""
    return files.digest(json.dumps(content, sort_keys=True).encode())


def _sane(manifest: Manifest) -> bool:
    """Whether every value has its type; counts are never negative."""
    records = manifest.files.values()
    texts = [manifest.name, manifest.note, manifest.author, manifest.created_at, manifest.version, manifest.authority]
    numbers = [number for record in records for number in (record.bytes, record.rows, record.keys)]
    mappings = (manifest.rules, manifest.discrepancies)
    return (
        all(isinstance(text, str) for text in [*texts, *(record.sha256 for record in records)])
        and all(isinstance(mapping, dict) for mapping in mappings)
        and all(type(number) is int and number >= 0 for number in [*numbers, *manifest.discrepancies.values()])
    )


def _known(folder: Path, wanted: str) -> str:
    existing = names(folder)
    if near := difflib.get_close_matches(wanted, existing, n=1):
        return f"Did you mean {near[0]}?"
    return f"Snapshots: {', '.join(existing[:10])}." if existing else "There are none yet; `save-state NAME` makes one."


def _drop(folder: Path) -> None:
    """Remove a folder that nobody needs; what stays is swept by the next command."""
    with contextlib.suppress(OSError):  # Python 3.11 raises some in spite of ignore_errors
        shutil.rmtree(folder, ignore_errors=True)


def _made_room(folder: Path, aside: Path) -> bool:
    """Whether another snapshot took the name of one that stepped aside; if none came, it gets its name again."""
    with contextlib.suppress(OSError, KeySyncError):
        name = check_name(_manifest(folder, aside.name).name)
        if os.path.lexists(folder / name):
            return True
        aside.rename(folder / name)
    return False


def _require_snapshot(folder: Path) -> None:
    """Raise KeySyncError if the folder, which is going to be dropped, holds anything but a snapshot's files."""
    entries = [*folder.iterdir()]
    for entry in entries:
        if not _belongs(entry):
            raise KeySyncError(
                f"{folder} is more than a snapshot: {safe(entry.name)} is in it",
                hint="It is left as it is. Find out what it is, and move it away if nobody needs it here.",
            )
    if entries and not (folder / MANIFEST).exists():
        raise KeySyncError(
            f"{folder} is not a snapshot: it has no {MANIFEST}", hint="It is left as it is. Move it away."
        )


def _belongs(entry: Path) -> bool:
    """Whether it is a regular file with the name of a snapshot's."""
    name = entry.name in (MANIFEST, registry_file.NAME) or (
        entry.suffix == ".csv" and SYSTEM_NAME.fullmatch(entry.stem)
    )
    return bool(name) and not entry.is_symlink() and entry.is_file()


def _give_name(scratch: Path, target: Path, *, force: bool) -> None:
    """Rename; unless forced, never over a snapshot that another sandbox saved meanwhile."""
    if force:
        placing.swap(scratch, target)
        return
    try:
        scratch.rename(target)
    except OSError as error:
        if error.errno not in (errno.EEXIST, errno.ENOTEMPTY):
            raise
        raise _taken(target.name) from None


def _taken(name: str) -> KeySyncError:
    return KeySyncError(f"snapshot {name} already exists", hint="Choose another name, or add --yes to replace it.")


def _identity(folder: Path) -> tuple[int, int] | None:
    with contextlib.suppress(OSError):
        status = folder.stat()
        return status.st_dev, status.st_ino
    return None


def _scratch_name(folder: Path, owner: str) -> Path:
    return folder / f".{owner}.{secrets.token_hex(8)}.tmp"


@contextlib.contextmanager
def _scratch(folder: Path, owner: str) -> Iterator[Path]:
    scratch = _scratch_name(folder, owner)
    scratch.mkdir()
    try:
        yield scratch
    finally:
        _drop(scratch)
