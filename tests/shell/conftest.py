"""A shell to talk to, in a folder of its own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.talking import Talk


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The sandbox folder, which is the current one, too."""
    path = tmp_path / "home"
    path.mkdir()
    monkeypatch.chdir(path)
    return path


@pytest.fixture
def talk(home: Path) -> Iterator[Talk]:
    """A shell with twelve keys in every system."""
    made = Talk(home)
    assert made.say("init --keys 12").status == 0
    yield made
    made.shell.sandbox.close()
