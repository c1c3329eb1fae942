from __future__ import annotations

from typing import Any

import pytest

from keysync_shell.core.findings.conditions import Condition, numbers
from keysync_shell.core.findings.counting import summarize
from keysync_shell.errors import KeySyncError
from tests.building import FIVE, index, systems


@pytest.fixture(scope="module")
def summary() -> dict[str, Any]:
    state = systems(A="K1 K2", B="K1 K2 X1", C="K1 K1", D="K1", E="k1")
    return summarize(index(state), state).as_data()


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("gaps == 3", 3),
        ("gaps.D == 1", 1),
        ("gaps.d==1", 1),
        ("rows.C != 3", 2),
        ("unauthorized.B >= 1", 1),
        ("keys <= 3", 3),
        ("in_sync > 0", 1),
        ("discrepancies < 7", 6),
        ("  missing.A  ==  1 ", 1),
    ],
)
def test_condition_that_holds(summary: dict[str, Any], text: str, value: int) -> None:
    condition = Condition.parse(text, FIVE)
    assert condition.value(summary) == value
    assert condition.holds(summary)


@pytest.mark.parametrize("text", ["gaps == 2", "gaps != 3", "gaps < 3", "gaps > 3", "gaps <= 2", "gaps >= 4"])
def test_condition_that_does_not_hold(summary: dict[str, Any], text: str) -> None:
    assert not Condition.parse(text, FIVE).holds(summary)


def test_every_number_of_status_can_be_asked_for(summary: dict[str, Any]) -> None:
    of_b, of_all = numbers(of_a_system=True), numbers(of_a_system=False)
    for condition in [*(f"{number}.B >= 0" for number in of_b), *(f"{number} >= 0" for number in of_all)]:
        assert Condition.parse(condition, FIVE).holds(summary)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "it is not a comparison of a number"),
        ("gaps", "it is not a comparison of a number"),
        ("gaps = 0", "'= 0' is neither a number, a name nor a comparison"),
        ("gaps == -1", "it is not a comparison of a number"),
        ("gaps == 0 and keys == 1", "it is not a comparison of a number"),
        ("holes == 0", "holes is not one of keys, in_sync, gaps"),
        ("unique == 0", "unique is not one of keys, in_sync, gaps"),
        ("discrepancies.B == 0", "discrepancies is not one of rows, total, unique"),
        ("gaps.F == 0", "unknown system 'F'"),
    ],
)
def test_bad_condition_is_refused(text: str, message: str) -> None:
    with pytest.raises(KeySyncError, match=message):
        Condition.parse(text, FIVE)
