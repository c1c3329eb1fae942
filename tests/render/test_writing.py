from __future__ import annotations

import csv
import io
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keysync_shell.commands.declaring import FORMATS
from keysync_shell.errors import KeySyncError
from keysync_shell.render import writing
from keysync_shell.render.view import ID, KEY, MOMENT, NUMBER, OPERATION, TEXT, Grid, View, fixed
from keysync_shell.render.writing import Writer, format_of, writer_for
from tests.strategies import PURE

LEGEND = {"+": "added", "-": "removed", "~": "altered"}
HOSTILE = "\x1b[31m\u202e\u200b\n|<b>"


class Screen(io.TextIOWrapper):
    """A stream whose text can be looked at, and that may be a terminal."""

    def __init__(self, encoding: str = "utf-8", terminal: bool = False) -> None:
        super().__init__(io.BytesIO(), encoding=encoding, newline="", write_through=True)
        self._terminal = terminal

    def isatty(self) -> bool:
        return self._terminal

    @property
    def text(self) -> str:
        assert isinstance(self.buffer, io.BytesIO)
        return self.buffer.getvalue().decode(self.encoding)


def grid(*rows: tuple[Any, ...], **options: Any) -> View:
    """A view of rows of a key, a text and a number, and of nothing else."""
    columns = {"key": KEY, "saved_at": TEXT, "rows": NUMBER}
    return View(data=lambda records: {"rows": records}, grid=Grid(columns, fixed(list(rows)), len(rows), **options))


def shown(view: View, format: str, *, warnings: list[str] | None = None, **options: Any) -> tuple[str, str]:
    """What is on both streams."""
    out, err = Screen(**options), Screen()
    Writer(out, err).show(view, "test", format, warnings or [])
    return out.text, err.text


def test_signs_are_painted_on_a_screen_and_only_there() -> None:
    view = View(data=lambda _: None, talk=("✓ Removed: A +1 −2,000 ~3 keys", "  rows: A 1-2"))
    err = Screen()
    Writer(Screen(), err, color_err=True).show(view, "test", "table", [])
    assert err.text == (
        "\x1b[32m✓\x1b[0m Removed: A \x1b[32m+1\x1b[0m \x1b[31m−2,000\x1b[0m \x1b[33m~3\x1b[0m keys\n  rows: A 1-2\n"
    )
    assert shown(view, "table")[1] == "✓ Removed: A +1 −2,000 ~3 keys\n  rows: A 1-2\n"


def test_table_puts_numbers_right_and_shows_the_ends_of_keys() -> None:
    out, _ = shown(grid((" K1", "now", 1), ("K2", "", 1000)), "table")
    assert out.splitlines() == [
        "Key    Saved at   Rows",
        "-----  --------  -----",
        "' K1'  now           1",
        "K2               1,000",
    ]


def test_numbers_have_separators_for_people_only() -> None:
    view = grid(("K1", "", 1_000_000))
    assert all("1,000,000" in shown(view, format)[0] for format in ("table", "markdown"))
    assert all("1000000" in shown(view, format)[0] for format in ("csv", "tsv", "json", "jsonl"))


def test_each_kind_of_column_looks_as_people_type_it() -> None:
    columns = {"run": ID, "operation": OPERATION, "saved_at": MOMENT, "eu_west": TEXT}
    row = (1234, 41, "2026-01-02T12:00:05Z", "x")
    view = View(data=lambda _: None, grid=Grid(columns, fixed([row]), 1, named=("eu_west",)))
    head, _, line = shown(view, "table")[0].splitlines()
    assert head.split() == ["Run", "Operation", "Saved", "at", "(UTC)", "eu_west"]
    assert line.split() == ["1234", "@41", "2026-01-02", "12:00", "x"]
    assert "1234,41,2026-01-02T12:00:05Z,x" in shown(view, "csv")[0]


def test_legend_names_the_signs_that_are_there() -> None:
    signs = Grid({"sign": TEXT, "key": KEY}, fixed([("+", "K1"), ("~", "K2")]), 2, legend=LEGEND)
    assert shown(View(data=lambda _: None, grid=signs), "table")[0].splitlines()[-1] == "+ added   ~ altered"
    assert "added" not in shown(View(data=lambda _: None, grid=signs), "csv")[0]


def test_numbers_that_are_text_stay_as_they_are() -> None:
    out, _ = shown(grid(("007", "1e5", 1)), "table")
    assert out.splitlines()[2].split() == ["007", "1e5", "1"]


