from __future__ import annotations

import re

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from keysync_shell.core.selecting.ranges import grouped, shortened
from tests.building import query
from tests.strategies import PURE


@pytest.mark.parametrize(
    ("keys", "short"),
    [
        ("", ""),
        ("K1", "K1"),
        ("K1 K2", "K1, K2"),
        ("K1 K2 K3", "K1..K3 (3)"),
        ("K1 K2 K4", "K1, K2, K4"),
        ("CUST-08 CUST-09 CUST-10", "CUST-08..CUST-10 (3)"),
        ("K10 K11 K8 K9", "K8..K11 (4)"),
        ("K08 K10 K9", "K08, K9, K10"),
        ("K08 K09 K9 K10", "K08, K09, K9, K10"),
        ("K1-A K2-A K3-A", "K1-A..K3-A (3)"),
        ("K1-A K2-B K3-A", "K1-A, K3-A, K2-B"),
        ("X Y Z", "X, Y, Z"),
        ("X Y X", "X, Y"),
    ],
)
def test_runs_of_three_and_more_are_ranges(keys: str, short: str) -> None:
    assert shortened(pl.Series(keys.split(), dtype=pl.String), 9) == short


def test_what_is_too_much_is_counted() -> None:
    assert shortened(pl.Series(["K1", "K3", "K5", "K7"]), 2) == "K1, K3, … (2 more)"


def test_groups_come_as_they_stand_with_the_number_of_their_rows() -> None:
    rows = pl.DataFrame({"sign": ["-", "+", "+", "-", "+"], "key": ["K2", "K9", "K8", "K2", "K7"]})
    assert grouped(rows, ["sign"], 9) == [("-", 2, "K2"), ("+", 3, "K7..K9 (3)")]


def test_hostile_key_is_made_safe_to_show() -> None:
    assert shortened(pl.Series(["\x1b[31m1"]), 9) == r"\x1b[31m1"


numbers = st.lists(st.integers(0, 30), min_size=1, max_size=25, unique=True)


@PURE
@given(numbers, st.sampled_from(["K{}", "K{:03}", "ORD-{:02}-X"]))
def test_ranges_say_the_same_keys(chosen: list[int], form: str) -> None:
    keys = [form.format(number) for number in sorted(chosen)]
    words = re.sub(r" \([\d,]+\)", "", shortened(pl.Series(keys), len(keys))).split(", ")
    said = query(*words, look_up=False).named().to_list()
    assert sorted(said) == sorted(keys)
