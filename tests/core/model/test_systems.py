from __future__ import annotations

import pytest

from keysync_shell.core.model.systems import Systems
from keysync_shell.errors import KeySyncError
from tests.building import FIVE

NAMED = Systems(("CRM", "ERP", "Web"), "ERP")


def test_system_i_is_bit_i() -> None:
    assert [FIVE.bit(name) for name in FIVE.names] == [1, 2, 4, 8, 16]
    assert FIVE.mask(["A", "C", "C"]) == 0b00101
    assert FIVE.members(0b10101) == ("A", "C", "E")
    assert (FIVE.authority_bit, FIVE.all_bits) == (1, 31)
    assert (NAMED.authority_bit, NAMED.others) == (2, ("CRM", "Web"))


def test_pattern_of_single_letters_keeps_the_gaps() -> None:
    assert FIVE.pattern(0b11011) == "AB.DE"
    assert NAMED.pattern(0b101) == "CRM+Web"


@pytest.mark.parametrize("text", ["AB.DE", "AB·DE", "ABDE", "abde", "A+B+D+E", "E+a+D+b"])
def test_pattern_is_read_in_every_form(text: str) -> None:
    assert FIVE.mask_of_pattern(text) == 0b11011


def test_pattern_of_long_names_is_joined_by_plus() -> None:
    assert NAMED.mask_of_pattern("crm+WEB") == 0b101
    assert NAMED.mask_of_pattern("ERP") == 0b010


@pytest.mark.parametrize("mask", range(1, 32))
def test_every_pattern_is_read_as_it_is_written(mask: int) -> None:
    assert FIVE.mask_of_pattern(FIVE.pattern(mask)) == mask


@pytest.mark.parametrize("text", ["", ".....", "·"])
def test_pattern_of_no_system_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(KeySyncError, match="names no system") as error:
        FIVE.mask_of_pattern(text)
    assert error.value.hint == "A pattern looks like 'ABCD.'."


@pytest.mark.parametrize("text", ["AX", "A+X", "x"])
def test_pattern_with_an_unknown_system_is_refused(text: str) -> None:
    with pytest.raises(KeySyncError, match="unknown system 'X'"):
        FIVE.mask_of_pattern(text.upper())


def test_list_of_systems_comes_in_order_and_once() -> None:
    assert FIVE.parse("E, b,b,A") == ("A", "B", "E")
    assert FIVE.parse(" ALL ") == FIVE.names


@pytest.mark.parametrize("text", ["", " ", ",,"])
def test_empty_list_of_systems_is_refused(text: str) -> None:
    with pytest.raises(KeySyncError, match="no system named") as error:
        FIVE.parse(text)
    assert "A, B, C, D, E" in error.value.hint


def test_unknown_system_is_refused_with_the_nearest() -> None:
    with pytest.raises(KeySyncError, match="unknown system 'ERB'") as error:
        NAMED.find("ERB")
    assert error.value.hint == "Did you mean ERP? The systems are CRM, ERP, Web."


@pytest.mark.parametrize("word", ["web_shop", "WEBSHOP"])
def test_nearest_name_is_told_whatever_its_case(word: str) -> None:
    with pytest.raises(KeySyncError) as error:
        Systems(("erp_eu", "web-shop"), "erp_eu").find(word)
    assert error.value.hint.startswith("Did you mean web-shop?")


@pytest.mark.parametrize("name", ["erp_eu", "web-shop", "S-1", "a_b-c", "X" * 32])
def test_names_have_letters_digits_and_signs_between_them(name: str) -> None:
    assert Systems(("A", name)).names == ("A", name)


@pytest.mark.parametrize(
    ("names", "authority", "reason"),
    [
        (("A",), "A", "a sandbox takes 2 to 16 systems, not 1"),
        (tuple(f"S{i}" for i in range(17)), "S0", "systems, not 17"),
        (("A", "B/C"), "A", "'B/C' cannot be the name of a system"),
        (("A", ""), "A", "'' cannot be the name of a system"),
        (("A", "../x"), "A", "cannot be the name of a system"),
        (("A", "É"), "A", "cannot be the name of a system"),
        (("A", "B" * 33), "A", "cannot be the name of a system"),
        (("A", "a"), "A", "two systems are called 'a'; upper and lower case make no difference"),
        (("A", "-B"), "A", "'-B' cannot be the name of a system"),
        (("A", "B-"), "A", "'B-' cannot be the name of a system"),
        (("A", "_"), "A", "'_' cannot be the name of a system"),
        (("A", "All"), "A", "'All' cannot be the name of a system: commands take that word for something else"),
        (("A", "now"), "A", "'now' cannot be the name of a system: commands"),
        (("A", "B"), "C", "the authority 'C' is not one of A, B"),
    ],
)
def test_systems_that_cannot_be_are_refused(names: tuple[str, ...], authority: str, reason: str) -> None:
    with pytest.raises(KeySyncError) as error:
        Systems(names, authority)
    assert reason in error.value.message