@pytest.mark.parametrize("format", ["table", "markdown"])
def test_long_list_is_cut_and_says_how_to_see_the_rest(format: str) -> None:
    rows = [(f"K{i}", "", i) for i in range(60)]
    out, _ = shown(grid(*rows, rest="list --all"), format)
    assert out.splitlines()[-1] == "… 10 more of 60. All of them: list --all"
    assert "K49" in out
    assert "K50" not in out
    assert "more" not in shown(grid(*rows, all=True), format)[0]
    assert "57 more of 60." in shown(grid(*rows, limit=3), format)[0]


@pytest.mark.parametrize("format", ["json", "jsonl", "csv", "tsv"])
def test_machines_get_every_row_unless_there_is_a_limit(format: str) -> None:
    rows = [(f"K{i}", "", i) for i in range(60)]
    assert "K59" in shown(grid(*rows), format)[0]
    assert "K3" not in shown(grid(*rows, limit=3), format)[0]


def test_empty_table_writes_only_the_lines_around_it() -> None:
    view = View(data=lambda _: None, grid=grid().grid, lines=("before",), after=("after",), talk=("✓ done", "next"))
    assert shown(view, "table") == ("before\nafter\n", "✓ done\nnext\n")


def test_json_is_an_envelope_with_the_warnings_in_it() -> None:
    out, err = shown(grid(("K1", "now", 1)), "json", warnings=["careful"])
    rows = [{"key": "K1", "saved_at": "now", "rows": 1}]
    assert json.loads(out) == {
        "schema": "keysync/1",
        "command": "test",
        "data": {"rows": rows},
        "warnings": ["careful"],
    }
    assert err == ""


def test_json_lines_are_a_row_each_or_the_whole_result() -> None:
    assert shown(grid(("K1", "", 1), ("K2", "", 2)), "jsonl")[0].count("\n") == 2
    assert shown(View(data=lambda _: {"a": 1}), "jsonl")[0] == '{"a": 1}\n'


@pytest.mark.parametrize("format", ["jsonl", "csv", "tsv", "markdown", "table"])
def test_warnings_are_talk_and_safe(format: str) -> None:
    assert shown(grid(), format, warnings=["a\x1b"])[1] == "warning: a\\x1b\n"


def test_result_without_rows_is_a_row_of_its_own() -> None:
    view = View(data=lambda _: {"name": "base", "rows": 3, "systems": {"A": 3}})
    assert shown(view, "csv")[0] == "name,rows\nbase,3\n"
    assert shown(view, "markdown")[0].splitlines()[2] == "| base | 3 |"


@pytest.mark.parametrize(
    ("given", "output", "format"),
    [
        (None, None, "table"),
        (None, "o.csv", "csv"),
        (None, "a.b/o.CSV", "csv"),
        (None, "o.tsv", "tsv"),
        (None, "o.json", "json"),
        (None, "o.jsonl", "jsonl"),
        (None, "o.md", "markdown"),
        (None, "o.txt", "table"),
        (None, "o", "table"),
        (None, "csv", "table"),
        ("json", "o.csv", "json"),
        ("table", "o.csv", "table"),
        ("csv", "o.xlsx", "csv"),
    ],
)
def test_format_is_what_was_asked_for_or_what_the_name_says(given: str | None, output: str | None, format: str) -> None:
    assert format_of(given, output) == format


def test_name_of_a_format_that_is_not_written() -> None:
    with pytest.raises(KeySyncError, match=r"results are not written as \.xlsx") as error:
        format_of(None, "o.xlsx")
    assert ".csv" in error.value.hint


def test_every_format_that_help_names_can_be_written() -> None:
    assert tuple(writing.FORMATS) == FORMATS


@pytest.mark.parametrize(
    "value", ["=1+1", "+1", "-K1", "@x", "\tx", "\r\nx", "+", "-", "'x", "K=1", "", "a,b\n\"c'", " x "]
)
@pytest.mark.parametrize(("format", "delimiter"), [("csv", ","), ("tsv", "\t")])
def test_cell_reads_back_as_it_was(value: str, format: str, delimiter: str) -> None:
    out, _ = shown(grid((value, "", -1)), format)
    header, row = csv.reader(io.StringIO(out, newline=""), delimiter=delimiter)
    assert header == ["key", "saved_at", "rows"]
    assert row == [value, "", "-1"]


