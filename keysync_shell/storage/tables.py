"""System files as they are found on disk, compared with what was committed last."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace

import polars as pl

from keysync_shell.errors import BadFile, KeySyncError
from keysync_shell.storage import cache, files, replaying, system_csv
from keysync_shell.storage.files import Signature
from keysync_shell.storage.home import Home
from keysync_shell.storage.operations import Operation
from keysync_shell.storage.oplog import OperationLog

CACHE_ALWAYS_ROWS = 100_000  # tables up to this size are cached after every commit
TRIES = 5


@dataclass(frozen=True)
class Found:
    """A system file: its rows and digest; `original` holds its bytes if they are not in our form."""

    rows: pl.DataFrame
    sha256: str
    signature: Signature
    original: bytes | None


def read(home: Home, name: str) -> Found:
    """Read a system file, once nobody is in the middle of writing it.

    Raises BadFile if it is malformed, KeySyncError if it is missing, too large, unfinished or no regular file.
    """
    with home.progress.doing(f"reading {name}"):
        return _read(home, name)


def _read(home: Home, name: str) -> Found:
    path = home.system_file(name)
    for _ in range(TRIES):
        try:
            files.regular(path)
            files.wait_for_writer(path, files.QUIET_NS)
            data, signature = files.read(path, home.config.limits)
            writer = files.has_writer(path)
        except FileNotFoundError:
            raise missing(home, name) from None
        status = files.regular(path)
        if status and Signature.of(status) == signature and not (writer and not signature.settled()):
            break
        time.sleep(files.FINE_CLOCK_NS / 1e9)  # then a write since the look has another time
    else:
        raise files.unfinished(path)
    rows = parsed(home, name, data)
    return Found(rows, files.digest(data), signature, None if system_csv.serialize(rows) == data else data)


def parsed(home: Home, name: str, data: bytes) -> pl.DataFrame:
    """The rows of a system file. Raises BadFile if it is malformed."""
    with _repairable(name):
        return system_csv.parse(data, str(home.system_file(name)), home.config.limits)


def keys(home: Home, name: str, data: bytes) -> pl.DataFrame:
    """The keys of a system file alone, in the order of the file. Raises BadFile if it is malformed in any way."""
    with _repairable(name):
        return system_csv.keys(data, str(home.system_file(name)), home.config.limits).to_frame()


@contextlib.contextmanager
def _repairable(name: str) -> Iterator[None]:
    try:
        yield
    except BadFile as error:
        raise BadFile(error.findings, hint=f"{error.hint} Or run: repair {name}") from None


def read_if_committed(home: Home, name: str, operation: Operation) -> pl.DataFrame | None:
    """The rows of a system file that holds what it held after that operation; None if it does not, whatever it is."""
    try:
        file = read(home, name)
    except KeySyncError:
        return None
    return file.rows if file.sha256 == operation.after.get(name) else None


def missing(home: Home, name: str) -> KeySyncError:
    """A file that is not there is an error, never an empty system."""
    return KeySyncError(
        f"{home.system_file(name)} is missing",
        hint=f"Put it back, or run: repair {name}. If {name} really holds no keys, make a file with one line, `key`.",
    )


def confirmed(home: Home, name: str, operation: Operation) -> Operation | None:
    """The operation, if the file holds what it held after it; with the file's signature of now, so that a copied or
    touched file is read once only."""
    status = files.regular(home.system_file(name))
    if status is None:
        if operation.after.get(name) is None:
            return operation
        raise missing(home, name)
    signature = Signature.of(status)
    if signature == operation.signatures.get(name) and signature.settled():
        return operation
    if signature.size > home.config.limits.file_bytes:
        return None  # reading it says so
    if files.file_digest(home.system_file(name)) != operation.after.get(name):
        return None
    return sighted(operation, name, signature)


def sighted(operation: Operation, name: str, signature: Signature) -> Operation:
    """The operation with what a file looked like when it was read; one that is too young may still change unseen."""
    if not signature.settled():
        return operation
    return replace(operation, signatures={**operation.signatures, name: signature})


def keep(home: Home, log: OperationLog, name: str, rows: pl.DataFrame, newest: Operation, *, rewritten: bool) -> None:
    """Cache the rows after the newest operation, unless a start can cheaply tell them from the cache as it is.

    A large table is always cached when its whole file was written, which took longer.
    """
    digest, stamp = newest.after.get(name), cache.stamp(home.cache, name)
    if digest is None or (stamp is not None and stamp[0] == digest):
        return
    near = stamp is not None and name not in newest.unknown and replaying.few(log, name, stamp[1])
    if rewritten or not near or len(rows) <= CACHE_ALWAYS_ROWS:
        cache.save(home.cache, name, rows, digest, newest.number)
