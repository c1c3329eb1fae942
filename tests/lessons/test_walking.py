"""The tutorial from its beginning to its end: at a real terminal, and through a pipe."""

from __future__ import annotations

import contextlib
import subprocess
import sys
from pathlib import Path

import pytest

from keysync_shell.lessons import shelf
from keysync_shell.lessons.progress import Mark
from tests.building import files, sandbox
from tests.lessons.learning import course
from tests.terminal import Terminal

LESSONS = shelf.lessons()


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A sandbox of the learner's own."""
    sandbox(tmp_path / "home", A="K1 K2", B="K1").close()
    return tmp_path / "home"


def test_it_is_walked_to_the_end_at_a_terminal(home: Path, tmp_path: Path) -> None:
    before = files(home)
    with contextlib.closing(Terminal(home, {"XDG_STATE_HOME": str(tmp_path / "state")})) as terminal:
        terminal.say("tutorial", "Lesson 1 of")
        for one in LESSONS:
            terminal.wait(lambda one=one: terminal.at_prompt and one.label in terminal.line)  # type: ignore[misc]
            *first, last = one.lesson.solution
            terminal.say("hint", "Hint 1 of 3")
            for line in first:
                terminal.enter(line)
            terminal.say(last, f"✓ Lesson {one.number} is done.")
            if one is not LESSONS[-1]:
                terminal.say("next", f"Lesson {one.number + 1} of")
        terminal.say("next", "no other lesson is left")
        terminal.say("quit", "`tutorial list` shows the lessons")
        terminal.see("keysync home [")
        terminal.enter("quit")
        assert terminal.ended() == 0
    assert files(home) == before
    assert all(course().progress.of(one.name).mark is Mark.DONE for one in LESSONS)


def test_at_a_terminal_a_lesson_is_left_and_gone_on_with(home: Path, tmp_path: Path) -> None:
    with contextlib.closing(Terminal(home, {"XDG_STATE_HOME": str(tmp_path / "state")})) as terminal:
        terminal.say("tutorial break", "Lesson 2 of")
        terminal.say("remove-key CUST-00001 --systems D --yes", "Removed")
        terminal.say("quit", "The tutorial waits where you left it")
        terminal.say("tutorial", "Lesson 2 of")
        terminal.see("keysync 2-break [1 discrepancy @2]>")
        terminal.say("goal", "Not yet: gaps.D == 5, but gaps.D is 1")
        terminal.say("tutorial reset", "Lesson 2 of")
        terminal.see("keysync 2-break [in sync @1]>")
        terminal.say("skip", "Lesson 3 of")


def tutorial(home: Path, lines: str, *words: str) -> subprocess.CompletedProcess[str]:
    """The program alone, with lines on standard input."""
    command = [sys.executable, "-m", "keysync_shell", "--home", str(home), "tutorial", *words]
    return subprocess.run(command, input=lines, capture_output=True, text=True, timeout=200, check=False)


def test_it_is_walked_to_the_end_through_a_pipe(home: Path) -> None:
    before = files(home)
    lines = "\nnext\n".join("\n".join(one.lesson.solution) for one in LESSONS)
    ran = tutorial(home, lines)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert "✓ Lesson 8 is done. That was the last one" in ran.stdout
    assert all(course().progress.of(one.name).mark is Mark.DONE for one in LESSONS)
    assert files(home) == before


def test_lines_that_do_not_reach_the_goal_exit_1(home: Path) -> None:
    ran = tutorial(home, "status\nanswer 8\n", "1")
    assert ran.returncode == 1
    assert "8 is not the answer" in ran.stdout


def test_without_lines_the_lesson_is_shown(home: Path) -> None:
    ran = tutorial(home, "", "3")
    assert ran.returncode == 0
    assert ran.stdout.startswith("Lesson 3 of 8: ")
    assert "3-find" in ran.stderr


def test_a_script_that_opens_a_lesson_keeps_its_own_lines(home: Path) -> None:
    command = [sys.executable, "-m", "keysync_shell", "--home", str(home)]
    ran = subprocess.run(
        command, input="tutorial 1\nlist K1\n", capture_output=True, text=True, timeout=200, check=False
    )
    assert ran.returncode == 0
    assert "K1" in ran.stdout


def test_it_is_not_for_a_restricted_shell(home: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "keysync_shell", "--restricted", "--home", str(home), "tutorial"]
    ran = subprocess.run(command, capture_output=True, text=True, timeout=200, check=False)
    assert ran.returncode == 2
    assert "tutorial is not allowed here" in ran.stderr
    assert not (tmp_path / "state").exists()
