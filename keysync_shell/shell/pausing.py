"""Somebody at a terminal, who gets a prompt on the stage whenever a run pauses. Until then cmd2 is not imported."""

from __future__ import annotations

import sys
from collections.abc import Iterator

from keysync_shell.commands.session import nobody
from keysync_shell.core.model.keys import safe
from keysync_shell.dialogue import Dialogue
from keysync_shell.interpreter import Interpreter
from keysync_shell.render.writing import writer_for
from keysync_shell.scenarios.filling import filled
from keysync_shell.scenarios.playing import Result
from keysync_shell.scenarios.reporting import explained
from keysync_shell.scenarios.running import Running, Then, Watcher


class AtTerminal(Watcher):
    """The person at the terminal."""

    def __init__(self, *, color: str, restricted: bool) -> None:
        self._color, self._restricted = color, restricted
        self.pause = self._prompt

    def _prompt(self, running: Running, why: str) -> Then:
        from keysync_shell.shell.stage import StageShell

        writer = writer_for(self._color, sys.stdout, sys.stderr)
        for line in told(running, why):
            writer.say(line)
        dialogue = Dialogue(running.stage.sandbox, lambda: writer, nobody, restricted=self._restricted)
        shell = StageShell(Interpreter(dialogue), running, color=self._color)
        shell.talk()
        return shell.then


def told(running: Running, why: str) -> Iterator[str]:
    """What somebody should know who comes to a stage."""
    player = running.player
    yield f"Paused: {safe(why)}. This prompt is on the stage of run {running.number}; your sandbox stays as it is."
    for last in running.played[-1:]:
        if last.result in (Result.FAILED, Result.TROUBLE):
            yield f"{last.place}: {last.word} {safe(last.text)}: {last.result.value}"
            yield from (f"  {safe(line)}" for line in explained(last))
    if not player.over:
        step = player.next.step
        text = filled(getattr(step, step.WORD), player.next.values)
        yield f"next: step {player.cursor + 1} of {len(player.actions)}: {step.WORD} {safe(text)}"
    yield "`resume` goes on, `abort` gives the run up; `quit` or Ctrl-D leave it paused."
