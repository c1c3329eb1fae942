from __future__ import annotations

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keysync_shell.core.model.limits import Limits
from keysync_shell.errors import BadFile, KeySyncError
from keysync_shell.storage.foreign_csv import Reading, read
from keysync_shell.storage.forms import LINES, Form, Unclear, delimiter
from keysync_shell.storage.system_csv import parse, serialize
from tests.strategies import PURE

BOM = b"\xef\xbb\xbf"


def reading(data: str | bytes, form: Form | None = None, *, name: str = "f.csv", a_list: bool = False) -> Reading:
    content = data.encode() if isinstance(data, str) else data
    return read(content, name, Limits(), form, list_of_keys=a_list)


def keys(data: str | bytes, form: Form | None = None, *, name: str = "f.csv", a_list: bool = False) -> list[str]:
    return reading(data, form, name=name, a_list=a_list).rows["key"].to_list()


def unclear(data: str | bytes, form: Form | None = None, *, name: str = "f.csv", a_list: bool = False) -> list[Form]:
    with pytest.raises(Unclear) as error:
        reading(data, form, name=name, a_list=a_list)
    assert error.value.hint
    return [choice.form for choice in error.value.choices]


# What is unmistakable


@pytest.mark.parametrize("mark", [",", ";", "\t", "|"])
def test_delimiter_is_recognized(mark: str) -> None:
    text = f"name{mark}key\nAnn{mark}K-2\nBob{mark}K-1\n"
    found = reading(text)
    assert found.rows.rows() == [("Bob", "K-1"), ("Ann", "K-2")]
    assert found.form == Form(mark, "utf-8", "key", True)


@pytest.mark.parametrize(
    ("data", "encoding"),
    [
        ("key,name\nK-ü,x\n".encode(), "utf-8"),
        (BOM + "key,name\nK-ü,x\n".encode(), "utf-8"),
        ("key,name\nK-ü,x\n".encode("utf-16"), "utf-16"),
        (b"\xfe\xff" + "key,name\nK-ü,x\n".encode("utf-16-be"), "utf-16"),
        ("key,name\r\nK-ü,x\r\n".encode("utf-16"), "utf-16"),
        ("key,name\nK-ü,x\n".encode("utf-32"), "utf-32"),
    ],
)
def test_encoding_is_recognized_by_its_mark(data: bytes, encoding: str) -> None:
    found = reading(data)
    assert (found.rows.rows(), found.form.encoding) == ([("K-ü", "x")], encoding)


@pytest.mark.parametrize("name", ["key", "Key", " KEY ", '"key"'])
def test_column_called_key_holds_the_keys(name: str) -> None:
    assert keys(f"id,{name}\n1,K-1\n") == ["K-1"]


def test_only_column_holds_the_keys() -> None:
    assert keys("customer_id\nK-1\nK-2\n") == ["K-1", "K-2"]
    assert keys('"Article No."\n"K,1"\n"K-2"\n') == ["K,1", "K-2"]


def test_old_macintosh_line_ends() -> None:
    assert keys(b"name,key\rAnn,K-1\rBob,K-2\r") == ["K-1", "K-2"]


def test_missing_header_of_one_column_is_noticed() -> None:
    found = reading("K-1\nK-3\nK-2\n")
    assert (found.rows["key"].to_list(), found.form.header, found.plain) == (["K-1", "K-2", "K-3"], False, True)


@pytest.mark.parametrize("a_list", [False, True])
def test_keys_are_data(a_list: bool) -> None:
    assert keys("key;n\n K-1 ;\nk-1;\n\u00a0K;\n", a_list=a_list) == [" K-1 ", "k-1", "\u00a0K"]
    assert keys(" K-1 \nK-2\nk-2\n", name="list", a_list=True) == [" K-1 ", "K-2", "k-2"]


