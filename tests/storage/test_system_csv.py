from __future__ import annotations

import csv
import io

import polars as pl
import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from keysync_shell.core.model import table
from keysync_shell.core.model.limits import Limits
from keysync_shell.errors import BadFile, KeySyncError
from keysync_shell.storage.separated import BOM, unmarked
from keysync_shell.storage.system_csv import parse, serialize
from tests.building import grid
from tests.strategies import PURE


def rows_of(text: str | bytes) -> list[tuple[str, ...]]:
    data = text.encode() if isinstance(text, str) else text
    return parse(data, "A.csv", Limits()).rows()


def findings(text: str | bytes) -> list[str]:
    with pytest.raises(BadFile) as error:
        rows_of(text)
    assert error.value.hint, "an error says what to do next"
    return error.value.findings


# What is taken


@pytest.mark.parametrize(
    ("text", "rows"),
    [
        ("key,note\nK2,b\nK1,a\n", [("K1", "a"), ("K2", "b")]),
        ("key,note\nK1,a", [("K1", "a")]),
        ("key,note\r\nK1,a\r\nK2,b\r\n", [("K1", "a"), ("K2", "b")]),
        ("\ufeffkey,note\nK1,a\n", [("K1", "a")]),
        ("note,key\na,K1\n", [("a", "K1")]),
        ("key,note\n007,1e3\nnull,NaN\n", [("007", "1e3"), ("null", "NaN")]),
        ("key,note\n,\n", [("", "")]),
        ("key,note\n K1 ,\ta\n", [(" K1 ", "\ta")]),
        ('key,note\n"a,b","say ""hi"""\n', [("a,b", 'say "hi"')]),
        ('key,note\n"a\nb",\n"a\r\nc",\n', [("a\nb", ""), ("a\r\nc", "")]),
        ('"key","no\nte"\nK1,a\n', [("K1", "a")]),
        ('"key","a,b"\nK1,a\n', [("K1", "a")]),
        ("key,note\nK1,a\n\n\r\nK2,b\n\n", [("K1", "a"), ("K2", "b")]),
        ("\n\r\nkey,note\nK1,a\n", [("K1", "a")]),
        ("key\nK1\n\nK2\n", [("K1",), ("K2",)]),
        ('key\n""\nK1\n', [("",), ("K1",)]),
        ("key\n#K1\n//\n", [("#K1",), ("//",)]),
        ("key,note\nK1,it's 5\" wide\n", [("K1", "it's 5\" wide")]),
        ("key,note\n", []),
        ("key,note", []),
        ("\ufeffkey", []),
    ],
)
def test_file_is_read_as_it_is(text: str, rows: list[tuple[str, ...]]) -> None:
    assert rows_of(text) == rows


def test_first_value_may_begin_with_a_byte_order_mark() -> None:
    assert rows_of("key,note\n\ufeffK1,a\n") == [("\ufeffK1", "a")]


def test_columns_keep_their_names_and_order() -> None:
    assert parse(b'"a,b",key, Note\n1,K1,2\n', "A.csv", Limits()).columns == ["a,b", "key", " Note"]


def test_long_file_with_everything_in_it_is_read_as_csv_reads_it() -> None:
    text = io.StringIO()
    lines = [[f"K{i}", f'{i}, "x"\n' if i % 7 else "", "\r\n" * (i % 3)] for i in range(30_000)]
    csv.writer(text).writerows([["key", "note", "more"], *lines])
    assert sorted(rows_of(text.getvalue())) == sorted(map(tuple, lines))


# What is refused: file:line: reason


@pytest.mark.parametrize(
    ("data", "finding"),
    [
        (b"", "A.csv:1: the file is empty; it has not even a header"),
        (b" \n\r\n", "A.csv:1: the file is empty; it has not even a header"),
        (BOM, "A.csv:1: the file is empty; it has not even a header"),
        ("key\nK1\n".encode("utf-16"), "A.csv:1: the file is UTF-16"),
        (b"\xfe\xff" + "key\nK1\n".encode("utf-16-be"), "A.csv:1: the file is UTF-16"),
        (b"key\nK1\nK\x002\n", "A.csv:3: NUL byte"),
        (b"key\nK1\n\xe9\n", "A.csv:3: byte 0xe9 is not UTF-8"),
        (b"key,note\nK1,\xed\xa0\x80\n", "A.csv:2: byte 0xed is not UTF-8"),
        (b"k\xffy\nK1\n", "A.csv:1: byte 0xff is not UTF-8"),
        (b"key\rK1\rK2\r", "A.csv:1: carriage return without a line feed"),
        (b"key\r\nK1\r\nK2\r\r\n", "A.csv:3: carriage return without a line feed"),
        (b'key\n"K1\rx"\n', "A.csv:2: carriage return without a line feed"),
        (b"key,note,note\nK1,a,b\n", "A.csv:1: two columns are called 'note'"),
        (b"key,Key \nK1,a\n", "A.csv:1: two columns are called 'Key '"),
        (b"key,\nK1,a\n", "A.csv:1: column 2 has no name"),
        (b"key, ,b\nK1,a,b\n", "A.csv:1: column 2 has no name"),
        (b"id,note\nK1,a\n", "A.csv:1: no column 'key'; its columns are id, note"),
        (b"KEY\nK1\n", "A.csv:1: no column 'key'; its columns are KEY"),
        (b"\x1b[2J\n", "A.csv:1: no column 'key'; its columns are \\x1b[2J"),
        (b"key,note\nK1,a\nK2\n", "A.csv:3: 1 field, but the header has 2"),
        (b"key,note\nK1,a,b\n", "A.csv:2: 3 fields, but the header has 2"),
        (b'key,note\nK1,"a,b"\nK2,"c,d\ne",f\n', "A.csv:3: 3 fields, but the header has 2"),
        (b"key,note\nK1\nK2,a,b\n", "A.csv:2: 1 field, but the header has 2"),
        (b"key,note\nK1\nK2,a,", "A.csv:2: 1 field, but the header has 2"),
        (b'key,note\nK1,a\nK2,"b\n', "A.csv:3: a quote is never closed"),
        (b'key,note\nK1,"a"b\n', "A.csv:2: ',' expected after '\"'"),
        (b'"key\nK1\n', "A.csv:1: a quote is never closed"),
    ],
)
def test_malformed_file_is_refused_with_the_place_and_the_reason(data: bytes, finding: str) -> None:
    assert findings(data)[0] == finding


