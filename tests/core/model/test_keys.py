from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keysync_shell.core.model.keys import KeyFormat, beyond_plain_ascii, check_key, safe, shown
from keysync_shell.core.model.limits import Limits
from keysync_shell.errors import KeySyncError
from tests.strategies import PURE


@pytest.mark.parametrize(
    ("text", "keys"),
    [
        ("K{n}", ["K1", "K2", "K3"]),
        ("CUST-{n:05}", ["CUST-00001", "CUST-00002", "CUST-00003"]),
        ("{n:02d}/{n}", ["01/1", "02/2", "03/3"]),
        ("{{x}}-{n}", ["{x}-1", "{x}-2", "{x}-3"]),
    ],
)
def test_format_numbers_the_keys(text: str, keys: list[str]) -> None:
    assert KeyFormat.parse(text).keys(3).to_list() == keys


def test_generated_keys_are_in_key_order() -> None:
    keys = KeyFormat.parse("K{n}").keys(120).to_list()
    assert keys == sorted(f"K{n}" for n in range(1, 121))


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("CUST", "there is no {n} in it"),
        ("", "there is no {n} in it"),
        ("{{n}}", "there is no {n} in it"),
        ("K{m}", "{m} is not a number field"),
        ("K{}", "{} is not a number field"),
        ("K{n:x}", "{n:x} is not a number field"),
        ("K{n:5}", "{n:5} is not a number field"),
        ("K{n:0100}", "{n:0100} is not a number field"),
        ("K{n!r}", "is not a number field"),
        ("K{n.real}", "is not a number field"),
        ("K{n", "expected '}'"),
        ("K}", "Single '}'"),
    ],
)
def test_bad_format_is_refused_with_an_example(text: str, reason: str) -> None:
    with pytest.raises(KeySyncError) as error:
        KeyFormat.parse(text)
    assert reason in error.value.message
    assert "CUST-{n:05}" in error.value.hint


@pytest.mark.parametrize("key", [" K 1 ", "a,b", '"', "a\nb", "a\r\nb", "\t", "é", "\u202e", "\U0001f511", "-"])
def test_odd_key_may_be_written(key: str) -> None:
    assert check_key(key, Limits()) == key


@pytest.mark.parametrize(
    ("key", "reason"),
    [
        ("", "a key cannot be empty"),
        ("a\0b", "key a\\x00b holds a NUL character"),
        ("a\rb", "key a\\rb holds a bare carriage return"),
        ("a\r", "holds a bare carriage return"),
        ("a\r\r\n", "holds a bare carriage return"),
        ("a\udcff", "key a\\udcff is not valid UTF-8"),
    ],
)
def test_key_that_no_file_can_carry_is_refused(key: str, reason: str) -> None:
    with pytest.raises(KeySyncError) as error:
        check_key(key, Limits())
    assert reason in error.value.message
    assert error.value.hint


def test_key_length_is_limited_in_bytes() -> None:
    limits = Limits(key_bytes=4)
    assert check_key("éé", limits) == "éé"
    with pytest.raises(KeySyncError, match="in bytes: 5 is over the limit of 4"):
        check_key("éé1", limits)


@pytest.mark.parametrize(
    ("text", "seen"),
    [
        ("K 1", "K 1"),
        ("é\u4e2d", "é\u4e2d"),
        ("a\tb\nc\rd", "a\\tb\\nc\\rd"),
        ("\x1b[31m", "\\x1b[31m"),
        ("\x9b", "\\x9b"),
        ("a\u00a0", "a\\xa0"),
        ("a\u200bb\u202ec\ufeff", "a\\u200bb\\u202ec\\ufeff"),
        (
            "\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0",
            "\\u034f\\u115f\\u1160\\u17b4\\u17b5\\u2800\\u3164\\uffa0",
        ),
        ("\u180b\u180f\ufe00\ufe0f", "\\u180b\\u180f\\ufe00\\ufe0f"),
        ("\U000e0100\U000e01ef", "\\U000e0100\\U000e01ef"),
        ("\udcff", "\\udcff"),
        ("\\\x07", "\\\\\\x07"),
    ],
)
def test_what_a_terminal_obeys_or_hides_is_escaped(text: str, seen: str) -> None:
    assert safe(text) == seen


@PURE
@given(st.text())
def test_safe_text_is_printable_and_keeps_what_was_printable(text: str) -> None:
    seen = safe(text)
    assert seen.isprintable()
    assert seen == text or not text.isprintable() or any(ord(letter) > 0x300 for letter in text)


def test_characters_beyond_plain_ascii_are_named_once_each() -> None:
    found = beyond_plain_ascii("CUST-0О\u00a0О\t\ue000")
    assert [(one.shown, one.code, one.name) for one in found] == [
        ("О", "U+041E", "CYRILLIC CAPITAL LETTER O"),
        ("\\xa0", "U+00A0", "NO-BREAK SPACE"),
        ("\\t", "U+0009", "control character"),
        ("\\ue000", "U+E000", "without a name"),
    ]
    assert beyond_plain_ascii("CUST-0001!~ ") == ()


@pytest.mark.parametrize(
    ("key", "seen"), [("K1", "K1"), ("", "''"), (" K1", "' K1'"), ("K1 ", "'K1 '"), ("'K1", "''K1'"), ('"', "'\"'")]
)
def test_key_whose_ends_would_not_be_seen_is_quoted(key: str, seen: str) -> None:
    assert shown(key) == seen
