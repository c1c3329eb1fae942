"""What the prompt offers for each kind of argument. Completers look at memory only: a Tab never waits for the disk."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Protocol

from cmd2 import Cmd, CompletionItem, Completions

from keysync_shell.core.findings.kinds import KINDS
from keysync_shell.core.model.keys import safe
from keysync_shell.core.model.table import prefix_bounds
from keysync_shell.errors import KeySyncError
from keysync_shell.sandbox import Sandbox
from keysync_shell.storage import snapshots

MOST = 200


class Shell(Protocol):
    """What completers want of a shell."""

    sandbox: Sandbox


Completer = Callable[[Shell, str, str, int, int], Completions]


def keys(shell: Shell, text: str, _line: str, _begin: int, _end: int) -> Completions:
    """Keys by prefix. A list that is cut ends with the last match, so that its common prefix is the right one."""
    column = shell.sandbox.index.rows["key"]
    first, behind = prefix_bounds(column, text)
    found = column.slice(first, min(MOST, behind - first)).to_list()
    if behind - first > MOST:
        found[-1] = column[behind - 1]
    return _items((key, "") for key in found if typeable(key))


def typeable(key: str) -> bool:
    """Whether a key can stand on a command line: all of it is seen, and one kind of quote is enough."""
    return bool(key) and safe(key) == key and "\\" not in key and not ("'" in key and '"' in key)


def systems(shell: Shell, text: str, _line: str, _begin: int, _end: int) -> Completions:
    """Systems, also after a comma."""
    head, comma, last = text.rpartition(",")
    taken = {part.casefold() for part in head.split(",")}
    rows = shell.sandbox.state.rows
    items = [
        CompletionItem(head + comma + name, display=name, display_meta=f"{rows(name):,} rows")
        for name in shell.sandbox.systems.names
        if name.casefold() not in taken and name.casefold().startswith(last.casefold())
    ]
    return Completions(items, is_sorted=True, allow_finalization=False)


def states(shell: Shell, text: str, _line: str, _begin: int, _end: int) -> Completions:
    """Snapshots with their notes."""
    return _items(_snapshots(shell, text))


def sides(shell: Shell, text: str, _line: str, _begin: int, _end: int) -> Completions:
    """What `diff` compares: systems, now, snapshots."""
    fixed = [*((name, "system") for name in shell.sandbox.systems.names), ("now", "the systems as they are")]
    return _items([*(item for item in fixed if item[0].startswith(text)), *_snapshots(shell, text)])


def kinds(_shell: Shell, text: str, _line: str, _begin: int, _end: int) -> Completions:
    return _items((kind.name, kind.legend) for kind in KINDS if kind.name.startswith(text))


def patterns(shell: Shell, text: str, _line: str, _begin: int, _end: int) -> Completions:
    """The patterns that there are, with how many keys have them."""
    counts = shell.sandbox.summary().patterns
    return _items((pattern, f"{count:,} keys") for pattern, count in counts.items() if pattern.startswith(text))


def scenarios(shell: Cmd, text: str, line: str, begin: int, end: int) -> Completions:
    """Scenarios by name; else files."""
    from keysync_shell.scenarios.locating import Shelf  # what reads scenarios is imported when somebody needs it

    sandbox: Sandbox = shell.sandbox  # type: ignore[attr-defined]  # our shell has one
    names = [name for name in Shelf(sandbox.home.root).named() if name.startswith(text)]
    return _items((name, "") for name in names) if names else shell.path_complete(text, line, begin, end)


def scenario_runs(shell: Shell, text: str, _line: str, _begin: int, _end: int) -> Completions:
    """The runs of scenarios that are kept."""
    from keysync_shell.scenarios.running import Runs

    numbers = map(str, Runs(shell.sandbox).numbers())
    return _items((number, "") for number in numbers if number.startswith(text))


COMPLETERS: dict[str, Any] = {
    "scenarios": scenarios,
    "scenario-runs": scenario_runs,
    "keys": keys,
    "systems": systems,
    "snapshots": states,
    "sides": sides,
    "kinds": kinds,
    "patterns": patterns,
    "files": Cmd.path_complete,
    "folders": Cmd.path_complete,
}


def _snapshots(shell: Shell, text: str) -> Iterable[tuple[str, str]]:
    folder = shell.sandbox.home.snapshots
    for name in snapshots.names(folder):
        if name.startswith(text):
            try:
                note = snapshots.read_manifest(folder, name).note
            except KeySyncError:
                note = "damaged"
            yield name, safe(note)


def _items(found: Iterable[tuple[str, str]]) -> Completions:
    return Completions([CompletionItem(text, display_meta=meta) for text, meta in found], is_sorted=True)
