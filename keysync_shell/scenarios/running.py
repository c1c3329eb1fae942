"""Run a scenario: make its stage, play it, write its journal; pause it, go on with it, give it up.

The sandbox that it is run from does not change. What was played is in the journal before the next step begins, so a
run that was killed goes on where it was: a step that was cut is not on the journal, and then the stage is made anew and
everything is played again, with the same clock, to the same bytes.
"""

from __future__ import annotations

import contextlib
import shutil
import signal
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

from keysync_shell.errors import KeySyncError
from keysync_shell.sandbox import Outcome, Request, Sandbox
from keysync_shell.scenarios import loading, measuring, staging
from keysync_shell.scenarios.filling import filled
from keysync_shell.scenarios.journal import Begun, Ended, Entry, Journal, Paused, Recorded
from keysync_shell.scenarios.loading import BadScenario, Fault
from keysync_shell.scenarios.locating import Shelf, Source
from keysync_shell.scenarios.model import Pause, Scenario
from keysync_shell.scenarios.places import Text
from keysync_shell.scenarios.playing import Played, Player, Result, conditions
from keysync_shell.scenarios.reporting import Report, Verdict, judged
from keysync_shell.scenarios.staging import ExecuteOn, SandboxStage
from keysync_shell.scenarios.unrolling import Action, chosen, unrolled
from keysync_shell.storage.files import explained
from keysync_shell.storage.operations import OperationKind

FOLDER = "scenarios"
KEPT = 100  # runs whose journals are kept
STOP, CONTINUE, PAUSE = "stop", "continue", "pause"
ON_FAIL = (STOP, CONTINUE, PAUSE)


@dataclass(frozen=True)
class Order:
    """How a scenario is to be run."""

    values: Mapping[str, str]
    on_fail: str = STOP
    step: bool = False
    keep: bool = False
    line: str = ""


@dataclass(frozen=True)
class Prepared:
    """A scenario that can be run: everything about it that can be checked is checked. `texts` are all its files."""

    source: Source
    scenario: Scenario
    actions: tuple[Action, ...]
    values: Mapping[str, str]
    texts: Mapping[str, str]


class Watcher:
    """Whoever watches a run; this one does nothing.

    `pause` lets somebody look at the stage, told why, and says whether the run goes on at once; without it nobody is at
    a terminal, and pauses are passed over.
    """

    pause: Callable[[Running, str], bool] | None = None

    def played(self, played: Played, actions: int) -> None:
        """A step was carried out, of so many."""

    def passed_over(self, action: Action) -> None:
        """A pause for which nobody is at a terminal."""


def prepare(source: Source, shelf: Shelf, given: Mapping[str, str]) -> Prepared:
    """Load, fill in and check a scenario. Raises BadScenario with every fault, KeySyncError for a bad param."""
    texts: dict[str, str] = {source.file: source.text}

    def include(word: Text) -> Scenario:
        other = shelf.included(word)
        texts[other.file] = other.text
        return other.load()

    scenario = source.load()
    values = chosen(scenario, given)
    actions = unrolled(scenario, values, include)
    _check(scenario, actions)
    return Prepared(source, scenario, actions, values, texts)


@dataclass
class Running:
    """A run with its stage. `number` is its name."""

    number: int
    prepared: Prepared
    order: Order
    journal: Journal
    player: Player
    stage: SandboxStage
    played: list[Played]
    seconds: float = 0.0

    def play(self, watcher: Watcher) -> Report:
        """Play on until the end, a failure or a pause. Ctrl-C pauses where somebody can be asked."""
        begun = time.monotonic()
        try:
            while why := self._go_on(watcher):
                if not self._paused(watcher, why):
                    return self.report(Verdict.PAUSED)
            return self._end()
        finally:
            self.seconds += time.monotonic() - begun

    def report(self, verdict: Verdict, reason: str = "") -> Report:
        return Report(
            self.prepared.scenario.name,
            self.prepared.source.file,
            verdict,
            tuple(self.played),
            self.seconds,
            self.stage.digest(),
            self.number,
            len(self.player.actions),
            reason,
        )

    def _go_on(self, watcher: Watcher) -> str:
        """Play until there is a reason to pause; empty at the end, or where a failure stops the run."""
        while not self.player.over:
            action = self.player.next
            with interrupts(wait=watcher.pause is not None) as interrupted:
                self._step(watcher)
            done = self.played[-1]
            if done.result in (Result.FAILED, Result.TROUBLE) and self.order.on_fail != CONTINUE:
                if self.order.on_fail == PAUSE and watcher.pause is not None:
                    return "a failure"
                self.player.cursor = len(self.player.actions)
                return ""
            if watcher.pause is None:
                continue
            if isinstance(action.step, Pause):
                return filled(action.step.pause, action.values)
            if interrupted or (self.order.step and not self.player.over):
                return "Ctrl-C" if interrupted else "--step"
        return ""

    def _step(self, watcher: Watcher) -> None:
        action = self.player.next
        if isinstance(action.step, Pause) and watcher.pause is None:
            watcher.passed_over(action)
        done = self.player.step()
        self.played.append(done)
        self.journal.append(Recorded(done, dict(self.player.marks), dict(self.player.numbers)))
        watcher.played(done, len(self.player.actions))

    def _paused(self, watcher: Watcher, why: str) -> bool:
        self.journal.append(Paused(self.stage.operation()))
        if watcher.pause is None or not watcher.pause(self, why):
            return False
        self.resumed()
        return True

    def resumed(self) -> None:
        """What somebody did on the stage meanwhile is part of it from now on."""
        self.stage.moved()
        self.stage.sandbox.refresh()
        self.journal.append(Paused(self.stage.operation(), over=True))

    def _end(self) -> Report:
        verdict = judged(self.played, over=True)
        self.journal.append(Ended(verdict, self.stage.digest(), self.seconds))
        return self.report(verdict)


