from __future__ import annotations

from collections.abc import Mapping

import polars as pl

from keysync_shell.core.model import table
from keysync_shell.core.model.rules import Rules
from keysync_shell.core.model.state import State
from keysync_shell.core.selecting.differences import Columns, differences, differing_columns
from tests.building import grid, systems

STATE = systems(A=["K1", "K2"], B=["k1", "K2", "!"], C=["K2", "X1"])


def differing(left: State | Mapping[str, pl.DataFrame], right: State) -> list[tuple[str | None, ...]]:
    tables = left.tables if isinstance(left, State) else left
    return differences(tables, right.tables, Rules()).rows()


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


def test_another_header_is_seen_also_without_rows_and_in_another_order() -> None:
    left = {"A": grid("key note / K1 a"), "B": table.empty(("key", "note")), "C": grid("key note / K1 a")}
    right = {"A": grid("key note / K1 b"), "B": table.empty(("key",)), "C": grid("note key / a K1")}
    assert differing_columns(left, right) == (
        Columns("B", ("key", "note"), ("key",)),
        Columns("C", ("key", "note"), ("note", "key")),
    )
