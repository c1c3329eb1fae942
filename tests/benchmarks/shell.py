"""Commands in the running shell, against write + fsync + rename of the files that they touch."""

from __future__ import annotations

import contextlib
import io
import itertools
import os
import resource
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from keysync_shell.sandbox import Sandbox
from keysync_shell.shell.app import Shell
from tests.benchmarks.measuring import paired, report, seconds
from tests.talking import shell_on

RUNS = 9


def main(rows: int) -> None:
    numbers = itertools.count()
    with tempfile.TemporaryDirectory(dir=os.environ.get("BENCH_DIR")) as home, _quiet():
        sandbox = Sandbox(Path(home))
        shell = shell_on(sandbox, io.StringIO())

        def say(line: str) -> None:
            shell.onecmd_plus_hooks(line, add_to_history=False)
            assert shell.status == 0, line

        say(f"init --keys {rows} --key-format 'CUST-{{n:07}}' --yes")
        say("remove-key 'CUST-00?0001*' --systems D --yes")
        files = _rewriting(sandbox)
        print(f"5 x {rows:,} rows, {RUNS} runs each", file=sys.__stdout__)
        _compare("add-key to five systems", lambda: say(f"add-key NEW-{next(numbers)}"), files)
        _compare("remove-key by glob, undo", lambda: _remove_and_undo(say), lambda: (files(), files()))
        _after_a_change("status after a change", say, numbers)
        _plain("status, unchanged", lambda: say("status"), "bar 20 ms")
        _plain("Tab: keys by prefix", lambda: _tab(shell), "bar 10 ms")
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
        print(f"peak memory {peak:.2f} GB  (bar 2 GB at 5 x 1,000,000)", file=sys.__stdout__)


def _compare(what: str, work: Callable[[], object], baseline: Callable[[], object]) -> None:
    mine, theirs = paired(work, baseline, RUNS)
    with contextlib.redirect_stdout(sys.__stdout__):
        report(what, mine, theirs, "bar 2 x")


def _plain(what: str, work: Callable[[], object], bar: str) -> None:
    times = [seconds(work) for _ in range(RUNS)]
    with contextlib.redirect_stdout(sys.__stdout__):
        report(what, times, None, bar)


def _after_a_change(what: str, say: Callable[[str], None], numbers: itertools.count[int]) -> None:
    times = []
    for _ in range(RUNS):
        say(f"add-key NEW-{next(numbers)} --systems B")
        times.append(seconds(lambda: say("status")))
    with contextlib.redirect_stdout(sys.__stdout__):
        report(what, times, None, "bar 20 ms")


def _remove_and_undo(say: Callable[[str], None]) -> None:
    say("remove-key 'CUST-000012*' --yes")
    say("undo")


def _tab(shell: Shell) -> None:
    line = "remove-key CUST-00012"
    assert len(shell.complete("CUST-00012", line, len("remove-key "), len(line))) > 0


def _rewriting(sandbox: Sandbox) -> Callable[[], None]:
    """The least that a durable change of the five files costs: write, fsync, rename."""
    contents = {path: path.read_bytes() for path in sorted(sandbox.home.systems.glob("*.csv"))}
    folder = sandbox.home.root / "baseline"
    folder.mkdir()

    def rewrite() -> None:
        for path, data in contents.items():
            new = folder / f"{path.name}.new"
            with new.open("wb", buffering=0) as file:
                file.write(data)
                os.fsync(file.fileno())
            new.rename(folder / path.name)

    return rewrite


@contextlib.contextmanager
def _quiet():  # type: ignore[no-untyped-def]
    with contextlib.redirect_stderr(io.StringIO()):
        yield


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 10_000)