@dataclass(frozen=True)
class Runs:
    """The runs of scenarios that one sandbox knows of. `execute_on` gives what runs lines on a stage."""

    home: Sandbox
    execute_on: ExecuteOn | None = None

    @property
    def folder(self) -> Path:
        return self.home.home.private / FOLDER

    def begin(self, prepared: Prepared, order: Order) -> Running:
        """Make the stage. Raises KeySyncError if that cannot be."""
        self.home.look()
        with explained("the scenario was not run"):
            number, folder = self._new_folder()
        journal = Journal(folder)
        try:
            staging.prepare(prepared.scenario, self.home, journal.stage)
            with explained("the scenario was not run"):
                journal.begin(self._begun(prepared, order))
            running = self._opened(number, prepared, order, journal)
        except BaseException:
            shutil.rmtree(folder, ignore_errors=True)
            raise
        self._sweep(number)
        return running

    def resume(self, number: int) -> Running:
        """Go on with a run that is paused or was killed, with the text it began with.

        Raises KeySyncError if there is none, it has ended, or nothing leads back to where it was.
        """
        journal = self._journal(number)
        begun, entries = journal.begun(), journal.entries()
        if any(isinstance(entry, Ended) for entry in entries):
            raise KeySyncError(f"run {number} has ended", hint=f"scenario run {begun.name} runs it anew.")
        prepared = self._again(begun)
        order = Order(begun.values, begun.on_fail, begun.step, begun.keep)
        running = self._opened(number, prepared, order, journal)
        if _cut(entries, running.stage.operation()):
            running = self._replayed(running, begun, entries)
        else:
            _take_up(running, entries)
        if entries and isinstance(entries[-1], Paused) and not entries[-1].over:
            running.resumed()
        return running

    def abort(self, number: int) -> Report:
        """Give a run up that is paused or was killed."""
        journal = self._journal(number)
        if any(isinstance(entry, Ended) for entry in journal.entries()):
            raise KeySyncError(f"run {number} has ended", hint="There is nothing to give up.")
        journal.append(Ended(Verdict.ABORTED, "", 0.0))
        self.drop_stage(number)
        return self.report(number)

    def numbers(self) -> list[int]:
        """The runs that are kept, oldest first."""
        if not self.folder.is_dir():
            return []
        return sorted(int(path.name) for path in self.folder.iterdir() if path.name.isdecimal())

    def open(self) -> list[int]:
        """The runs that have not ended."""
        return [one for one in self.numbers() if self.report(one).verdict is Verdict.PAUSED]

    def report(self, number: int) -> Report:
        """What came of a run, as its journal tells."""
        journal = self._journal(number)
        begun, entries = journal.begun(), journal.entries()
        played = tuple(entry.played for entry in entries if isinstance(entry, Recorded))
        ended = next((entry for entry in entries if isinstance(entry, Ended)), None)
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

    def _opened(self, number: int, prepared: Prepared, order: Order, journal: Journal) -> Running:
        if self.execute_on is None:
            raise KeySyncError("scenarios cannot be run from here", hint="Run them from the shell or the command line.")
        stage = SandboxStage(journal.stage, self.execute_on)
        if prepared.scenario.given.startswith("snapshot:"):
            self._load(stage, prepared.scenario.given.partition(":")[2])
        return Running(number, prepared, order, journal, Player(prepared.actions, stage), stage, [])

    def _load(self, stage: SandboxStage, name: str) -> None:
        done = stage.run(f"load-state {name} --yes")
        if done.code:
            raise KeySyncError(f"the stage cannot begin with snapshot {name}: {done.error}")

    def _begun(self, prepared: Prepared, order: Order) -> Begun:
        newest = self.home.newest
        return Begun(
            prepared.scenario.name,
            prepared.source.file,
            dict(prepared.values),
            self.home.now(),
            newest.number if newest else 0,
            newest.content_digest() if newest else "",
            order.on_fail,
            order.step,
            order.keep,
            dict(prepared.texts),
        )

    def _again(self, begun: Begun) -> Prepared:
        """The scenario as the run began with it, whatever its files say now."""
        texts = begun.texts
        source = Source(Path(begun.file), begun.file, texts[begun.file])

        def include(word: Text) -> Scenario:
            names = [name for name in texts if Path(name).name in (word, f"{word}.yaml", f"{word}.yml", f"{word}.json")]
            return loading.load(texts[names[0]], names[0])

        scenario = source.load()
        return Prepared(source, scenario, unrolled(scenario, begun.values, include), begun.values, texts)

    def _replayed(self, running: Running, begun: Begun, entries: list[Entry]) -> Running:
        """Play everything again on a new stage, up to the step that was cut."""
        if any(isinstance(entry, Paused) for entry in entries):
            raise KeySyncError(
                f"run {running.number} was killed inside a step, after a pause in which its stage could be changed",
                hint=f"Give it up (scenario abort {running.number}), and run {begun.name} again.",
            )
        if self.home.newest and self.home.newest.number != begun.operation and running.prepared.scenario.given == "now":
            raise KeySyncError(
                f"run {running.number} was killed inside a step, and the sandbox that it began with has moved since",
                hint=f"Give it up (scenario abort {running.number}), and run {begun.name} again.",
            )
        running.stage.sandbox.close()
        self.drop_stage(running.number)
        staging.prepare(running.prepared.scenario, self.home, running.journal.stage)
        again = self._opened(running.number, running.prepared, running.order, running.journal)
        for entry in entries:
            assert isinstance(entry, Recorded)
            done = again.player.step()
            again.played.append(done)
            if done.digest != entry.played.digest:
                raise KeySyncError(
                    f"{done.place}: played again, this step led to something else",
                    hint=f"Give the run up: scenario abort {running.number}.",
                )
        return again

    def _new_folder(self) -> tuple[int, Path]:
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        number = max(self.numbers(), default=0)
        while True:
            number += 1
            folder = self.folder / str(number)
            try:
                folder.mkdir(mode=0o700)
            except FileExistsError:
                continue
            return number, folder

    def _journal(self, number: int) -> Journal:
        if number not in self.numbers():
            raise KeySyncError(f"no run of a scenario is called {number}", hint="`scenario runs` lists them.")
        return Journal(self.folder / str(number))

    def _sweep(self, newest: int) -> None:
        """Forget the oldest runs that have ended."""
        for number in self.numbers():
            if number <= newest - KEPT and self.report(number).verdict is not Verdict.PAUSED:
                shutil.rmtree(self.folder / str(number), ignore_errors=True)


