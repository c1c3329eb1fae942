"""The scenarios that are shipped: each is sound, passes, and together they assert everything that can be found."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from keysync_shell.interpreter import executor
from keysync_shell.sandbox import Sandbox
from keysync_shell.scenarios import model, preparing
from keysync_shell.scenarios.locating import LIBRARY, Shelf
from keysync_shell.scenarios.reporting import Verdict, explained
from keysync_shell.scenarios.running import Order, Watcher
from keysync_shell.scenarios.runs import ScenarioRuns

# What the systems hold at the end, at 1,000 keys: on every machine, in every time zone, whoever runs it.
DIGESTS = json.loads((Path(__file__).parent / "digests.json").read_text())
NAMES = sorted(path.stem for path in LIBRARY.glob("*.yaml"))


@pytest.mark.parametrize("keys", ["200", "1000", pytest.param("100000", marks=pytest.mark.nightly)])
@pytest.mark.parametrize("name", NAMES)
def test_it_passes_at_every_size(name: str, keys: str, tmp_path: Path) -> None:
    shelf = Shelf(tmp_path)
    [source] = shelf.sources(name)
    params = {"keys": keys} if "keys" in source.load().params else {}
    prepared = preparing.prepare(source, shelf, params)
    report = ScenarioRuns(Sandbox(tmp_path), executor).begin(prepared, Order({})).play(Watcher())
    assert report.verdict is Verdict.PASSED, [line for one in report.played for line in explained(one)]
    assert keys != "1000" or report.digest == DIGESTS[name]


@pytest.mark.parametrize("name", NAMES)
def test_it_says_what_happens_and_what_comes_of_it(name: str) -> None:
    scenario = Shelf(Path()).sources(name)[0].load()
    assert scenario.name == name
    assert scenario.description.endswith(".")
    assert scenario.expected.endswith(".")
    assert scenario.tags


def test_the_schema_beside_them_is_the_one_that_is_printed() -> None:
    assert json.loads((LIBRARY / "scenario.schema.json").read_text()) == model.schema()
