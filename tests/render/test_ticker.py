from __future__ import annotations

import os
import pty
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from select import select

import pytest

from keysync_shell.progress import SILENT
from keysync_shell.render.ticker import ERASE, Ticker, ticker_for
from keysync_shell.storage import lock
from tests.building import sandbox
from tests.render.test_writing import Screen

PATIENCE = 100.0


class Clock:
    """A clock that stands still between the steps of a test."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


class Still(Ticker):
    """A ticker whose thread never comes; a test ticks."""

    def _run(self) -> None:
        """Nothing."""


def still() -> tuple[Still, Clock, Screen]:
    clock, screen = Clock(), Screen(terminal=True)
    return Still(screen, clock), clock, screen


def test_short_work_shows_nothing() -> None:
    ticker, clock, screen = still()
    with ticker.doing("reading A"):
        clock.now = 0.4
        ticker.tick()
    assert screen.text == ""


def test_long_work_is_shown_and_gone_when_it_is_over() -> None:
    ticker, clock, screen = still()
    with ticker.doing("reading A"):
        clock.now = 3.2
        ticker.tick()
        assert screen.text == f"{ERASE}reading A… 3 s"
    assert screen.text.endswith(ERASE)
    ticker.tick()
    assert screen.text.endswith(ERASE)


def test_work_in_short_steps_is_one_work() -> None:
    ticker, clock, screen = still()
    for name in "ABC":
        with ticker.doing(f"reading {name}"):
            ticker.tick()
            clock.now += 0.3
        clock.now += 0.1
    assert "reading A" not in screen.text
    assert "reading C… 1 s" in screen.text


def test_work_after_a_rest_begins_anew() -> None:
    ticker, clock, screen = still()
    with ticker.doing("reading A"):
        clock.now = 0.4
    clock.now = 5.0
    with ticker.doing("reading B"):
        ticker.tick()
    assert screen.text == ""


def test_step_within_a_step_is_the_one_that_is_shown() -> None:
    ticker, clock, screen = still()
    with ticker.doing("checking files"):
        with ticker.doing("reading A"):
            clock.now = 1.0
            ticker.tick()
        ticker.tick()
    shown = screen.text.split(ERASE)
    assert shown == ["", "reading A… 1 s", "checking files… 1 s", ""]


def test_step_that_fails_is_gone_as_well() -> None:
    ticker, clock, screen = still()

    def work() -> None:
        with ticker.doing("reading A"):
            clock.now = 1.0
            ticker.tick()
            raise ValueError("broken off")

    with pytest.raises(ValueError, match="broken off"):
        work()
    assert screen.text.endswith(ERASE)


def test_line_is_safe_and_never_wider_than_the_screen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "20")
    ticker, clock, screen = still()
    with ticker.doing("reading \x1b[2J" + "x" * 90):
        clock.now = 1.0
        ticker.tick()
    assert "\x1b[2J" not in screen.text
    assert max(map(len, screen.text.split(ERASE))) == 19


def test_terminal_that_is_gone_does_not_stop_the_work() -> None:
    ticker, clock, screen = still()
    screen.close()
    with ticker.doing("reading A"):
        clock.now = 1.0
        ticker.tick()


def test_nobody_hears_in_a_pipe_or_on_a_dumb_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    assert isinstance(ticker_for(Screen(terminal=True)), Ticker)
    assert ticker_for(Screen()) is SILENT
    monkeypatch.setenv("TERM", "dumb")
    assert ticker_for(Screen(terminal=True)) is SILENT


@pytest.fixture
def terminal() -> Iterator[tuple[int, int]]:
    ours, theirs = pty.openpty()
    yield ours, theirs
    os.close(ours)
    os.close(theirs)


def read_until(descriptor: int, wanted: bytes) -> bytes:
    """What comes from a terminal, up to and with some bytes."""
    seen = b""
    while wanted not in seen:
        assert select([descriptor], [], [], PATIENCE)[0], f"waited in vain after {seen!r}"
        seen += os.read(descriptor, 65536)
    return seen


def test_command_says_what_it_waits_for_and_then_only_its_result(
    tmp_path: Path, terminal: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TERM", "xterm")
    home = sandbox(tmp_path, A="K1")
    home.close()
    ours, theirs = terminal
    with lock.held(home.home.lock, 10.0):
        words = ["--home", str(tmp_path), "--lock-timeout", "100", "add-key", "K2"]
        process = subprocess.Popen([sys.executable, "-m", "keysync_shell", *words], stderr=theirs)
        waiting = read_until(ours, b"waiting for another process")
    after = read_until(ours, b"undo")
    assert process.wait(PATIENCE) == 0
    assert b"Added" not in waiting
    assert ERASE.encode() in after.partition("✓".encode())[0]