def test_other_columns_are_kept_under_names_that_a_system_file_can_have() -> None:
    found = reading(",key,*,note,Note,Key2\n0,K-1,a,b,c,d\n")
    assert found.rows.columns == ["column 1", "key", "column 3", "note", "column 5", "Key2"]
    assert found.columns == ("", "key", "*", "note", "Note", "Key2")
    assert parse(serialize(found.rows), "A.csv", Limits()).equals(found.rows)


def test_another_column_called_key_is_renamed() -> None:
    found = reading("id,key\nK-1,7\n", Form(key_column="id"))
    assert (found.rows.columns, found.rows.rows()) == (["key", "column 2"], [("K-1", "7")])


def test_first_rows_are_shown_as_they_stand() -> None:
    found = reading("key,n\n" + "".join(f"K-{9 - i},{i}\n" for i in range(9)))
    assert found.head == (("K-9", "0"), ("K-8", "1"), ("K-7", "2"), ("K-6", "3"), ("K-5", "4"))


@pytest.mark.parametrize("text", ["\nkey,n\n\nK-1,a\nK-1,b\n\r\nK-2,a\n\n", '\nkey,n\n\nK-1,"\n"\nK-1,b\n\nK-2,a\n\n'])
def test_blank_lines_and_repeated_keys_are_counted(text: str) -> None:
    found = reading(text)
    assert (found.blank, found.repeated, found.others) == (4, 1, ("n",))


def test_blank_lines_of_a_list_are_counted() -> None:
    found = reading("\nK-1\n\r\nK-1", name="list", a_list=True)
    assert (found.blank, found.repeated) == (2, 1)


# What people say


@pytest.mark.parametrize(
    ("data", "form", "found"),
    [
        ("customer_id;name\nK-1;Ann\n", Form(key_column="customer_id"), ["K-1"]),
        ("customer_id;name\nK-1;Ann\n", Form(key_column=" CUSTOMER_ID"), ["K-1"]),
        ("customer_id;name\nK-1;Ann\n", Form(key_column="1"), ["K-1"]),
        ("1,2\na,b\n", Form(key_column="2"), ["b"]),
        ("K-1;Ann\nK-2;Bob\n", Form(key_column="1", header=False), ["K-1", "K-2"]),
        ("K-1;Ann\nK-2;Bob\n", Form(key_column="1", header=True), ["K-2"]),
        ("K-1\nK-2\n", Form(header=True), ["K-2"]),
        ("K-1;Ann\nK-2;Bob\n", Form(key_column="2"), ["Ann", "Bob"]),
        ("key;n\nK-2;Bob\n", Form(key_column="1", header=False), ["K-2", "key"]),
        ("name\nAnn\n", Form(key_column="name"), ["Ann"]),
        ("name\nAnn\n", Form(header=False), ["Ann", "name"]),
        ("id\nK-1\n", Form(header=False), ["K-1", "id"]),
        ("a:key\n1:K,1\n", Form(delimiter=":"), ["K,1"]),
        ("key;a,b\nK-1;c,d\n", Form(delimiter=";"), ["K-1"]),
        ("key;a,b\nK-1;c,d\n", Form(delimiter=LINES), ["K-1;c,d", "key;a,b"]),
        ('"a"b\n,\n', Form(delimiter=LINES), ['"a"b', ","]),
        ("K-1,a\nK-2,b\n", Form(delimiter=LINES, key_column="K-1,a"), ["K-2,b"]),
        ('"K,1"\n"K,2"\n', Form(delimiter=",", header=False), ["K,1", "K,2"]),
        (b"key\nK-\xfc\n", Form(encoding="latin-1"), ["K-ü"]),
        (b"key\nK-\x80\n", Form(encoding="cp1252"), ["K-€"]),
        ("key\nK-1\n".encode("utf-16-le"), Form(encoding="utf-16-le"), ["K-1"]),
        (BOM + b"key\nK-1\n", Form(encoding="UTF8"), ["K-1"]),
        (BOM + b"key\nK-1\n", Form(encoding="utf-8-sig"), ["K-1"]),
    ],
)
def test_what_people_say_counts(data: str | bytes, form: Form, found: list[str]) -> None:
    assert keys(data, form) == found


