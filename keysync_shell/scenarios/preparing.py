"""Make a scenario ready to be run: load it with all that it includes, fill it in, and check what can be checked."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from keysync_shell.core.findings.index import Index
from keysync_shell.core.model.limits import Limits
from keysync_shell.core.model.rules import Rules
from keysync_shell.core.model.state import State
from keysync_shell.core.model.systems import Systems
from keysync_shell.core.selecting.keysets import OPERATOR
from keysync_shell.core.selecting.selectors import KeyQuery
from keysync_shell.errors import KeySyncError
from keysync_shell.scenarios import measuring, staging
from keysync_shell.scenarios.filling import filled
from keysync_shell.scenarios.loading import BadScenario, Fault
from keysync_shell.scenarios.locating import Located, Shelf, Source
from keysync_shell.scenarios.model import Checkpoint, Run, Scenario
from keysync_shell.scenarios.places import Text
from keysync_shell.scenarios.playing import conditions
from keysync_shell.scenarios.reporting import Report, Verdict
from keysync_shell.scenarios.unrolling import Action, chosen, unrolled

CheckLine = Callable[[str], None]


@dataclass(frozen=True)
class Prepared:
    """A scenario that can be run: everything about it that can be checked is checked. `texts` are all its files."""

    source: Source
    scenario: Scenario
    actions: tuple[Action, ...]
    values: Mapping[str, str]
    texts: Mapping[str, str]


def anything(_line: str) -> None:
    """Check no line: whoever carries it out names its faults."""


def prepare(source: Source, shelf: Shelf, given: Mapping[str, str], check_line: CheckLine = anything) -> Prepared:
    """Load, fill in and check a scenario; `check_line` raises KeySyncError for a line that no shell takes.

    Raises BadScenario with every fault, KeySyncError for a bad param.
    """
    sources: dict[str, Source] = {source.file: source}

    def include(word: Text) -> Scenario:
        other = shelf.included(word, sources[word.place.file].path.parent)
        sources[other.file] = other
        return other.load()

    scenario = source.load()
    values = chosen(scenario, given)
    actions = unrolled(scenario, values, include)
    _check(scenario, actions, shelf.home, check_line)
    texts = {file: one.text for file, one in sources.items()}
    return Prepared(source, scenario, actions, values, texts)


def each(
    found: Iterable[Located], shelf: Shelf, given: Mapping[str, str], check_line: CheckLine = anything
) -> Iterator[Prepared | Report]:
    """Each scenario prepared, or why it cannot be."""
    for one in found:
        try:
            yield prepare(shelf.read(one), shelf, given, check_line)
        except KeySyncError as error:
            yield failed_to_begin(one.file, error)


def failed_to_begin(file: str, error: KeySyncError) -> Report:
    """The report of a scenario that could not be run at all."""
    faults = error.faults if isinstance(error, BadScenario) else ()
    name = Path(file).name.partition(".")[0]
    return Report(name, file, Verdict.TROUBLE, reason=error.message, hint=error.hint, faults=faults)


def _check(scenario: Scenario, actions: tuple[Action, ...], home: Path, check_line: CheckLine) -> None:
    """Every line must begin a command, every condition be about numbers, every selector about systems that exist."""
    systems = staging.systems_of(scenario, home)
    faults = []
    for action in actions:
        for text, check in _checks(action, systems, check_line):
            try:
                check()
            except KeySyncError as error:
                faults.append(Fault(text.place, f"{error.message}. {error.hint}".rstrip(". ")))
    if faults:
        raise BadScenario(list(dict.fromkeys(faults)))


def _checks(action: Action, systems: Systems, check_line: CheckLine) -> Iterator[tuple[Text, Callable[[], object]]]:
    """What is to be checked in an action, each with the text that it is about."""
    for text in conditions(action):
        yield text, lambda text=text: measuring.check(filled(text, action.values), systems)  # type: ignore[misc]
    match action.step:
        case Run(run=line):
            yield line, lambda: check_line(line)
        case Checkpoint() as step:
            for selector, words in step.keys.items():
                yield selector, lambda selector=selector: _select(filled(selector, action.values), systems)  # type: ignore[misc]
                for word in words:
                    yield word, lambda word=word: measuring.named([filled(word, action.values)], Limits())  # type: ignore[misc]


def _select(selector: str, systems: Systems) -> None:
    """Raise KeySyncError for a selector that makes no sense."""
    query = KeyQuery.parse([selector], Limits(), look_up=True)
    if not OPERATOR.search(selector):  # a key between operators may be one that comes to be
        query.on(Index.build(State.empty(systems), Rules()))
