from __future__ import annotations

from collections import Counter

import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from keysync_shell.core.model.alignment import Alignment
from tests.strategies import PURE

columns = st.lists(st.sampled_from(["a", "b", "ä", "", "z"]), max_size=8).map(
    lambda keys: pl.Series("key", sorted(keys, key=str.encode), dtype=pl.String)
)


@PURE
@given(columns, columns)
def test_each_key_is_counted_on_both_sides(before: pl.Series, after: pl.Series) -> None:
    aligned, one, other = Alignment.of(before, after), Counter(before), Counter(after)
    keys = sorted({*one, *other}, key=str.encode)
    assert aligned.keys.to_list() == keys
    assert aligned.before.to_list() == [one[key] for key in keys]
    assert aligned.after.to_list() == [other[key] for key in keys]


@PURE
@given(columns, columns, st.sets(st.sampled_from(["a", "b", "ä", "", "z"])))
def test_wanted_keys_are_marked_in_both_columns(before: pl.Series, after: pl.Series, wanted: set[str]) -> None:
    aligned = Alignment.of(before, after)
    one, other = aligned.of_both(aligned.keys.is_in(list(wanted)))
    assert one.to_list() == [key in wanted for key in before]
    assert other.to_list() == [key in wanted for key in after]


def test_marked_rows_tell_their_keys() -> None:
    aligned = Alignment.of(pl.Series(["a", "b", "b", "c"]), pl.Series(["b", "c", "d"]))
    wanted = pl.Series([False, True, True, False])  # b, b, c
    assert aligned.among(wanted, pl.Series([False, True, False])).to_list() == [False, True, False, False]
