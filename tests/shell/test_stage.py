"""Pausing a scenario at a real terminal: the prompt is on the stage."""

from __future__ import annotations

import contextlib
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.building import files, sandbox
from tests.talking import Talk
from tests.terminal import CTRL_C, CTRL_D, Terminal

SCENARIO = """\
name: paused
steps:
- run: init --keys 10
- pause: look at it
- run: remove-key CUST-00001 --systems D
- checkpoint: one
  expect: [gaps.D == 1]
- note: last
"""
Start = Callable[..., Terminal]


@pytest.fixture
def keyed(home: Path) -> Path:
    """A sandbox with a scenario that pauses."""
    sandbox(home, A="K1", B="K1").close()
    (home / "sandbox_scenarios").mkdir()
    (home / "sandbox_scenarios" / "paused.yaml").write_text(SCENARIO)
    return home


@pytest.fixture
def start(keyed: Path) -> Iterator[Start]:
    """Run a command at a terminal, up to the prompt on the stage."""
    with contextlib.ExitStack() as stack:

        def started(*words: str) -> Terminal:
            made = stack.enter_context(contextlib.closing(Terminal(keyed, {"NO_COLOR": "1"}, "scenario", *words)))
            made.wait(lambda: made.at_prompt)
            return made

        yield started


def test_look_change_and_resume(start: Start, keyed: Path) -> None:
    before = files(keyed)
    terminal = start("run", "paused")
    terminal.see("Paused: look at it. This prompt is on the stage of run 1", "next: step 3 of 5: run remove-key")
    assert terminal.line == "keysync stage of paused, run 1 [in sync @1]>"
    terminal.say("add-key CUST-00001 --systems A", "already there")
    terminal.say("remove-key CUST-00002 --systems D --yes", "Removed")
    terminal.enter("resume")
    assert terminal.ended() == 1
    terminal.see_at_the_end("expected gaps.D == 1", "actual: gaps.D is 2")
    assert files(keyed) == before


def test_abort(start: Start, keyed: Path) -> None:
    terminal = start("run", "paused")
    terminal.enter("abort")
    assert terminal.ended() == 1
    assert "aborted" in Talk(keyed).say("scenario runs").text


def test_leaving_pauses_and_the_text_it_began_with_goes_on(start: Start, keyed: Path) -> None:
    terminal = start("run", "paused")
    terminal.press(CTRL_D)
    assert terminal.ended() == 1
    terminal.see_at_the_end("paused: scenario resume 1 · scenario abort 1")
    (keyed / "sandbox_scenarios" / "paused.yaml").write_text("name: other\nsteps: [note: other]\n")
    told = Talk(keyed).say("scenario resume")
    assert (told.status, "passed" in told.text) == (0, True)


def test_after_a_kill_the_stage_is_as_it_was_left(start: Start, keyed: Path) -> None:
    terminal = start("run", "paused")
    terminal.say("remove-key CUST-00002 --systems D --yes", "Removed")
    terminal.process.kill(signal.SIGKILL)
    terminal.close()
    told = Talk(keyed).say("scenario resume 1")
    assert (told.status, "actual: gaps.D is 2" in told.text) == (1, True)


def test_step_by_step(start: Start) -> None:
    terminal = start("run", "paused", "--step")
    for next_one in ("2 of 5", "3 of 5", "4 of 5", "5 of 5"):
        terminal.see(f"next: step {next_one}")
        terminal.enter("resume")
    assert terminal.ended() == 0


def test_a_failure_can_be_looked_at(start: Start, keyed: Path) -> None:
    path = keyed / "sandbox_scenarios" / "paused.yaml"
    path.write_text(SCENARIO.replace("- pause: look at it\n", "").replace("gaps.D == 1", "gaps.D == 3"))
    terminal = start("run", "paused", "--on-fail", "pause")
    terminal.see("Paused: a failure.", "expected gaps.D == 3", "actual: gaps.D is 1")
    terminal.say("discrepancies", "CUST-00001")
    terminal.enter("resume")
    assert terminal.ended() == 1


def test_from_the_prompt_of_the_sandbox_and_back(keyed: Path) -> None:
    with contextlib.closing(Terminal(keyed, {"NO_COLOR": "1"})) as terminal:
        terminal.enter("scenario run paused")
        terminal.see("keysync stage of paused, run 1 [in sync @1]>")
        terminal.enter("resume")
        terminal.wait(lambda: terminal.line.startswith("keysync home"))
        terminal.see("passed")


def test_a_long_step_says_how_far_it_is_and_ctrl_c_pauses_behind_it(keyed: Path) -> None:
    text = "name: long\nsteps:\n- run: mock --keys 60000\n- run: reset --empty\n- note: last\n"
    (keyed / "sandbox_scenarios" / "long.yaml").write_text(text)
    words = ("scenario", "run", "long")
    with contextlib.closing(Terminal(keyed, {"NO_COLOR": "1", "TERM": "xterm"}, *words)) as terminal:
        terminal.see("long: step 1 of 3: run mock --keys 60000…")
        terminal.press(CTRL_C)
        terminal.wait(lambda: terminal.at_prompt)
        terminal.see("Paused: Ctrl-C.", "next: step 2 of 3: run reset --empty")
        terminal.enter("abort")
        assert terminal.ended() == 1