@pytest.mark.parametrize("text", ['key\n"a""', 'key,note\nK1,x\nK2,"a,b""', 'key\n""K1""\n'])
def test_bad_quotes_are_refused_as_the_csv_module_refuses_them(text: str) -> None:
    assert findings(text)


def test_every_bad_line_is_named_but_at_most_twenty() -> None:
    found = findings("key,note\n" + "K1,a\nK2\n" * 30)
    assert found[:2] == ["A.csv:3: 1 field, but the header has 2", "A.csv:5: 1 field, but the header has 2"]
    assert len(found) == 20


def test_lines_are_counted_through_quoted_line_ends_and_blank_lines() -> None:
    assert findings('key,note\n"a\n\nb",c\n\nK2\n') == ["A.csv:6: 1 field, but the header has 2"]


def test_missing_and_superfluous_commas_do_not_make_up_for_each_other() -> None:
    assert len(findings('key,note\nK1\n"K2,K3",x\nK4,a,b\n')) == 2


@pytest.mark.parametrize(
    ("limits", "reason"),
    [
        (Limits(keys_per_system=2), "A.csv: rows: 3 is over the limit of 2"),
        (Limits(key_bytes=2), "A.csv:4: a key in bytes: 3 is over the limit of 2"),
    ],
)
def test_too_many_rows_or_too_long_a_key_is_refused(limits: Limits, reason: str) -> None:
    with pytest.raises(KeySyncError) as error:
        parse("key\nK1\nK2\né1\n".encode(), "A.csv", limits)
    assert error.value.message == reason


# What is written


def test_file_is_a_function_of_its_rows() -> None:
    assert serialize(grid("key note / K1 a / K2 . / . b")) == b'key,note\n"",b\nK1,a\nK2,\n'
    assert serialize(parse(BOM + b'key,note\r\n"K2",""\r\nK1,a\r\n', "A", Limits())) == b"key,note\nK1,a\nK2,\n"


def test_quotes_stand_only_where_they_are_needed() -> None:
    rows = pl.DataFrame({"key": ["a,b", 'c"d', "e\nf", " g ", "h"]})
    assert serialize(rows) == b'key\n"a,b"\n"c""d"\n"e\nf"\n g \nh\n'


# For all files

pieces = st.sampled_from(["K", "1", ",", '"', "\n", "\r\n", " ", "é", "\t", "#", "'", "\ufeff", "\u2028", "\x1b"])
values = st.lists(pieces, max_size=4).map("".join)


@st.composite
def tables(draw: st.DrawFn) -> pl.DataFrame:
    """A key table with any columns that a file may have, and any values."""
    others = draw(st.lists(values.filter(_may_be_a_name), max_size=3, unique_by=lambda name: name.strip().casefold()))
    columns = draw(st.permutations(["key", *others]))
    lines = draw(st.lists(st.tuples(*(values for _ in columns)), max_size=6))
    rows = table.ordered(pl.DataFrame(lines, schema=dict.fromkeys(columns, pl.String), orient="row"))
    assume(not columns[0].startswith("\ufeff"))  # see the expected failure below
    return rows


def _may_be_a_name(name: str) -> bool:
    return bool(name.strip()) and name.strip().casefold() != "key"


@PURE
@given(tables())
def test_what_is_written_is_read_back(rows: pl.DataFrame) -> None:
    data = serialize(rows)
    read = parse(data, "A.csv", Limits())
    assert (read.columns, read.rows()) == (rows.columns, rows.rows())
    assert serialize(read) == data