@pytest.mark.parametrize(
    ("text", "meant"), [("tab", "\t"), ("\\t", "\t"), ("Comma", ","), ("semicolon", ";"), ("pipe", "|"), (":", ":")]
)
def test_delimiter_is_a_character_or_a_word(text: str, meant: str) -> None:
    assert delimiter(text) == meant


@pytest.mark.parametrize("text", ["", ";;", "é", '"', "\n", "nothing"])
def test_delimiter_that_is_none(text: str) -> None:
    with pytest.raises(KeySyncError, match="is not a delimiter"):
        delimiter(text)


# What is not clear, with the choices


@pytest.mark.parametrize("a_list", [False, True])
@pytest.mark.parametrize(
    ("text", "choices"),
    [
        ("customer_id;name\nK-1;Ann\nK-2;Bob\n", [Form(key_column="customer_id")]),
        ("name,customer key\nAnn,K-1\n", [Form(key_column="customer key")]),
        ("name,order\nAnn,10\nAnn,20\n", [Form(key_column="order")]),
        ("K-1\tAnn\nK-2\tBob\n", [Form(key_column="1", header=False)]),
        ("Ann|7\nBob|8\n", [Form(key_column="2", header=False)]),
        (",city\nAnn,Rome\n", [Form(key_column="1", header=True), Form(key_column="1", header=False)]),
        ("name,city\nAnn,Rome\n", [Form(key_column="name"), Form(key_column="1", header=False)]),
        ("customer_id,name\nK-1,Ann\nK-2\n", [Form(key_column="customer_id")]),
        ("\x1b[2J,\x1bn\nK-1,7\n", [Form(key_column="1")]),
    ],
)
def test_key_column_is_never_guessed(text: str, choices: list[Form], a_list: bool) -> None:
    found = unclear(text, a_list=a_list)
    assert found == choices + [Form(delimiter=LINES)] * a_list
    for form in choices:
        reading(text.replace("K-2\n", "K-2,Bob\n"), form, a_list=a_list)  # the choice is one


@pytest.mark.parametrize("a_list", [False, True])
@pytest.mark.parametrize("text", ["name\nAnn\nBob\n", "DEFAULT\nK-1\nK-2\n", "customer_id\n", "my key\nAnn\n"])
def test_lone_column_may_have_a_header(text: str, a_list: bool) -> None:
    name = text.partition("\n")[0]
    assert unclear(text, a_list=a_list) == [Form(header=True), Form(header=False)]
    assert name not in keys(text, Form(header=True))
    assert name in keys(text, Form(header=False))


def test_list_of_words_is_one() -> None:
    assert keys("ALPHA\nBETA\n", name="keys.txt", a_list=True) == ["ALPHA", "BETA"]
    assert keys("ALPHA\n", name="<stdin>", a_list=True) == ["ALPHA"]
    assert keys("PAR1\nPAR2\n", name="keys.txt", a_list=True) == ["PAR1", "PAR2"]  # as Parquet begins


def test_header_called_key_makes_one_column_certain() -> None:
    assert keys("key\na;b\nc;d\n") == ["a;b", "c;d"]


def test_two_delimiters_may_be_meant() -> None:
    assert unclear("a;b,c\nd;e,f\n") == [Form(delimiter=","), Form(delimiter=";"), Form(delimiter=LINES)]


def test_delimiter_that_separates_nothing() -> None:
    assert unclear("id;n\nK-1;a\n", Form(delimiter=",")) == [Form(delimiter=";"), Form(delimiter=LINES)]


def test_quotes_of_a_list_may_be_csv_or_data() -> None:
    assert unclear('K-1\n"K-2"\n', a_list=True) == [Form(delimiter=",", header=False), Form(delimiter=LINES)]


def test_first_line_that_is_unlike_the_others() -> None:
    assert unclear("Report\nK-1;Ann\nK-2;Bob\n") == [Form(delimiter=LINES)]


