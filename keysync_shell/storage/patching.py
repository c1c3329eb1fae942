"""New contents for system files. A large file of which a few rows change is copied around them, not written anew.

A patch says which bytes it expects to take out and which to find behind them, so a wrong place is noticed before
anything is committed; then the whole file is written from its rows.
"""

from __future__ import annotations

import functools
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from keysync_shell.core.model import table
from keysync_shell.core.model.change import SystemChange
from keysync_shell.storage import system_csv
from keysync_shell.storage.files import Signature
from keysync_shell.storage.oplog import OperationLog

LARGE = 1 << 20  # bytes; below it a whole file is written as fast
MOST_SHARE = 0.1  # of the rows; past it a whole file is written as fast
CHUNK = 1 << 20


class Mismatch(Exception):
    """The file that is there is not what the patches were made for."""


@dataclass(frozen=True)
class Patch:
    """At byte `at`, `removed` gives way to `inserted`; `follows` is what must stand behind it."""

    at: int
    removed: bytes
    inserted: bytes
    follows: bytes


@dataclass(frozen=True)
class Content:
    """What a system file shall hold: patches of the file that is there, or else `whole`."""

    whole: Callable[[], bytes]
    base: Path | None = None
    signature: Signature | None = None
    patches: tuple[Patch, ...] = ()

    @property
    def size(self) -> int:
        """Bytes to be written."""
        if self.signature is None:
            return len(self.whole())
        return self.signature.size + sum(len(patch.inserted) - len(patch.removed) for patch in self.patches)

    def chunks(self) -> Iterator[bytes]:
        """The bytes, piece by piece. Raises Mismatch if the patches do not fit."""
        if self.base is None:
            yield self.whole()
        else:
            yield from _patched(self.base, self.signature, self.patches)


@dataclass(frozen=True)
class Rewrite:
    """A system file that is to go from some rows to others. `found_as` is the digest of a file that comes back."""

    path: Path
    before: pl.DataFrame
    after: pl.DataFrame
    part: SystemChange | None
    signature: Signature | None
    digest: str | None
    found_as: str | None = None


def content(log: OperationLog, wanted: Rewrite) -> Content:
    """The new content of a system file. One that was not in our form comes back as it was found."""
    original = log.original(wanted.found_as) if wanted.found_as else None
    if original is not None:
        return Content(lambda: original)
    whole = functools.cache(lambda: system_csv.serialize(wanted.after))
    part, signature = wanted.part, wanted.signature
    if part is None or signature is None or not _small(wanted, part) or not _in_our_form(log, wanted.digest):
        return Content(whole)
    made = patches(wanted.before, signature.size, part)
    return Content(whole) if made is None else Content(whole, wanted.path, signature, made)


def _small(wanted: Rewrite, part: SystemChange) -> bool:
    """Whether the file is large, and a small part of its rows changes."""
    if wanted.signature is None or wanted.signature.size < LARGE or part.whole:
        return False
    return len(part.before) + len(part.after) <= MOST_SHARE * len(wanted.before)


def _in_our_form(log: OperationLog, digest: str | None) -> bool:
    return digest is not None and not log.has_original(digest)


def patches(rows: pl.DataFrame, size: int, part: SystemChange) -> tuple[Patch, ...] | None:
    """The patches that turn the file of `rows`, of that size in bytes, into the file after the change.

    None if the change is all over the place, or if fields are quoted: then places in the file cannot be told from the
    lengths of the values.
    """
    header = len(system_csv.serialize(rows.clear()))
    if header + system_csv.unquoted_size(rows) != size:
        return None
    places = table.stretches(rows, part.keys, part.after)
    if places is None:
        return None
    at, done, made = header, 0, []
    for place in places:
        at += system_csv.unquoted_size(rows.slice(done, place.start - done))
        removed = system_csv.serialize_rows(rows.slice(place.start, place.stop - place.start))
        inserted = system_csv.serialize_rows(part.after.slice(place.new_start, place.new_stop - place.new_start))
        made.append(Patch(at, removed, inserted, follows=system_csv.serialize_rows(rows.slice(place.stop, 1))))
        at, done = at + len(removed), place.stop
    return tuple(made)


def _patched(base: Path, signature: Signature | None, patches: tuple[Patch, ...]) -> Iterator[bytes]:
    descriptor = os.open(base, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    with os.fdopen(descriptor, "rb", buffering=0) as file:
        if Signature.of(os.fstat(descriptor)) != signature:
            raise Mismatch
        at = 0
        for patch in patches:
            while at < patch.at:
                chunk = file.read(min(CHUNK, patch.at - at))
                if not chunk:
                    raise Mismatch
                at += len(chunk)
                yield chunk
            found = file.read(len(patch.removed) + len(patch.follows))
            if found != patch.removed + patch.follows:
                raise Mismatch
            at += len(patch.removed)
            file.seek(at)
            yield patch.inserted
        while chunk := file.read(CHUNK):
            yield chunk
        if Signature.of(os.fstat(descriptor)) != signature:
            raise Mismatch
