"""`python -m tests.benchmarks`: the whole table, baselines in turn in the same run."""

from __future__ import annotations

import argparse
import json
import platform
import re
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tests.benchmarks import data
from tests.benchmarks.measuring import Line, busy, measured
from tests.benchmarks.works import Bench, works

SIZES = {"k": 1_000, "m": 1_000_000}


def main(argv: Sequence[str] | None = None) -> int:
    """Print a line for each work as soon as it is measured; 1 if a bar is missed."""
    options = _parser().parse_args(argv)
    tables = [_table(rows, options) for rows in options.rows]
    if options.json:
        Path(options.json).write_text(json.dumps(tables, indent=1))
    return int(any(not line["met"] for table in tables for line in table["lines"]))


def _table(rows: int, options: argparse.Namespace) -> dict[str, Any]:
    with tempfile.TemporaryDirectory(dir=options.dir) as folder:
        bench = Bench(Path(folder), rows, options.peers)
        bench.prepare()
        size = data.size(bench.exports)
        print(f"5 x {rows:,} rows in any order, {size / 1e6:,.0f} MB; median of {options.rounds}", flush=True)
        print(f"{'':<42} {'seconds':>8} {'cpu':>7} {'peak':>6} {'ratio':>7} {'cpu':>6} {'bar':>5}", flush=True)
        lines = []
        for work in works(bench):
            if not re.search(options.only, work.name):
                continue
            line, others = measured(work, options.rounds), busy()
            lines.append(line.as_data(busy=others))
            print(_shown(line, size, busy=others), flush=True)
    return {
        "rows": rows,
        "bytes": size,
        "python": platform.python_version(),
        "machine": platform.machine(),
        "lines": lines,
    }


def _shown(line: Line, size: int, *, busy: bool) -> str:
    work, mine = line.work, line.mine
    met = "met" if line.ratio(busy=busy) <= work.bar else "MISSED"
    peak = f"{mine.peak / size:5.1f}x"
    numbers = (
        f"{mine.wall:8.2f} {mine.cpu:7.2f} {peak:>6} {line.wall_ratio:6.2f}x {line.cpu_ratio:5.2f}x {work.bar:4.1f}x"
    )
    how = " by cpu, others are at work" if busy else ""
    return f"{work.name:<42} {numbers} {met}{how}  of {work.baseline}"


def _size(text: str) -> list[int]:
    """`10k,1m` → [10000, 1000000]."""
    found = [re.fullmatch(r"([0-9]+)([km]?)", part) for part in text.casefold().split(",")]
    if not all(found):
        raise argparse.ArgumentTypeError(f"{text!r} is no list of sizes such as 10k,1m")
    return [int(part[1]) * SIZES.get(part[2], 1) for part in found if part]


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description=__doc__)
    parser.add_argument("--rows", type=_size, default=[10_000], help="rows of each system, such as 10k,1m,4m")
    parser.add_argument("--rounds", type=int, default=3, help="how often each is measured (default: 3)")
    parser.add_argument("--only", default="", metavar="REGEX", help="works whose name matches")
    parser.add_argument("--peers", action="store_true", help="every other way to write a baseline, as well")
    parser.add_argument("--json", metavar="FILE", help="write the numbers there, too")
    parser.add_argument("--dir", metavar="DIR", help="where the files are made (default: the temporary folder)")
    return parser


if __name__ == "__main__":
    sys.exit(main())
