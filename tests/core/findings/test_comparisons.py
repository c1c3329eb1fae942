"""Comparisons of numbers."""

from __future__ import annotations

import pytest

from keysync_shell.core.findings.comparisons import Comparison, Metric
from keysync_shell.errors import KeySyncError

NUMBERS = {"gaps": 5, "gaps.D": 3, "keys": 100, "pattern.AB..E": 7, "plan.add": 2, "gaps.ERP-EU": 1}


def measure(metric: Metric) -> int:
    return NUMBERS[str(metric)]


@pytest.mark.parametrize(
    ("text", "holds"),
    [
        ("gaps == 5", True),
        ("gaps.D==3", True),
        ("gaps.D != 3", False),
        ("gaps <= keys - 95", True),
        ("gaps < keys-95", False),
        ("keys == 90 + gaps.D + 7", True),
        ("pattern.AB..E > plan.add + 4", True),
        ("gaps == was + 1", True),
        ("gaps.ERP-EU == 1", True),
    ],
)
def test_what_holds(text: str, *, holds: bool) -> None:
    assert Comparison.parse(text).holds(measure, was=4) is holds


NO_COMPARISONS = (
    *("", "gaps", "gaps ==", "5 == gaps", "gaps == 5 6", "gaps = 5", "gaps == 5 == 5", "gaps == $n", "gaps == 1e5"),
    "gaps == -1",
    *("gaps == +", "gaps; rm", "__import__('os')", "9" * 40, f"gaps == {'9' * 40}"),
)


@pytest.mark.parametrize("text", NO_COMPARISONS)
def test_what_is_no_comparison(text: str) -> None:
    with pytest.raises(KeySyncError, match="bad condition"):
        Comparison.parse(text)


def test_it_says_what_it_looks_at() -> None:
    comparison = Comparison.parse("gaps.D == gaps + was")
    assert [str(metric) for metric in comparison.metrics] == ["gaps.D", "gaps"]
    assert comparison.needs_was
    assert comparison.expected(measure, was=2) == 7
