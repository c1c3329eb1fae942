"""What came of a whole scenario."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

from keysync_shell.scenarios.loading import Fault
from keysync_shell.scenarios.playing import Played, Result


class Verdict(StrEnum):
    """How a scenario ended."""

    PASSED = "passed"
    FAILED = "failed"
    TROUBLE = "trouble"
    PAUSED = "paused"
    ABORTED = "aborted"

    @property
    def exit_code(self) -> int:
        codes = {Verdict.PASSED: 0, Verdict.FAILED: 1, Verdict.PAUSED: 1, Verdict.ABORTED: 1, Verdict.TROUBLE: 2}
        return codes[self]


@dataclass(frozen=True)
class Report:
    """A scenario that was run: `played` in order, how long it took, and the digest of the systems at the end.

    `reason` says why it could not be run at all, and `faults` where; then nothing was played. `number` is that of the
    run.
    """

    name: str
    file: str
    verdict: Verdict
    played: tuple[Played, ...] = ()
    seconds: float = 0.0
    digest: str = ""
    number: int = 0
    actions: int = 0
    reason: str = ""
    hint: str = ""
    faults: tuple[Fault, ...] = ()

    @property
    def cases(self) -> Iterator[Played]:
        """What is told of one by one: checkpoints, comparisons with marks, and every step that made trouble."""
        return (one for one in self.played if one.word in ("checkpoint", "same-as") or one.result is Result.TROUBLE)


def judged(played: Sequence[Played], *, over: bool) -> Verdict:
    """The verdict on what was played: trouble beats failures, failures beat a pause."""
    results = {one.result for one in played}
    if Result.TROUBLE in results:
        return Verdict.TROUBLE
    if Result.FAILED in results:
        return Verdict.FAILED
    return Verdict.PASSED if over else Verdict.PAUSED


def exit_code(reports: Sequence[Report]) -> int:
    """2 for trouble or where nothing was run, else 1 where one failed or is paused, else 0."""
    return max((report.verdict.exit_code for report in reports), default=2)


def explained(one: Played) -> list[str]:
    """The lines that say why a step did not pass."""
    lines = [one.reason] if one.reason else []
    for mismatch in one.mismatches:
        lines += [f"{mismatch.place}: expected {mismatch.expected}", f"  actual: {mismatch.actual}"]
        for word, keys in (("missing", mismatch.missing), ("too many", mismatch.surplus)):
            if keys:
                lines.append(f"  {word}: {', '.join(keys)}")
    return lines
