"""The last committed tables, kept so that an outside edit can be told from them and a start is cheap.

A cached table that is damaged or stale is dropped silently: the system files are the truth.
"""

from __future__ import annotations

import contextlib
import io
import zlib
from pathlib import Path

import polars as pl

MAGIC = b"keysync-cache-1\n"
HEAD = len(MAGIC) + 65 + 11 + 9  # magic, SHA-256 of the system file, operation number, checksum; each ends in "\n"


def save(folder: Path, name: str, rows: pl.DataFrame, sha256: str, number: int) -> None:
    """Keep a table that stands for the file with that digest, as of that operation.

    It is not synced: a torn file fails its checksum. Trouble is ignored, since nothing depends on a cache.
    """
    out = io.BytesIO()
    rows.write_ipc(out, compression="uncompressed", compat_level=pl.CompatLevel.newest())
    body = out.getbuffer()
    temporary = folder / f".{name}.tmp"  # one name, so that the next save takes what a crash left here
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
        with temporary.open("wb") as file:
            file.write(MAGIC + f"{sha256}\n{number:010}\n{zlib.crc32(body):08x}\n".encode())
            file.write(body)
        temporary.replace(_path(folder, name))
    except OSError:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)  # a full disk needs the room


def stamp(folder: Path, name: str) -> tuple[str, int] | None:
    """The digest and the operation number of the cached table, without reading it."""
    try:
        with _path(folder, name).open("rb") as file:
            head = file.read(HEAD)
        return _stamp(head)
    except (OSError, ValueError):
        return None


def load(folder: Path, name: str) -> pl.DataFrame | None:
    """The cached table, if it is whole."""
    try:
        data = memoryview(_path(folder, name).read_bytes())
        _stamp(bytes(data[:HEAD]))
        if int(bytes(data[HEAD - 9 : HEAD]), 16) != zlib.crc32(data[HEAD:]):
            return None
        return pl.read_ipc(io.BytesIO(data[HEAD:]))
    except (OSError, ValueError, pl.exceptions.PolarsError):
        return None


def _stamp(head: bytes) -> tuple[str, int]:
    if len(head) != HEAD or not head.startswith(MAGIC):
        raise ValueError("no cache file")
    sha256, number, _ = head[len(MAGIC) :].decode("ascii").split()
    return sha256, int(number)


def _path(folder: Path, name: str) -> Path:
    return folder / f"{name}.arrow"