def test_two_key_columns() -> None:
    assert unclear("key,key\n1,2\n") == [Form(key_column="1"), Form(key_column="2")]
    assert keys("key,key\n1,2\n", Form(key_column="2")) == ["2"]
    assert unclear("id,id\na,b\n", Form(key_column="id")) == [Form(key_column=n, header=True) for n in "12"]
    assert keys("id,id\na,b\n", Form(key_column="2", header=True)) == ["b"]


@pytest.mark.parametrize(
    ("data", "encoding", "reads"),
    [
        (b"key,name\nK-1,M\xfcller\n", "cp1252", "K-1,Müller"),
        (b"key,name\nK-1,\x81\n", "latin-1", "K-1,"),
        (b"K-1\nK-\xe9\n", "cp1252", "K-é"),
    ],
)
@pytest.mark.parametrize("a_list", [False, True])
def test_western_encoding_is_named_with_the_line(data: bytes, encoding: str, reads: str, a_list: bool) -> None:
    with pytest.raises(Unclear, match=rf"f.csv:2: byte 0x.. is not UTF-8; as {encoding} .* '{reads}") as error:
        reading(data, a_list=a_list)
    assert [choice.form for choice in error.value.choices] == [Form(encoding=encoding)]


def test_file_that_is_no_text_is_not_said_to_be_western() -> None:
    with pytest.raises(BadFile) as error:
        reading(b"\x89PNG\r\n\x1a\n")
    assert not isinstance(error.value, Unclear)


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
def test_utf_16_without_a_mark_is_recognized(encoding: str) -> None:
    assert unclear("key,name\nK-1,Ann\n".encode(encoding)) == [Form(encoding=encoding)]


# What is no text, or wrong


@pytest.mark.parametrize(
    ("data", "what"),
    [
        (b"PK\x03\x04\x14\0\0\0[Content_Types].xml", "an Excel workbook \\(xlsx\\)"),
        (b"PK\x03\x04" + b"\0" * 99 + b"xl/workbook.xml", "an Excel workbook \\(xlsx\\)"),
        (b"PK\x03\x04\0\0mimetypeapplication/vnd.oasis.opendocument.spreadsheet", "an OpenDocument spreadsheet"),
        (b"PK\x03\x04" + b"\0" * 99 + b"manifest.json", "a zip, perhaps a snapshot"),
        (b"PK\x03\x04\0", "a zip"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "an old Excel workbook"),
        (b"\x1f\x8b\x08\0", "compressed \\(gzip\\)"),
        (b"PAR1\0", "a Parquet file"),
    ],
)
@pytest.mark.parametrize("a_list", [False, True])
def test_what_is_no_text_is_named(data: bytes, what: str, a_list: bool) -> None:
    with pytest.raises(BadFile, match=f"f.csv:1: this is {what}.*, not a text file") as error:
        reading(data, a_list=a_list)
    assert error.value.hint