@contextlib.contextmanager
def interrupts(*, wait: bool) -> Iterator[list[int]]:
    """Let Ctrl-C wait for the end of the block if `wait`, and be in the list then; a second one waits no longer."""
    arrived: list[int] = []
    if not wait or threading.current_thread() is not threading.main_thread():
        yield arrived
        return
    before = signal.getsignal(signal.SIGINT)

    def arrive(number: int, _frame: FrameType | None) -> None:
        arrived.append(number)
        signal.signal(signal.SIGINT, before)

    signal.signal(signal.SIGINT, arrive)
    try:
        yield arrived
    finally:
        signal.signal(signal.SIGINT, before)


def failed_to_begin(source_file: str, error: KeySyncError) -> Report:
    """The report of a scenario that could not be run at all."""
    name = Path(source_file).name.partition(".")[0]
    return Report(name, source_file, Verdict.TROUBLE, reason=error.message, hint=error.hint)


def _check(scenario: Scenario, actions: tuple[Action, ...]) -> None:
    """Every condition must be about numbers that exist."""
    systems = staging.systems_of(scenario)
    faults = []
    for action in actions:
        for text in conditions(action):
            try:
                measuring.check(filled(text, action.values), systems)
            except KeySyncError as error:
                faults.append(Fault(text.place, f"{error.message}. {error.hint}".rstrip(". ")))
    if faults:
        raise BadScenario(list(dict.fromkeys(faults)))


def _cut(entries: list[Entry], operation: int) -> bool:
    """Whether the stage is further than the journal: a step was cut."""
    last = next((entry for entry in reversed(entries)), None)
    match last:
        case None:
            return operation > 0
        case Recorded():
            return operation != last.played.operation
        case Paused():
            return last.over and operation != last.operation
    return False


def _take_up(running: Running, entries: list[Entry]) -> None:
    """Put the player where the journal ends."""
    recorded = [entry for entry in entries if isinstance(entry, Recorded)]
    running.played[:] = [entry.played for entry in recorded]
    if recorded:
        last, player = recorded[-1], running.player
        player.cursor, player.count = last.played.following, last.played.count
        player.marks, player.numbers = dict(last.marks), dict(last.numbers)


def each(sources: list[Source], shelf: Shelf, given: Mapping[str, str]) -> Iterator[Prepared | Report]:
    """Each scenario prepared, or why it cannot be."""
    for source in sources:
        try:
            yield prepare(source, shelf, given)
        except KeySyncError as error:
            yield failed_to_begin(source.file, error)
