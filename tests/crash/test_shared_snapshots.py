"""Several sandboxes, each with a lock of its own, save into one folder of snapshots, and some are killed."""

from __future__ import annotations

import random
import re
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from keysync_shell.storage import snapshots
from tests.building import opened, sandbox
from tests.crash.report import tried

SAVED = re.compile(r"✓ Saved snapshot (\S+)")
CONTESTED = "contested"  # a name that everybody saves, by force


@dataclass
class Saver:
    """A shell that saves one snapshot after the other; `said` is where its words go."""

    home: Path
    said: Path
    names: list[str] = field(default_factory=list)
    process: subprocess.Popen[bytes] | None = None

    def start(self, count: int) -> None:
        names = [f"{self.home.name}-{len(self.names) + i}" for i in range(count)]
        self.names += names
        lines = "".join(f"save-state {name}\nsave-state {CONTESTED} --force\n" for name in names)
        command = [sys.executable, "-m", "keysync_shell", "--home", str(self.home), "-c", lines]
        with self.said.open("ab") as said:
            self.process = subprocess.Popen(command, stdout=said, stderr=said)

    @property
    def acknowledged(self) -> set[str]:
        return set(SAVED.findall(self.said.read_text()))


@pytest.mark.parametrize(
    ("sandboxes", "saves", "kills"), [(2, 12, 3), pytest.param(4, 60, 40, marks=pytest.mark.nightly)]
)
def test_no_sandbox_takes_anything_of_anothers(quick: Path, sandboxes: int, saves: int, kills: int) -> None:
    savers = [Saver(_shared(quick, f"s{i}"), quick / f"said{i}") for i in range(sandboxes)]
    for saver in savers:
        saver.start(saves)
    _kill(savers, kills, saves)
    for saver in savers:
        assert saver.process
        assert saver.process.wait() == 0, saver.said.read_text()
    folder = quick / "shared"
    for saver in savers:
        made = opened(saver.home)
        made.refresh()  # sweeps what its killed processes left
        assert [problem.what for problem in made.check() if problem.where.startswith("snapshot")] == []
    acknowledged = set().union(*(saver.acknowledged for saver in savers))
    there = set(snapshots.names(folder))
    assert acknowledged <= there
    assert {path.name for path in folder.iterdir()} == there
    limits = opened(savers[0].home).config.limits
    assert all(set(snapshots.load(folder, name, limits).contents) == set("ABCDE") for name in there)
    tried(
        "a shared folder of snapshots",
        f"{sandboxes} sandboxes, {kills} kills: {len(acknowledged)} snapshots acknowledged, all whole, 0 leftovers",
    )


def test_a_command_elsewhere_leaves_a_snapshot_that_is_being_written(quick: Path) -> None:
    ours, theirs = _shared(quick, "ours"), _shared(quick, "theirs")
    stopped = f"""
import os, signal
from keysync_shell.storage import files
from keysync_shell.cli import main

def stop(path):
    if ".tmp" in path.name:
        os.kill(os.getpid(), signal.SIGSTOP)

files.sync_folder = stop
raise SystemExit(main(["--home", {str(theirs)!r}, "save-state", "slow"]))
"""
    with subprocess.Popen([sys.executable, "-c", stopped]) as process:
        while not _is_stopped(process.pid):
            time.sleep(0.01)
        made = opened(ours)
        made.refresh()
        process.send_signal(signal.SIGCONT)
        assert process.wait() == 0
    assert set(snapshots.load(quick / "shared", "slow", made.config.limits).contents) == set("ABCDE")


def _shared(folder: Path, name: str) -> Path:
    """A sandbox that has its snapshots in a folder beside it."""
    home = folder / name
    sandbox(home, A="K1 K2", B="K1").close()
    (home / "keysync.toml").write_text("[paths]\nsnapshots = '../shared'\n")
    return home


def _kill(savers: list[Saver], kills: int, saves: int) -> None:
    """Kill one by chance, and let it start anew."""
    dice = random.Random(7)
    for _ in range(kills):
        saver = dice.choice(savers)
        assert saver.process
        before = len(saver.acknowledged)
        while len(saver.acknowledged) == before and saver.process.poll() is None:
            time.sleep(0.002)
        time.sleep(dice.uniform(0, 0.02))
        saver.process.kill()
        saver.process.wait()
        saver.start(saves)


def _is_stopped(pid: int) -> bool:
    return "State:\tT" in Path(f"/proc/{pid}/status").read_text()
