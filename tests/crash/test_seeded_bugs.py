"""Faults put into a copy of the program on purpose: the harness must find each, or it is worth nothing."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.crash import strace, trials
from tests.crash.bench import Bench
from tests.crash.program import ROOT
from tests.crash.report import tried


@dataclass(frozen=True)
class Bug:
    """One line of a module, and what stands there instead; `trial` of `operation` finds it."""

    name: str
    module: str
    line: str
    instead: str
    trial: Callable[[Bench, str], str]
    operation: str = "add"


BUGS = (
    Bug("no fsync of a staged file", "storage/files", "        sync(file.fileno())\n", "", trials.power_loss),
    Bug(
        "no fsync of the folder before the row",
        "storage/commit",
        "                files.sync_folder(self._home.systems)\n            yield",
        "                pass\n            yield",
        trials.power_loss,
    ),
    Bug(
        "no fsync of the folder before displaced files go",
        "storage/commit",
        "files.sync_folder(self._home.systems)  # the new names",
        "pass  # the new names",
        trials.power_loss,
    ),
    Bug("WAL with NORMAL", "storage/database", "synchronous = FULL", "synchronous = NORMAL", trials.power_loss),
    Bug("synchronous off", "storage/database", "synchronous = FULL", "synchronous = OFF", trials.power_loss),
    Bug("DELETE with FULL", "storage/database", "journal_mode = WAL", "journal_mode = DELETE", trials.power_loss),
    Bug(
        "no fsync of the private folder's name",
        "storage/commit",
        "        files.sync_folder(root)\n        for folder in root.parents:",
        "        for folder in ():",
        trials.power_loss,
        "adopt",
    ),
    Bug(
        "no fsync of a snapshot's folder",
        "storage/snapshots",
        "            files.sync_folder(scratch)\n",
        "",
        trials.power_loss,
        "replace-state",
    ),
    Bug(
        "recovery deletes whatever the token",
        "storage/commit",
        'token = self.log.token(newest.number) if newest else ""',
        'token = ""',
        trials.kills,
    ),
    Bug(
        "recovery deletes nothing",
        "storage/commit",
        '            if match["token"] != token or',
        "            if False and",
        trials.kills,
    ),
    Bug(
        "the swap before the row",
        "storage/commit",
        "        self._append(operation, staging.token, change, recording=recording)\n        self._committed = True\n",
        "        kept = self._swap_in(staging, operation)\n"
        "        self._append(operation, staging.token, change, recording=recording)\n"
        "        return Committed(operation, tuple(kept))\n",
        trials.kills,
    ),
    Bug(
        "the snapshot gets its name before its files",
        "storage/snapshots",
        "        with lock.at_work(folder), _scratch(folder, owner) as scratch:\n",
        "        with lock.at_work(folder), _scratch(folder, owner) as scratch:\n"
        "            placing.swap(scratch, target)\n            scratch = target\n",
        trials.kills,
        "save-state",
    ),
    Bug(
        "it is called committed before the row is written",
        "storage/commit",
        "        self._append(operation, staging.token, change, recording=recording)\n        self._committed = True\n",
        "        self._committed = True\n        self._append(operation, staging.token, change, recording=recording)\n",
        trials.errors,
    ),
    Bug(
        "an error at the commit point is taken for a failure",
        "storage/commit",
        "lambda: self.log.has_token(token)",
        "lambda: False",
        trials.errors,
    ),
    Bug(
        "trouble after a snapshot has its name is told as failure",
        "storage/snapshots",
        'is saved, but might not outlive a power loss", lambda: True',
        'is saved, but might not outlive a power loss", lambda: False',
        trials.errors,
        "save-state",
    ),
    Bug(
        "the lock is not taken",
        "storage/lock",
        "fcntl.LOCK_EX | fcntl.LOCK_NB)\n            if _same",
        "fcntl.LOCK_UN)\n            if _same",
        trials.lock,
    ),
    Bug(
        "a displaced file is dropped unseen",
        "storage/commit",
        "        if writer or not (",
        "        if False and (",
        trials.editor,
    ),
    Bug(
        "what is half written over is taken for what stood there",
        "storage/placing",
        "    if not copy.exists():",
        "    if True:",
        trials.mounted,
        "remove",
    ),
    Bug(
        "a reader does not look where files are staged",
        "storage/unlocked",
        "for file in (there, staged):",
        "for file in (there,):",
        trials.readers,
    ),
    Bug(
        "a reader who may not read the log takes what is in place",
        "storage/unlocked",
        "    if matches and (head is None or not head.there):",
        "    if False:",
        trials.readers,
    ),
)
OF_EACH_PART = (
    "WAL with NORMAL",
    "recovery deletes nothing",
    "the lock is not taken",
    "a displaced file is dropped unseen",
)
NIGHTLY = (pytest.mark.nightly, pytest.mark.timeout(900))


@pytest.mark.parametrize(
    "bug", [pytest.param(bug, id=bug.name, marks=() if bug.name in OF_EACH_PART else NIGHTLY) for bug in BUGS]
)
def test_a_seeded_bug_is_found(bug: Bug, quick: Path) -> None:
    if why := strace.unusable():
        pytest.skip(why)
    package = _seeded(bug, quick / "package")
    with Bench(quick, package) as bench:
        assert bug.trial(bench, bug.operation) != ""
    tried("seeded bugs", f"found by {bug.trial.__name__}: {bug.name}")


@pytest.mark.parametrize("trial", [trials.lock, trials.editor])
def test_without_a_bug_nothing_is_found(bench: Bench, trial: Callable[[Bench, str], str]) -> None:
    assert trial(bench, "add") == ""


def _seeded(bug: Bug, package: Path) -> Path:
    """A copy of the program with the bug in it."""
    shutil.copytree(ROOT / "keysync_shell", package / "keysync_shell", ignore=shutil.ignore_patterns("__pycache__"))
    path = package / "keysync_shell" / f"{bug.module}.py"
    text = path.read_text()
    assert text.count(bug.line) == 1, f"{bug.module} has changed: put the bug somewhere else"
    path.write_text(text.replace(bug.line, bug.instead))
    return package
