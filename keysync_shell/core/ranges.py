"""Write many keys short: `CUST-00400..CUST-00499 (100)`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from keysync_shell.core.keys import shown
from keysync_shell.core.selectors import NUMBERED


def compressed(keys: Iterable[str]) -> list[str]:
    """Runs of keys whose last number counts up by one, as ranges; single keys as they are. Keys are sorted."""
    return [_written(run) for run in _runs(keys)]


def _runs(keys: Iterable[str]) -> Iterator[list[str]]:
    run: list[str] = []
    expected: tuple[str, str, int, str] | None = None
    for key in keys:
        parts = NUMBERED.fullmatch(key)
        here = (parts[1], parts[3], len(parts[2]), parts[2]) if parts else None
        if run and (here is None or here != expected):
            yield run
            run = []
        run.append(key)
        expected = None
        if parts:
            following = str(int(parts[2]) + 1).zfill(len(parts[2]))
            expected = (parts[1], parts[3], len(following), following)
    if run:
        yield run


def _written(run: list[str]) -> str:
    if len(run) < 3:
        return ", ".join(shown(key) for key in run)
    return f"{shown(run[0])}..{shown(run[-1])} ({len(run):,})"
