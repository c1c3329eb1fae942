"""Run a scenario so that nothing is left behind, not even in the journal of past runs."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Callable
from pathlib import Path

from keysync_shell.sandbox import Sandbox
from keysync_shell.scenarios import preparing
from keysync_shell.scenarios.locating import Shelf, Source
from keysync_shell.scenarios.reporting import Report
from keysync_shell.scenarios.running import Order, Watcher
from keysync_shell.scenarios.runs import ScenarioRuns
from keysync_shell.scenarios.staging import ExecuteOn


def run_alone(source: Source, home: Path, execute_on: ExecuteOn, make: Callable[..., Sandbox] = Sandbox) -> Report:
    """What comes of a scenario; if it wants a sandbox to begin with, it gets a copy of the one in `home`.

    `make` opens the sandbox of its stage. Raises KeySyncError if it cannot be run.
    """
    prepared = preparing.prepare(source, Shelf(home), {})
    with tempfile.TemporaryDirectory(prefix="keysync-") as temporary:
        folder = Path(temporary) / "home"
        if prepared.scenario.given == "empty":
            folder.mkdir()
        else:
            with contextlib.closing(Sandbox(home)) as original:
                original.stage(folder)
        with contextlib.closing(Sandbox(folder)) as copy:
            running = ScenarioRuns(copy, execute_on, make).begin(prepared, Order({}))
            with contextlib.closing(running):
                return running.play(Watcher())
