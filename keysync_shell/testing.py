"""What a test gets from the pytest plugin: a sandbox of its own to talk to, and scenarios to run.

Failures are AssertionErrors whose frames in here are hidden, so pytest shows the line of the test.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from keysync_shell.config import home_folder
from keysync_shell.errors import KeySyncError
from keysync_shell.interpreter import executor
from keysync_shell.scenarios import locating, measuring
from keysync_shell.scenarios.alone import run_alone
from keysync_shell.scenarios.model import Scenario
from keysync_shell.scenarios.playing import Executed
from keysync_shell.scenarios.reporting import Report, Verdict, explained
from keysync_shell.scenarios.staging import SandboxStage


class TestedSandbox:
    """A sandbox in a folder of its own. Its clock stands still, so the same lines lead to the same bytes."""

    __test__ = False  # pytest is not to collect it

    def __init__(self, home: Path) -> None:
        self.home = home
        self._stage = SandboxStage(home, executor)

    def run(self, line: str, *, exit: int | None = None) -> Executed:
        """Run a line of the shell; what it printed, and its exit code. Questions are answered with yes.

        Raises AssertionError for another exit code than `exit`; without one that is 0, or 1 where it is an answer.
        """
        __tracebackhide__ = True
        done = self._stage.run(line)
        if done.code not in ((exit,) if exit is not None else (0, 1) if done.asks else (0,)):
            wanted = "" if exit is None else f", not {exit}"
            raise AssertionError(f"`{line}` ended with exit {done.code}{wanted}\n{done.error}".rstrip())
        return done

    def status(self) -> dict[str, Any]:
        """The numbers of the sandbox, as in the JSON of `status`."""
        self._stage.sandbox.refresh()
        return self._stage.sandbox.summary().as_data()

    def keys(self, selector: str) -> list[str]:
        """The keys that a selector such as `gap:D` finds, sorted."""
        __tracebackhide__ = True
        return _asserted(lambda: list(self._stage.find(selector)))

    def expect(self, *conditions: str) -> None:
        """Conditions such as `gaps.D == 3` must hold, and totals, listed findings and selectors must agree.

        Raises AssertionError that names every number that is wrong.
        """
        __tracebackhide__ = True
        self._stage.moved()
        wrong = _asserted(lambda: [told for condition in conditions for told in self._wrong(condition)])
        wrong += self._stage.disagreements()
        if wrong:
            raise AssertionError("\n".join(wrong))

    def close(self) -> None:
        self._stage.sandbox.close()

    def _wrong(self, condition: str) -> Iterator[str]:
        comparison = measuring.of_now(condition, self._stage.sandbox.systems)
        if not comparison.holds(self._stage.measure):
            yield f"expected {condition}\n  actual: {comparison.left} is {self._stage.measure(comparison.left):,}"


class ScenarioFailed(Exception):
    """A scenario that did not pass; the message says where, and what was expected."""

    def __init__(self, report: Report) -> None:
        super().__init__("\n".join(_told(report)))
        self.report = report


def loaded(path: Path, file: str) -> Scenario:
    """The scenario of a file, which messages call `file`. Raises KeySyncError with every fault."""
    return locating.read(path, file).load()


def run_scenario(path: Path, file: str) -> Report:
    """Run the scenario of a file on a stage that leaves nothing behind.

    One that is `given: now` begins with a copy of the sandbox in $KEYSYNC_HOME or the current folder. Raises
    ScenarioFailed if it does not pass, KeySyncError if it cannot be run.
    """
    report = run_alone(locating.read(path, file), home_folder(None), executor)
    if report.verdict is not Verdict.PASSED:
        raise ScenarioFailed(report)
    return report


def _told(report: Report) -> Iterator[str]:
    for one in report.cases:
        if one.mismatches or one.reason:
            yield f"{one.place}: {one.word} {one.text}"
            yield from (f"  {line}" for line in explained(one))


def _asserted(work: Callable[[], list[str]]) -> list[str]:
    """Do the work; what is wrong with what a test asks for is its failure."""
    __tracebackhide__ = True
    try:
        return work()
    except KeySyncError as error:
        raise AssertionError(f"{error.message}\n{error.hint}".rstrip()) from None
