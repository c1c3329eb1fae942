"""Commands for scenarios."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from keysync_shell.commands import lines, recording
from keysync_shell.commands.catalogue import scenarios as asked
from keysync_shell.commands.results import ScenariosResult
from keysync_shell.commands.session import Session
from keysync_shell.core.findings.cells import cells
from keysync_shell.core.model.keys import safe
from keysync_shell.core.model.systems import Systems
from keysync_shell.errors import KeySyncError
from keysync_shell.sandbox import Outcome
from keysync_shell.scenarios import github, model, preparing, tap
from keysync_shell.scenarios.accepting import accepted
from keysync_shell.scenarios.coverage import Coverage
from keysync_shell.scenarios.coverage import coverage as covered
from keysync_shell.scenarios.locating import FOLDER, Located, Shelf, Source, read
from keysync_shell.scenarios.playing import Mismatch, Result
from keysync_shell.scenarios.preparing import Prepared
from keysync_shell.scenarios.reporting import Report, Verdict, exit_code
from keysync_shell.scenarios.running import Order, Running, Watcher
from keysync_shell.scenarios.runs import ScenarioRuns, not_from_here
from keysync_shell.scenarios.unrolling import Action
from keysync_shell.storage import outputs
from keysync_shell.storage.home import Home

SCHEMA_FILE = "scenario.schema.json"
TEMPLATE = """\
# yaml-language-server: $schema={schema}
name: {name}
description: What happens here, in one sentence.
expected: What should come of it, in prose.
tags: []
params:
  keys: {{default: 100, min: 20}}
steps:
  - run: init --keys $keys
  - run: remove-key CUST-00001..CUST-00005 --systems D
  - checkpoint: D misses five keys
    expect: [gaps.D == 5, gaps == 5, in_sync == $keys - 5]
    keys: {{gap:D: [CUST-00001..CUST-00005]}}
  - run: apply
  - checkpoint: D has them again
    expect: [discrepancies == 0, in_sync == $keys]
