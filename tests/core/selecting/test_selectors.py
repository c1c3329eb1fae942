from __future__ import annotations

import fnmatch
import re

import polars as pl
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from keysync_shell.core.model.limits import Limits
from keysync_shell.core.selecting.keysets import OPERATOR
from keysync_shell.core.selecting.selectors import EVERYTHING, WILD, KeyQuery, near_misses
from keysync_shell.errors import KeySyncError
from tests.building import query, rows
from tests.strategies import PURE

THERE = rows(["CUST-1", "CUST-2", "CUST-10", "cust-1", "ORD-1", " K1", "a*b", "a..b", "re:x", "x\ny", ""])["key"]


def selected(*words: str) -> list[str]:
    return query(*words).matches(THERE).to_list()


@pytest.mark.parametrize(
    ("words", "keys"),
    [
        (["CUST-1"], ["CUST-1"]),
        (["ORD-1", "CUST-1", "ORD-1", "NONE"], ["CUST-1", "ORD-1"]),
        (["CUST-1..CUST-2"], ["CUST-1", "CUST-2"]),
        (["CUST-*"], ["CUST-1", "CUST-10", "CUST-2"]),
        (["CUST-?"], ["CUST-1", "CUST-2"]),
        (["*-1"], ["CUST-1", "ORD-1", "cust-1"]),
        (["[Cc]*1"], ["CUST-1", "cust-1"]),
        (["[!C]*1"], [" K1", "ORD-1", "cust-1"]),
        (["x?y"], ["x\ny"]),
        (["*"], THERE.to_list()),
        (["re:^CUST"], ["CUST-1", "CUST-10", "CUST-2"]),
        (["re:-1$"], ["CUST-1", "ORD-1", "cust-1"]),
        (["re:(?i)cust-1$"], ["CUST-1", "cust-1"]),
        (["re:K"], [" K1"]),
        (["re:"], THERE.to_list()),
        (["key:a*b"], ["a*b"]),
        (["key:a..b"], ["a..b"]),
        (["key:re:x"], ["re:x"]),
        (["key:"], [""]),
        (["CUST-1", "O*", "re:^c"], ["CUST-1", "ORD-1", "cust-1"]),
    ],
)
def test_words_select(words: list[str], keys: list[str]) -> None:
    assert selected(*words) == keys


def test_everything_is_everything_once() -> None:
    assert EVERYTHING.matches(rows("b a a")["key"]).to_list() == ["a", "b"]


def test_nothing_matches_among_no_keys() -> None:
    assert query("K1", "K*", "re:K").matches(rows("")["key"]).to_list() == []


def test_patterns_are_plain_keys_where_keys_are_made() -> None:
    assert query("a*b", "re:x", "[", look_up=False).named().to_list() == ["[", "a*b", "re:x"]


@pytest.mark.parametrize(
    ("word", "keys"),
    [
        ("K8..K11", ["K10", "K11", "K8", "K9"]),
        ("K08..K11", ["K08", "K09", "K10", "K11"]),
        ("K0..K10", sorted(f"K{n}" for n in range(11))),
        ("A-1-x..A-2-x", ["A-1-x", "A-2-x"]),
        ("2023-07..2023-09", ["2023-07", "2023-08", "2023-09"]),
        ("7..7", ["7"]),
    ],
)
def test_range_names_every_key_in_it(word: str, keys: list[str]) -> None:
    assert query(word, look_up=False).named().to_list() == keys


@pytest.mark.parametrize(
    ("word", "reason"),
    [
        ("A..B", "both ends need a number"),
        ("K1..", "both ends need a number"),
        ("..", "both ends need a number"),
        ("K1..L2", "the two ends differ in more than their last number"),
        ("K1-1..K2-2", "the two ends differ in more than their last number"),
        ("K1x..K2y", "the two ends differ in more than their last number"),
        ("K2..K1", "it runs backwards"),
        ("K01..K001", "the numbers are padded to different widths"),
        ("K1..K02", "the numbers are padded to different widths"),
        ("K1..K2..K3", "the two ends differ in more than their last number"),
    ],
)
def test_bad_range_is_refused_with_the_way_out(word: str, reason: str) -> None:
    with pytest.raises(KeySyncError) as error:
        query(word)
    assert error.value.message == f"bad range {word}: {reason}"
    assert "key:THE-KEY" in error.value.hint


