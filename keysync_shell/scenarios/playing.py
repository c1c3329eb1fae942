"""Carry out the actions of a scenario on a stage, one after the other, and say of each what came of it.

Nothing here knows what a stage is made of: it runs lines, measures numbers and finds keys.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Protocol

from keysync_shell.core.findings.comparisons import Comparison, Metric
from keysync_shell.errors import KeySyncError
from keysync_shell.scenarios.filling import filled
from keysync_shell.scenarios.model import Checkpoint, Mark, Note, Pause, Run, SameAs, When
from keysync_shell.scenarios.places import Place, Text
from keysync_shell.scenarios.unrolling import Action, Branch, Jump

MOST_KEYS = 10


class Result(StrEnum):
    """What came of an action. Trouble is what nobody expected: a line that failed, a stage that broke."""

    PASSED = "passed"
    FAILED = "failed"
    TROUBLE = "trouble"
    SKIPPED = "skipped"


@dataclass(frozen=True)
class Executed:
    """What came of a line: its exit code, what it said, and whether exit 1 is an answer of this command."""

    code: int
    output: str = ""
    error: str = ""
    asks: bool = False


class Stage(Protocol):
    """Where a scenario is played."""

    def begin_step(self, count: int) -> None:
        """The clock shows the time of that step from now on."""

    def run(self, line: str, values: Mapping[str, str], /) -> Executed:
        """Run a line of the shell, with the values of its names filled in once it is split into words."""

    def measure(self, metric: Metric) -> int:
        """A number. Raises KeySyncError for a metric that does not exist."""

    def find(self, selector: str) -> Sequence[str]:
        """The keys that a selector finds, sorted. Raises KeySyncError for one that makes no sense."""

    def keys_in(self, words: Iterable[str]) -> Sequence[str]:
        """The keys that words name, with ranges spread out, sorted."""

    def disagreements(self) -> Sequence[str]:
        """Where totals, listed findings and selectors do not say the same."""

    def digest(self) -> str:
        """A digest of what the systems hold."""

    def operation(self) -> int:
        """The number of the newest operation."""


@dataclass(frozen=True)
class Mismatch:
    """An expectation that did not hold. `keys` are some that are missing or too many, `number` what was measured."""

    place: Place
    expected: str
    actual: str
    missing: tuple[str, ...] = ()
    surplus: tuple[str, ...] = ()
    number: int | None = None


@dataclass(frozen=True)
class Played:
    """An action that was carried out, and the cursor of the next one."""

    count: int
    cursor: int
    following: int
    word: str
    text: str
    place: Place
    trail: str
    result: Result
    reason: str = ""
    output: str = ""
    mismatches: tuple[Mismatch, ...] = ()
    asserted: Mapping[str, int] = field(default_factory=dict)
    operation: int = 0
    digest: str = ""
    branch: bool | None = None


@dataclass
class Player:
    """The actions with how far they are: the next one's cursor, marks, and numbers at the last checkpoint."""

    actions: Sequence[Action]
    stage: Stage
    cursor: int = 0
    count: int = 0
    marks: dict[str, str] = field(default_factory=dict)
    numbers: dict[str, int] = field(default_factory=dict)

    @property
    def over(self) -> bool:
        return self.cursor >= len(self.actions)

    @property
    def next(self) -> Action:
        return self.actions[self.cursor]

    def play(self) -> Iterator[Played]:
        """Carry out one action after the other; whoever iterates decides when to stop."""
        while not self.over:
            yield self.step()

    def step(self) -> Played:
        """Carry out the next action."""
        action, cursor = self.next, self.cursor
        self.count += 1
        self.stage.begin_step(self.count)
        self.cursor = cursor + 1
        text = filled(getattr(action.step, action.step.WORD), action.values)
        blank = Played(
            self.count, cursor, 0, action.step.WORD.replace("_", "-"), text, action.place, action.trail, Result.PASSED
        )
        try:
            played = self._carried_out(action, text, blank)
        except KeySyncError as error:
            played = replace(blank, result=Result.TROUBLE, reason=error.message)
        return replace(played, following=self.cursor, operation=self.stage.operation(), digest=self.stage.digest())

    def _carried_out(self, action: Action, text: str, blank: Played) -> Played:
        match action, action.step:
            case Jump(), _:
                self.cursor = action.to
                return replace(blank, word="otherwise", result=Result.SKIPPED)
            case Branch(), When():
                return self._branch(action, text, blank)
            case _, Run() as step:
                return self._run(step, action, blank)
            case _, Checkpoint() as step:
                return self._checkpoint(step, action, blank)
            case _, Mark():
                self.marks[text] = self.stage.digest()
                return blank
            case _, SameAs():
                return self._same_as(action, text, blank)
            case _, Note() | Pause():
                return blank
        raise AssertionError(f"{type(action.step).__name__} is unrolled before it is played")

    def _branch(self, action: Branch, text: str, blank: Played) -> Played:
        comparison = Comparison.parse(text)
        holds = comparison.holds(self.stage.measure, self._was(comparison))
        if not holds:
            self.cursor = action.otherwise
        return replace(blank, branch=holds)

    def _run(self, step: Run, action: Action, blank: Played) -> Played:
        done = self.stage.run(step.run, action.values)
        played = replace(blank, output=done.output)
        wanted = (0, 1) if step.exit is None and done.asks else (step.exit or 0,)
        if done.code not in wanted:
            expected = f", but {wanted[0]} was expected" if step.exit is not None else ""
            reason = f"exit {done.code}{expected}: {_in_a_line(done.error)}"
            return replace(played, result=Result.TROUBLE, reason=reason)
        if (error := filled(step.error or "", action.values)) not in done.error:
            reason = f"the error does not contain {error!r}: {_in_a_line(done.error)}"
            return replace(played, result=Result.TROUBLE, reason=reason)
        return played

    def _checkpoint(self, step: Checkpoint, action: Action, blank: Played) -> Played:
        mismatches: list[Mismatch] = []
        asserted: dict[str, int] = {}
        for text in step.expect:
            comparison = Comparison.parse(filled(text, action.values))
            mismatches += self._compared(comparison, text)
            if comparison.excludes_zero(self.stage.measure, self._was(comparison)):
                asserted[str(comparison.left)] = self.stage.measure(comparison.left)
        for selector, words in step.keys.items():
            mismatches += self._found(selector, words, action.values)
            asserted[filled(selector, action.values)] = len(self.stage.find(filled(selector, action.values)))
        mismatches += [
            Mismatch(step.place, "totals, findings and selectors agree", one) for one in self.stage.disagreements()
        ]
        self.numbers |= {str(metric): self.stage.measure(metric) for metric in self._remembered()}
        result = Result.FAILED if mismatches else Result.PASSED
        return replace(blank, result=result, mismatches=tuple(mismatches), asserted=asserted)

    def _compared(self, comparison: Comparison, text: Text) -> Iterator[Mismatch]:
        measure, was = self.stage.measure, self._was(comparison)
        if not comparison.holds(measure, was):
            actual = measure(comparison.left)
            value = comparison.expected(measure, was)
            meaning = "" if str(text).endswith(f" {value}") else f" ({comparison.test} {value:,})"
            yield Mismatch(text.place, f"{text}{meaning}", f"{comparison.left} is {actual:,}", number=actual)

    def _found(self, text: Text, words: Sequence[Text], values: Mapping[str, str]) -> Iterator[Mismatch]:
        selector = filled(text, values)
        wanted = set(self.stage.keys_in(filled(word, values) for word in words))
        actual = set(self.stage.find(selector))
        missing, surplus = sorted(wanted - actual), sorted(actual - wanted)
        if missing or surplus:
            yield Mismatch(
                words[0].place if words else text.place,
                f"{selector} finds {len(wanted):,} keys",
                f"it finds {len(actual):,}: {len(missing):,} missing, {len(surplus):,} too many",
                tuple(missing[:MOST_KEYS]),
                tuple(surplus[:MOST_KEYS]),
            )

    def _same_as(self, action: Action, text: str, blank: Played) -> Played:
        if self.stage.digest() == self.marks[text]:
            return blank
        mismatch = Mismatch(action.place, f"the systems hold what they held at {text!r}", "they hold something else")
        return replace(blank, result=Result.FAILED, mismatches=(mismatch,))

    def _was(self, comparison: Comparison) -> int:
        if not comparison.needs_was:
            return 0
        if str(comparison.left) not in self.numbers:
            raise KeySyncError(f"{comparison.left}: there was no checkpoint before, so `was` means nothing")
        return self.numbers[str(comparison.left)]

    def _remembered(self) -> set[Metric]:
        """The metrics that some expectation compares with what they were."""
        texts = [(action, text) for action in self.actions for text in conditions(action)]
        parsed = [Comparison.parse(filled(text, action.values)) for action, text in texts if "was" in text]
        return {comparison.left for comparison in parsed if comparison.needs_was}


def _in_a_line(error: str) -> str:
    return "; ".join(line.removeprefix("error: ") for line in error.split("\n")) or "no error was printed"


def conditions(action: Action) -> tuple[Text, ...]:
    match action.step:
        case Checkpoint():
            return action.step.expect
        case When():
            return (action.step.when,)
    return ()
