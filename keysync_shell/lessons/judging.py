"""Whether the goal of a lesson is reached: by what the sandbox holds now, whatever way led there.

Nothing of the learner's is changed: what has to be tried out, such as a scenario or a script, is tried on a stage.
"""

from __future__ import annotations

import contextlib
import shlex
import tempfile
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path

from keysync_shell.errors import KeySyncError
from keysync_shell.lessons.faults import Forgetful
from keysync_shell.lessons.model import Answer, Lesson
from keysync_shell.sandbox import Sandbox
from keysync_shell.scenarios import locating, measuring
from keysync_shell.scenarios.alone import run_alone
from keysync_shell.scenarios.locating import FOLDER, Shelf
from keysync_shell.scenarios.model import Checkpoint
from keysync_shell.scenarios.playing import Player
from keysync_shell.scenarios.reporting import Verdict
from keysync_shell.scenarios.staging import ExecuteOn, SandboxStage
from keysync_shell.scenarios.unrolling import Action
from keysync_shell.storage import snapshots

IN_SYNC = ("init --keys 20",)
WITH_A_GAP = (*IN_SYNC, "remove-key CUST-00007 --systems D")


def missing(lesson: Lesson, home: Path, execute_on: ExecuteOn, *, answered: bool) -> list[str]:
    """What is not yet as the goal wants it, in words; nothing if the goal is reached."""
    with contextlib.closing(Sandbox(home)) as sandbox:
        try:
            sandbox.refresh()
            told = list(_numbers(lesson, home, execute_on))
            if lesson.snapshot and not told:
                told += _snapshot(lesson.snapshot, sandbox)
            if lesson.forgets and not told:
                told += _scenario(lesson.forgets, sandbox, execute_on)
            if lesson.script and not told:
                told += _script(lesson.script, sandbox, execute_on)
        except KeySyncError as error:
            return [error.message]
    return told if answered or lesson.answer is None else [*told, "the question is not answered: `answer …`"]


def right(answer: Answer, words: Sequence[str], home: Path, execute_on: ExecuteOn) -> bool:
    """Whether words answer the question as the sandbox is now. Raises KeySyncError for words that cannot be keys."""
    stage = SandboxStage(home, execute_on)
    with contextlib.closing(stage.sandbox):
        if answer.number is not None:
            word = "".join(words).replace(",", "")
            stage.sandbox.refresh()
            same = measuring.check(f"{answer.number} == {word}", stage.sandbox.systems) if word.isdecimal() else None
            return same is not None and same.holds(stage.measure)
        assert answer.keys is not None, "an answer is either a number or keys"
        return list(stage.keys_in(words)) == list(stage.find(answer.keys))


def _numbers(lesson: Lesson, home: Path, execute_on: ExecuteOn) -> Iterator[str]:
    """The expectations that do not hold; they are those of a checkpoint."""
    goal = Checkpoint(checkpoint=lesson.goal, expect=lesson.condition, keys=lesson.keys)
    stage = SandboxStage(home, execute_on)
    with contextlib.closing(stage.sandbox):
        played = Player((Action(goal, {}),), stage).step()
    if played.reason:
        yield played.reason
    for one in played.mismatches:
        yield f"{one.expected}, but {one.actual}"


def _snapshot(name: str, sandbox: Sandbox) -> Iterator[str]:
    if name not in snapshots.names(sandbox.home.snapshots):
        yield f"no snapshot is called {name}"
        return
    tables = snapshots.load(sandbox.home.snapshots, name, sandbox.config.limits).tables(sandbox.config.limits)
    if any(not tables[system].equals(sandbox.state.tables[system]) for system in sandbox.systems.names):
        yield f"the snapshot {name} holds something else than the systems hold now"


def _scenario(forgotten: str, sandbox: Sandbox, execute_on: ExecuteOn) -> list[str]:
    """What is wrong with each scenario of the learner, if none of them notices the fault."""
    folder = sandbox.home.root / FOLDER
    told: list[str] = []
    for one in Shelf(sandbox.home.root).files(str(folder)) if folder.is_dir() else ():
        wrong = _not_noticed(one.path, forgotten, sandbox.home.root, execute_on)
        if not wrong:
            return []
        told.append(f"{FOLDER}/{one.path.name}: {wrong}")
    return told or [f"there is no scenario in {folder}"]


def _not_noticed(path: Path, forgotten: str, home: Path, execute_on: ExecuteOn) -> str:
    """Why a scenario does not tell a sound engine from a broken one; empty if it does."""
    try:
        source = locating.read(path, path.name)
        sound = run_alone(source, home, execute_on)
        broken = run_alone(source, home, execute_on, partial(Forgetful, forgets=forgotten))
    except KeySyncError as error:
        return error.message.partition("\n")[0]
    if sound.verdict is not Verdict.PASSED:
        return f"it does not pass ({sound.verdict}); `scenario run` says why"
    return "" if broken.verdict is Verdict.FAILED else f"it passes also where `apply` forgets {forgotten}"


def _script(name: str, sandbox: Sandbox, execute_on: ExecuteOn) -> Iterator[str]:
    """What a script should exit with, and does not."""
    path = sandbox.home.root / name
    if not path.is_file():
        yield f"there is no file {path}"
        return
    for lines, wanted, where in ((IN_SYNC, 0, "where all is in sync"), (WITH_A_GAP, 1, "where D misses a key")):
        with tempfile.TemporaryDirectory(prefix="keysync-") as temporary:
            stage = SandboxStage(Path(temporary), execute_on)
            with contextlib.closing(stage.sandbox):
                code = [stage.run(line).code for line in (*lines, f"run {shlex.quote(str(path))}")][-1]
        if code != wanted:
            yield f"{name} exits {code} {where}; it should exit {wanted}"
