from __future__ import annotations

import pytest

from keysync_shell.render.layout import Cell, Column, laid_out, width_of

HEADS = "System Rows Total Unique Missing Gaps Unauthorized Duplicates Variants Malformed"
FINDINGS = 5  # the column with which the findings begin
RANGES = "CUST-00001, ' CUST 2 ', CUST-00003..CUST-00009 (7), CUST-00012"


def widest(text: str) -> int:
    return max(map(width_of, text.splitlines()))


def texts(head: str, *cells: Cell) -> Column:
    return Column(head, cells, wraps=True)


def numbers(head: str, *cells: str) -> Column:
    return Column(head, cells, right=True)


def status(number: str = "1,000,000", systems: str = "ABCDE") -> list[Column]:
    """The table of `status`."""
    heads = HEADS.split()
    return [texts(heads[0], *systems), *(numbers(head, *(number for _ in systems)) for head in heads[1:])]


def test_where_there_is_no_screen_no_cell_is_wrapped() -> None:
    assert widest(laid_out([texts("Keys", "x " * 500)], "simple", None)) > 900


def test_wide_screen_takes_one_table() -> None:
    text = laid_out(status("1"), "double_outline", 110, (FINDINGS,))
    assert text.count("System") == 1
    assert " ".join(HEADS.split()) in " ".join(text.replace("║", "").split())


@pytest.mark.parametrize("width", [80, None])
def test_status_of_a_million_rows_fits_eighty_columns_with_whole_words(width: int | None) -> None:
    text = laid_out(status(), "double_outline", width, (FINDINGS,))
    assert widest(text) <= 80
    assert text.count("System") == 2
    assert all(head in text for head in HEADS.split())
    assert text.count("1,000,000") == 9 * 5
    assert text.splitlines()[1].split("║")[-2].strip() == "Missing"


def test_as_many_tables_as_it_takes() -> None:
    text = laid_out(status(), "double_outline", 40, (FINDINGS,))
    assert widest(text) <= 40
    assert text.count("System") > 2
    assert text.count("1,000,000") == 9 * 5


def test_prose_is_wrapped_between_words_also_where_it_has_commas() -> None:
    note = Column("Note", ["Every kind of discrepancy, for a first look"], wraps=True, prose=True)
    text = laid_out([texts("Name", "drifted"), note], "plain", 24)
    assert [line[9:].rstrip() for line in text.splitlines()[1:]] == [
        "Every kind of",
        "discrepancy,",
        "for a first",
        "look",
    ]


def test_texts_are_wrapped_between_the_entries_of_a_list() -> None:
    text = laid_out([texts("Sign", "+"), numbers("Number", "10"), texts("Keys", RANGES)], "plain", 44)
    assert widest(text) <= 44
    assert [line.strip() for line in text.splitlines()[2:]] == ["CUST-00003..CUST-00009 (7),", "CUST-00012"]
    assert "' CUST 2 '" in text


def test_keys_of_a_list_are_kept_whole() -> None:
    keys = ("a, b", "CUST 00001", "CUST 00002", "CUST 00003")
    text = laid_out([texts("Kind", "duplicate"), Column("Keys", [keys])], "simple", 34)
    assert widest(text) <= 34
    assert [line.strip() for line in text.splitlines()[2:]] == [
        "duplicate  a, b, CUST 00001,",
        "CUST 00002, CUST 00003",
    ]


def test_words_are_wrapped_where_there_is_no_list() -> None:
    text = laid_out([numbers("Time", "1"), texts("Command", "mock --scenario drift --keys 10000")], "simple", 26)
    assert widest(text) <= 26
    assert " ".join(text.split()).endswith("1 mock --scenario drift --keys 10000")


def test_heads_are_wrapped_between_words() -> None:
    text = laid_out([texts("A long head", "a", "b"), texts("Note", "word " * 9, "")], "simple", 20)
    assert widest(text) <= 20
    assert "long" in text


def test_wide_letters_count_twice() -> None:
    text = laid_out([texts("Keys", "北京-1, 上海-1, 東京-1, 大阪-1, Köln-1")], "simple", 20)
    assert widest(text) <= 20
    assert width_of("北京e\u0301") == 5


def test_row_with_keys_that_are_too_long_is_a_block() -> None:
    key = "CUST 00001" * 9
    text = laid_out([Column("Key", [key, "K"]), texts("Note", "a b", "c")], "simple", 30)
    assert text == f"Key   {key}\nNote  a b\n\nKey   K\nNote  c"
