"""Many processes on one sandbox, some of them killed at random moments."""

from __future__ import annotations

import random
import time
from pathlib import Path

import pytest

from tests.building import FIVE, keys, opened, sandbox
from tests.crash.report import tried
from tests.crash.writer import Writer


@pytest.mark.parametrize(
    ("writers", "commands", "kills"), [(4, 40, 10), pytest.param(8, 100, 30, marks=pytest.mark.nightly)]
)
def test_killed_writers_lose_nothing_that_was_acknowledged(
    quick: Path, writers: int, commands: int, kills: int
) -> None:
    root = quick / "home"
    sandbox(root, A="K1", B="K1", C="K1", D="K1", E="K1").close()
    everyone = _run([f"w{i}" for i in range(writers)], root, commands, kills)
    acknowledged = {key: number for writer in everyone for key, number in writer.acknowledged().items()}
    after = opened(root)
    after.refresh()
    lines = {operation.number: operation.line for operation in after.every_operation()}
    held = keys(after.state)
    assert sorted(lines) == list(range(1, len(lines) + 1))
    assert all(lines[number] == f"add-key {key}" for key, number in acknowledged.items())
    assert set(acknowledged) <= set(held["A"])
    assert all(held[name] == held["A"] for name in FIVE.names)
    assert len(lines) - 1 - len(acknowledged) in range(kills + 1)  # committed, and killed before it was acknowledged
    assert sorted(path.name for path in (root / "systems").iterdir()) == [f"{name}.csv" for name in FIVE.names]
    tried(
        "concurrent writers",
        f"{writers} writers x {commands} commands, {kills} kills: {len(acknowledged)} acknowledged, 0 lost, "
        f"{len(lines)} operations without a gap, {len(lines) - 1 - len(acknowledged)} committed but not acknowledged",
    )


def _run(names: list[str], root: Path, commands: int, kills: int) -> list[Writer]:
    """Run writers to their end; a killed one is followed by another of a new name."""
    dice = random.Random(3)
    at_work = {name: Writer(root, name, commands) for name in names}
    everyone = list(at_work.values())
    killed = 0
    while any(writer.running() for writer in at_work.values()):
        time.sleep(dice.uniform(0.01, 0.08))
        victims = [name for name, writer in at_work.items() if writer.running() and writer.acknowledged()]
        if killed < kills and victims:
            victim = dice.choice(victims)
            at_work.pop(victim).kill()
            killed += 1
            at_work[f"{victim}k{killed}"] = Writer(root, f"{victim}k{killed}", commands)
            everyone.append(at_work[f"{victim}k{killed}"])
    assert killed == kills
    assert [writer.finish() for writer in at_work.values()] == [""] * len(at_work)
    return everyone
