"""A process that adds keys to a sandbox as fast as it can, and notes what was acknowledged and said.

    python -m tests.crash.writer ROOT NAME COUNT

Beside the sandbox stand `<NAME>.acknowledged` with one `key number` a line, `<NAME>.said` with every warning, and
`stop`, which ends all writers.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from keysync_shell.sandbox import Sandbox

REPOSITORY = Path(__file__).resolve().parents[2]


class Writer:
    """Such a process, seen from the test."""

    def __init__(self, root: Path, name: str, count: int) -> None:
        self._acknowledged, self._said = root.parent / f"{name}.acknowledged", root.parent / f"{name}.said"
        command = [sys.executable, "-m", "tests.crash.writer", str(root), name, str(count)]
        self._process = subprocess.Popen(command, cwd=REPOSITORY, stderr=subprocess.PIPE, text=True)

    def running(self) -> bool:
        return self._process.poll() is None

    def acknowledged(self) -> dict[str, int]:
        """Key → number of the operation."""
        return {key: int(number) for key, number in map(str.split, _lines(self._acknowledged))}

    def said(self) -> list[str]:
        return _lines(self._said)

    def kill(self) -> None:
        self._process.send_signal(signal.SIGKILL)
        self._process.communicate()

    def finish(self) -> str:
        """Wait for the end; what stands on stderr."""
        return self._process.communicate()[1]


def stop(root: Path) -> None:
    """End all writers after their command."""
    (root.parent / "stop").touch()


def work(root: Path, name: str, count: int) -> None:
    from keysync_shell.sandbox import Sandbox

    sandbox = Sandbox(root, lock_timeout=60)
    acknowledged, said = (_appending(root.parent / f"{name}.{what}") for what in ("acknowledged", "said"))
    turn = 0
    while turn < count and not (root.parent / "stop").exists():
        if number := _add(sandbox, f"{name}-{turn}", said):
            os.write(acknowledged, f"{name}-{turn} {number}\n".encode())
            turn += 1


def _add(sandbox: Sandbox, key: str, said: int) -> int | None:
    """Add a key to every system; the operation's number, or None if it was refused."""
    from keysync_shell.core.edits import adding
    from keysync_shell.core.model import table
    from keysync_shell.errors import KeySyncError
    from keysync_shell.sandbox import Request
    from keysync_shell.storage.operations import OperationKind

    new = table.key_series([key])
    try:
        outcome = sandbox.edit(
            lambda state: adding.add(state, new, state.systems.names, now=sandbox.now()),
            Request(OperationKind.ADD, f"add-key {key}", "test"),
        )
    except KeySyncError as error:
        if error.committed is not False:
            raise
        os.write(said, f"refused: {error.message}\n".encode())
        return None
    for line in (*sandbox.warnings, *(f"kept {path}" for path in outcome.kept)):
        os.write(said, f"{line}\n".encode())
    sandbox.warnings.clear()
    assert outcome.operation
    return outcome.operation.number


def _appending(path: Path) -> int:
    return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)


def _lines(path: Path) -> list[str]:
    return path.read_text().splitlines() if path.exists() else []


if __name__ == "__main__":
    work(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]))
