"""Plugins of the test suite, and what every test may count on."""

from __future__ import annotations

import pytest

pytest_plugins = ("tests.crash.report",)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--rewrite-cases", action="store_true", help="write what golden sessions show into tests/cases")


@pytest.fixture(autouse=True)
def plain_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """No color, no home and no width from whoever runs the tests."""
    for name in ("KEYSYNC_HOME", "FORCE_COLOR", "CLICOLOR_FORCE", "PYTHONPATH", "PYTHONIOENCODING"):
        monkeypatch.delenv(name, raising=False)
    for name, value in {"NO_COLOR": "1", "COLUMNS": "100", "LINES": "24", "TERM": "xterm-256color"}.items():
        monkeypatch.setenv(name, value)
