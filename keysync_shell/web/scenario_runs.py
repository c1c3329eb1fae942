"""Scenarios that run beside everything else, each in a thread with a sandbox of its own. Their steps are events."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import replace
from typing import Any

from keysync_shell.commands.catalogue.scenarios import ScenarioRun
from keysync_shell.commands.reach import Reach
from keysync_shell.commands.session import Session, no_input, nobody
from keysync_shell.interpreter import executor
from keysync_shell.render.view import plain
from keysync_shell.sandbox import Sandbox
from keysync_shell.scenarios.playing import Played
from keysync_shell.scenarios.running import Running, Then, Watcher
from keysync_shell.web.calls import SOURCE, Call, answer
from keysync_shell.web.events import Told
from keysync_shell.web.problems import Problem, problem

MOST_RUNS = 4
LONG_ENOUGH = 1.0  # for a step to end when the server does; what is cut goes on with `scenario resume`


class Watching(Watcher):
    """Tells readers what is played, and stops where somebody wants it to."""

    def __init__(self, tell: Callable[[Told], None], begun: Future[int], *, step: bool) -> None:
        self._tell, self._begun, self._step = tell, begun, step
        self._wanted = threading.Event()
        self.number = 0
        self.pause = self._hold

    def began(self, running: Running) -> None:
        self.number = running.number
        if not self._begun.done():
            self._begun.set_result(running.number)
        data = {"run": running.number, "name": running.prepared.scenario.name, "at": len(running.played)}
        self._tell(Told("scenario", {**data, "of": len(running.player.actions), "verdict": "running"}))

    def played(self, played: Played, actions: int) -> None:
        self._tell(Told("scenario", {"run": self.number, "of": actions, "verdict": "running", "played": plain(played)}))

    def stops(self) -> bool:
        return self._step or self._wanted.is_set()

    def hold(self) -> None:
        """Pause before the next step."""
        self._wanted.set()

    def _hold(self, _running: Running, _why: str) -> Then:
        return Then.LEAVE


class ScenarioRuns:
    """The runs that are under way. `open_it` opens a sandbox for one of them."""

    def __init__(self, open_it: Callable[[], Sandbox], tell: Callable[[Told], None]) -> None:
        self._open_it, self._tell = open_it, tell
        self._watching: dict[threading.Thread, Watching] = {}
        self._lock = threading.Lock()

    def begin(self, asked: Call, *, step: bool = False) -> Future[int]:
        """Begin a run, or go on with one; its number, once its stage is made. Raises Problem if too many go on."""
        if isinstance(asked.args, ScenarioRun):
            step = step or asked.args.step
            asked = replace(
                asked, args=replace(asked.args, step=False, on_fail="pause" if step else asked.args.on_fail)
            )
        begun: Future[int] = Future()
        watching = Watching(self._tell, begun, step=step)
        with self._lock:
            if len(self._watching) >= MOST_RUNS:
                hint = "Wait until one has ended, or give one up."
                raise Problem(503, "busy", f"{MOST_RUNS} scenarios run already", hint, headers={"Retry-After": "1"})
            thread = threading.Thread(target=self._run, args=(asked, watching, begun), name="scenario", daemon=True)
            self._watching[thread] = watching
        thread.start()
        return begun

    def pause(self, number: int) -> None:
        """Have a run pause before its next step. Raises Problem if it is not under way."""
        for watching in list(self._watching.values()):
            if watching.number == number:
                watching.hold()
                return
        raise Problem(
            409, "not-running", f"run {number} of a scenario is not under way", "GET /scenario-runs lists them."
        )

    def finish(self) -> None:
        """Have every run pause; one that takes long is cut, and can be resumed all the same."""
        for thread, watching in list(self._watching.items()):
            watching.hold()
            thread.join(LONG_ENOUGH / MOST_RUNS)

    def _run(self, asked: Call, watching: Watching, begun: Future[int]) -> None:
        try:
            sandbox = self._open_it()
            with contextlib.closing(sandbox):
                told = answer(sandbox, asked, _session(sandbox, asked, watching))
            self._end(told.data, watching, begun)
        except Exception as error:
            trouble = problem(error)
            if not begun.done():
                begun.set_exception(trouble)
            self._tell(Told("scenario", {"run": watching.number, "verdict": "trouble", "problem": trouble.as_data()}))
        finally:
            with self._lock:
                del self._watching[threading.current_thread()]

    def _end(self, data: dict[str, Any], watching: Watching, begun: Future[int]) -> None:
        if not begun.done():  # it could not begin: its report says why
            begun.set_exception(Problem(422, "refused", _reason(data), "Look at the scenario."))
        self._tell(Told("scenario", {"run": watching.number, "verdict": "over", "report": data["data"]}))


def _reason(data: dict[str, Any]) -> str:
    reports = data["data"].get("scenarios") or data["data"].get("reports") or []
    return str(reports[0].get("reason", "")) if reports else "the scenario could not be run"


def _session(sandbox: Sandbox, asked: Call, watching: Watching) -> Session:
    reach = Reach((sandbox.home.root,))
    return Session(
        sandbox,
        asked.line,
        SOURCE,
        nobody,
        lambda _: None,
        no_input,
        folder=sandbox.home.root,
        execute_on=lambda stage, folder: executor(stage, folder or sandbox.home.root),
        watcher=lambda: watching,
        reach=reach,
    )
