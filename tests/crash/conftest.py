"""Folders for tests that write much and say nothing about durability, and the bench for faults."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.crash import strace, world
from tests.crash.bench import Bench
from tests.crash.world import WORLDS

IN_MEMORY = Path("/dev/shm")
PARAMS = [
    pytest.param(it, id=name, marks=() if it.mounted or it.sticky else pytest.mark.nightly)
    for name, it in WORLDS.items()
]


@pytest.fixture
def quick(tmp_path: Path) -> Iterator[Path]:
    """An empty folder in memory, where syncing costs nothing; on disk where there is none."""
    if not IN_MEMORY.is_dir():
        yield tmp_path
        return
    with tempfile.TemporaryDirectory(dir=IN_MEMORY) as folder:
        yield Path(folder)


@pytest.fixture(scope="session")
def bench() -> Iterator[Bench]:
    """Where faults are injected into the program; skips where processes cannot be traced."""
    if why := strace.unusable():
        pytest.skip(why)
    with (
        tempfile.TemporaryDirectory(dir=IN_MEMORY if IN_MEMORY.is_dir() else None) as folder,
        Bench(Path(folder)) as it,
    ):
        yield it


@pytest.fixture(scope="module", params=PARAMS)
def world_bench(request: pytest.FixtureRequest) -> Iterator[Bench]:
    """A bench in each world in which files cannot be moved, or not be seen through."""
    if why := strace.unusable() or world.unusable(request.param):
        pytest.skip(why)
    with (
        tempfile.TemporaryDirectory(dir=IN_MEMORY if IN_MEMORY.is_dir() else None) as folder,
        Bench(Path(folder), world=request.param) as it,
    ):
        yield it
