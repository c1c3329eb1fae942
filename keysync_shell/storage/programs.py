"""Programs of others that run under a lock of ours, and hold it as long as they run, whatever becomes of us."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType

from keysync_shell.storage import lock

ENDING = (signal.SIGTERM, signal.SIGHUP)


@dataclass
class _Relay:
    """Signals that came for us, and the program that they are passed on to."""

    process: subprocess.Popen[bytes] | None = None
    arrived: list[int] = field(default_factory=list)

    def receive(self, number: int, _frame: FrameType | None) -> None:
        self.arrived.append(number)
        if self.process is not None:
            self._pass_on(number)

    def start(self, argv: Sequence[str], descriptor: int) -> subprocess.Popen[bytes]:
        self.process = subprocess.Popen(argv, pass_fds=[descriptor])
        for number in self.arrived:
            self._pass_on(number)
        return self.process

    def _pass_on(self, number: int) -> None:
        """A terminal sends Ctrl-C to all that run in its foreground: the program has it already."""
        if self.process is not None and (number != signal.SIGINT or not _in_foreground()):
            self.process.send_signal(number)


def run(argv: Sequence[str], descriptor: int) -> int:
    """Run a program that shares the lock of that descriptor; its exit code, negative for a signal that killed it.

    Signals that would end us are passed on, and end us when the program has ended. Raises OSError if it cannot be run.
    """
    with _relayed() as relay, relay.start(argv, descriptor) as process:
        lock.note(descriptor, process.pid)
        return process.wait()


@contextlib.contextmanager
def _relayed() -> Iterator[_Relay]:
    relay = _Relay()
    if threading.current_thread() is not threading.main_thread():
        yield relay
        return
    handlers = {kind: signal.signal(kind, relay.receive) for kind in (signal.SIGINT, *ENDING)}
    try:
        yield relay
    finally:
        for kind, handler in handlers.items():
            signal.signal(kind, handler)
    interrupted = relay.process is not None and relay.process.returncode == -signal.SIGINT
    for number in relay.arrived:
        if number in ENDING or interrupted:  # a program that took Ctrl-C in its stride decides for itself
            signal.raise_signal(number)


def _in_foreground() -> bool:
    """Whether we run in the foreground of a terminal."""
    with contextlib.suppress(OSError), Path("/dev/tty").open("rb", buffering=0) as terminal:
        return os.tcgetpgrp(terminal.fileno()) == os.getpgrp()
    return False
