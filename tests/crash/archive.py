"""Archives of strangers: each kind takes a good archive's members and gives the bytes of a bad one."""

from __future__ import annotations

import io
import json
import stat
import struct
import zipfile
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from keysync_shell.storage import files
from keysync_shell.storage.snapshots import MANIFEST

Members = Mapping[str, bytes]
EPOCH = (1980, 1, 1, 0, 0, 0)
HUGE = 64 << 20


def members(archive: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(archive)) as file:
        return {name: file.read(name) for name in file.namelist()}


def packed(
    entries: Iterable[tuple[str, bytes]], *, mode: int = stat.S_IFREG | 0o644, method: int = zipfile.ZIP_DEFLATED
) -> bytes:
    """A zip file of these entries, whatever their names."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as archive:
        for name, data in entries:
            info = zipfile.ZipInfo("x", EPOCH)
            info.filename, info.compress_type, info.external_attr = name, method, mode << 16
            archive.NameToInfo.pop(name, None)  # or a name that appears twice would be warned about
            archive.writestr(info, data)
    return out.getvalue()


def with_manifest(good: Members, **changes: Any) -> dict[str, bytes]:
    """The members with other values in the manifest, which vouches for them."""
    manifest = {**json.loads(good[MANIFEST]), **changes}
    manifest.pop("checksum", None)
    return {**good, MANIFEST: json.dumps(manifest).encode()}


def with_file(good: Members, system: str, data: bytes) -> dict[str, bytes]:
    """The members with other content for a system, true to its checksum."""
    systems = json.loads(good[MANIFEST])["systems"]
    record = {**systems[system], "sha256": files.digest(data), "bytes": len(data)}
    return {**with_manifest(good, systems={**systems, system: record}), f"{system}.csv": data}


def _added(name: str, data: bytes = b"key\nEVIL\n") -> Callable[[Members], bytes]:
    return lambda good: packed([*good.items(), (name, data)])


def _renamed(name: str) -> Callable[[Members], bytes]:
    return lambda good: packed((name if old == "A.csv" else old, data) for old, data in good.items())


def _mode(mode: int) -> Callable[[Members], bytes]:
    return lambda good: packed(good.items(), mode=mode)


def _manifest(**changes: Any) -> Callable[[Members], bytes]:
    return lambda good: packed(with_manifest(good, **changes).items())


def _raw_manifest(data: bytes) -> Callable[[Members], bytes]:
    return lambda good: packed({**good, MANIFEST: data}.items())


def _record(**changes: Any) -> Callable[[Members], bytes]:
    def make(good: Members) -> bytes:
        systems = json.loads(good[MANIFEST])["systems"]
        return packed(with_manifest(good, systems={**systems, "A": {**systems["A"], **changes}}).items())

    return make


def _without(name: str) -> Callable[[Members], bytes]:
    return lambda good: packed((old, data) for old, data in good.items() if old != name)


def _field(local: int, central: int, form: str, value: int) -> Callable[[Members], bytes]:
    """Another value in the local header and the central entry of A.csv, at these places."""

    def make(good: Members) -> bytes:
        data = bytearray(packed(good.items()))
        for signature, offset in ((b"PK\x03\x04", local), (b"PK\x01\x02", central)):
            name_at = 30 if signature == b"PK\x03\x04" else 46
            at = next(
                i
                for i in range(len(data))
                if data[i:].startswith(signature) and data[i + name_at :].startswith(b"A.csv")
            )
            struct.pack_into(form, data, at + offset, value)
        return bytes(data)

    return make


def _bomb(good: Members) -> bytes:
    return packed(with_file(good, "A", b"key\n" + b"K" * HUGE).items())


def _lying_bomb(good: Members) -> bytes:
    """The archive and the manifest both say that the huge member is small."""
    data = b"key\n" + b"K" * HUGE
    archive = bytearray(packed(with_file(good, "A", data).items()))
    manifest_says = archive.replace(struct.pack("<I", len(data)), struct.pack("<I", 100))
    return bytes(manifest_says)


def _twice(good: Members) -> bytes:
    return packed([*good.items(), ("A.csv", b"key\nEVIL\n")])


HOSTILE: dict[str, Callable[[Members], bytes]] = {
    "path that climbs": _added("../EVIL.csv"),
    "path that climbs, backwards": _added("..\\EVIL.csv"),
    "path that climbs, instead of a system": _renamed("../../A.csv"),
    "absolute path": _added("/tmp/EVIL.csv"),
    "absolute path of another system": _added("C:\\EVIL.csv"),
    "folder in a name": _added("inner/A.csv"),
    "folder": _added("A/", b""),
    "dot": _added(".", b""),
    "name with NUL": _added("A.csv\0.exe"),
    "empty name": _added(""),
    "name of a device": _added("CON.csv"),
    "look-alike name": _renamed("Ａ.csv"),
    "names that differ in case": _added("a.csv"),
    "link": _mode(stat.S_IFLNK | 0o777),
    "FIFO": _mode(stat.S_IFIFO | 0o644),
    "device": _mode(stat.S_IFCHR | 0o644),
    "socket": _mode(stat.S_IFSOCK | 0o644),
    "bomb": _bomb,
    "bomb that lies about its size": _lying_bomb,
    "size in the archive too small": _field(22, 24, "<I", 3),
    "size in the archive too large": _field(22, 24, "<I", 1 << 31),
    "encrypted": _field(6, 8, "<H", 1),
    "unknown compression": _field(8, 10, "<H", 99),
    "compression that is not the one used": _field(8, 10, "<H", zipfile.ZIP_BZIP2),
    "member twice": _twice,
    "manifest twice": lambda good: packed([*good.items(), (MANIFEST, good[MANIFEST])]),
    "100,000 members": lambda good: packed([*good.items(), *((f"S{i}.csv", b"") for i in range(100_000))], method=0),
    "archive in the archive": lambda good: packed([*good.items(), ("inner.zip", packed(good.items()))]),
    "system that the manifest does not name": _added("F.csv"),
    "no manifest": _without(MANIFEST),
    "missing system": _without("C.csv"),
    "no members": lambda _: packed([]),
    "manifest is no JSON": _raw_manifest(b"{"),
    "manifest is a list": _raw_manifest(b"[]"),
    "manifest is null": _raw_manifest(b"null"),
    "manifest is a number": _raw_manifest(b"1e999"),
    "manifest is huge": _raw_manifest(b" " * (2 << 20)),
    "manifest is deep": _raw_manifest(b'{"schema":' + b"[" * 100_000),
    "manifest has a number of many digits": _raw_manifest(b'{"schema": ' + b"9" * 10_000 + b"}"),
    "manifest is not UTF-8": _raw_manifest(b'{"schema": "\xff"}'),
    "manifest of another format": _manifest(schema="keysync-snapshot/9"),
    "manifest with a wrong checksum": lambda good: packed(
        {**good, MANIFEST: good[MANIFEST].replace(b'"note": "', b'"note": "x')}.items()
    ),
    "manifest with more than it should have": _manifest(more=1),
    "name is a number": _manifest(name=5),
    "name is a path": _manifest(name="../evil"),
    "name is absolute": _manifest(name="/tmp/evil"),
    "name is a device": _manifest(name="nul"),
    "name is hidden": _manifest(name=".evil"),
    "name is empty": _manifest(name=""),
    "name is long": _manifest(name="x" * 65),
    "name with an escape": _manifest(name="\x1b[2J"),
    "note is a list": _manifest(note=["\x1b[2J"]),
    "authority is nobody": _manifest(authority="Z"),
    "rules are a text": _manifest(rules="none"),
    "discrepancies are texts": _manifest(discrepancies={"gaps": "many"}),
    "systems are a list": _manifest(systems=[]),
    "systems are none": _manifest(systems={}),
    "record is a text": lambda good: packed(with_manifest(good, systems={"A": "x"}).items()),
    "size is negative": _record(bytes=-1),
    "size is true": _record(bytes=True),
    "size is a text": _record(bytes="9"),
    "size is too small": _record(bytes=1),
    "size is too large": _record(bytes=1 << 60),
    "rows are not those": _record(rows=1 << 40),
    "checksum is a number": _record(sha256=0),
    "checksum of something else": _record(sha256=files.digest(b"")),
    "system without a header": lambda good: packed(with_file(good, "A", b"").items()),
    "system that is malformed": lambda good: packed(with_file(good, "A", b"key\nK1,x\n").items()),
    "system that is no text": lambda good: packed(with_file(good, "A", b"key\n\xff\n").items()),
    "nothing": lambda _: b"",
    "no archive": lambda _: b"key\nK1\n",
    "only the end of an archive": lambda good: packed(good.items())[-22:],
}