"""


@dataclass(frozen=True)
class Item:
    """A scenario in a list; `fault` says why it cannot be run."""

    name: str
    description: str
    tags: tuple[str, ...]
    params: tuple[str, ...]
    shipped: bool
    fault: str = ""


@dataclass(frozen=True)
class Items(ScenariosResult):
    items: tuple[Item, ...]


@dataclass(frozen=True)
class Written(ScenariosResult):
    """A text that is shown as it is; `path` if it was written to a file. `data` is what it says, for programs."""

    text: str
    path: Path | None = None
    data: Mapping[str, object] | None = None


@dataclass(frozen=True)
class Linted(ScenariosResult):
    """The scenarios that are sound, and the faults of the others."""

    sound: tuple[str, ...]
    faults: tuple[str, ...]


@dataclass(frozen=True)
class Reports(ScenariosResult):
    """What came of scenarios. `printed` takes the place of the table: TAP, or commands for GitHub."""

    reports: tuple[Report, ...]
    printed: str = ""
    kept: tuple[Outcome, ...] = ()
    notes: tuple[str, ...] = ()
    detail: bool = False
    looking: bool = False

    @property
    def exit_code(self) -> int:
        return 0 if self.looking else exit_code(self.reports)

    @property
    def committed(self) -> bool:
        return any(outcome.committed for outcome in self.kept)


@dataclass(frozen=True)
class Covered(ScenariosResult):
    """What checkpoints assert; `least` is the share that must be."""

    coverage: Coverage
    scenarios: int
    least: float | None
    exit_zero: bool

    @property
    def exit_code(self) -> int:
        return int(self.least is not None and self.coverage.share < self.least and not self.exit_zero)


class Unattended(Watcher):
    """Nobody is at a terminal: pauses are passed over, and noted."""

    def __init__(self, notes: list[str]) -> None:
        self._notes = notes

    def passed_over(self, action: Action) -> None:
        self._notes.append(f"{action.place}: passed over, since nobody is at a terminal")


Results = Items | Written | Linted | Reports | Covered


def listing(session: Session, args: asked.ScenarioList) -> Items:
    items = (_item(name, path) for name, path in _shelf(session).named().items())
    return Items(tuple(item for item in items if set(args.tags) <= set(item.tags)))


def show(session: Session, args: asked.ScenarioShow) -> Written:
    [source, *_] = _shelf(session).sources(args.name, session.folder)
    return Written(source.text.rstrip("\n"))


def new(session: Session, args: asked.ScenarioNew) -> Written:
    return _written(session, args.name, TEMPLATE.format(name=args.name, schema=SCHEMA_FILE), ".yaml")


def record(session: Session, args: asked.ScenarioRecord) -> Written:
    if session.execute_on is None:
        raise not_from_here()
    _require_free(session, args.name)
    first, last = _numbers(args.numbers) if args.numbers else _of_this_session(session)
    data = recording.recorded(session.sandbox, session.execute_on, args.name, first, last)
    return _written(session, args.name, recording.as_text(data, yaml=args.yaml), ".yaml" if args.yaml else ".json")


def _numbers(operations: str) -> tuple[int, int]:
    """The first and the last of `@30..@41`."""
    first, _, last = operations.partition("..")
    return int(first.removeprefix("@")), int(last.removeprefix("@"))


def lint(session: Session, args: asked.ScenarioLint) -> Linted:
    sound, faults = list[str](), list[str]()
    for one in _each(session, args.names, _params(args.params)):
        if isinstance(one, Prepared):
            sound.append(one.source.file)
        else:
            faults += one.reason.split("\n")
    if faults:
        raise KeySyncError("\n".join(faults), hint="`scenario schema` prints all that a scenario may say.")
    return Linted(tuple(sound), tuple(faults))


def schema(_session: Session, _args: asked.ScenarioSchema) -> Written:
    return Written(_schema_text().rstrip("\n"), data=model.schema())


def run(session: Session, args: asked.ScenarioRun) -> Reports:
    if session.execute_on is None:
        raise not_from_here()
    order = Order(_params(args.params), args.on_fail, args.step, args.keep, session.line)
    if args.junit is not None:
        outputs.check(session.file(args.junit), session.sandbox.home, force=args.yes)
    reports, kept, notes = list[Report](), list[Outcome](), list[str]()
    watcher = _watcher(session, order, notes)
    for one in _wanted(session, args, order):
        report, outcome = _ran(session, one, order, watcher) if isinstance(one, Prepared) else (one, None)
        reports.append(report)
        kept += [outcome] if outcome else []
        if args.accept and isinstance(one, Prepared):
            notes += _accept(one, report, session.sandbox.home)
    return _told(session, args, Reports(tuple(reports), kept=tuple(kept), notes=tuple(notes)))


def resume(session: Session, args: asked.ScenarioResume) -> Reports:
    runs = _runs(session)
    run = runs.resume(_open(runs, args.run))
    notes: list[str] = []
    report, outcome = _played(session, runs, run, _watcher(session, run.order, notes))
    return Reports((report,), kept=(outcome,) if outcome else (), notes=tuple(notes))


def abort(session: Session, args: asked.ScenarioAbort) -> Reports:
    runs = _runs(session)
    return Reports((runs.abort(_open(runs, args.run)),), looking=True)


def runs(session: Session, args: asked.ScenarioRuns) -> Reports:
    past = _runs(session)
    if args.run is not None:
        return Reports((past.report(args.run),), detail=True, looking=True)
    return Reports(tuple(past.report(number) for number in reversed(past.numbers())), looking=True)


def coverage(session: Session, args: asked.ScenarioCoverage) -> Covered:
    names = args.names or tuple(_shelf(session).named())
    asserted: list[tuple[str, str]] = []
    for one in _each(session, names, {}):
        if isinstance(one, Report):
            raise KeySyncError(f"{one.file}: {one.reason}", hint=one.hint)
        report, _ = _ran(session, one, Order({}), Unattended([]))
        if report.verdict is not Verdict.PASSED:
            raise KeySyncError(f"{report.name} did not pass", hint=f"scenario run {report.name} says why.")
        asserted += [(report.name, metric) for played in report.played for metric in played.asserted]
    systems = session.sandbox.systems
    return Covered(covered(asserted, _cells(systems), _patterns(systems)), len(names), args.least, args.exit_zero)


def _ran(session: Session, prepared: Prepared, order: Order, watcher: Watcher) -> tuple[Report, Outcome | None]:
    runs = _runs(session)
    try:
        return _played(session, runs, runs.begin(prepared, order), watcher)
    except KeySyncError as error:
        return preparing.failed_to_begin(prepared.source.file, error), None


def _played(session: Session, runs: ScenarioRuns, run: Running, watcher: Watcher) -> tuple[Report, Outcome | None]:
    watcher.began(run)
    try:
        report, outcome = run.play(watcher), None
        if report.verdict is Verdict.PASSED and run.order.keep:
            outcome = runs.keep(run, session.line)
    except KeyboardInterrupt:
        raise KeyboardInterrupt(f"`scenario resume {run.number}` goes on with the run") from None
    finally:
        run.close()
    if report.verdict is not Verdict.PAUSED:
        runs.drop_stage(run.number)
    return report, outcome


def _watcher(session: Session, order: Order, notes: list[str]) -> Watcher:
    """Whoever is at the terminal; if nobody is, pauses are passed over, and noted."""
    if watcher := session.watcher():
        return watcher
    notes += ["nobody is at a terminal, so nothing pauses"] if order.pauses else []
    return Unattended(notes)


def _wanted(session: Session, args: asked.ScenarioRun, order: Order) -> Iterator[Prepared | Report]:
    """The scenarios that are named, or those of --all and --tag. Raises KeySyncError where nothing is."""
    if not (args.names or args.all or args.tags):
        raise KeySyncError("no scenario is named", hint="`scenario list` shows them; --all runs every one.")
    if args.names and args.all:
        raise KeySyncError("names and --all cannot be given together", hint="Leave one out.")
    some = False
    for one in _each(session, args.names or tuple(_shelf(session).named()), order.values):
        if isinstance(one, Report) or set(args.tags) <= set(one.scenario.tags):
            some = True
            yield one
    if not some:
        raise KeySyncError(f"no scenario has the tag {safe(' '.join(args.tags))}", hint="`scenario list` shows tags.")


def _accept(prepared: Prepared, report: Report, home: Home) -> list[str]:
    """Rewrite the numbers of failed expectations in each file of a scenario; what was left is told."""
    mismatches = [one for played in report.played if played.result is Result.FAILED for one in played.mismatches]
    notes: list[str] = []
    for file in dict.fromkeys(one.place.file for one in mismatches):
        path = prepared.source.path if file == prepared.source.file else Path(file)
        here = [one for one in mismatches if one.place.file == file]
        if read(path, file).shipped:
            notes.append(f"{file} is of the library, and stays as it is")
            continue
        text, left = accepted(prepared.texts[file], here)
        outputs.write(path, text.encode(), home, force=True)
        done = len(here) - len(left)
        notes.append(f"{file}: {done} number{'s' if done != 1 else ''} accepted")
        notes += [_left(one) for one in left]
    return notes


def _left(mismatch: Mismatch) -> str:
    return f"{mismatch.place}: expected {mismatch.expected}, {mismatch.actual}: this is for you to decide"


def _told(session: Session, args: asked.ScenarioRun, result: Reports) -> Reports:
    """The reports also in the forms that other programs read."""
    printed = tap.tap(result.reports) if args.tap else ""
    if args.junit is not None:
        from keysync_shell.scenarios.junit import junit

        outputs.write(session.file(args.junit), junit(result.reports).encode(), session.sandbox.home, force=args.yes)
    if args.github:
        printed += github.workflow_commands(result.reports)
        if summary := os.environ.get("GITHUB_STEP_SUMMARY"):
            with Path(summary).open("a", encoding="utf-8") as file:  # GitHub makes the file, and collects what is added
                file.write(github.summary(result.reports))
    return replace(result, printed=printed)


def _item(name: str, path: Path) -> Item:
    try:
        source = read(path, path.name)
        scenario = source.load()
    except KeySyncError as error:
        return Item(name, "", (), (), False, error.message.partition("\n")[0])
    params = tuple(f"{one}={param.default}" for one, param in scenario.params.items())
    return Item(name, scenario.description, scenario.tags, params, source.shipped)


def _schema_text() -> str:
    return json.dumps(model.schema(), indent=2) + "\n"


def _of_this_session(session: Session) -> tuple[int, int]:
    """The operations that were done in this shell; on the command line, all."""
    session.sandbox.refresh()
    newest, done = session.sandbox.newest, session.sandbox.committed
    if newest is None:
        raise KeySyncError("nothing was done yet that could be recorded", hint="Change something first.")
    return (done[0].number if done else 1), newest.number


def _require_free(session: Session, name: str) -> None:
    """Raise KeySyncError for a name that is none, or that a scenario has."""
    Source(Path(name), name, f"name: {json.dumps(name)}\nsteps: [note: none]\n").load()
    if name in _shelf(session).named():
        raise KeySyncError(f"a scenario is called {name} already", hint="Take another name.")


def _written(session: Session, name: str, text: str, suffix: str) -> Written:
    """Write a new scenario into the sandbox's own folder, beside the schema."""
    _require_free(session, name)
    home = session.sandbox.home
    folder = home.root / FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}{suffix}"
    outputs.write(path, text.encode(), home)
    if not (folder / SCHEMA_FILE).exists():
        outputs.write(folder / SCHEMA_FILE, _schema_text().encode(), home)
    return Written("", path)


