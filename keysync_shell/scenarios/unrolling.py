"""A scenario as a flat list of actions: includes, repeats and branches are unrolled, so a cursor is one number."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass

from keysync_shell.errors import KeySyncError
from keysync_shell.scenarios.filling import filled, unknown
from keysync_shell.scenarios.loading import BadScenario, Fault
from keysync_shell.scenarios.model import Checkpoint, Include, Mark, Repeat, Run, SameAs, Scenario, Step, When
from keysync_shell.scenarios.places import Place, Text

MOST_ACTIONS = 100_000
MOST_INCLUDES = 10
ROUND, SEED = "round", "seed"


@dataclass(frozen=True)
class Action:
    """A step that does one thing, with the values of its names; `trail` says in which round of what it stands."""

    step: Step
    values: Mapping[str, str]
    trail: str = ""

    @property
    def place(self) -> Place:
        return self.step.place


@dataclass(frozen=True)
class Branch(Action):
    """Go on with the next action if the condition of its step holds, else at `otherwise`."""

    otherwise: int = 0


@dataclass(frozen=True)
class Jump(Action):
    """Go on at another action: behind the steps of a branch that was not taken."""

    to: int = 0


def chosen(scenario: Scenario, given: Mapping[str, str]) -> dict[str, str]:
    """The value of every param: those given, else the defaults; `seed` is one as well.

    Raises KeySyncError for a param that the scenario does not have, or a value that does not fit.
    """
    values = {name: param.default for name, param in scenario.params.items()} | {SEED: str(scenario.seed)}
    for name, value in given.items():
        if fault := unknown(f"${name}", values):
            raise KeySyncError(fault.partition(";")[0], hint=_params_hint(scenario))
        if name in scenario.params and (fault := scenario.params[name].fault(value)):
            raise KeySyncError(f"--param {name}: {fault}", hint=_params_hint(scenario))
    return {**values, **given}


def unrolled(scenario: Scenario, values: Mapping[str, str], include: Callable[[Text], Scenario]) -> tuple[Action, ...]:
    """Every action of a scenario in order.

    `include` gives the scenario that a text names. Raises BadScenario for names without a value, rounds that are no
    number, scenarios that include themselves, marks that nothing set, and for more than MOST_ACTIONS actions.
    """
    made = _Unrolling(include)
    made.add(scenario.steps, dict(values), "", (scenario.name,))
    made.check_marks()
    if made.faults:
        raise BadScenario(made.faults)
    return tuple(made.actions)


def lines(scenario: Scenario) -> Iterator[Run]:
    """The lines of a scenario itself, in every branch."""
    yield from (step for step in _every(scenario.steps) if isinstance(step, Run))


def _every(steps: Iterable[Step]) -> Iterator[Step]:
    for step in steps:
        yield step
        if isinstance(step, When):
            yield from _every((*step.then, *step.otherwise))
        if isinstance(step, Repeat):
            yield from _every(step.steps)


class _Unrolling:
    """The actions so far, and what is wrong with the steps."""

    def __init__(self, include: Callable[[Text], Scenario]) -> None:
        self.actions: list[Action] = []
        self.faults: list[Fault] = []
        self._include = include

    def add(self, steps: Iterable[Step], values: dict[str, str], trail: str, within: tuple[str, ...]) -> None:
        """Unroll steps; `within` are the scenarios that include them, the outermost first."""
        for step in steps:
            if len(self.actions) >= MOST_ACTIONS:
                self._fault(step.place, f"these are more than {MOST_ACTIONS:,} actions")
                return
            match step:
                case When():
                    self._branch(step, values, trail, within)
                case Repeat():
                    self._repeat(step, values, trail, within)
                case Include():
                    self._included(step, values, trail, within)
                case _:
                    self._check_names(step, values)
                    self.actions.append(Action(step, values, trail))

    def check_marks(self) -> None:
        """A mark must stand somewhere before it is compared with."""
        marks: set[str] = set()
        for action in self.actions:
            if isinstance(action.step, Mark):
                marks.add(action.step.mark)
            if isinstance(action.step, SameAs) and action.step.same_as not in marks:
                self._fault(action.place, f"nothing before this is marked {action.step.same_as!r}")

    def _branch(self, step: When, values: dict[str, str], trail: str, within: tuple[str, ...]) -> None:
        self._check_names(step, values)
        at = len(self.actions)
        self.actions.append(Branch(step, values, trail))
        self.add(step.then, values, trail, within)
        jump = len(self.actions)
        if step.otherwise:
            self.actions.append(Jump(step, values, trail))
        self.actions[at] = Branch(step, values, trail, len(self.actions))
        self.add(step.otherwise, values, trail, within)
        if step.otherwise:
            self.actions[jump] = Jump(step, values, trail, len(self.actions))

    def _repeat(self, step: Repeat, values: dict[str, str], trail: str, within: tuple[str, ...]) -> None:
        self._check_names(step, values)
        times = filled(step.repeat, values) if not unknown(step.repeat, values) else "0"
        if not times.isdecimal():
            self._fault(step.place, f"{times!r} is not a number of times")
            return
        for turn in range(1, min(int(times), MOST_ACTIONS + 1) + 1):
            inner = f"{trail}, round {turn} of {times}" if trail else f"round {turn} of {times}"
            self.add(step.steps, values | {ROUND: str(turn)}, inner, within)
            if self.faults:
                return

    def _included(self, step: Include, values: dict[str, str], trail: str, within: tuple[str, ...]) -> None:
        try:
            other = self._include(step.include)
        except BadScenario as bad:
            self.faults += bad.faults
            return
        except KeySyncError as error:
            self._fault(step.place, error.message)
            return
        if other.name in within or len(within) > MOST_INCLUDES:
            self._fault(step.place, f"{step.include} includes itself: {' → '.join((*within, other.name))}")
            return
        theirs = {name: param.default for name, param in other.params.items()}
        inner = f"{trail}, in {other.name}" if trail else f"in {other.name}"
        self.add(other.steps, theirs | values, inner, (*within, other.name))

    def _check_names(self, step: Step, values: Mapping[str, str]) -> None:
        for text in _texts(step):
            if fault := unknown(text, values):
                self._fault(text.place, fault)

    def _fault(self, place: Place, reason: str) -> None:
        fault = Fault(place, reason)
        if fault not in self.faults:
            self.faults.append(fault)


def _texts(step: Step) -> tuple[Text, ...]:
    """The texts of a step in which names are filled in."""
    match step:
        case Run():
            return (step.run, step.error) if step.error else (step.run,)
        case Checkpoint():
            return (*step.expect, *(key for keys in step.keys.values() for key in keys))
        case When():
            return (step.when,)
        case Repeat():
            return (step.repeat,)
    return ()


def _params_hint(scenario: Scenario) -> str:
    if not scenario.params:
        return "It has no params."
    return f"Its params: {', '.join(f'{name}={param.default}' for name, param in scenario.params.items())}."
