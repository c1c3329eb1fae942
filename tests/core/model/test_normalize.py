from __future__ import annotations

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from keysync_shell.core.model.normalize import canonical, loses_letters, steps
from keysync_shell.core.model.rules import Rules
from tests.core.reference import normalized
from tests.strategies import PURE, spellings

DEFAULT, PADDED = Rules(), Rules(pad_numbers=4)
UNICODE = Rules(letters="unicode", pad_numbers=4)

switches = st.booleans()
every_rules = st.builds(
    Rules, switches, switches, switches, switches, st.sampled_from(["ascii", "unicode"]), st.sampled_from([0, 1, 3])
)


def seen(key: str, rules: Rules = DEFAULT) -> tuple[str, bool, bool]:
    """The canonical key, and whether the spelling is plain and malformed."""
    [(_, found, plain, malformed)] = canonical(pl.Series([key]), rules).rows()
    return found, plain, malformed


@pytest.mark.parametrize(
    ("key", "expected"),
    [
        ("CUST-1", "CUST-1"),
        ("  cust_00 1\t", "CUST-00-1"),
        ("a -_- b", "A-B"),
        ("\u00a0A\u2003B\u3000", "A-B"),
        ("-A-", "-A-"),
        ("ß", "SS"),
        ("A\nB", "A-B"),
    ],
)
def test_trim_then_upper_case_then_collapse(key: str, expected: str) -> None:
    assert seen(key)[0] == expected
    assert not seen(key)[2]


@pytest.mark.parametrize(
    ("key", "expected"),
    [
        ("A!B", "AB"),
        ("é1", "1"),
        ("A-!-B", "A-B"),
        ("A !", "A-"),
        ("! A", "-A"),
        ("Ａ1", "1"),
        ("!", ""),
        ("", ""),
        ("A\x00", "A"),
    ],
)
def test_spelling_that_loses_characters_or_everything_is_malformed(key: str, expected: str) -> None:
    assert seen(key) == (expected, False, True)


@pytest.mark.parametrize(("key", "plain"), [("A-1", True), ("a-1", False), (" A", False), ("A_1", False), ("-A", True)])
def test_spelling_that_the_rules_do_not_touch_is_plain(key: str, plain: bool) -> None:
    assert seen(key)[1] is plain


@pytest.mark.parametrize(
    ("key", "expected"), [("K-1", "K-0001"), ("K1", "K1"), ("1-22-55555", "0001-0022-55555"), ("-", "-"), ("", "")]
)
def test_number_parts_are_padded_only_where_they_stand_alone(key: str, expected: str) -> None:
    assert seen(key, PADDED)[0] == expected


@PURE
@given(spellings | st.text(), every_rules)
def test_canonical_key_of_a_canonical_key_is_itself(key: str, rules: Rules) -> None:
    [once] = canonical(pl.Series([key]), rules)["canonical"]
    assert seen(once, rules)[0] == once


@PURE
@given(spellings | st.text(), every_rules)
def test_the_last_step_is_the_canonical_key(key: str, rules: Rules) -> None:
    assert steps(key, rules)[-1][1] == seen(key, rules)[0]


def test_padding_alone_leaves_a_spelling_plain() -> None:
    assert seen("K-1", PADDED) == ("K-0001", True, False)


@pytest.mark.parametrize(
    ("rules", "key", "expected"),
    [
        (Rules(trim=False), " a ", "-A-"),
        (Rules(uppercase=False), "Ab", "Ab"),
        (Rules(collapse_delimiters=False), "a _b", "A _B"),
        (Rules(collapse_delimiters=False), "a !", "A"),
        (Rules(strip_other=False), "a!é", "A!É"),
    ],
)
def test_each_rule_can_be_switched_off(rules: Rules, key: str, expected: str) -> None:
    assert seen(key, rules)[0] == expected


@pytest.mark.parametrize(
    ("key", "expected"),
    [
        ("北京-1", "北京-0001"),
        (" москва_22", "МОСКВА-0022"),
        ("e\u0301 1", "É-0001"),
        ("É1", "É1"),
        ("मुंबई-१", "मुंबई-१"),
        ("straße", "STRASSE"),
        ("\u01f0", "J\u030c"),
    ],
)
def test_letters_and_digits_of_every_alphabet_count_if_the_rules_say_so(key: str, expected: str) -> None:
    assert seen(key, UNICODE)[::2] == (expected, False)


@pytest.mark.parametrize(("key", "expected"), [("Ж\u200b1", "Ж1"), ("Ж\ufe0f", "Ж"), ("№ 7!", "-0007"), ("💥", "")])
def test_signs_and_what_nobody_sees_are_dropped_in_every_alphabet(key: str, expected: str) -> None:
    assert seen(key, UNICODE)[::2] == (expected, True)


@pytest.mark.nightly
@pytest.mark.parametrize("around", ["{}", "A{}", "{}\u0301", "1{}1", "é{}!\u0301"])
@pytest.mark.parametrize("rules", [DEFAULT, PADDED, UNICODE, Rules(letters="unicode", uppercase=False)])
def test_canonical_is_a_fixed_point_for_every_character(around: str, rules: Rules) -> None:
    keys = pl.Series([around.format(chr(code)) for code in range(0x110000) if not 0xD800 <= code < 0xE000])
    once = canonical(keys, rules)["canonical"]
    assert keys.filter(canonical(once, rules)["canonical"] != once).to_list() == []


@pytest.mark.parametrize(
    ("key", "loses"),
    [
        ("北京-1", True),
        ("é", True),
        ("e\u0301", True),
        ("Ｋ１", True),
        ("ß", False),
        ("A!💥\u200b", False),
        ("", False),
    ],
)
def test_letters_are_lost_only_if_ascii_has_none_for_them(key: str, loses: bool) -> None:
    assert loses_letters(pl.Series([key]), DEFAULT).to_list() == [loses]
    assert loses_letters(pl.Series([key]), UNICODE).to_list() == [False]
    assert loses_letters(pl.Series([key]), Rules(strip_other=False)).to_list() == [False]


@PURE
@given(st.lists(spellings, max_size=9), st.sampled_from([0, 2, 6]))
def test_canonical_keys_are_those_of_the_reference(keys: list[str], pad: int) -> None:
    rows = canonical(pl.Series(keys, dtype=pl.String), Rules(pad_numbers=pad))
    expected = [normalized(key, pad) for key in keys]
    assert rows["canonical"].to_list() == [form.canonical for form in expected]
    assert rows["malformed"].to_list() == [form.collapsed != form.stripped or not form.stripped for form in expected]


@PURE
@given(st.text(), st.sampled_from([0, 3]))
def test_canonical_key_holds_nothing_but_letters_digits_and_hyphens(key: str, pad: int) -> None:
    [found] = canonical(pl.Series([key]), Rules(pad_numbers=pad))["canonical"]
    assert set(found) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-")


def test_the_series_that_is_normalized_stays_as_it_is() -> None:
    keys = pl.Series(["a", "B"])
    canonical(keys, Rules())
    assert keys.to_list() == ["a", "B"]