def _shelf(session: Session) -> Shelf:
    return Shelf(session.sandbox.home.root, session.reach.check)


def _each(session: Session, words: Iterable[str], given: Mapping[str, str]) -> Iterator[Prepared | Report]:
    """The scenarios of words, prepared, or why they cannot be. Raises KeySyncError for a word that means none."""
    shelf = _shelf(session)
    located: list[Located] = [one for word in words for one in shelf.files(word, session.folder)]
    return preparing.each(located, shelf, given, _check_line)


def _check_line(line: str) -> None:
    """Raise KeySyncError for a line that cannot be read, or begins with no command."""
    for command in lines.commands_in(line):
        if not command.startswith("$"):
            lines.spelled_out(command, lambda word: word in lines.NAMES, lines.NAMES)


def _runs(session: Session) -> ScenarioRuns:
    return ScenarioRuns(session.sandbox, session.execute_on)


def _open(runs: ScenarioRuns, number: int | None) -> int:
    if number is not None:
        return number
    match runs.open():
        case [one]:
            return one
        case []:
            raise KeySyncError("no run is open", hint="`scenario runs` lists those that have ended.")
        case several:
            raise KeySyncError(f"{len(several)} runs are open", hint=f"Name one of {', '.join(map(str, several))}.")


def _params(words: Iterable[str]) -> dict[str, str]:
    return dict(word.split("=", 1) for word in words)


def _cells(systems: Systems) -> dict[tuple[str, str], tuple[str, ...]]:
    """Each cell of kind and system that can hold a finding, with the names under which it is asserted."""
    return {(kind.name, name): (f"{kind.plural}.{name}", f"{kind.name}:{name}") for kind, name in cells(systems)}


def _patterns(systems: Systems) -> dict[str, tuple[str, ...]]:
    patterns = [systems.pattern(mask) for mask in range(1, systems.all_bits + 1)]
    return {pattern: (f"pattern.{pattern}", f"pattern:{pattern}") for pattern in patterns}
