"""Run scenarios in tests, on a real home."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from keysync_shell.interpreter import executor
from keysync_shell.sandbox import Sandbox
from keysync_shell.scenarios import preparing
from keysync_shell.scenarios.locating import Shelf, Source
from keysync_shell.scenarios.preparing import Prepared
from keysync_shell.scenarios.reporting import Report
from keysync_shell.scenarios.running import Order, Running, Watcher
from keysync_shell.scenarios.runs import ScenarioRuns

HEAD = "name: x\n"


def prepared(text: str, home: Path, values: Mapping[str, str] | None = None) -> Prepared:
    """A scenario of steps, or a whole one that begins with its name."""
    whole = text if text.startswith("name:") else f"{HEAD}steps:\n{text}"
    return preparing.prepare(Source(home / "x.yaml", "x.yaml", whole), Shelf(home), values or {})


def runs(home: Path) -> ScenarioRuns:
    return ScenarioRuns(Sandbox(home), executor)


def begun(text: str, home: Path, order: Order | None = None) -> Running:
    """A run that was not played yet."""
    return runs(home).begin(prepared(text, home), order or Order({}))


def ran(text: str, home: Path, order: Order | None = None, watcher: Watcher | None = None) -> Report:
    return begun(text, home, order).play(watcher or Watcher())


def bytes_of(home: Path) -> dict[str, bytes]:
    """What the system files of a home hold."""
    return {path.name: path.read_bytes() for path in sorted((home / "systems").glob("*"))}
