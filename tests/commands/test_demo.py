"""The demo shows what it says, waits where somebody watches, and leaves nothing behind."""

from __future__ import annotations

import contextlib
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from keysync_shell.commands.learning import DEMO
from tests.building import files, sandbox
from tests.terminal import CTRL_C, Terminal

LINES = [line for _, *lines in DEMO for line in lines]
WAITING = "Space goes on"


@pytest.fixture
def home(tmp_path: Path) -> Path:
    sandbox(tmp_path / "home", A="K1 K2", B="K1").close()
    return tmp_path / "home"


@pytest.fixture
def scratch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where temporary files go."""
    (tmp_path / "scratch").mkdir()
    monkeypatch.setenv("TMPDIR", str(tmp_path / "scratch"))
    return tmp_path / "scratch"


@pytest.fixture
def terminal(home: Path, scratch: Path) -> Iterator[Terminal]:
    with contextlib.closing(Terminal(home, {"TMPDIR": str(scratch)}, "demo")) as made:
        yield made


def test_without_a_terminal_it_does_not_wait_and_shows_every_command(home: Path, scratch: Path) -> None:
    before = files(home)
    words = [sys.executable, "-m", "keysync_shell", "--home", str(home), "demo"]
    ran = subprocess.run(words, capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=200, check=False)
    assert ran.returncode == 0, ran.stderr
    assert re.findall(r"^> (.*)$", ran.stderr, re.MULTILINE) == LINES
    assert "The prediction held in every number." in ran.stdout
    assert "gaps D 10 → 0" in ran.stderr
    assert "error:" not in ran.stderr
    assert WAITING not in ran.stderr
    assert files(home) == before
    assert list(scratch.iterdir()) == []


def test_it_breaks_looks_predicts_reconciles_applies_and_undoes() -> None:
    verbs = [line.split()[0] for line in LINES]
    wanted = ["init", "remove-key", "status", "matrix", "predict", "reconcile", "apply", "undo"]
    assert [verb for verb in verbs if verb in wanted] == wanted
    assert all(len(line) <= 79 for text, *lines in DEMO for line in (text, *lines))


def test_space_goes_on_to_the_end(terminal: Terminal, scratch: Path) -> None:
    for part in range(1, len(DEMO)):
        terminal.wait(lambda part=part: terminal.raw.count(WAITING) == part)  # type: ignore[misc]
        terminal.press(" ")
    assert terminal.ended() == 0
    assert list(scratch.iterdir()) == []


def test_q_leaves(terminal: Terminal, scratch: Path) -> None:
    terminal.see(WAITING)
    terminal.press("q")
    assert terminal.ended() == 0
    assert terminal.raw.count(WAITING) == 1
    assert list(scratch.iterdir()) == []


def test_ctrl_c_leaves_and_nothing_stays(terminal: Terminal, scratch: Path) -> None:
    terminal.see(WAITING)
    terminal.press(CTRL_C)
    assert terminal.ended() == 130
    assert list(scratch.iterdir()) == []


def test_fast_does_not_wait_at_a_terminal(home: Path, scratch: Path) -> None:
    with contextlib.closing(Terminal(home, {"TMPDIR": str(scratch)}, "demo", "--fast")) as terminal:
        assert terminal.ended() == 0
    assert WAITING not in terminal.raw


def test_at_the_prompt_it_comes_back_to_it(home: Path, scratch: Path) -> None:
    with contextlib.closing(Terminal(home, {"TMPDIR": str(scratch)})) as terminal:
        terminal.say("demo --fast", "The sandbox of the demo is removed.")
        terminal.see("keysync home [7 discrepancies @1]>")
