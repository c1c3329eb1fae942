"""Faults put into a copy of the engine on purpose: the shipped scenarios must fail, or they are worth nothing."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from operator import attrgetter
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Fault:
    """What stands in a module of core, and what is put there instead; `scenario` notices, at a checkpoint."""

    name: str
    module: str
    text: str
    instead: str
    scenario: str
    told: str


FAULTS = (
    Fault(
        "gaps of E are never listed, though their number is right",
        "findings/listing",
        "        listed = _every(index)\n",
        "        listed = _every(index)\n"
        '        listed = listed.filter((pl.col("kind") != "gap") | (pl.col("systems") != index.systems.bit("E")))\n',
        "network-partition",
        "gaps.E is 40, but 0 findings are listed",
    ),
    Fault(
        "canonical keys without upper-case",
        "model/normalize",
        "    upper = key.str.to_uppercase()\n",
        "    upper = key\n",
        "format-drift",
        "gaps is 120",
    ),
    Fault(
        "unauthorized keys are counted in each system",
        "findings/kinds",
        '        plural="unauthorized",\n        about=About.KEY,\n',
        '        plural="unauthorized",\n        about=About.KEY_IN_SYSTEM,\n',
        "mass-deletion",
        "unauthorized is 360",
    ),
    Fault(
        "rows that repeat a key are ignored",
        "findings/kinds",
        ', "repeated": lambda one: one.repeated}',
        "}",
        "duplicate-merge",
        "duplicates.E is 0",
    ),
    Fault(
        "apply skips D",
        "planning/actions",
        "        for name in state.systems.names:\n            for",
        '        for name in (one for one in state.systems.names if one != "D"):\n            for',
        "network-partition",
        "gaps is 40",
    ),
)


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("package")
    shutil.copytree(ROOT / "keysync_shell", folder / "keysync_shell", ignore=shutil.ignore_patterns("__pycache__"))
    return folder


@pytest.mark.parametrize("fault", FAULTS, ids=attrgetter("name"))
def test_a_shipped_scenario_fails_at_a_checkpoint(fault: Fault, package: Path, tmp_path: Path) -> None:
    path = package / "keysync_shell" / "core" / f"{fault.module}.py"
    sound = path.read_text(encoding="utf-8")
    assert sound.count(fault.text) == 1, f"{path.name} has no such place, or several:\n{fault.text}"
    path.write_text(sound.replace(fault.text, fault.instead), encoding="utf-8")
    try:
        ran = subprocess.run(
            [sys.executable, "-P", "-m", "keysync_shell", "--home", str(tmp_path), "scenario", "run", fault.scenario],
            env={**os.environ, "PYTHONPATH": str(package), "PYTHONDONTWRITEBYTECODE": "1"},
            capture_output=True,
            text=True,
            check=False,
        )
    finally:
        path.write_text(sound, encoding="utf-8")
    assert (ran.returncode, fault.told in ran.stdout) == (1, True), ran.stdout + ran.stderr
