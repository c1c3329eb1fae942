"""System files: CSV bytes → key table, and back.

These files are our own, so reading is strict: a gate looks at the bytes, and the header has to name a column `key`.
What people bring along is read by storage.foreign_csv.
"""

from __future__ import annotations

import io

import polars as pl

from keysync_shell.core.model import table
from keysync_shell.core.model.keys import safe
from keysync_shell.core.model.limits import Limits
from keysync_shell.storage.separated import Separated, bare_return, line_of, unmarked


def parse(data: bytes, source: str, limits: Limits) -> pl.DataFrame:
    """A key table from the bytes of a CSV file; `source` is its name in messages.

    Columns keep their names and order. CRLF line ends and a BOM are accepted. Raises BadFile with one
    `file:line: reason` for each thing that is wrong, at most 20.
    """
    return table.ordered(_rows(data, source, limits))


def keys(data: bytes, source: str, limits: Limits) -> pl.Series:
    """The keys alone, in the order of the file and with repeats; what `parse` refuses is refused."""
    return _rows(data, source, limits)[table.KEY].rechunk()  # of its own, so that the other columns can go


def _rows(data: bytes, source: str, limits: Limits) -> pl.DataFrame:
    file = _gated(Separated(unmarked(data), source))
    lines, columns = _header(file)
    rows = file.rows(columns, lines)
    file.check(rows, table.KEY, limits)
    return rows


def serialize(rows: pl.DataFrame) -> bytes:
    """The bytes of a system file: a pure function of its rows. UTF-8, LF, quotes only where they are needed."""
    return _written(rows, header=True)


def serialize_rows(rows: pl.DataFrame) -> bytes:
    """The same without the header."""
    return _written(rows, header=False) if len(rows) else b""


def unquoted_size(rows: pl.DataFrame) -> int:
    """How many bytes `serialize_rows` gives if no field needs quotes; cheap."""
    if len(rows) == 0:
        return 0
    return int(rows.select(pl.sum_horizontal(pl.all().str.len_bytes().sum())).item()) + len(rows) * len(rows.columns)


def unusable(name: str) -> bool:
    """Whether a column cannot have that name: it is blank, or Polars takes it for a pattern."""
    return not name.strip() or name == "*" or (name.startswith("^") and name.endswith("$"))


def folded(name: str) -> str:
    """The name of a column for comparing: two that differ in case or outer spaces only are the same."""
    return name.strip().casefold()


def _written(rows: pl.DataFrame, *, header: bool) -> bytes:
    if len(rows.columns) > 1:  # an empty field needs quotes only where it would be the whole line
        rows = rows.with_columns(pl.exclude(table.KEY).replace({"": None}))
    out = io.BytesIO()
    rows.write_csv(out, include_header=header, quote_style="necessary")
    return out.getvalue()


def _gated(file: Separated) -> Separated:
    """Refuse what no CSV parser should see."""
    data = file.data
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        raise file.bad(1, "the file is UTF-16", hint="Save it as UTF-8 (in a spreadsheet: CSV UTF-8).")
    if not data[:64].strip() and not data.strip():  # which copies the rest
        raise file.bad(1, "the file is empty; it has not even a header", hint="The first line names the columns.")
    if (at := data.find(b"\0")) >= 0:
        raise file.bad(line_of(data, at), "NUL byte", hint="This is not a text file, or it is damaged.")
    if (bare := bare_return(data)) is not None:
        reason = "carriage return without a line feed"
        raise file.bad(line_of(data, bare), reason, hint="Save it with LF line ends.")
    return file


def _header(file: Separated) -> tuple[int, list[str]]:
    """How many lines the header takes, and its columns."""
    columns = file.header()
    for number, name in enumerate(columns, 1):
        if unusable(name):
            what = f"a column cannot be called {safe(name)!r}" if name.strip() else f"column {number} has no name"
            raise file.bad(1, what, hint="Give it another name.")
    names = [folded(name) for name in columns]
    if twice := [name for i, name in enumerate(columns) if names.index(names[i]) != i]:
        raise file.bad(1, f"two columns are called {safe(twice[0])!r}")
    if table.KEY not in columns:
        there = ", ".join(safe(name) for name in columns[:8])
        raise file.bad(
            1,
            f"no column {table.KEY!r}; its columns are {there}",
            hint=f"Call the column that holds the keys {table.KEY!r}; `import` takes files with other names.",
        )
    return 1 + sum(name.count("\n") for name in columns), columns
