"""The stage of a scenario: a sandbox of its own, with a clock that only steps move."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Protocol

from keysync_shell import config
from keysync_shell.core.findings.comparisons import Metric
from keysync_shell.core.model.systems import Systems
from keysync_shell.sandbox import Sandbox
from keysync_shell.scenarios import measuring
from keysync_shell.scenarios.measuring import Measure
from keysync_shell.scenarios.model import Scenario
from keysync_shell.scenarios.playing import Executed

START = datetime(2026, 1, 1, tzinfo=UTC)
STEP = timedelta(minutes=1)
USER, HOST = "scenario", "stage"


class Execute(Protocol):
    """What runs lines on a stage."""

    def __call__(self, line: str, values: Mapping[str, str] | None = None, /) -> Executed:
        """Run a line, with the values of its names filled in once it is split into words."""


ExecuteOn = Callable[[Sandbox, Path | None], Execute]


def prepare(scenario: Scenario, home: Sandbox, folder: Path) -> None:
    """Make the folder of a stage as the scenario's `given` and `config` say.

    Raises KeySyncError if there is no sandbox to begin with, no room, or a setting that makes no sense.
    """
    settings = scenario.config.tables()
    if scenario.given == "empty":
        folder.mkdir(parents=True)
        config.write(folder, settings)
        return
    home.stage(folder)
    tables = {name: table for name, table in config.tables(folder).items() if name != "paths"}  # they lead elsewhere
    config.write(folder, config.merged(tables, settings))


class SandboxStage:
    """A sandbox as a stage.

    `execute_on` gives what runs lines on it; they read the files of the folder `beside`, or any if it is None.
    `make` opens the sandbox.
    """

    def __init__(
        self,
        folder: Path,
        execute_on: ExecuteOn,
        beside: Path | None = None,
        make: Callable[..., Sandbox] = Sandbox,
    ) -> None:
        self._time = START
        self.sandbox = make(folder, clock=lambda: self._time, user=USER, host=HOST)
        self._execute = execute_on(self.sandbox, beside)
        self._measure: Measure | None = None
        self.sandbox.look()

    def begin_step(self, count: int) -> None:
        self._time = START + count * STEP
        self.moved()

    def moved(self) -> None:
        """What was measured is no longer so."""
        self._measure = None

    def run(self, line: str, values: Mapping[str, str] | None = None) -> Executed:
        self.moved()
        return self._execute(line, values)

    def measure(self, metric: Metric) -> int:
        if self._measure is None:
            self.sandbox.refresh()
            self._measure = Measure(self.sandbox)
        return self._measure(metric)

    def find(self, selector: str) -> Sequence[str]:
        self.sandbox.refresh()
        return measuring.found(self.sandbox, selector)

    def keys_in(self, words: Iterable[str]) -> Sequence[str]:
        return measuring.named(words, self.sandbox.config.limits)

    def disagreements(self) -> Sequence[str]:
        return measuring.disagreements(self.sandbox) if self.sandbox.begun else []

    def digest(self) -> str:
        """Of the bytes that were committed: the log has them, so nothing is read."""
        newest = self.sandbox.newest
        return "" if newest is None else newest.content_digest()

    def operation(self) -> int:
        return self.sandbox.newest.number if self.sandbox.newest else 0


def systems_of(scenario: Scenario, home: Path) -> Systems:
    """The systems of the stage: those of the scenario, or of the home that it copies."""
    tables = {} if scenario.given == "empty" else config.tables(home)
    return config.parse(config.merged(tables, scenario.config.tables())).systems
