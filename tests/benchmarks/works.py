"""What is measured: each work with the baseline that does the same, and the bar."""

# ruff: noqa: E731  # the works are a table, and lambdas its cells
from __future__ import annotations

import contextlib
import io
import itertools
import json
import os
import shutil
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from keysync_shell.sandbox import Sandbox
from tests.benchmarks import baselines, data
from tests.benchmarks.baselines import COUNTING, EDITING, WRITING, counting, python
from tests.benchmarks.measuring import Cost, Timed, Work, inside, process
from tests.talking import shell_on

PROGRAMS = Path(sys.executable).parent
RENDERED = 100_000  # rows from which a start is no longer what costs


@dataclass(frozen=True)
class Bench:
    """Folders to work in. `systems` are drifted exports that nothing has touched; `home` is a sandbox with them."""

    root: Path
    rows: int
    peers: bool
    numbers: Iterator[int] = field(default_factory=itertools.count)

    @property
    def exports(self) -> Path:
        return self.root / "exports"

    @property
    def home(self) -> Path:
        return self.root / "home"

    def prepare(self) -> None:
        """Make the files, and see that all count the same."""
        data.drifted(self.exports, self.rows)
        data.in_our_form(self.root / "sorted", self.rows)
        ways = {COUNTING, "Polars"}
        for folder in (self.exports, self.root / "sorted"):
            ours = _counted(folder)
            for way in ways:
                theirs = counting(folder / "systems", way=way)[1]
                assert theirs == ours, f"{way} counts {theirs}, we count {ours}"
        self.afresh()
        self.say("status")

    def afresh(self) -> None:
        """The exports again, untouched by anybody, as `home`."""
        shutil.rmtree(self.home, ignore_errors=True)
        shutil.copytree(self.exports, self.home)

    def say(self, *words: str) -> Cost:
        """One command, from start to exit."""
        program = str(PROGRAMS / "keysync-shell")
        return process([program, "--home", str(self.home), *words], expected=(0, 1))[0]

    def run(self, folder: Path, *options: str) -> Cost:
        return process([str(PROGRAMS / "keysync"), "--home", str(folder), "--exit-zero", *options])[0]

    def saying(self, *words: str) -> Timed:
        return lambda: self.say(*words)


def works(bench: Bench) -> Iterator[Work]:
    """Everything, in the order in which it can be done: later works find what earlier ones left."""
    yield from _runs(bench)
    yield from _starts(bench)
    yield from _bulk(bench)
    yield from _in_the_shell(bench)  # the last: what this process holds would count as held by its children


def _runs(bench: Bench) -> Iterator[Work]:
    out = bench.root / "theirs"
    out.mkdir(exist_ok=True)
    systems = bench.exports / "systems"
    for way in (COUNTING, "Polars") if bench.peers and COUNTING != "Polars" else (COUNTING,):
        yield Work(
            "keysync --dry-run",
            f"{way}, counting the same",
            0.7 if way == "DuckDB" else 2.0,
            lambda: bench.run(bench.exports, "--dry-run"),
            partial(_counting, systems, way),
        )
    ours, sorted_ones = bench.root / "sorted", bench.root / "sorted" / "systems"
    yield Work(
        "keysync --dry-run, our sorted files",
        f"{COUNTING}, counting the same",
        0.7,
        lambda: bench.run(ours, "--dry-run"),
        lambda: counting(sorted_ones)[0],
    )
    if COUNTING == "DuckDB":
        copying: Timed = lambda: python(baselines.DUCKDB, systems, out)[0]
        yield Work(
            "keysync, every report and the registry",
            "DuckDB + COPY of the rows",
            1.0,
            lambda: bench.run(bench.home),
            copying,
            bench.afresh,
        )
    yield Work(
        "first status of a folder",
        f"{COUNTING}, counting the same",
        1.0,
        bench.saying("status"),
        lambda: counting(systems)[0],
        bench.afresh,
    )


def _starts(bench: Bench) -> Iterator[Work]:
    """Single commands. Where there are many rows, what they cost is told by a start of Polars only in part."""
    polars: Timed = lambda: python("import polars")[0]
    small = bench.rows <= RENDERED
    if small:
        yield Work("one-shot status", "python -c 'import polars'", 1.3, bench.saying("status"), polars)
        new: Timed = lambda: bench.say("add-key", f"NEW-{next(bench.numbers)}")
        yield Work("one-shot add-key", "python -c 'import polars'", 1.3, new, polars)
        yield Work(
            "keysync, every report",
            "python -c 'import polars'",
            1.7,
            lambda: bench.run(bench.home),
            polars,
            bench.afresh,
        )
    yield Work("status after a bulk change", "status before it", 1.1, bench.saying("status"), _bulky(bench, "status"))
    yield Work("check", "sha256sum of the files", 4.0, bench.saying("check"), lambda: _sums(bench))


def _bulky(bench: Bench, command: str) -> Timed:
    """The command on the sandbox before a bulk change, which then is made."""

    def theirs() -> Cost:
        bench.afresh()
        bench.say("status")
        cost = bench.say(command)
        bench.say("corrupt", "space", "--rate", "0.1", "--yes")
        bench.say("undo")
        return cost

    return theirs


