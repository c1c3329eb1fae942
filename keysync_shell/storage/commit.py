"""The commit protocol: staged files, one row in the log, then the files are swapped in.

lock → recover → (the caller looks and decides) → stage and sync → the log row, which is the commit point → swap →
sync the folder → drop what was displaced. Recovery puts a staged file whose token is in the newest row in its
place and deletes any other; so a crash at any moment leaves the state before or after.
"""

from __future__ import annotations

import contextlib
import os
import re
import secrets
import signal
import sqlite3
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from types import FrameType

from keysync_shell.core.model.change import Change
from keysync_shell.errors import KeySyncError
from keysync_shell.storage import database, displaced, files, lock, placing, snapshots
from keysync_shell.storage.files import Signature, Staged, explained
from keysync_shell.storage.home import LEFTOVER_NAME, Home
from keysync_shell.storage.operations import Operation
from keysync_shell.storage.oplog import OperationLog
from keysync_shell.storage.patching import Content, Mismatch
from keysync_shell.storage.registry import Recording

PARALLEL_BYTES = 16 << 20  # below it threads cost more than they give
SETTLED_LATER = "The next command settles it: the files then hold the state before or the state after."


class ChangedMeanwhile(KeySyncError):
    """A system file was written between the look at it and the commit; nothing was committed."""


@dataclass(frozen=True)
class Staging:
    """Files that wait to be swapped in under one token."""

    token: str
    files: Mapping[str, Staged]
    before: Operation | None


@dataclass(frozen=True)
class Glance:
    """What the disk looked like at one moment; `commits` moves when another process commits."""

    commits: int | None
    files: Mapping[str, Signature]


@dataclass(frozen=True)
class Committed:
    """An operation as it stands in the log, and files that somebody wrote meanwhile and that were kept aside."""

    operation: Operation
    kept: tuple[Path, ...] = ()


