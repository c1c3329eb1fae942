"""The runs of scenarios on one sandbox: begin one, go on with one that is paused or was killed, give one up.

The sandbox itself does not change. A step that was cut is on the journal as begun and not as done; then the stage is
made anew and everything is played again, with the same clock, to the same bytes.
"""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from keysync_shell.errors import KeySyncError
from keysync_shell.sandbox import Outcome, Request, Sandbox
from keysync_shell.scenarios import loading, staging
from keysync_shell.scenarios.journal import RUN, Begun, Ended, Entry, Journal, Paused, Recorded, Started
from keysync_shell.scenarios.locating import Source
from keysync_shell.scenarios.model import Scenario
from keysync_shell.scenarios.places import Text
from keysync_shell.scenarios.playing import Player
from keysync_shell.scenarios.preparing import Prepared
from keysync_shell.scenarios.reporting import Report, Verdict
from keysync_shell.scenarios.running import Order, Running
from keysync_shell.scenarios.staging import ExecuteOn, SandboxStage
from keysync_shell.scenarios.unrolling import unrolled
from keysync_shell.storage.files import explained
from keysync_shell.storage.operations import OperationKind

FOLDER = "scenarios"
KEPT = 100  # runs whose journals are kept
SNAPSHOT = "snapshot:"


@dataclass(frozen=True)
class ScenarioRuns:
    """The runs of scenarios on one sandbox. `execute_on` gives what runs lines on a stage, `make` opens it."""

    home: Sandbox
    execute_on: ExecuteOn | None = None
    make: Callable[..., Sandbox] = Sandbox

    @property
    def folder(self) -> Path:
        return self.home.home.private / FOLDER

    def begin(self, prepared: Prepared, order: Order) -> Running:
        """Make the stage. Raises KeySyncError if that cannot be."""
        self.home.look()
        with explained("the scenario was not run"):
            number, journal = self._new_journal()
        claim = contextlib.ExitStack()
        try:
            claim.enter_context(journal.claimed())
            with explained("the scenario was not run"):
                running = self._staged(number, prepared, order, journal, claim)
                journal.begin(self._begun(prepared, order))
        except BaseException:
            claim.close()
            shutil.rmtree(journal.folder, ignore_errors=True)
            raise
        self._sweep(number)
        return running

    def resume(self, number: int) -> Running:
        """Go on with a run that is paused or was killed, with the text it began with.

        Raises KeySyncError if there is none, it has ended, another process is at it, or nothing leads back to where it
        was.
        """
        journal, claim = self._journal(number), contextlib.ExitStack()
        claim.enter_context(journal.claimed())
        try:
            return self._resumed(number, journal, claim)
        except BaseException:
            claim.close()
            raise

    def abort(self, number: int) -> Report:
        """Give a run up that is paused or was killed."""
        journal = self._journal(number)
        with journal.claimed():
            if _ended(journal.entries()):
                raise KeySyncError(f"run {number} has ended", hint="There is nothing to give up.")
            journal.append(Ended(Verdict.ABORTED, "", 0.0))
            self.drop_stage(number)
        return self.report(number)

    def numbers(self) -> list[int]:
        """The runs that are kept, oldest first."""
        return [number for number in self._folders() if (self.folder / str(number) / RUN).exists()]

    def open(self) -> list[int]:
        """The runs that have not ended, and that no process is at."""
        return [number for number in self.numbers() if self._is_open(number)]

    def report(self, number: int) -> Report:
        """What came of a run, as its journal tells."""
        journal = self._journal(number)
        begun, entries = journal.begun(), journal.entries()
        played = tuple(entry.played for entry in entries if isinstance(entry, Recorded))
        ended = _ended(entries)
        verdict = ended.verdict if ended else Verdict.PAUSED
        digest = ended.digest if ended else played[-1].digest if played else ""
        return Report(begun.name, begun.file, verdict, played, ended.seconds if ended else 0.0, digest, number)

    def drop_stage(self, number: int) -> None:
        """A stage that nobody needs any more takes room."""
        shutil.rmtree(self.folder / str(number) / "stage", ignore_errors=True)

    def keep(self, running: Running, line: str) -> Outcome:
        """Bring what the stage holds home, as one operation. Raises KeySyncError if the sandbox has moved."""
        base = running.journal.begun().operation
        request = Request(OperationKind.SCENARIO, line, "scenario", creates=True)
        return self.home.bring_home(request, running.stage.sandbox.state, base)

    def _staged(
        self, number: int, prepared: Prepared, order: Order, journal: Journal, claim: contextlib.ExitStack
    ) -> Running:
        """A run at its beginning, on a new stage."""
        with self.home.home.progress.doing(f"{prepared.scenario.name}: making the stage"):
            staging.prepare(prepared.scenario, self.home, journal.stage)
        running = self._opened(number, prepared, order, journal, claim)
        given = prepared.scenario.given
        if given.startswith(SNAPSHOT):
            name = given.removeprefix(SNAPSHOT)
            done = running.stage.run(f"load-state {name} --yes")
            if done.code:
                running.stage.sandbox.close()
                raise KeySyncError(f"the stage cannot begin with snapshot {name}: {done.error}")
        return running

    def _opened(
        self, number: int, prepared: Prepared, order: Order, journal: Journal, claim: contextlib.ExitStack
    ) -> Running:
        """A run on the stage that it has."""
        if self.execute_on is None:
            raise not_from_here()
        stage = SandboxStage(journal.stage, self.execute_on, prepared.source.path.parent, self.make)
        player = Player(prepared.actions, stage)
        return Running(number, prepared, order, journal, player, stage, [], claim, self.home.home.progress)

    def _resumed(self, number: int, journal: Journal, claim: contextlib.ExitStack) -> Running:
        begun, entries = journal.begun(), journal.entries()
        if _ended(entries):
            raise KeySyncError(f"run {number} has ended", hint=f"scenario run {begun.name} runs it anew.")
        journal.mend()
        prepared, order = _again(begun), Order(begun.values, begun.on_fail, begun.step, begun.keep)
        running = self._opened(number, prepared, order, journal, claim)
        if _cut(entries, running.stage.operation()):
            running.stage.sandbox.close()
            running = self._replayed(number, prepared, order, journal, claim)
        else:
            _take_up(running, entries)
        if entries and isinstance(entries[-1], Paused) and not entries[-1].over:
            running.resumed()
        return running

    def _replayed(
        self, number: int, prepared: Prepared, order: Order, journal: Journal, claim: contextlib.ExitStack
    ) -> Running:
        """Play everything again on a new stage, up to the step that was cut."""
        begun, entries = journal.begun(), journal.entries()
        if _was_changed(entries):
            raise _nothing_leads_back(number, begun.name, "after a pause in which its stage was changed")
        if self.home.newest and self.home.newest.number != begun.operation and prepared.scenario.given == "now":
            raise _nothing_leads_back(number, begun.name, "and the sandbox that it began with has moved since")
        self.drop_stage(number)
        again = self._staged(number, prepared, order, journal, claim)
        for entry in entries:
            if isinstance(entry, Recorded):
                done = again.player.step()
                again.played.append(done)
                if done.digest != entry.played.digest:
                    raise KeySyncError(
                        f"{done.place}: played again, this step led to something else",
                        hint=f"Give the run up: scenario abort {number}.",
                    )
        return again

    def _begun(self, prepared: Prepared, order: Order) -> Begun:
        newest = self.home.newest
        return Begun(
            prepared.scenario.name,
            prepared.source.file,
            str(prepared.source.path.absolute()),
            dict(prepared.values),
            self.home.now(),
            newest.number if newest else 0,
            newest.content_digest() if newest else "",
            order.on_fail,
            order.step,
            order.keep,
            dict(prepared.texts),
        )

    def _new_journal(self) -> tuple[int, Journal]:
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        number = max(self._folders(), default=0)
        while True:
            number += 1
            with contextlib.suppress(FileExistsError):
                (self.folder / str(number)).mkdir(mode=0o700)
                return number, Journal(self.folder / str(number))

    def _folders(self) -> list[int]:
        """The folders of runs; one without a RUN was never begun, or is about to be."""
        if not self.folder.is_dir():
            return []
        return sorted(int(path.name) for path in self.folder.iterdir() if path.name.isdecimal())

    def _journal(self, number: int) -> Journal:
        if number not in self.numbers():
            raise KeySyncError(f"no run of a scenario is called {number}", hint="`scenario runs` lists them.")
        return Journal(self.folder / str(number))

    def _is_open(self, number: int) -> bool:
        journal = self._journal(number)
        try:
            with journal.claimed():
                return not _ended(journal.entries())
        except KeySyncError:  # another process is at it
            return False

    def _sweep(self, newest: int) -> None:
        """Forget the oldest runs that have ended, and what is left of those that never began."""
        for number in self._folders():
            folder = self.folder / str(number)
            if number <= newest - KEPT and (not (folder / RUN).exists() or _ended(Journal(folder).entries())):
                shutil.rmtree(folder, ignore_errors=True)


