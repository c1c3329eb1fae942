"""kill -9 while a scenario plays: it changes nothing, whatever happens, and is in nobody's way afterwards."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.crash.bench import Bench, calls, complaints, sampled
from tests.crash.checking import copied, inconsistent, picture, probed
from tests.crash.operations import BY_NAME, prepared, words
from tests.crash.program import HOME, Program
from tests.crash.report import tally
from tests.crash.strace import Point, injected
from tests.crash.test_kills import KILL

PLAY = ("scenario", "run", "network-partition")
NIGHTLY = (pytest.mark.nightly, pytest.mark.timeout(7200))


@pytest.mark.parametrize("count", [8, pytest.param(120, marks=NIGHTLY)])
def test_a_scenario_that_is_killed_leaves_the_sandbox_as_it_is(bench: Bench, count: int) -> None:
    """Only what it is played on may be left behind, out of everybody's way."""
    [before] = bench.each(_before, [bench.folder / "scenario"])
    [there] = bench.each(lambda program, folder, before: calls(program, folder, before, PLAY), [before])

    def kill(program: Program, folder: Path, point: Point) -> str:
        copied(before, folder)
        program.traced(folder, words(PLAY), injected(point, KILL))
        if _kept(folder / HOME) != _kept(before / HOME):
            return f"killed at {point}: the sandbox is another one"
        again = program.run(folder, words(PLAY))
        if again.status != 0:
            return f"killed at {point}: it cannot be run again: {again.err}"
        return probed(program, folder) or inconsistent(folder / HOME)

    results = bench.each(kill, sampled([point for point in there if point.acts], count, seed=8))
    assert complaints(results, ("",)) == ""
    tally("kill -9 while a scenario plays", len(results), "points: the sandbox is as it was, 0 in the way")


def _before(program: Program, _: Path, folder: Path) -> Path:
    return prepared(program, BY_NAME["add"], folder)


def _kept(home: Path) -> object:
    """Everything that is not private, and the log."""
    seen = picture(home)
    return {path: digest for path, digest in seen.files.items() if not path.startswith(".keysync")}, seen.rows
