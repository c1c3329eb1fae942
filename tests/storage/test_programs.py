"""`lock -- CMD` with real processes: the lock lives as long as CMD, and CMD hears what is meant for it."""

from __future__ import annotations

import os
import pty
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from keysync_shell.errors import LockTimeout
from keysync_shell.storage import lock, programs
from tests.building import sandbox

RUNS = "echo $$ > pid.new; mv pid.new pid; while [ ! -e end ]; do sleep 0.01; done"
TELLS = "trap 'echo got > heard; exit 7' INT TERM HUP; " + RUNS


@pytest.fixture
def home(tmp_path: Path) -> Path:
    sandbox(tmp_path, A="K1").close()
    return tmp_path


@contextmanager
def locked(home: Path, script: str) -> Iterator[tuple[subprocess.Popen[bytes], int]]:
    """A shell script under the lock: our process, and its pid once it runs."""
    command = [sys.executable, "-m", "keysync_shell", "--home", ".", "lock", "--", "sh", "-c", script]
    with subprocess.Popen(command, cwd=home, start_new_session=True) as process:
        while not (home / "pid").exists():
            assert process.poll() is None
            time.sleep(0.005)
        try:
            yield process, int((home / "pid").read_text())
        finally:
            (home / "end").touch()


def is_free(home: Path) -> bool:
    try:
        with lock.held(home / ".keysync" / "lock", 0):
            return True
    except LockTimeout:
        return False


def wait_for(condition: object) -> None:
    assert callable(condition)
    while not condition():
        time.sleep(0.005)


def test_lock_outlives_us_if_we_are_killed(home: Path) -> None:
    with locked(home, RUNS) as (process, pid):
        wait_for(lambda: (home / ".keysync" / "lock").read_text() == f"{pid}\n")
        process.kill()
        process.wait()
        said = pytest.raises(LockTimeout, match=rf"in use by another process \(pid {pid}\)")
        with said, lock.held(home / ".keysync" / "lock", 0.05):
            pass
    wait_for(lambda: is_free(home))


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
def test_signal_is_passed_on_and_the_program_waited_for(home: Path, number: signal.Signals) -> None:
    with locked(home, TELLS) as (process, _):
        process.send_signal(number)
        status = process.wait()
        assert (home / "heard").read_text() == "got\n"
        assert status == (7 if number == signal.SIGINT else -number)  # who ends for Ctrl-C in its own way has decided
        assert is_free(home)


def test_program_that_does_not_heed_a_signal_keeps_the_lock(home: Path) -> None:
    with locked(home, f"trap '' TERM; {RUNS}") as (process, _):
        process.terminate()
        assert not is_free(home)
        (home / "end").touch()
        assert process.wait() == -signal.SIGTERM
        assert is_free(home)


def test_ctrl_c_ends_us_as_it_ends_the_program(home: Path) -> None:
    with locked(home, RUNS) as (process, _):
        process.send_signal(signal.SIGINT)
        assert process.wait() == 130


def test_lock_is_free_when_the_program_has_ended_whatever_it_left_running(home: Path) -> None:
    script = f"({RUNS}) & while [ ! -e pid ]; do sleep 0.01; done"
    with locked(home, script) as (process, _):
        assert process.wait() == 0
        assert is_free(home)


def test_signal_that_comes_before_the_program_is_passed_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    start, heard = subprocess.Popen, list[int]()

    def late(*arguments: object, **options: object) -> object:
        signal.raise_signal(signal.SIGTERM)
        return start(*arguments, **options)  # type: ignore[call-overload]  # whatever it takes

    before = signal.signal(signal.SIGTERM, lambda number, _: heard.append(number))
    try:
        monkeypatch.setattr(subprocess, "Popen", late)
        with lock.held(tmp_path / "lock", 0) as descriptor:
            assert programs.run(["sleep", "100"], descriptor) == -signal.SIGTERM
    finally:
        signal.signal(signal.SIGTERM, before)
    assert heard == [signal.SIGTERM]


def test_ctrl_c_of_a_terminal_reaches_the_program_once(home: Path) -> None:
    """The terminal sends it to both; passed on, the program would hear it twice."""
    counting = "trap 'echo got >> heard' INT; " + RUNS
    command = [sys.executable, "-m", "keysync_shell", "--home", ".", "lock", "--", "sh", "-c", counting]
    pid, terminal = pty.fork()
    if pid == 0:
        os.chdir(home)
        os.execv(command[0], command)
    wait_for((home / "pid").exists)
    os.write(terminal, b"\x03")
    wait_for((home / "heard").exists)
    (home / "end").touch()
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
    assert (home / "heard").read_text() == "got\n"
    os.close(terminal)
