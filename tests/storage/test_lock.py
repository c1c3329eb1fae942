from __future__ import annotations

import fcntl
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from keysync_shell.errors import KeySyncError, LockTimeout
from keysync_shell.storage import lock

HOLDER = """
import sys
from pathlib import Path
from keysync_shell.storage import lock
with lock.held(Path(sys.argv[1]), 5):
    print("held", flush=True)
    sys.stdin.read()
"""


@contextmanager
def another_process(path: Path) -> Iterator[subprocess.Popen[str]]:
    """A process that holds the lock as long as the block lasts."""
    command = [sys.executable, "-c", HOLDER, str(path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        assert process.stdout.readline() == "held\n"
        try:
            yield process
        finally:
            process.kill()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    (tmp_path / "home" / ".keysync").mkdir(parents=True)
    return tmp_path / "home" / ".keysync" / "lock"


def test_lock_held_by_another_process_is_an_error_that_names_it(path: Path) -> None:
    with another_process(path) as process:
        with pytest.raises(LockTimeout) as error, lock.held(path, 0.05):
            pass
        assert error.value.message == f"{path.parent.parent} is in use by another process (pid {process.pid})"
        assert "--lock-timeout" in error.value.hint
        assert error.value.committed is False


def test_lock_of_a_killed_process_is_free(path: Path) -> None:
    with another_process(path) as process:
        process.kill()
        process.wait()
        with lock.held(path, 5):
            assert path.read_text() == f"{os.getpid()}\n"


def test_lock_is_waited_for(path: Path) -> None:
    with another_process(path) as process:
        assert process.stdin
        process.stdin.close()
        with lock.held(path, 30):
            assert path.read_text() == f"{os.getpid()}\n"


def test_lock_can_be_held_again_afterwards(path: Path) -> None:
    for _ in range(2):
        with lock.held(path, 0):
            pass


def test_lock_is_free_after_an_error(path: Path) -> None:
    with pytest.raises(ZeroDivisionError), lock.held(path, 0):
        raise ZeroDivisionError
    with lock.held(path, 0):
        pass


def test_lock_file_that_was_removed_is_made_anew(path: Path) -> None:
    with lock.held(path, 0):
        path.unlink()
        with lock.held(path, 0):
            assert path.exists()


def test_lock_file_that_was_removed_in_between_is_made_anew(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    flock, removed = fcntl.flock, list[bool]()

    def late(descriptor: int, operation: int) -> None:
        if not removed:
            path.unlink()
            removed.append(True)
        flock(descriptor, operation)

    monkeypatch.setattr(fcntl, "flock", late)
    with lock.held(path, 5):
        assert path.read_text() == f"{os.getpid()}\n"


def test_pid_that_cannot_be_read_is_left_out(path: Path) -> None:
    with another_process(path) as process:
        path.write_text("?")
        with pytest.raises(LockTimeout, match=r"by another process$"), lock.held(path, 0):
            pass
        assert process.poll() is None


def test_link_is_no_lock(path: Path) -> None:
    path.symlink_to("elsewhere")
    with pytest.raises(KeySyncError, match="the sandbox cannot be locked"), lock.held(path, 0):
        pass


def test_lock_needs_its_folder(tmp_path: Path) -> None:
    with (
        pytest.raises(KeySyncError, match=r"the sandbox cannot be locked: .*No such file"),
        lock.held(tmp_path / "x" / "y", 0),
    ):
        pass