class Store:
    """The system files and the log of one sandbox, written together or not at all.

    Everything but `locked` wants the lock. After an error no handle is used again. `warnings` name what was kept aside.
    """

    def __init__(self, home: Home, lock_timeout: float) -> None:
        self._home = home
        self.lock_timeout = lock_timeout
        self.log = OperationLog(home.database, lock_timeout, home.config.history)
        self.warnings: list[str] = []
        self.lock_descriptor = -1  # while the lock is held, for programs that are to hold it together with us
        self._held = False
        self._committed = False  # since the lock was taken

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the sandbox's lock with everything recovered; inside such a block it costs nothing.

        Raises LockTimeout, ReadOnlyHome, or KeySyncError if the disk does not answer.
        """
        if self._held:
            yield
            return
        self._committed = False
        with explained("the sandbox cannot be opened"):
            self._make_private_folder()
        with (
            self._guarded(),
            lock.held(self._home.lock, self.lock_timeout, self._home.progress) as self.lock_descriptor,
        ):
            if not self.log.in_place():
                self.log.close()
            self._recover()
            self._held = True
            try:
                yield
            finally:
                self._held = False

    def exists(self) -> bool:
        """Whether any system file is there, or the log says that there were some.

        Raises KeySyncError if the disk does not answer.
        """
        there = any(os.path.lexists(self._home.system_file(name)) for name in self._home.config.systems.names)
        with explained("the sandbox cannot be read"):
            return there or self._home.database.exists()

    def glance(self) -> Glance:
        """What the disk looks like now; without the lock."""
        files_now = {}
        for name in self._home.config.systems.names:
            with contextlib.suppress(OSError):
                files_now[name] = Signature.of(self._home.system_file(name).stat())
        return Glance(self.log.version(), files_now)

    @contextlib.contextmanager
    def staging(self, contents: Mapping[str, Content], before: Operation | None) -> Iterator[Staging]:
        """New contents for some system files, complete and durable beside them; dropped if the block fails.

        `before` is the operation after which the caller decided. Raises KeySyncError if there is no room.
        """
        token = secrets.token_hex(8)
        total = sum(content.size for content in contents.values())
        try:
            with explained(f"nothing was committed; {total:,} bytes had to be written"):
                if contents:
                    files.make_folder(self._home.systems)
                if before is None:
                    files.sync_folder(self._home.root)  # whoever made the folder may have died before this
                with self._home.progress.doing(f"writing {', '.join(contents)}"):
                    staged = self._stage_all(token, contents, parallel=total > PARALLEL_BYTES)
                if contents:
                    files.sync_folder(self._home.systems)
            yield Staging(token, staged, before)
        except BaseException as error:
            if not self._committed and not (isinstance(error, KeySyncError) and error.committed is not False):
                for name in contents:
                    with contextlib.suppress(OSError):
                        self._home.staged_file(name, token).unlink(missing_ok=True)
            raise

    def commit(
        self, operation: Operation, change: Change, staging: Staging, recording: Recording | None = None
    ) -> Committed:
        """Make the operation durable and swap its files in. No signal may cut this (see `signals_wait`).

        A file that somebody wrote since it was looked at is never overwritten: ChangedMeanwhile if it is noticed
        in time, else it is kept aside. Raises KeySyncError whose `committed` says what became of the operation.
        """
        staged = staging.files
        self._look_again(staging)
        operation = replace(
            operation,
            after={**operation.after, **{name: file.sha256 for name, file in staged.items()}},
            signatures={**operation.signatures, **{name: file.signature for name, file in staged.items()}},
        )
        self._append(operation, staging.token, change, recording=recording)
        self._committed = True
        with explained("committed, but the files are completed at the next start", lambda: True):
            kept = self._swap_in(staging, operation)
        return Committed(_seen_in_place(operation, staged), tuple(kept))

    def record(self, operation: Operation, change: Change, originals: Mapping[str, bytes]) -> None:
        """Log what the files hold already: the opening entry, or an outside edit."""
        self._append(operation, secrets.token_hex(8), change, originals)

    def add_run(self, recording: Recording) -> None:
        """Record a run that is no operation, since it changed nothing."""
        run = recording.run
        try:
            self.log.add(recording)
        except (sqlite3.Error, OSError) as error:
            if not self._was_committed(lambda: self.log.registry().has(run), error):
                raise KeySyncError(
                    f"the run was not recorded; {self._home.database}: {error}",
                    hint="Free some space if the disk is full, then try again.",
                ) from error
        self._committed = True

    def close(self) -> None:
        self.log.close()

    def _make_private_folder(self) -> None:
        if self._home.database.exists():
            return
        if os.path.lexists(self._home.root) and not self._home.root.is_dir():
            raise KeySyncError(f"{self._home.root} is not a folder", hint="Name a folder with --home.")
        files.make_folder(self._home.root)
        with contextlib.suppress(FileExistsError):
            self._home.private.mkdir(mode=0o700)
        root = self._home.root.absolute()
        files.sync_folder(root)
        for folder in root.parents:  # a process that died here may have made any of them, and synced none
            with contextlib.suppress(PermissionError):
                files.sync_folder(folder)

    @contextlib.contextmanager
    def _guarded(self) -> Iterator[None]:
        """Close the log's connection on any error, and explain those of SQLite and the disk.

        After a commit no error may say that nothing was committed, whatever it is about.
        """
        try:
            with explained("the sandbox could not be read or written"):
                yield
        except sqlite3.Error as error:
            self.log.close()
            raise KeySyncError(
                f"{self._home.database}: {error}",
                hint=database.hint(error, self._home.database),
                committed=self._committed,
            ) from error
        except BaseException as error:
            self.log.close()
            if isinstance(error, KeySyncError) and error.committed is False:
                error.committed = self._committed
            raise

    def _stage_all(self, token: str, contents: Mapping[str, Content], *, parallel: bool) -> dict[str, Staged]:
        if not parallel:
            return {name: self._stage(name, token, content) for name, content in contents.items()}
        from concurrent.futures import ThreadPoolExecutor

        with ThreadPoolExecutor() as pool:  # hashing, writing and syncing all let other threads run
            staged = pool.map(lambda name: self._stage(name, token, contents[name]), contents)
            return dict(zip(contents, staged, strict=True))

    def _stage(self, name: str, token: str, content: Content) -> Staged:
        path, target = self._home.staged_file(name, token), self._home.system_file(name)
        try:
            return files.stage(path, target, content.chunks())
        except Mismatch:
            path.unlink()
            return files.stage(path, target, [content.whole()])

    def _look_again(self, staging: Staging) -> None:
        for name, file in staging.files.items():
            if files.regular(file.target):
                files.wait_for_writer(file.target)
                placing.check(file.target)
            status = files.regular(file.target)
            seen = staging.before.signatures.get(name) if staging.before else None
            if not staging.before or not seen or (status and Signature.of(status) == seen):
                continue
            # touched, or copied together with the sandbox: then the content decides
            if status is None or files.file_digest(file.target) != staging.before.after.get(name):
                raise ChangedMeanwhile(f"{file.target} was changed by another program during the command")

    def _append(
        self,
        operation: Operation,
        token: str,
        change: Change,
        originals: Mapping[str, bytes] | None = None,
        recording: Recording | None = None,
    ) -> None:
        try:
            with self._home.progress.doing("writing the history"):
                self.log.append(operation, token, change, originals, recording)
        except (sqlite3.Error, OSError) as error:
            if self._was_committed(lambda: self.log.has_token(token), error):
                return
            self._recover()
            size = sum(rows.estimated_size() for part in change.parts.values() for rows in (part.before, part.after))
            raise KeySyncError(
                f"nothing was committed; {self._home.database}: {error}; up to {size:,} bytes had to be written",
                hint=database.hint(error, self._home.database),
            ) from error

    def _was_committed(self, ask: Callable[[], bool], error: Exception) -> bool:
        """Ask the database anew; an error while committing says nothing about the outcome."""
        try:
            self.log.close()
            return ask()
        except (sqlite3.Error, OSError) as second:
            raise KeySyncError(
                f"unknown whether it was committed; {self._home.database}: {error}; {second}",
                hint=SETTLED_LATER,
                committed=None,
            ) from second

    def _swap_in(self, staging: Staging, operation: Operation) -> list[Path]:
        staged, seen = staging.files, staging.before.signatures if staging.before else {}
        if not staged:
            return []
        for file in staged.values():
            placing.put(file.path, file.target)
        files.sync_folder(self._home.systems)  # the new names must be durable before the displaced files go
        known = {name: {operation.before.get(name), operation.after.get(name)} for name in staged}
        settled = [
            self._settle(file.path, name, known[name], staging.token, seen.get(name)) for name, file in staged.items()
        ]
        return [kept for kept in settled if kept]

    def _settle(
        self, path: Path, name: str, known: set[str | None], token: str, seen: Signature | None = None
    ) -> Path | None:
        """Drop the file that ours displaced, or keep it under another name if somebody wrote it meanwhile.

        `known` are the digests that it may have; one that still is as `seen` needs no look at its content. Where nobody
        can tell whether it is still open somewhere, it is put aside for a while.
        """
        if not os.path.lexists(path):
            return None
        now = Signature.of(path.lstat()).renamed()
        untouched = seen is not None and seen.settled() and now == seen.renamed()
        writer = files.has_writer(path)
        if writer or not (untouched or files.file_digest(path) in known):
            kept = self._home.kept_file(name, token)
            path.rename(kept)
            self._name(kept)
            return kept
        if writer is None:
            displaced.put_aside(self._home, path, name, token)
        else:
            path.unlink()
        return None

    def _name(self, kept: Path) -> None:
        self.warnings.append(f"another program's version was kept as {kept}")

    def _recover(self) -> None:
        """Finish the swap of the newest operation, and delete what was staged but never committed."""
        snapshots.sweep(self._home.snapshots, lock.owner(self._home.lock))
        for kept in displaced.sweep(self._home):
            self._name(kept)
        if not self._home.systems.is_dir():
            return
        leftovers = [match for path in self._home.systems.iterdir() if (match := LEFTOVER_NAME.fullmatch(path.name))]
        if not leftovers:
            return
        if not self._home.database.exists():
            self._keep_undecided(leftovers)
            return
        newest = self.log.newest()
        token = self.log.token(newest.number) if newest else ""
        for match in leftovers:
            if match["token"] != token or match["end"] == "part":
                (self._home.systems / match[0]).unlink()
        ours = sorted({match["system"] for match in leftovers if match["token"] == token})
        if newest and ours:
            self._complete(newest, token, ours)

    def _keep_undecided(self, leftovers: Sequence[re.Match[str]]) -> None:
        """Keep what a command left that was broken off, and of which no log tells any more whether it was committed."""
        for match in sorted(leftovers, key=lambda match: match[0]):
            left, name, token = self._home.systems / match[0], match["system"], match["token"]
            if match["end"] == "part":
                left.unlink()
            if match["end"] != "new":
                continue
            if left.with_suffix(".old").exists():  # only what is committed is ever written over a file
                placing.put(left, self._home.system_file(name))
            kept = self._home.kept_file(name, token)
            left.rename(kept)
            self.warnings.append(
                f"a command was broken off, and {self._home.database}, which told whether it was committed, is gone; "
                f"the other version of {name} was kept as {kept}"
            )

    def _complete(self, newest: Operation, token: str, names: Sequence[str]) -> None:
        with explained(f"@{newest.number} is committed, but its files could not be put in their places"):
            for name in names:
                self._finish(name, newest, token)
            files.sync_folder(self._home.systems)
        for name in names:
            known = {newest.before.get(name), newest.after.get(name)}
            self._settle(self._home.staged_file(name, token), name, known, token)

    def _finish(self, name: str, newest: Operation, token: str) -> None:
        """Put a staged file in its place, unless it is there, or was there and somebody has changed it since."""
        staged, target, wanted = (
            self._home.staged_file(name, token),
            self._home.system_file(name),
            newest.after.get(name),
        )
        if files.regular(target) and files.file_digest(target) == wanted:
            placing.tidy(staged)
        elif os.path.lexists(staged) and files.file_digest(staged) == wanted:
            placing.check(target)
            placing.put(staged, target)


def _seen_in_place(operation: Operation, staged: Mapping[str, Staged]) -> Operation:
    """The operation with its files' signatures of now: taking their names has changed the time of their status."""
    signatures = dict(operation.signatures)
    for name, file in staged.items():
        with contextlib.suppress(OSError, KeySyncError):
            status = files.regular(file.target)
            if status and Signature.of(status).renamed() == file.signature.renamed():
                signatures[name] = Signature.of(status)
    return replace(operation, signatures=signatures)


@contextlib.contextmanager
def signals_wait() -> Iterator[None]:
    """Hold back SIGINT and SIGTERM while a commit is under way; they are delivered afterwards."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    arrived: list[tuple[int, FrameType | None]] = []
    kinds = (signal.SIGINT, signal.SIGTERM)
    handlers = {kind: signal.signal(kind, lambda number, frame: arrived.append((number, frame))) for kind in kinds}
    try:
        yield
    finally:
        for kind, handler in handlers.items():
            signal.signal(kind, handler)
    for number, _ in arrived:
        signal.raise_signal(number)
