"""Numbers that were measured, put in the place of those that were expected."""

from __future__ import annotations

from keysync_shell.scenarios.accepting import accepted
from keysync_shell.scenarios.loading import load
from keysync_shell.scenarios.model import Checkpoint
from keysync_shell.scenarios.playing import Mismatch

TEXT = """\
name: x # a comment
steps:
  - checkpoint: one   # kept
    expect: [gaps.D == 40, "pattern.AB..E >= 3", 'gaps == 2 + 2', unauthorized > 5, in_sync==7]
"""


def mismatches(*numbers: int | None) -> list[Mismatch]:
    checkpoint = load(TEXT, "x.yaml").steps[0]
    assert isinstance(checkpoint, Checkpoint)
    pairs = zip(checkpoint.expect, numbers, strict=False)
    return [Mismatch(text.place, text, "", number=number) for text, number in pairs if number is not None]


def test_only_the_numbers_change() -> None:
    text, left = accepted(TEXT, mismatches(12345, 2, None, None, 8))
    assert text == TEXT.replace("D == 40", "D == 12345").replace("E >= 3", "E >= 2").replace("in_sync==7", "in_sync==8")
    assert left == []


def test_sums_and_strict_comparisons_are_left_to_a_person() -> None:
    text, left = accepted(TEXT, mismatches(None, None, 5, 4))
    assert text == TEXT
    assert [one.expected for one in left] == ["gaps == 2 + 2", "unauthorized > 5"]


def test_one_place_with_two_numbers_is_left_to_a_person() -> None:
    [first] = mismatches(1)
    [second] = mismatches(2)
    _, left = accepted(TEXT, [first, second])
    assert len(left) == 1
