"""System files: CSV bytes → key table, and back.

Polars reads fast, but alone it would lose data silently (short rows, UTF-16, lone carriage returns). So a gate
looks at the bytes first, one count proves afterwards that every row had all its fields, and where anything is
odd the csv module walks the lines to name the place.
"""

from __future__ import annotations

import csv
import io
import re
import shlex
from collections.abc import Iterator

import polars as pl

from keysync_shell.core.model import table
from keysync_shell.core.model.keys import safe
from keysync_shell.core.model.limits import Limits
from keysync_shell.errors import BadFile

BOM = b"\xef\xbb\xbf"
QUOTED = re.compile(rb'"(?<![^,\n]")(?:[^"]++|"")*+"(?![^,\r\n])')  # a whole field in quotes
MOST_FINDINGS = 20
NOTHING_CHANGED = "Mend the file and try again."


def parse(data: bytes, source: str, limits: Limits, *, key_column: str = table.KEY) -> pl.DataFrame:
    """A key table from the bytes of a CSV file; `source` is its name in messages.

    Columns keep their names and order, but the key column is called `key`. CRLF line ends and a BOM are accepted.
    Raises BadFile with one `file:line: reason` for each thing that is wrong, at most 20.
    """
    data = _gate(data, source)
    lines, columns = _header(data, source, key_column)
    rows = _fast(data, lines, columns)
    if rows is None:
        rows = _slow(data, source, columns)
    _check_keys(rows, data, source, limits)
    return table.ordered(rows)


def unmarked(data: bytes) -> bytes:
    """The data without byte order marks: programs that add one to a file that has one are not rare."""
    while data.startswith(BOM):
        data = data[len(BOM) :]
    return data


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


def _written(rows: pl.DataFrame, *, header: bool) -> bytes:
    if len(rows.columns) > 1:  # an empty field needs quotes only where it would be the whole line
        rows = rows.with_columns(pl.exclude(table.KEY).replace({"": None}))
    out = io.BytesIO()
    rows.write_csv(out, include_header=header, quote_style="necessary")
    return out.getvalue()


def _gate(data: bytes, source: str) -> bytes:
    """What no CSV parser should see; returns the data without a BOM."""
    data = unmarked(data)
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        raise _bad(source, 1, "the file is UTF-16", hint="Save it as UTF-8 (in a spreadsheet: CSV UTF-8).")
    if not data.strip():
        raise _bad(source, 1, "the file is empty; not even a header is there", hint="The first line names the columns.")
    if (at := data.find(b"\0")) >= 0:
        raise _bad(source, _line(data, at), "NUL byte", hint="This is no text file, or it is damaged.")
    if data.count(b"\r") != data.count(b"\r\n"):
        at = next(i for i in _positions(data, b"\r") if data[i + 1 : i + 2] != b"\n")
        raise _bad(source, _line(data, at), "carriage return without a line feed", hint="Save it with LF line ends.")
    return data


def _header(data: bytes, source: str, key_column: str) -> tuple[int, list[str]]:
    """How many lines the header takes, and its columns with the key column called `key`."""
    line = next(fields for _, fields in _records(data, source))
    if blank := [i for i, name in enumerate(line, 1) if not name.strip()]:
        raise _bad(source, 1, f"column {blank[0]} has no name")
    if odd := [name for name in line if name == "*" or (name.startswith("^") and name.endswith("$"))]:
        raise _bad(source, 1, f"a column cannot be called {safe(odd[0])!r}", hint="Polars takes that for a pattern.")
    folded = [name.strip().casefold() for name in line]
    if twice := [name for i, name in enumerate(line) if folded.index(folded[i]) != i]:
        raise _bad(source, 1, f"two columns are called {safe(twice[0])!r}")
    if key_column not in line:
        found = ", ".join(safe(name) for name in line[:8])
        raise _bad(source, 1, f"no column {safe(key_column)!r}; there is {found}", hint=_key_column_hint(line))
    columns = [table.KEY if name == key_column else name for name in line]
    if sum(name.strip().casefold() == table.KEY for name in columns) > 1:
        raise _bad(source, 1, f"both {key_column!r} and another column would be the key column")
    return 1 + sum(name.count("\n") for name in line), columns


def _key_column_hint(line: list[str]) -> str:
    near = [name for name in line if table.KEY in name.casefold()] or line
    return f"Name the right one: import SYSTEM FILE --key-column {shlex.quote(safe(near[0]))}"


