from __future__ import annotations

from collections.abc import Mapping

import polars as pl

from keysync_shell.core.model.rules import Rules
from keysync_shell.core.model.state import State
from keysync_shell.core.selecting.listing import differences, listed
from keysync_shell.core.selecting.selectors import EVERYTHING, KeyQuery
from tests.building import FIVE, grid, index, query, systems

STATE = systems(A=["K1", "K2"], B=["k1", "K2", "!"], C=["K2", "X1"])


def found(query: KeyQuery, names: str = "all", pattern: str = "") -> list[str]:
    mask = FIVE.mask(FIVE.parse(names))
    return listed(index(STATE), query, mask, FIVE.mask_of_pattern(pattern) if pattern else None)["key"].to_list()


def differing(left: State | Mapping[str, pl.DataFrame], right: State) -> list[tuple[str | None, ...]]:
    tables = left.tables if isinstance(left, State) else left
    return differences(tables, right.tables, Rules()).rows()


def test_every_spelling_is_listed_with_the_pattern_of_its_family() -> None:
    assert listed(index(STATE), EVERYTHING, FIVE.all_bits, None).rows() == [
        ("!", "", 0b00010, 0),
        ("K1", "K1", 0b00001, 0b00011),
        ("K2", "K2", 0b00111, 0b00111),
        ("X1", "X1", 0b00100, 0b00100),
        ("k1", "K1", 0b00010, 0b00011),
    ]


def test_only_what_these_systems_hold_is_listed() -> None:
    assert found(EVERYTHING, "A") == ["K1", "K2"]
    assert found(query("K1"), "B") == []
    assert found(query("re:(?i)k1"), "A,B") == ["K1", "k1"]


def test_pattern_means_the_canonical_key() -> None:
    assert found(EVERYTHING, pattern="AB...") == ["K1", "k1"]
    assert found(EVERYTHING, "B", pattern="AB...") == ["k1"]
    assert found(EVERYTHING, pattern="B....") == []


def test_the_same_tables_do_not_differ() -> None:
    assert differing(STATE, STATE) == []


def test_difference_says_what_is_only_right_only_left_or_respelled() -> None:
    assert differing(systems(A="K1 K2", B="K1"), systems(A="k1 K3", B="K1")) == [
        ("~", "A", "K1", "k1"),
        ("-", "A", "K2", None),
        ("+", "A", "K3", None),
    ]


def test_same_key_with_other_rows_differs() -> None:
    left, right = {"A": grid("key note / K1 1 / K2 1")}, {"A": grid("key note / K1 2 / K2 1")}
    assert differences(left, right, Rules()).rows() == [("~", "A", "K1", None)]
    assert differences(left, right, Rules(), keys_only=True).rows() == []


def test_each_spelling_pairs_with_one_other_at_most() -> None:
    assert differing(systems(A=["K1", "k1"]), systems(A=["K1!"])) == [("~", "A", "K1", "K1!"), ("-", "A", "k1", None)]


def test_spellings_of_nothing_do_not_pair() -> None:
    assert differing(systems(A=["!"]), systems(A=["?"])) == [("-", "A", "!", None), ("+", "A", "?", None)]
