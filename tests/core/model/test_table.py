from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from keysync_shell.core.model import table
from tests.building import grid, rows
from tests.strategies import PURE, tables

some_keys = st.lists(st.sampled_from("abcdex"), max_size=6).map(table.key_series)


@contextmanager
def small(most: int) -> Iterator[None]:
    """Edits of up to `most` keys count as small ones. (Hypothesis does not reset pytest's monkeypatch.)"""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(table, "FEW", most)
        yield


@contextmanager
def looking_up(most: int) -> Iterator[None]:
    """More keys than these are not looked up one by one."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(table, "MOST_LOOKED_UP", most)
        yield


def test_rows_are_in_order_of_the_key_and_then_of_the_other_columns() -> None:
    unordered = pl.DataFrame({"note": ["2", "1", "0"], "key": ["a", "a", "B"]})
    assert table.ordered(unordered).rows() == [("0", "B"), ("1", "a"), ("2", "a")]


def test_order_is_that_of_the_bytes() -> None:
    assert rows(["é", "z", "Z", "", "\U0001f511", "\uffee"])["key"].to_list() == [
        "",
        "Z",
        "z",
        "é",
        "\uffee",
        "\U0001f511",
    ]


def test_distinct_keys_are_sorted_and_called_key() -> None:
    assert table.key_series(["b", "a", "b"]).to_list() == ["a", "b"]
    assert [table.distinct(pl.Series("other", keys)).name for keys in ([], ["a"], ["b", "a"])] == ["key"] * 3


@pytest.mark.parametrize("keys", ["", "a", "a a b", "a c c c d"])
def test_lookup_finds_exactly_what_is_there(keys: str) -> None:
    wanted = table.key_series("abcdx")
    assert table.holds(rows(keys), wanted).to_list() == [key in keys.split() for key in wanted]
    assert table.rows_of(rows(keys), wanted)["key"].to_list() == [key for key in sorted(keys.split()) if key in wanted]


@PURE
@given(tables(), some_keys)
def test_small_and_large_lookups_agree(there: pl.DataFrame, keys: pl.Series) -> None:
    with small(0):
        large = table.rows_of(there, keys)
    with looking_up(0):
        many = table.rows_of(there, keys)
    assert table.rows_of(there, keys).rows() == large.rows() == many.rows()


@PURE
@given(tables(), some_keys, tables())
def test_small_and_large_splices_agree(there: pl.DataFrame, keys: pl.Series, new: pl.DataFrame) -> None:
    new = table.rows_of(new, keys)
    with small(0):
        large = table.splice(there, keys, new)
    with looking_up(0):
        many = table.splice(there, keys, new)
    expected = sorted([row for row in there.rows() if row[0] not in keys.to_list()] + new.rows())
    assert table.splice(there, keys, new).rows() == large.rows() == many.rows() == expected


def test_many_small_splices_do_not_leave_ever_more_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(table, "MAX_CHUNKS", 4)
    there = grid("key / a / c / e / g / i")
    for key in "bdfh":
        there = table.splice(there, table.key_series([key]), grid(f"key / {key}"))
        assert there.n_chunks() <= 4
    assert "".join(there["key"]) == "abcdefghi"


awkward_text = st.text(st.sampled_from("ab\ud7ff\ue000\U0010ffff\x7f\x80é"), max_size=3)


@PURE
@given(st.lists(awkward_text, max_size=12), awkward_text)
def test_prefix_finds_what_startswith_finds(keys: list[str], prefix: str) -> None:
    there = rows(keys)
    expected = [key for key in there["key"] if key.startswith(prefix)]
    assert table.with_prefix(there, prefix)["key"].to_list() == expected


def test_splice_of_nothing_changes_nothing() -> None:
    there = grid("key note / a 1 / a 2 / b 1")
    nothing = table.key_series([])
    assert table.splice(there, nothing, there.clear()).equals(there)
    assert table.splice(there.clear(), nothing, there.clear()).equals(there.clear())