@pytest.mark.parametrize(
    ("data", "form", "finding"),
    [
        ("", None, "f.csv:1: the file is empty"),
        ("\n\r\n", None, "f.csv:1: the file is empty"),
        ("key,note\nK1\nK2,a,b\n", None, "f.csv:2: 1 field, but the header has 2"),
        ("K1;a\nK2\n", Form(key_column="1", header=False), "f.csv:2: 1 field, but the first line has 2"),
        ("key;note\nK1;x\nK2\n", None, "f.csv:3: 1 field, but the header has 2"),
        ('key;note\nK1;"x\n', None, "f.csv:2: a quote is never closed"),
        ("key\nK\0001\n", None, "f.csv:2: NUL byte"),
        ("key\rK1\nK2\n", None, "f.csv:1: carriage return without a line feed"),
        ("key,n\nK-1,a\n", Form(key_column="nix"), "f.csv:1: there is no column 'nix'; its columns are key, n"),
        ("key,n\nK-1,a\n", Form(key_column="3"), "f.csv:1: there is no column '3'; its columns are key, n"),
        ("K-1\n", Form(key_column="key2"), "f.csv:1: there is no column 'key2'; its columns are K-1"),
        (b"key\nK-1\n\xff\n", Form(encoding="ascii"), "f.csv:3: byte 0xff is not ascii"),
        ("sep=;\nkey;n\nK1;a\n", None, "f.csv:1: this is a note for spreadsheets"),
        ('[{"key": "K1"}]', None, "f.csv:1: this is JSON, not CSV"),
        ("<!DOCTYPE html>\n<table><td>key</table>", None, "f.csv:1: this is a web page or XML, not CSV"),
        (b"\x89PNG\r\n\x1a\n\0\0", None, "f.csv:3: NUL byte"),
        (b"\x89PNG\r\n\x1a\n", None, "f.csv:1: byte 0x89 is not UTF-8"),
        ("key\nK1\n".encode("utf-32-le"), None, "f.csv:1: NUL byte"),
        (" \n\t\n", None, "f.csv:1: the file is empty"),
        ("," * 1000 + "key\n", None, "f.csv:1: 1,001 columns; 1,000 are the most"),
    ],
)
def test_what_is_wrong_is_named_with_its_place(data: str | bytes, form: Form | None, finding: str) -> None:
    with pytest.raises(BadFile) as error:
        reading(data, form)
    assert error.value.findings[0] == finding
    assert error.value.hint


def test_unknown_encoding() -> None:
    with pytest.raises(KeySyncError, match="there is no encoding 'klingon'"):
        reading("key\n", Form(encoding="klingon"))
    with pytest.raises(KeySyncError, match="there is no encoding 'rot13'"):
        reading("key\n", Form(encoding="rot13"))


@pytest.mark.parametrize("text", ["key,n\nK1,\nK2,\nlong,\n", "K1\nK2\nlong\n"])
@pytest.mark.parametrize("limits", [Limits(keys_per_system=2), Limits(key_bytes=3)])
def test_limits_hold(text: str, limits: Limits) -> None:
    with pytest.raises(KeySyncError, match="is over the limit"):
        read(text.encode(), "f.csv", limits)


def test_empty_list_is_one() -> None:
    assert keys("", a_list=True) == []
    assert keys("\n\n", a_list=True) == []


def test_long_file_is_read_to_its_end() -> None:
    lines = [f'K-{i};"a;{i}\n"' if i % 1000 == 0 else f"K-{i};x" for i in range(100_000)]
    found = reading("customer_id;note\n" + "\n".join(lines) + "\n", Form(key_column="customer_id"))
    assert (len(found.rows), found.blank, found.repeated) == (100_000, 0, 0)


# For all files

values = st.lists(
    st.sampled_from(["K", "1", " ", "é", "\t", ",", ";", '"', "\n", "'", "a"]), min_size=1, max_size=5
).map("".join)


@PURE
@given(
    st.lists(st.tuples(values, values), min_size=1, max_size=5),
    st.sampled_from([",", ";", "\t", "|"]),
    st.sampled_from(["\n", "\r\n"]),
    st.sampled_from(["utf-8", "utf-8-sig", "utf-16"]),
)
def test_every_value_comes_as_it_was_written(rows: list[tuple[str, str]], mark: str, end: str, encoding: str) -> None:
    text = io.StringIO(newline="")
    csv.writer(text, delimiter=mark, lineterminator=end).writerows([("note", "key"), *rows])
    found = reading(text.getvalue().encode(encoding), Form(delimiter=mark))
    assert sorted(found.rows.rows()) == sorted(rows)
    assert found.blank == 0


@PURE
@given(st.binary(max_size=60) | st.text(max_size=40).map(str.encode), st.booleans())
def test_any_bytes_are_read_or_refused_in_words(data: bytes, a_list: bool) -> None:
    try:
        found = reading(data, a_list=a_list)
    except KeySyncError:
        return
    assert parse(serialize(found.rows), "A.csv", Limits()).equals(found.rows)