def not_from_here() -> KeySyncError:
    hint = "Run them from the shell or the command line; on a stage, say resume or abort."
    return KeySyncError("scenarios cannot be run from here", hint=hint)


def _again(begun: Begun) -> Prepared:
    """The scenario as the run began with it, whatever its files say now."""
    texts = begun.texts
    source = Source(Path(begun.path), begun.file, texts[begun.file])

    def include(word: Text) -> Scenario:
        names = [name for name in texts if Path(name).name in (word, f"{word}.yaml", f"{word}.yml", f"{word}.json")]
        return loading.load(texts[names[0]], names[0])

    scenario = source.load()
    return Prepared(source, scenario, unrolled(scenario, begun.values, include), begun.values, texts)


def _ended(entries: Sequence[Entry]) -> Ended | None:
    return next((entry for entry in entries if isinstance(entry, Ended)), None)


def _cut(entries: Sequence[Entry], operation: int) -> bool:
    """Whether a step was cut: it was begun and not done, or the stage is further than the journal."""
    match entries[-1:]:
        case [Recorded() as last]:
            return operation != last.played.operation
        case [Paused(over=True) as last]:
            return operation != last.operation
        case [Started()]:
            return True
    return False


def _was_changed(entries: Sequence[Entry]) -> bool:
    """Whether somebody changed the stage in a pause."""
    pauses = [(before, after) for before, after in pairwise(entries) if isinstance(before, Paused)]
    return any(isinstance(after, Paused) and before.operation != after.operation for before, after in pauses)


def _nothing_leads_back(number: int, name: str, why: str) -> KeySyncError:
    return KeySyncError(
        f"run {number} was killed inside a step, {why}",
        hint=f"Give it up (scenario abort {number}), and run {name} again.",
    )


def _take_up(running: Running, entries: Sequence[Entry]) -> None:
    """Put the player where the journal ends."""
    recorded = [entry for entry in entries if isinstance(entry, Recorded)]
    running.played[:] = [entry.played for entry in recorded]
    if recorded:
        last, player = recorded[-1], running.player
        player.cursor, player.count = last.played.following, last.played.count
        player.marks, player.numbers = dict(last.marks), dict(last.numbers)