def test_several_values_stand_in_one_cell() -> None:
    assert shown(grid((("K1", "k1"), "", 1)), "csv")[0].splitlines()[1] == "K1 | k1,,1"
    assert "K1, ' K1'" in shown(grid((("K1", " K1"), None, 1)), "table")[0]


@pytest.mark.parametrize("format", ["table", "json", "jsonl", "markdown"])
def test_no_hostile_character_gets_through(format: str) -> None:
    out, err = shown(grid((HOSTILE, HOSTILE, 1)), format, warnings=[HOSTILE])
    assert (out + err).replace("\n", "").isprintable()


@pytest.mark.parametrize("format", ["csv", "tsv"])
def test_export_is_raw_in_a_file_and_safe_on_a_screen(format: str) -> None:
    assert HOSTILE in shown(grid((HOSTILE, "", 1)), format)[0]
    assert "\x1b" not in shown(grid((HOSTILE, "", 1)), format, terminal=True)[0]


def test_markdown_shows_cells_and_runs_none() -> None:
    out, _ = shown(grid(("a|b", "<script>\\", 1)), "markdown")
    assert out.splitlines() == ["| Key | Saved at | Rows |", "| :-- | :-- | --: |", r"| a\|b | &lt;script>\\ | 1 |"]


@PURE
@given(st.lists(st.tuples(st.text(), st.text(), st.integers()), max_size=4))
def test_json_holds_exactly_what_there_is(rows: list[tuple[str, str, int]]) -> None:
    records = [dict(zip(("key", "saved_at", "rows"), row, strict=True)) for row in rows]
    out, _ = shown(grid(*rows), "json")
    assert out.isascii()
    assert json.loads(out)["data"] == {"rows": records}
    assert [json.loads(line) for line in shown(grid(*rows), "jsonl")[0].splitlines()] == records


# Talk


@pytest.mark.parametrize(
    ("committed", "changes", "said"),
    [
        (False, True, ["Nothing was changed."]),
        (False, False, []),
        (True, True, ["It is committed."]),
        (True, False, ["It is committed."]),
        (None, True, ["Unknown whether it is committed."]),
        (None, False, ["Unknown whether it is committed."]),
    ],
)
def test_error_says_what_to_do_and_whether_anything_changed(
    committed: bool | None, changes: bool, said: list[str]
) -> None:
    out, err = Screen(), Screen()
    Writer(out, err).fail(
        KeySyncError("a\nb\x1b", hint="c\u202e", committed=committed), changes=changes, prefix="x:1: "
    )
    assert err.text.splitlines() == ["x:1: error: a", "x:1: error: b\\x1b", "hint: c\\u202e", *said]
    assert out.text == ""


def test_error_without_a_hint_has_no_hint() -> None:
    err = Screen()
    Writer(Screen(), err).fail(KeySyncError("a"), changes=False)
    assert err.text == "error: a\n"


def test_talk_is_plain_where_the_stream_knows_no_other_characters() -> None:
    err = Screen("ascii")
    Writer(Screen(), err).say("✓ A 1 → 2 · B −1 …")
    assert err.text == "* A 1 -> 2 | B -1 ...\n"


@pytest.mark.parametrize(
    ("color", "no_color", "expected"),
    [
        ("auto", "", (True, False)),
        ("auto", "1", (False, False)),
        ("always", "1", (True, True)),
        ("never", "", (False, False)),
    ],
)
def test_color_is_for_terminals_unless_somebody_says_otherwise(
    color: str, no_color: str, expected: tuple[bool, bool], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NO_COLOR", no_color)
    writer = writer_for(color, Screen(terminal=True), Screen())
    assert (writer.color_out, writer.color_err) == expected


def test_color_tells_roles_apart_and_is_off_without() -> None:
    assert Writer.painted("error", "x", True) == "\x1b[1;31mx\x1b[0m"
    assert Writer.painted("error", "x", False) == Writer.painted("nothing", "x", True) == "x"


def test_only_rows_with_a_sign_are_painted() -> None:
    signed = View(data=lambda _: None, grid=Grid({"sign": TEXT, "key": KEY}, fixed([("+", "K1")]), 1, outline="plain"))
    for view, painted in ((signed, True), (grid(("-K1", "", 1)), False)):
        out = Screen()
        Writer(out, Screen(), color_out=True).show(view, "test", "table", [])
        assert ("\x1b[" in out.text) is painted
