from __future__ import annotations

import pytest

from keysync_shell.core.edits.spelling import CASES, Spell, delimited, padded, replaced, spaced


@pytest.mark.parametrize(
    ("spell", "key", "new"),
    [
        (CASES["upper"], "Cust-1", "CUST-1"),
        (CASES["lower"], "Cust-1", "cust-1"),
        (CASES["title"], "CUST-1", "Cust-1"),
        (CASES["swap"], "Cust-1", "cUST-1"),
        (spaced("leading"), "K1", " K1"),
        (spaced("trailing"), "K1", "K1 "),
        (spaced("both"), "K1", " K1 "),
        (spaced("inner"), "CUST-1", "CUST -1"),
        (spaced("inner"), " CUST_1", " CUST _1"),
        (spaced("inner"), "ABCD", "AB CD"),
        (spaced("inner"), "", " "),
        (delimited("_"), " A - B--C ", " A_B_C "),
        (delimited(""), "A-B", "AB"),
        (delimited("_"), "   ", "   "),
        (delimited("\\1"), "A-B", "A\\1B"),
        (padded(3), "K1-22-4444", "K001-022-4444"),
        (padded(3), "K", "K"),
        (replaced("A", "B"), "ABA", "BBB"),
        (replaced("X", "B"), "ABA", "ABA"),
    ],
)
def test_spelling(spell: Spell, key: str, new: str) -> None:
    assert spell(key) == new
