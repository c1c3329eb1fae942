"""The prompt on the stage of a run that is paused: look, change, and say how it goes on."""

from __future__ import annotations

from cmd2 import Statement

from keysync_shell.core.model.keys import safe
from keysync_shell.interpreter import Interpreter
from keysync_shell.scenarios.running import Running, Then
from keysync_shell.shell.app import Shell


class StageShell(Shell):
    """A shell on a stage. `then` is what the person wants to happen when they leave it."""

    def __init__(self, interpreter: Interpreter, running: Running, *, color: str) -> None:
        self._name = f"stage of {safe(running.prepared.scenario.name)}, run {running.number}"
        self.then = Then.LEAVE
        super().__init__(interpreter, interactive=True, color=color)

    @property
    def place(self) -> str:
        return self._name

    def welcome(self) -> str:
        return ""

    def do_resume(self, _: Statement) -> bool:
        """Go on with the scenario."""
        self.then = Then.RESUME
        return True

    def do_abort(self, _: Statement) -> bool:
        """Give the run up."""
        self.then = Then.ABORT
        return True
