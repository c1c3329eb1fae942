"""Play a scenario on its stage, step by step, and write down what came of each; pause where somebody is to look.

What was played is in the journal before the next step begins, so that a run that was killed can be gone on with.
"""

from __future__ import annotations

import contextlib
import signal
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from enum import Enum
from types import FrameType

from keysync_shell.progress import SILENT, Progress
from keysync_shell.scenarios.filling import filled
from keysync_shell.scenarios.journal import Ended, Journal, Paused, Recorded, Started
from keysync_shell.scenarios.model import Pause, Run
from keysync_shell.scenarios.playing import Played, Player, Result
from keysync_shell.scenarios.preparing import Prepared
from keysync_shell.scenarios.reporting import Report, Verdict, judged
from keysync_shell.scenarios.staging import SandboxStage
from keysync_shell.scenarios.unrolling import Action

STOP, CONTINUE, PAUSE = "stop", "continue", "pause"
ON_FAIL = (STOP, CONTINUE, PAUSE)


@dataclass(frozen=True)
class Order:
    """How a scenario is to be run."""

    values: Mapping[str, str]
    on_fail: str = STOP
    step: bool = False
    keep: bool = False
    line: str = ""

    @property
    def pauses(self) -> bool:
        """Whether somebody is to look at the stage whatever the scenario says."""
        return self.step or self.on_fail == PAUSE


class Then(Enum):
    """What happens after a pause."""

    RESUME = "resume"
    LEAVE = "leave"
    ABORT = "abort"


class Watcher:
    """Whoever watches a run; this one does nothing.

    `pause` lets somebody look at the stage, told why, and says what happens then; without it nobody is at a terminal,
    and pauses are passed over.
    """

    pause: Callable[[Running, str], Then] | None = None

    def began(self, running: Running) -> None:
        """A run begins, or goes on."""

    def stops(self) -> bool:
        """Whether somebody wants a pause before the next step."""
        return False

    def played(self, played: Played, actions: int) -> None:
        """A step was carried out, of so many."""

    def passed_over(self, action: Action) -> None:
        """A pause for which nobody is at a terminal."""


@dataclass
class Running:
    """A run with its stage. `number` is its name, `claim` keeps other processes away from it."""

    number: int
    prepared: Prepared
    order: Order
    journal: Journal
    player: Player
    stage: SandboxStage
    played: list[Played]
    claim: contextlib.ExitStack
    progress: Progress = SILENT
    seconds: float = 0.0

    def play(self, watcher: Watcher) -> Report:
        """Play on until the end, a failure or a pause. Ctrl-C pauses where somebody can be asked.

        Raises KeyboardInterrupt where nobody can.
        """
        while why := self._go_on(watcher):
            match self._paused(watcher, why):
                case Then.LEAVE:
                    return self.report(Verdict.PAUSED)
                case Then.ABORT:
                    return self._end(Verdict.ABORTED)
        return self._end(judged(self.played, over=True))

    def report(self, verdict: Verdict, reason: str = "") -> Report:
        return Report(
            self.prepared.scenario.name,
            self.prepared.source.file,
            verdict,
            tuple(self.played),
            self.seconds,
            self.stage.digest(),
            self.number,
            len(self.player.actions),
            reason,
        )

    def resumed(self) -> None:
        """What somebody did on the stage meanwhile is part of it from now on."""
        self.stage.moved()
        self.stage.sandbox.look()
        self.journal.append(Paused(self.stage.operation(), over=True))

    def close(self) -> None:
        """Let go of the stage and of the run."""
        self.stage.sandbox.close()
        self.claim.close()

    def _go_on(self, watcher: Watcher) -> str:
        """Play until there is a reason to pause; empty at the end, or where a failure stops the run."""
        begun = time.monotonic()
        try:
            while not self.player.over:
                action = self.player.next
                with interrupts(wait=watcher.pause is not None) as interrupted:
                    self._step(watcher)
                if self._stops(watcher):
                    self.player.cursor = len(self.player.actions)
                elif watcher.pause is not None and (why := self._why(action, watcher, interrupted=bool(interrupted))):
                    return why
            return ""
        finally:
            self.seconds += time.monotonic() - begun

    def _step(self, watcher: Watcher) -> None:
        action = self.player.next
        if isinstance(action.step, Pause) and watcher.pause is None:
            watcher.passed_over(action)
        if isinstance(action.step, Run):
            self.journal.append(Started(self.player.count + 1))
        with self.progress.doing(self._where(action)):
            done = self.player.step()
        self.played.append(done)
        self.journal.append(Recorded(done, dict(self.player.marks), dict(self.player.numbers)))
        watcher.played(done, len(self.player.actions))

    def _stops(self, watcher: Watcher) -> bool:
        """Whether the last step ends the run: a failure that nobody can look at, and that is not to be passed over."""
        return self._failed and (self.order.on_fail == STOP or (self.order.on_fail == PAUSE and watcher.pause is None))

    @property
    def _failed(self) -> bool:
        return self.played[-1].result in (Result.FAILED, Result.TROUBLE)

    def _why(self, action: Action, watcher: Watcher, *, interrupted: bool) -> str:
        """Why to pause after an action; empty if it is to go on."""
        if self._failed and self.order.on_fail == PAUSE:
            return "a failure"
        if isinstance(action.step, Pause):
            text = filled(action.step.pause, action.values)
            return text if text.lower() not in ("true", "yes") else "pause"
        if interrupted:
            return "Ctrl-C"
        if self.player.over:
            return ""
        return "--step" if self.order.step else "a wish" if watcher.stops() else ""

    def _where(self, action: Action) -> str:
        """How far the run is, for whoever waits."""
        text = filled(getattr(action.step, action.step.WORD), action.values)
        of = len(self.player.actions)
        return f"{self.prepared.scenario.name}: step {self.player.cursor + 1} of {of}: {action.step.WORD} {text}"

    def _paused(self, watcher: Watcher, why: str) -> Then:
        assert watcher.pause is not None, "where nobody can look, pauses are passed over"
        self.journal.append(Paused(self.stage.operation()))
        then = watcher.pause(self, why)
        if then is Then.RESUME:
            self.resumed()
        return then

    def _end(self, verdict: Verdict) -> Report:
        self.journal.append(Ended(verdict, self.stage.digest(), self.seconds))
        return self.report(verdict)


@contextlib.contextmanager
def interrupts(*, wait: bool) -> Iterator[list[int]]:
    """Let Ctrl-C wait for the end of the block if `wait`, and be in the list then; a second one waits no longer."""
    arrived: list[int] = []
    if not wait or threading.current_thread() is not threading.main_thread():
        yield arrived
        return
    before = signal.getsignal(signal.SIGINT)

    def arrive(number: int, _frame: FrameType | None) -> None:
        arrived.append(number)
        signal.signal(signal.SIGINT, before)

    signal.signal(signal.SIGINT, arrive)
    try:
        yield arrived
    finally:
        signal.signal(signal.SIGINT, before)