@pytest.mark.parametrize("expression", ["(", "a{2,1}", "(?=x)", r"\1", "[z-a]", "*a"])
def test_bad_regular_expression_is_refused(expression: str) -> None:
    with pytest.raises(KeySyncError, match="bad regular expression") as error:
        query(f"re:{expression}")
    assert "Rust's regex" in error.value.hint


def test_bad_range_in_a_glob_is_refused() -> None:
    with pytest.raises(KeySyncError, match="bad regular expression"):
        query("K[z-a]")


def test_regular_expression_is_limited() -> None:
    with pytest.raises(KeySyncError, match="in characters: 1,001 is over the limit of 1,000"):
        query("re:" + "a" * 1001)


@pytest.mark.parametrize("words", [["K1..K4"], ["K1", "K2", "K3..K4"], ["K1", "K2", "K3", "K3"]])
def test_keys_named_are_limited_before_they_are_made(words: list[str]) -> None:
    with pytest.raises(KeySyncError, match="keys named: 4 is over the limit of 3"):
        KeyQuery.parse(words, Limits(keys_per_command=3), look_up=False)


def test_keys_from_a_file_are_taken_as_they_are_and_count() -> None:
    found = KeyQuery.parse(["K1"], Limits(), look_up=True, literals=["a*b", "1..2"])
    assert found.named().to_list() == ["1..2", "K1", "a*b"]
    with pytest.raises(KeySyncError, match="keys named: 3"):
        KeyQuery.parse(["K1"], Limits(keys_per_command=2), look_up=True, literals=["a", "b"])


glob_text = st.text(st.sampled_from("ab*?[]!-^\\.~& \t\né"), min_size=1, max_size=6)
key_text = st.text(st.sampled_from("ab[]!-^\\.~& \t\né"), max_size=4)


@PURE
@given(glob_text, st.lists(key_text, max_size=8))
def test_glob_selects_what_a_shell_would(glob: str, keys: list[str]) -> None:
    there = rows(keys)["key"]
    assume(WILD & set(glob) and ".." not in glob and not OPERATOR.search(glob))
    expected = sorted({key for key in keys if fnmatch.fnmatchcase(key, glob)}, key=str.encode)
    try:
        found = query(glob).matches(there).to_list()
    except KeySyncError:
        found = expected if re.search(r"\[.+-.*\]", glob) else ["refused without a reason"]  # a range may run backwards
    assert found == expected


def test_another_spelling_and_near_neighbours_are_offered() -> None:
    keys = rows(["CUST-00001", "CUST-00002", "CUST-99999", "cust_7"])["key"]
    canonical = pl.Series(["CUST-00001", "CUST-00002", "CUST-99999", "CUST-7"])
    assert near_misses(keys, canonical, "CUST-7", "CUST-7")[0] == "cust_7"
    assert near_misses(keys, canonical, "CUST-00003", "CUST-00003")[:1] == ["CUST-00002"]
    assert near_misses(keys, canonical, "zzz", "ZZZ") == []
    assert near_misses(keys.clear(), canonical.clear(), "K", "K") == []


def test_a_spelling_of_nothing_is_like_no_other() -> None:
    keys = rows(["!!", "??"])["key"]
    assert near_misses(keys, pl.Series(["", ""]), "~", "") == []


def test_range_beyond_every_limit_is_refused() -> None:
    with pytest.raises(KeySyncError, match="over the limit"):
        query("K1..K999999999999999999")
    with pytest.raises(KeySyncError, match="more than 18 digits"):
        query("K1..K9999999999999999999")


def test_range_of_endless_numbers_is_refused() -> None:
    with pytest.raises(KeySyncError):
        query(f"K1..K{'9' * 5000}")