@PURE
@given(tables(), st.sampled_from(["\n", "\r\n"]), st.sampled_from([csv.QUOTE_ALL, csv.QUOTE_MINIMAL]), st.booleans())
def test_what_others_write_is_read(rows: pl.DataFrame, end: str, quoting: int, mark: bool) -> None:
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator=end, quoting=quoting).writerows([rows.columns, *rows.rows()])  # type: ignore[arg-type]  # typeshed wants literals
    read = parse(text.getvalue().encode("utf-8-sig" if mark else "utf-8"), "A.csv", Limits())
    assert (read.columns, read.rows()) == (rows.columns, rows.rows())


chunks = st.sampled_from(
    [b"key", b"K", b"1", b",", b'"', b'""', b"\n", b"\r\n", b"\r", b" ", b"\xc3\xa9", b"\xe9", b"\0", b"\xef\xbb\xbf"]
)
headers = st.sampled_from([b"", b"key", b"key\n", b"key,b\n", b"b,key\r\n", b'\xef\xbb\xbf"key",b\n', b'key,"b\n,"\n'])
some_bytes = st.builds(lambda head, rest: head + b"".join(rest), headers, st.lists(chunks, max_size=12))


@PURE
@example(b"\xef\xbb\xbf\xef\xbb\xbfkey")
@given(some_bytes | st.binary(max_size=40))
def test_any_bytes_are_refused_or_read_as_the_csv_module_reads_them(data: bytes) -> None:
    try:
        rows = parse(data, "A.csv", Limits())
    except BadFile:
        assert not _well_formed(data)
        return
    header, *lines = _records(data)
    assert rows.columns == header
    assert rows.rows() == sorted(map(tuple, lines), key=lambda line: _in_table_order(header, line))


def _records(data: bytes) -> list[list[str]]:
    text = io.StringIO(unmarked(data).decode(), newline="")
    return [fields for fields in csv.reader(text, strict=True) if fields]


def _in_table_order(header: list[str], line: tuple[str, ...]) -> tuple[bytes, ...]:
    at = header.index("key")
    return tuple(value.encode() for value in (line[at], *line[:at], *line[at + 1 :]))


def _well_formed(data: bytes) -> bool:
    """Whether there is no reason to refuse it."""
    try:
        header, *lines = _records(data)
    except (ValueError, csv.Error):  # not UTF-8, no header, or no CSV
        return False
    names = [name.strip().casefold() for name in header]
    text = data.decode()
    return (
        "\0" not in text
        and "\r" not in text.replace("\r\n", "")
        and "key" in header
        and all(names)
        and len(set(names)) == len(names)
        and all(len(line) == len(header) for line in lines)
    )


def test_file_with_two_byte_order_marks_can_be_written_and_read() -> None:
    rows = parse(BOM + BOM + b"note,key\na,K1\n", "A.csv", Limits())
    assert parse(serialize(rows), "A.csv", Limits()).columns == rows.columns


# Bombs: each would take minutes or all memory if anything looked at every field


BOMBS = {
    "columns": (b"key" + b"".join(b",c%d" % i for i in range(100_000)), "A.csv:1: 100,001 columns; 1,000 are the most"),
    "same": (b"key" + b",c" * 100_000 + b"\nK1", "A.csv:1: 100,001 columns; 1,000 are the most"),
    "header": (b"key" + b"," * 20_000_000, "A.csv:1: the first 1,048,576 bytes hold no whole header"),
    "quote": (b'key,"' + b"a\n" * 2_000_000, "A.csv:1: the first 1,048,576 bytes hold no whole header"),
    "blank": (b"\n" * 2_000_000 + b"key\nK1\n", "A.csv:1: the first 1,048,576 bytes hold no whole header"),
    "fields": (b"key,b\nK1" + b"," * 20_000_000 + b"\n", "A.csv:2: more than 1,000,000 fields"),
    "last": (b"key,b\nK0,x\nK1" + b"," * 20_000_000, "A.csv:3: more than 1,000,000 fields"),
    "short": (b"key,b\n" + b"K\n" * 2_000_000, "A.csv:2: 1 field, but the header has 2"),
    "returns": (b"key\r\n" * 2_000_000 + b"\rK\n", "A.csv:2000001: carriage return without a line feed"),
}


@pytest.mark.timeout(60)
@pytest.mark.parametrize(("data", "reason"), BOMBS.values(), ids=BOMBS)
def test_bomb_is_refused_at_once(data: bytes, reason: str) -> None:
    with pytest.raises(BadFile) as error:
        parse(data, "A.csv", Limits())
    assert error.value.findings[0] == reason


@pytest.mark.timeout(60)
def test_any_number_of_byte_order_marks_is_passed_over() -> None:
    assert parse(b"\xef\xbb\xbf" * 2_000_000 + b"key\nK1\n", "A.csv", Limits())["key"].to_list() == ["K1"]


def test_a_thousand_columns_and_a_long_value_are_fine() -> None:
    names = ["key", *(f"c{i}" for i in range(999))]
    assert parse(",".join(names).encode(), "A.csv", Limits()).columns == names
    commas = "," * 900_000
    assert parse(f'key,b\nK1,"{commas}"\n'.encode(), "A.csv", Limits()).rows() == [("K1", commas)]
