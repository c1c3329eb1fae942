"""The one thread that owns the sandbox: it carries commands out, and notices what others do.

Readers get what it saw last, which never changes, and wait neither for it nor for the lock.
"""

from __future__ import annotations

import contextlib
import queue
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any, TypeVar

from keysync_shell.core.model.change import Change
from keysync_shell.errors import KeySyncError, LockTimeout
from keysync_shell.render.changes import changed, deltas_of_totals, line_of
from keysync_shell.render.view import plain
from keysync_shell.sandbox import Sandbox
from keysync_shell.storage.operations import Operation, Unavailable
from keysync_shell.web.events import Told
from keysync_shell.web.problems import Problem, problem

T = TypeVar("T")
POLL_SECONDS = 0.05
MOST_WAITING = 500  # commands; then it is better to come back
MOST_KEYS_TOLD = 100
PATIENCE = 0.2  # how long a look at what others did waits for the lock


@dataclass(frozen=True)
class Seen:
    """What the owner saw last; `still` may be looked at by any thread, without the lock."""

    still: Sandbox
    number: int


class Telling:
    """Progress for readers: what the owner is doing before it has read everything."""

    def __init__(self) -> None:
        self.now = "starting"

    @contextlib.contextmanager
    def doing(self, what: str) -> Iterator[None]:
        before, self.now = self.now, what
        try:
            yield
        finally:
            self.now = before


class Owner(threading.Thread):
    """Owns a sandbox that `open_it` opens, from `start` to `finish`. `tell` takes events from this thread."""

    def __init__(self, open_it: Callable[[], Sandbox], tell: Callable[[Told], None], progress: Telling) -> None:
        super().__init__(name="owner", daemon=True)
        self.progress = progress
        self._open_it, self._tell = open_it, tell
        self._jobs: queue.Queue[tuple[Callable[[Sandbox], Any], Future[Any]] | None] = queue.Queue(MOST_WAITING)
        self._seen: Seen | None = None
        self._trouble: KeySyncError | None = None
        self._patience = 10.0

    @property
    def seen(self) -> Seen:
        """What was seen last. Raises Problem before anything was, or if there is nothing to see."""
        if self._seen is not None:
            return self._seen
        if self._trouble is not None:
            raise problem(self._trouble)
        more, headers = {"progress": self.progress.now}, {"Retry-After": "1"}
        raise Problem(503, "starting", "the sandbox is being read", "Try again in a moment.", False, more, headers)

    def do(self, work: Callable[[Sandbox], T]) -> Future[T]:
        """Have work done on the sandbox. Raises Problem if too much waits already."""
        future: Future[T] = Future()
        try:
            self._jobs.put_nowait((work, future))
        except queue.Full:
            hint = "Try again in a moment."
            raise Problem(503, "busy", "too many commands wait", hint, headers={"Retry-After": "1"}) from None
        return future

    def finish(self) -> None:
        """Let the command that is under way end, and no other begin."""
        with contextlib.suppress(queue.Empty):
            while waiting := self._jobs.get_nowait():
                waiting[1].cancel()
        self._jobs.put(None)
        self.join()

    def run(self) -> None:
        sandbox = self._open_it()
        self._patience = sandbox.patience
        self._look(sandbox)
        glance = sandbox.glance()
        try:
            while True:
                try:
                    job = self._jobs.get(timeout=POLL_SECONDS)
                except queue.Empty:
                    now = sandbox.glance()
                    if now != glance or isinstance(self._trouble, LockTimeout):
                        glance = now
                        self._notice(sandbox)
                    continue
                if job is None:
                    return
                self._carry_out(sandbox, *job)
        finally:
            sandbox.close()

    def _carry_out(self, sandbox: Sandbox, work: Callable[[Sandbox], Any], future: Future[Any]) -> None:
        if not future.set_running_or_notify_cancel():
            return
        try:
            result = work(sandbox)
        except BaseException as error:
            self._publish(sandbox)
            future.set_exception(error)
        else:
            self._publish(sandbox)
            future.set_result(result)

    def _notice(self, sandbox: Sandbox) -> None:
        """Somebody else was at work."""
        if sandbox.changed_outside():
            self._tell(Told("changing", {}))
        sandbox.wait(PATIENCE)
        try:
            self._look(sandbox)
        finally:
            sandbox.wait(self._patience)

    def _look(self, sandbox: Sandbox) -> None:
        try:
            sandbox.look()
            self._trouble = None
            self._publish(sandbox)
        except Exception as error:
            told = problem(error)
            if not isinstance(error, LockTimeout):
                self._tell(Told("trouble", {"message": told.detail, "hint": told.hint}))
            self._trouble = error if isinstance(error, KeySyncError) else KeySyncError(told.detail, hint=told.hint)

    def _publish(self, sandbox: Sandbox) -> None:
        """Show readers the newest state, and tell which operations led there."""
        number = sandbox.newest.number if sandbox.newest else 0
        before = self._seen
        if before is not None and before.number == number and before.still.newest == sandbox.newest:
            return
        self._seen = Seen(sandbox.still(), number)
        moved_on = before is not None and before.number < number
        since = before.number if before is not None and moved_on else number - 1
        for event in operations_told(self._seen.still, since):
            self._tell(event)


def operations_told(still: Sandbox, since: int) -> list[Told]:
    """The events of the operations after that number. Needs no lock."""
    newest = still.newest.number if still.newest else 0
    later = [operation for operation in still.operations_since(max(since, 0)) if operation.number <= newest]
    return [operation_told(operation, _change(still, operation)) for operation in later]


def operation_told(operation: Operation, change: Change | None) -> Told:
    """An operation in numbers and words; its keys if they are few."""
    keys: list[str] | None = None
    if change is not None and (sum(len(part.before) + len(part.after) for part in change.parts.values())) <= 10_000:
        touched = [key for part in change.parts.values() for key in part.keys]
        keys = sorted(set(touched)) if len(set(touched)) <= MOST_KEYS_TOLD else None
    data = {
        "number": operation.number,
        "time": operation.time,
        "kind": operation.kind,
        "user": operation.user,
        "source": operation.source,
        "line": line_of(operation),
        "target": operation.target,
        "changed": changed(operation.counts, operation.master_keys),
        "delta": deltas_of_totals(operation.discrepancies),
        "counts": plain(operation.counts),
        "keys": keys,
    }
    return Told("operation", data, operation.number)


def _change(still: Sandbox, operation: Operation) -> Change | None:
    """What it changed; None where that is not kept, or more than anybody wants to hear."""
    rows = sum(count.added + count.removed + count.altered for count in operation.counts.values())
    if rows > 10 * MOST_KEYS_TOLD:
        return None
    try:
        return still.change(operation.number)[1]
    except (Unavailable, KeySyncError):
        return None
