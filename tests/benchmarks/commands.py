"""One command at 5 x 10,000 rows, process start to exit, against `python -c "import polars"`."""

from __future__ import annotations

import itertools
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from tests.benchmarks.measuring import paired, report

RUNS = 15
ROWS = 10_000


def main() -> None:
    program = Path(sys.executable).with_name("keysync-shell")
    numbers = itertools.count()
    with tempfile.TemporaryDirectory() as home:

        def command(*words: str) -> Callable[[], object]:
            return lambda: _run([str(program), "--home", home, *words])

        command("init", "--keys", str(ROWS))()
        baseline = lambda: _run([sys.executable, "-c", "import polars"])  # noqa: E731  # it is one of two, as data
        report("status", *paired(command("status"), baseline, RUNS), "bar 1.5 x")
        add = lambda: command("add-key", f"NEW-{next(numbers)}")()  # noqa: E731
        report("add-key", *paired(add, baseline, RUNS), "bar 1.5 x")
        report("--help", *paired(command("--help"), baseline, RUNS))


def _run(words: list[str]) -> None:
    subprocess.run(words, check=True, capture_output=True)


if __name__ == "__main__":
    main()