def _fast(data: bytes, header_lines: int, columns: list[str]) -> pl.DataFrame | None:
    """The rows, or None where only the csv module can tell what is in the file."""
    if _misleads_polars(data, header_lines, columns):
        return None
    try:
        rows = pl.read_csv(
            data,
            has_header=False,
            skip_lines=header_lines,
            new_columns=columns,
            schema=dict.fromkeys(columns, pl.String),
            infer_schema=False,
            empty_string_is_null=False,
            raise_if_empty=False,
        )
    except pl.exceptions.PolarsError:
        return None
    commas = data.count(b",") - sum(name.count(",") for name in columns) - (len(columns) - 1)
    return rows if commas - _quoted_commas(data, rows) == len(rows) * (len(columns) - 1) else None


def _misleads_polars(data: bytes, header_lines: int, columns: list[str]) -> bool:
    """Whether Polars could read the file otherwise than it stands there, unnoticed by the count of commas."""
    return (
        data[:1] in b"\r\n"  # blank lines before the header
        or data.startswith(BOM, _behind(data, header_lines))  # Polars would drop it, but here it belongs to a value
        or data.endswith(b",")  # at the very end Polars overlooks an empty field too many
        or (len(columns) == 1 and (b"\n\n" in data or b"\n\r\n" in data))  # a blank line, or a key that is empty
        or (b'"' in data and b'"' in QUOTED.sub(b"", data))  # Polars drops a stray quote, or reads on to the next one
    )


def _quoted_commas(data: bytes, rows: pl.DataFrame) -> int:
    """Commas that are part of a value."""
    if b'"' not in data:
        return 0
    return int(rows.select(pl.sum_horizontal(pl.all().str.count_matches(",", literal=True).sum())).item() or 0)


def _slow(data: bytes, source: str, columns: list[str]) -> pl.DataFrame:
    findings: list[str] = []
    rows: list[list[str]] = []
    for line, fields in _records(data, source, skip=1):
        if len(fields) == len(columns):
            rows.append(fields)
        elif len(findings) < MOST_FINDINGS:
            findings.append(f"{source}:{line}: {len(fields)} fields, but the header has {len(columns)}")
    if findings:
        raise BadFile(findings, hint=NOTHING_CHANGED)
    return pl.DataFrame(rows, schema=dict.fromkeys(columns, pl.String), orient="row")


def _records(data: bytes, source: str, skip: int = 0) -> Iterator[tuple[int, list[str]]]:
    """Each record with the line it starts on; a blank line is none.

    Raises BadFile where the text is not UTF-8 or not CSV.
    """
    csv.field_size_limit(1 << 30)
    text = io.TextIOWrapper(io.BytesIO(data), encoding="utf-8", newline="")
    reader = csv.reader(text, strict=True)
    start = 1
    try:
        for fields in reader:
            if fields:
                skip -= 1
                if skip < 0:
                    yield start, fields
            start = reader.line_num + 1
    except UnicodeDecodeError:
        raise _not_utf8(data, source) from None
    except csv.Error as error:
        reason = "a quote is never closed" if "unexpected end" in str(error) else str(error)
        raise _bad(source, start, reason, hint="Quotes inside a field are doubled, and the field is quoted.") from None


def _not_utf8(data: bytes, source: str) -> BadFile:
    try:
        data.decode()
    except UnicodeDecodeError as error:
        byte = data[error.start]
        return _bad(source, _line(data, error.start), f"byte 0x{byte:02x} is not UTF-8", hint="Save it as UTF-8.")
    raise AssertionError("the decoder found a fault before")


def _check_keys(rows: pl.DataFrame, data: bytes, source: str, limits: Limits) -> None:
    limits.check("keys_per_system", len(rows), f"{source}: rows")
    longest = rows.select(pl.col(table.KEY).str.len_bytes().max().fill_null(0)).item()
    if longest > limits.key_bytes:
        at, records = rows.columns.index(table.KEY), _records(data, source, skip=1)
        line = next(line for line, fields in records if len(fields[at].encode()) == longest)
        limits.check("key_bytes", longest, f"{source}:{line}: a key in bytes")


def _bad(source: str, line: int, reason: str, *, hint: str = "") -> BadFile:
    return BadFile([f"{source}:{line}: {reason}"], hint=hint or NOTHING_CHANGED)


def _line(data: bytes, at: int) -> int:
    return data.count(b"\n", 0, at) + 1


def _behind(data: bytes, lines: int) -> int:
    """Where the data goes on behind its first lines; the end if there are no more."""
    at = 0
    for _ in range(lines):
        at = data.find(b"\n", at) + 1 or len(data)
    return at


def _positions(data: bytes, what: bytes) -> Iterator[int]:
    at = data.find(what)
    while at >= 0:
        yield at
        at = data.find(what, at + 1)