def _bulk(bench: Bench) -> Iterator[Work]:
    """Changes of most of the rows, and back."""
    rows, out = str(bench.rows), bench.root / "written"
    writing: Timed = lambda: python(WRITING, out, rows)[0]
    empty: Callable[[], object] = lambda: shutil.rmtree(bench.home, ignore_errors=True)
    what = "Polars, writing five files + fsync"
    yield Work(
        f"init --keys {bench.rows:,}, empty home", what, 3.0, bench.saying("init", "--keys", rows), writing, empty
    )
    for line in (("init", "--keys", rows), ("mock", "--keys", rows), ("reset", "--empty")):
        yield Work(f"{line[0]} over the rows", what, 5.0, bench.saying(*line, "--yes"), writing, lambda: _filled(bench))
        yield Work(f"undo of {line[0]}", what, 5.0, bench.saying("undo"), writing, partial(_done, bench, *line))
    editing: Timed = lambda: python(EDITING, bench.home / "systems", out, "0.1", "ABCDE")[0]
    yield Work(
        "corrupt space --rate 0.1",
        "Polars, the same edit + fsync",
        3.0,
        bench.saying("corrupt", "space", "--rate", "0.1", "--yes"),
        editing,
        lambda: _filled(bench),
    )
    four: Timed = lambda: python(EDITING, bench.home / "systems", out, "0.05", "BCDE")[0]
    yield Work(
        "apply",
        "Polars, an edit of four files + fsync",
        4.0,
        bench.saying("apply", "--yes"),
        four,
        lambda: _filled(bench),
    )
    yield Work(
        "load-state of what is there",
        "sha256sum of the files",
        1.5,
        bench.saying("load-state", "one", "--yes"),
        lambda: _sums(bench),
        lambda: _saved(bench),
    )
    yield Work(
        "load-state of something else",
        "Polars, an edit of five files + fsync",
        4.0,
        bench.saying("load-state", "one", "--yes"),
        editing,
        lambda: _left(bench),
    )


def _filled(bench: Bench) -> None:
    bench.afresh()
    bench.say("status")


def _done(bench: Bench, *words: str) -> None:
    _filled(bench)
    bench.say(*words, "--yes")


def _saved(bench: Bench) -> None:
    _filled(bench)
    bench.say("save-state", "one")


def _left(bench: Bench) -> None:
    """A snapshot, and systems that hold something else."""
    _saved(bench)
    bench.say("corrupt", "space", "--rate", "0.1", "--yes")


def _sums(bench: Bench) -> Cost:
    return process(["sha256sum", *map(str, sorted((bench.home / "systems").iterdir()))])[0]


def _in_the_shell(bench: Bench) -> Iterator[Work]:
    """Questions in a running shell after a change of one key. The bar is 100 ms: their baseline sleeps so long."""
    _filled(bench)
    with contextlib.redirect_stderr(io.StringIO()):
        shell = shell_on(Sandbox(bench.home), io.StringIO())

        def say(line: str) -> Cost:
            cost = inside(lambda: shell.onecmd_plus_hooks(line, add_to_history=False))
            assert shell.status in (0, 1), line
            return cost

        say("status")
        say("plan")
        for line, seconds in (
            ("status", 0.1),
            ("plan", 0.1),
            ("predict", 0.1),
            ("explain CUST-00000004", 0.1),
            ("list gap:D", 0.1),
            ("diff B C", 0.3),
        ):
            limit = Cost(seconds, seconds, 0)
            yield Work(
                f"in the shell: {line}",
                f"{seconds * 1000:.0f} ms",
                1.0,
                partial(say, line),
                partial(_itself, limit),
                partial(_add, bench, say, "B"),
            )
        for systems in ("B", "A,B,C,D,E"):
            files = [bench.home / "systems" / f"{name}.csv" for name in systems.split(",")]
            contents = [path.read_bytes() for path in files]
            yield Work(
                f"in the shell: one key into {systems}",
                "write + fsync + rename of the files",
                1.5,
                partial(_add, bench, say, systems),
                partial(inside, partial(_rewrite, bench.root / "plain", contents)),
            )
        shell.sandbox.close()


def _add(bench: Bench, say: Callable[[str], Cost], systems: str) -> Cost:
    return say(f"add-key NEW-{next(bench.numbers)} --systems {systems}")


def _itself(cost: Cost) -> Cost:
    return cost


def _counting(systems: Path, way: str) -> Cost:
    return counting(systems, way=way)[0]


def _rewrite(folder: Path, contents: list[bytes]) -> None:
    """The least that a durable change of files costs."""
    folder.mkdir(exist_ok=True)
    for i, content in enumerate(contents):
        new = folder / f"{i}.new"
        with new.open("wb", buffering=0) as file:
            file.write(content)
            os.fsync(file.fileno())
        new.rename(folder / str(i))


def _counted(folder: Path) -> dict[str, int]:
    """The numbers of a dry run."""
    words = [str(PROGRAMS / "keysync"), "--home", str(folder), "--dry-run", "--exit-zero", "--format", "json"]
    summary = json.loads(process(words)[1])["data"]["summary"]
    return {**summary["discrepancies"], "keys": summary["keys"]}
