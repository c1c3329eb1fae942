"""The stage of a scenario: a sandbox of its own, with a clock that only steps move."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from keysync_shell import config
from keysync_shell.core.findings.comparisons import Metric
from keysync_shell.core.model.rules import setting
from keysync_shell.core.model.systems import Systems
from keysync_shell.errors import KeySyncError
from keysync_shell.sandbox import Sandbox
from keysync_shell.scenarios import measuring
from keysync_shell.scenarios.measuring import Measure
from keysync_shell.scenarios.model import Scenario, Settings
from keysync_shell.scenarios.playing import Executed

START = datetime(2026, 1, 1, tzinfo=UTC)
STEP = timedelta(minutes=1)
USER, HOST = "scenario", "stage"

Execute = Callable[[str], Executed]
ExecuteOn = Callable[[Sandbox], Execute]


def prepare(scenario: Scenario, home: Sandbox, folder: Path) -> None:
    """Make the folder of a stage as the scenario's `given` and `config` say.

    Raises KeySyncError if there is no sandbox to begin with, no room, or a setting that makes no sense.
    """
    settings = overrides(scenario.config)
    if scenario.given == "empty":
        folder.mkdir(parents=True)
        config.write(folder, settings)
        return
    home.stage(folder)
    config.write(folder, config.merged(config.tables(folder), settings))


class SandboxStage:
    """A sandbox as a stage. `execute_on` gives what runs lines on it."""

    def __init__(self, folder: Path, execute_on: ExecuteOn) -> None:
        self._time = START
        self.sandbox = Sandbox(folder, clock=lambda: self._time, user=USER, host=HOST)
        self._execute = execute_on(self.sandbox)
        self._measure: Measure | None = None
        self.sandbox.look()

    def begin_step(self, count: int) -> None:
        self._time = START + count * STEP
        self.moved()

    def moved(self) -> None:
        """What was measured is no longer so."""
        self._measure = None

    def run(self, line: str) -> Executed:
        self.moved()
        return self._execute(line)

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


def systems_of(scenario: Scenario) -> Systems:
    """The systems of the stage, as far as the scenario says so."""
    return config.parse(overrides(scenario.config)).systems


def overrides(settings: Settings) -> dict[str, dict[str, object]]:
    """The settings of a scenario as tables of keysync.toml. Raises KeySyncError for those that make no sense."""
    tables: dict[str, dict[str, object]] = {
        "normalize": {name: setting(name, text) for name, text in settings.normalize.items()},
        "policy": {name: str(text) for name, text in settings.policy.items()},
        "systems": {name: _plain(value) for name, value in settings.systems.items()},
    }
    given = {name: table for name, table in tables.items() if table}
    config.parse(given)
    return given


def _plain(value: object) -> object:
    if isinstance(value, list):
        return [str(item) for item in value]
    if isinstance(value, str):
        return str(value)
    raise KeySyncError("[systems] takes names (a list) and authority")
