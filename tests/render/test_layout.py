from __future__ import annotations

import pytest

from keysync_shell.render.layout import laid_out
from keysync_shell.render.view import KEY, NUMBER, TEXT

STATUS = {"system": TEXT, "unauthorized": NUMBER, "duplicates": NUMBER, "malformed": NUMBER}
ROWS = [["A", "1", "22", "333"], ["B", "4", "5", "6"]]
LIST = "CUST-00001, ' CUST 2 ', CUST-00003..CUST-00009 (7), CUST-00012"


def widest(text: str) -> int:
    return max(map(len, text.splitlines()))


def test_where_there_is_no_screen_a_table_is_as_wide_as_it_is() -> None:
    assert widest(laid_out({"keys": TEXT}, [["x " * 500]], "simple", None)) > 900


@pytest.mark.parametrize(
    ("width", "head", "framed"),
    [
        (80, "System ║ Unauthorized", True),
        (48, "Sys. ║ Unauth. ║ Dupl. ║ Malf.", True),
        (30, "Sys.  Unauth.  Dupl.  Malf.", False),
    ],
)
def test_a_table_that_is_too_wide_shortens_heads_and_drops_its_frame(width: int, head: str, framed: bool) -> None:
    text = laid_out(STATUS, ROWS, "double_outline", width)
    assert " ".join(head.split()) in " ".join(text.split())
    assert ("║" in text) is framed
    assert widest(text) <= width


def test_texts_are_wrapped_between_the_entries_of_a_list() -> None:
    text = laid_out({"sign": TEXT, "number": NUMBER, "keys": TEXT}, [["+", "10", LIST]], "plain", 41)
    assert widest(text) <= 41
    assert [line.strip() for line in text.splitlines()[2:]] == ["CUST-00003..CUST-00009 (7),", "CUST-00012"]
    assert "' CUST 2 '" in text


def test_words_are_wrapped_where_there_is_no_list() -> None:
    text = laid_out({"time": NUMBER, "command": TEXT}, [["1", "mock --scenario drift --keys 10000"]], "simple", 26)
    assert widest(text) <= 26
    assert " ".join(text.split()).endswith("1 mock --scenario drift --keys 10000")


def test_keys_are_never_cut() -> None:
    key = "CUST 00001" * 9
    assert key in laid_out({"key": KEY, "note": TEXT}, [[key, "a b c d e f g h"]], "simple", 30)
