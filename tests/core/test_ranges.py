from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keysync_shell.core.ranges import compressed
from tests.building import query
from tests.strategies import PURE


@pytest.mark.parametrize(
    ("keys", "short"),
    [
        ("", []),
        ("K1", ["K1"]),
        ("K1 K2", ["K1, K2"]),
        ("K1 K2 K3", ["K1..K3 (3)"]),
        ("K1 K2 K4", ["K1, K2", "K4"]),
        ("CUST-08 CUST-09 CUST-10", ["CUST-08..CUST-10 (3)"]),
        ("K8 K9 K10 K11", ["K8..K11 (4)"]),
        ("K08 K9 K10", ["K08", "K9, K10"]),
        ("K1-A K2-A K3-A", ["K1-A..K3-A (3)"]),
        ("K1-A K2-B K3-A", ["K1-A", "K2-B", "K3-A"]),
        ("X Y Z", ["X", "Y", "Z"]),
    ],
)
def test_runs_of_three_and_more_are_ranges(keys: str, short: list[str]) -> None:
    assert compressed(keys.split()) == short


def test_hostile_key_is_made_safe_to_show() -> None:
    assert compressed(["\x1b[31m1"]) == [r"\x1b[31m1"]


numbers = st.lists(st.integers(0, 30), min_size=1, max_size=25, unique=True)


@PURE
@given(numbers, st.sampled_from(["K{}", "K{:03}", "ORD-{:02}-X"]))
def test_ranges_say_the_same_keys(chosen: list[int], form: str) -> None:
    keys = [form.format(number) for number in sorted(chosen)]
    words = [word for part in compressed(keys) for word in re.sub(r" \([\d,]+\)", "", part).split(", ")]
    said = query(*words, look_up=False).named().to_list()
    assert sorted(said) == sorted(keys)
