"""The pytest plugin: the fixture `keysync_sandbox`, and `*.scenario.yaml` as tests.

pytest imports it in every project of an environment, so it imports nothing of ours until somebody uses it.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from keysync_shell.testing import TestedSandbox

SUFFIXES = (".scenario.yaml", ".scenario.yml", ".scenario.json")


@pytest.fixture
def keysync_sandbox(tmp_path: Path) -> Iterator[TestedSandbox]:
    """An empty sandbox: `run("init --keys 100")`, `status()`, `keys("gap:D")`, `expect("gaps.D == 3")`."""
    from keysync_shell.testing import TestedSandbox

    home = tmp_path / "keysync"
    home.mkdir()
    sandbox = TestedSandbox(home)
    yield sandbox
    sandbox.close()


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> pytest.Collector | None:
    """Take scenario files."""
    return ScenarioFile.from_parent(parent, path=file_path) if file_path.name.endswith(SUFFIXES) else None


class ScenarioFile(pytest.File):
    """A file with a scenario."""

    def collect(self) -> Iterator[pytest.Item]:
        """Its one scenario; a file that is none is an error of collection, told with every place."""
        from keysync_shell.errors import KeySyncError
        from keysync_shell.testing import loaded

        try:
            scenario = loaded(self.path, shown(self.path))
        except KeySyncError as error:
            raise self.CollectError(f"{error.message}\n{error.hint}".rstrip()) from None
        yield ScenarioItem.from_parent(self, name=scenario.name, tags=scenario.tags)


class ScenarioItem(pytest.Item):
    """A scenario as a test. `-k` also finds it by its tags."""

    def __init__(self, *, tags: tuple[str, ...], **options: Any) -> None:
        super().__init__(**options)
        self.extra_keyword_matches.update(tags)

    def runtest(self) -> None:
        """Run it."""
        from keysync_shell.testing import run_scenario

        run_scenario(self.path, shown(self.path))

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:
        """Where it failed, and what was expected."""
        from keysync_shell.errors import KeySyncError
        from keysync_shell.testing import ScenarioFailed

        match excinfo.value:
            case ScenarioFailed() as failed:
                return str(failed)
            case KeySyncError() as error:
                return f"{error.message}\n{error.hint}".rstrip()
        return super().repr_failure(excinfo, style)

    def reportinfo(self) -> tuple[Path, int, str]:
        """The file, and its name."""
        return self.path, 0, f"scenario: {self.name}"


def shown(path: Path) -> str:
    """The path from the current folder, as messages name it and editors follow it."""
    return os.path.relpath(path)
