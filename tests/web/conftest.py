"""One server for the tests of a file that only look, and one of its own for each test that changes something."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.web.serving import Server, serving


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Twenty keys, with a gap in D and an unauthorized key: for tests that change nothing."""
    home = tmp_path_factory.mktemp("shared")
    lines = ("init --keys 20", "remove-key CUST-00003 --systems D --yes", "add-key UNAUTH-001 --systems B,C")
    with serving(home, *lines) as server:
        yield server


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    """The same, for one test."""
    lines = ("init --keys 20", "remove-key CUST-00003 --systems D --yes", "add-key UNAUTH-001 --systems B,C")
    with serving(tmp_path, *lines) as server:
        yield server
