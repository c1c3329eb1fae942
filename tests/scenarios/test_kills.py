"""kill -9 at random moments of `scenario run --all`: the home is untouched, and each run goes on to the same digest."""

from __future__ import annotations

import contextlib
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from keysync_shell.interpreter import executor
from keysync_shell.sandbox import Sandbox
from keysync_shell.scenarios.reporting import Verdict
from keysync_shell.scenarios.running import Watcher
from keysync_shell.scenarios.runs import ScenarioRuns
from tests.building import sandbox

PATIENCE = 300.0
RUNS = Path(".keysync") / "scenarios"
COMMAND = ("scenario", "run", "--all", "--param", "keys=200")


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, str], int]:
    """The digest of each scenario, and how many lines the journals have."""
    home = made(tmp_path_factory.mktemp("undisturbed"))
    assert started(home).wait(PATIENCE) == 0
    with contextlib.closing(Sandbox(home)) as opened:
        runs = ScenarioRuns(opened)
        digests = {report.name: report.digest for report in map(runs.report, runs.numbers())}
    return digests, written(home)


def moments() -> Iterator[object]:
    """Seeds: a few for every push, fifty for every night."""
    yield from (1, 2)
    yield from (pytest.param(seed, marks=pytest.mark.nightly) for seed in range(3, 51))


@pytest.mark.timeout(900)
@pytest.mark.parametrize("seed", moments())
def test_a_killed_run_goes_on_to_the_same_digest(
    seed: int, undisturbed: tuple[dict[str, str], int], tmp_path: Path
) -> None:
    digests, lines = undisturbed
    home, dice = made(tmp_path / "home"), random.Random(seed)
    before = contents(home)
    kill_after(started(home), home, dice.randrange(lines))
    assert contents(home) == before
    with contextlib.closing(Sandbox(home)) as opened:
        runs = ScenarioRuns(opened, executor)
        for number in runs.open():
            with contextlib.closing(runs.resume(number)) as run:
                run.play(Watcher())
        told = [runs.report(number) for number in runs.numbers()]
    assert {report.verdict for report in told} <= {Verdict.PASSED}
    assert {report.name: report.digest for report in told}.items() <= digests.items()
    assert contents(home) == before


def made(home: Path) -> Path:
    """A sandbox with a history."""
    home.mkdir(exist_ok=True)
    sandbox(home, A="K1 K2", B="K1").close()
    return home


def started(home: Path) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-m", "keysync_shell", "--home", str(home), *COMMAND],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


def kill_after(process: subprocess.Popen[bytes], home: Path, lines: int) -> None:
    """Kill once the journals have so many lines, wherever the process then is."""
    deadline = time.monotonic() + PATIENCE
    while process.poll() is None and written(home) < lines:
        assert time.monotonic() < deadline, "it stands still"
        time.sleep(0.002)
    with contextlib.suppress(ProcessLookupError):
        os.kill(process.pid, signal.SIGKILL)
    process.wait(PATIENCE)


def written(home: Path) -> int:
    return sum(path.read_bytes().count(b"\n") for path in (home / RUNS).glob("*/journal.jsonl"))


def contents(home: Path) -> Mapping[str, bytes]:
    """Every file of the home but those of runs, and what names a process: the lock, the shared memory of SQLite."""
    found = {str(path.relative_to(home)): path for path in sorted(home.rglob("*")) if path.is_file()}
    files = {name: path.read_bytes() for name, path in found.items() if not name.startswith(str(RUNS))}
    passing = (".keysync/lock", ".keysync/history.db-shm")
    return {name: data for name, data in files.items() if data and name not in passing}
