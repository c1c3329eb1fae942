"""Folders for tests that write much and say nothing about durability, and the bench for faults."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.crash import strace
from tests.crash.bench import Bench

IN_MEMORY = Path("/dev/shm")


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
