"""The benchmark runs, and its baselines count what we count. What it measures is no matter of a test."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.benchmarks import data
from tests.benchmarks.__main__ import main
from tests.benchmarks.measuring import Cost, Line, Work


def test_benchmark_runs_at_a_small_size(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    numbers = tmp_path / "numbers.json"
    only = "dry-run|in the shell: plan|undo of init"
    main(["--rows", "300", "--rounds", "1", "--only", only, "--peers", "--json", str(numbers), "--dir", str(tmp_path)])
    [table] = json.loads(numbers.read_text())
    assert {"keysync --dry-run", "in the shell: plan", "undo of init"} <= {line["work"] for line in table["lines"]}
    assert all(line["wall_ratio"] > 0 for line in table["lines"])
    assert len(capsys.readouterr().out.splitlines()) == 2 + len(table["lines"])


def test_data_is_the_same_for_the_same_seed_and_in_no_order(tmp_path: Path) -> None:
    one, same, other = (data.drifted(tmp_path / name, 200, seed) for name, seed in (("a", 1), ("b", 1), ("c", 2)))
    contents = [(folder / "systems" / "B.csv").read_bytes() for folder in (one, same, other)]
    assert contents[0] == contents[1] != contents[2]
    keys = [line.split(b",")[1] for line in contents[0].splitlines()[1:]]
    assert keys != sorted(keys)


def test_ratio_of_processors_counts_where_others_are_at_work() -> None:
    work = Work("w", "b", 1.5, lambda: Cost(0, 0, 0), lambda: Cost(0, 0, 0))
    line = Line(work, Cost(4, 1, 0), Cost(2, 1, 0), 0)
    assert (line.as_data(busy=False)["met"], line.as_data(busy=True)["met"]) == (False, True)
