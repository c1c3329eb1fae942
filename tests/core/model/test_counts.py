from __future__ import annotations

from collections import Counter

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from keysync_shell.core.model.change import SystemChange, between
from keysync_shell.core.model.counts import Counts, counted
from tests.building import grid
from tests.strategies import PURE, tables


@pytest.mark.parametrize(
    ("before", "after", "counts"),
    [
        ("key note / K1 a", "key note / K1 a / K2 b", Counts(added=1)),
        ("key note / K1 a / K1 b", "key note / K2 c", Counts(added=1, removed=2)),
        ("key note / K1 a", "key note / K1 b", Counts(altered=1)),
        ("key note / K1 a / K1 b / K1 c", "key note / K1 b", Counts(removed=2)),
        ("key note / K1 a / K1 b", "key note / K1 a / K1 c", Counts(altered=1)),
        ("key note / K1 a / K2 b", "key / K1 / K3", Counts(added=1, removed=1, altered=1)),
    ],
)
def test_rows_that_come_go_and_stay_with_other_columns(before: str, after: str, counts: Counts) -> None:
    assert counted(between(grid(before), grid(after))) == counts


def test_rows_under_the_new_name_of_their_key_are_altered() -> None:
    part = between(grid("key note / K1 a / K1 b / K2 c / K3 d"), grid("key note / K3 d / k1 a / k1 b"))
    assert counted(part) == Counts(added=2, removed=3)
    assert counted(part, {"K1": "k1", "K2": "K3"}) == Counts(removed=1, altered=2)


def test_keys_may_swap_names_and_chain() -> None:
    swapped = between(grid("key note / A 1 / B 2"), grid("key note / A 2 / B 1"))
    assert counted(swapped, {"A": "B", "B": "A"}) == Counts(altered=2)
    chained = between(grid("key note / A 1 / B 2"), grid("key note / B 1 / C 2"))
    assert counted(chained, {"A": "B", "B": "C"}) == Counts(altered=2)


def rows(table: pl.DataFrame) -> Counter[tuple[str, ...]]:
    return Counter(table.rows())


@PURE
@given(tables(), tables())
def test_numbers_are_those_of_an_account_row_by_row(before: pl.DataFrame, after: pl.DataFrame) -> None:
    counts = counted(between(before, after))
    keys_before, keys_after = Counter(before["key"]), Counter(after["key"])
    same = (rows(before) & rows(after)).total()
    assert counts.altered == (keys_before & keys_after).total() - same
    assert counts.removed == (keys_before - keys_after).total()
    assert len(after) - len(before) == counts.added - counts.removed


@PURE
@given(tables(), tables(), st.booleans())
def test_the_way_back_has_the_inverse_numbers(before: pl.DataFrame, after: pl.DataFrame, whole: bool) -> None:
    part = SystemChange(before, after.with_columns(extra=pl.lit("")) if whole else after)
    assert counted(part.inverse) == counted(part).inverse
