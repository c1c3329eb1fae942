"""A snapshot as one zip file, to share. Archives of strangers are read, never extracted."""

from __future__ import annotations

import io
import stat
import zipfile
import zlib
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from keysync_shell.core.model.keys import safe
from keysync_shell.core.model.limits import Limits
from keysync_shell.core.model.systems import MAX_SYSTEMS, NAME
from keysync_shell.errors import KeySyncError
from keysync_shell.storage import files, outputs, registry_file, snapshots
from keysync_shell.storage.files import explained
from keysync_shell.storage.home import Home
from keysync_shell.storage.snapshots import MANIFEST, MANIFEST_BYTES, Snapshot

MAX_RATIO = 200
RATIO_FREE_BYTES = 1 << 16  # tiny members compress absurdly well without being a bomb
CHUNK = 1 << 16
OTHERS = (MANIFEST, registry_file.NAME)  # members that are no system
END_OF_DIRECTORY, LARGE_DIRECTORY = b"PK\x05\x06", b"PK\x06\x07"
END_BYTES = 22 + (1 << 16)  # of the end of the table of contents with a comment
MOST_DIRECTORY_BYTES = 1 << 16
EPOCH = (1980, 1, 1, 0, 0, 0)  # equal snapshots give equal archives


def export(snapshot: Snapshot, path: Path, home: Home | None, limits: Limits, *, force: bool) -> None:
    """Write the archive.

    Raises KeySyncError if it may not be written (see storage.outputs), cannot be, or could not be read again.
    """
    outputs.check(path, home, force=force)
    members = {MANIFEST: snapshots.dump(snapshot.manifest), **snapshot.files}
    _check_size(map(len, members.values()), path.name, limits)
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            info = zipfile.ZipInfo(name, EPOCH)
            info.compress_type = zipfile.ZIP_DEFLATED
            info.external_attr = (stat.S_IFREG | 0o644) << 16
            archive.writestr(info, data)
    outputs.write(path, buffer.getbuffer(), home, force=force)


def read(path: Path, limits: Limits, name: str | None) -> Snapshot:
    """The snapshot in an archive, under another name if one is given, with every checksum verified.

    Raises KeySyncError for anything that is not exactly a snapshot: other members, links, members that are there
    twice, sizes beyond the limits, compression beyond belief.
    """
    with explained(f"{path} cannot be read"):
        data, _ = files.read(path, limits)
    _check_directory(data, path.name)
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            return _read(archive, path.name, limits, name)
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, ValueError, OSError) as error:
        raise _refused(path.name, safe(str(error)) or type(error).__name__) from error


def _read(archive: zipfile.ZipFile, source: str, limits: Limits, name: str | None) -> Snapshot:
    members = archive.infolist()
    _check_members(members, source, limits)
    manifest = snapshots.parse_manifest(_content(archive, MANIFEST, source, MANIFEST_BYTES), source)
    manifest = replace(manifest, name=snapshots.check_name(manifest.name if name is None else name))
    if manifest.files.keys() != {member.filename for member in members} - {MANIFEST}:
        raise _refused(source, "its files are not those that its manifest names")
    parts = {
        name: _content(archive, name, source, min(limits.file_bytes, record.bytes))
        for name, record in manifest.files.items()
    }
    return snapshots.verified(manifest, parts)


def _check_directory(data: bytes, source: str) -> None:
    """Refuse a table of contents that only reading would take long, for which zipfile has no limit."""
    at = data.rfind(END_OF_DIRECTORY, -END_BYTES)
    if at < 0:
        return  # no zip at all
    size = int.from_bytes(data[at + 12 : at + 16], "little")
    if size > MOST_DIRECTORY_BYTES or data.startswith(LARGE_DIRECTORY, max(0, at - 20)):
        raise _refused(source, "its table of contents is too long")


def _check_members(members: list[zipfile.ZipInfo], source: str, limits: Limits) -> None:
    if sum(member.filename not in OTHERS for member in members) > MAX_SYSTEMS:
        raise _refused(source, f"{len(members)} members are too many")
    seen = set()
    for member in members:
        name, mode = member.filename, member.external_attr >> 16
        system = name.removesuffix(".csv")
        if name not in OTHERS and not (name.endswith(".csv") and NAME.fullmatch(system)):
            raise _refused(source, f"member {safe(name)!r} does not belong in a snapshot")
        if name in seen:
            raise _refused(source, f"member {name} appears twice")
        if mode and not stat.S_ISREG(mode) and stat.S_IFMT(mode):
            raise _refused(source, f"member {name} is not a regular file")
        if member.file_size > MAX_RATIO * member.compress_size + RATIO_FREE_BYTES:
            raise _refused(source, f"member {name} is packed more than {MAX_RATIO} times")
        seen.add(name)
    if MANIFEST not in seen:
        raise _refused(source, f"there is no {MANIFEST} in it")
    _check_size((member.file_size for member in members), source, limits)


def _check_size(sizes: Iterable[int], source: str, limits: Limits) -> None:
    limits.check("file_bytes", sum(sizes), f"{safe(source)}: bytes unpacked")


def _content(archive: zipfile.ZipFile, name: str, source: str, limit: int) -> bytes:
    """A member's bytes, counted as they come: what the archive says of its size is not believed."""
    out = bytearray()
    with archive.open(name) as file:
        while chunk := file.read(CHUNK):
            out += chunk
            if len(out) > limit:
                raise _refused(source, f"member {name} is larger than it may be")
    return bytes(out)


def _refused(source: str, why: str) -> KeySyncError:
    return KeySyncError(
        f"{safe(source)} is not a snapshot that can be imported: {why}",
        hint="Nothing was changed. Ask for an archive made by `export-state`.",
    )
