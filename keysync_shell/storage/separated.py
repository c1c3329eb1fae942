"""Fields between delimiters: bytes of UTF-8 → rows, with the place of whatever is wrong.

Polars reads fast, but alone it would lose data silently (short rows, stray quotes). So one count proves afterwards that
every row had all its fields, and where anything is odd the csv module walks the lines to name the place.
"""

from __future__ import annotations

import csv
import functools
import io
import re
from collections.abc import Iterator
from dataclasses import dataclass

import polars as pl

from keysync_shell.core.model.limits import Limits
from keysync_shell.errors import BadFile

BOM = b"\xef\xbb\xbf"
COMMA = ","
MOST_COLUMNS = 1000
MOST_DELIMITERS = 1_000_000  # in one line, where some may stand in a value
MOST_HEADER_BYTES = 1 << 20
MOST_FINDINGS = 20
NOTHING_CHANGED = "Correct the file and try again."

csv.field_size_limit(1 << 30)  # for all that read CSV here; how long a key may be is a limit of ours


@dataclass(frozen=True)
class Separated:
    """A file of fields: its bytes, its name in messages, and the character between two fields (one byte)."""

    data: bytes
    source: str
    delimiter: str = COMMA

    def rows(self, columns: list[str], header_lines: int) -> pl.DataFrame:
        """The rows below the header, in their order.

        Raises BadFile with one `file:line: reason` for each thing that is wrong, at most 20.
        """
        self._check_lines()
        rows = self._fast(columns, header_lines)
        return self._slow(columns, skip=min(header_lines, 1)) if rows is None else rows

    def header(self) -> list[str]:
        """The fields of the first record, of which there may be MOST_COLUMNS.

        Raises BadFile if there are more or if it does not end, before anything costs time.
        """
        head = self.data
        if len(head) > MOST_HEADER_BYTES:
            head = head[: head.rfind(b"\n", 0, MOST_HEADER_BYTES) + 1]
        try:
            fields = next((fields for _, fields in Separated(head, self.source, self.delimiter).records()), None)
        except BadFile:
            if head is self.data:
                raise
            fields = None
        if fields is None:
            raise self.bad(1, f"the first {MOST_HEADER_BYTES:,} bytes hold no whole header")
        if len(fields) > MOST_COLUMNS:
            raise self.bad(1, f"{len(fields):,} columns; {MOST_COLUMNS:,} are the most", hint="Keep those you need.")
        return fields

    def records(self, skip: int = 0) -> Iterator[tuple[int, list[str]]]:
        """Each record with the line it starts on; a blank line is none.

        Raises BadFile where the text is not UTF-8 or the quotes are wrong.
        """
        text = io.TextIOWrapper(io.BytesIO(self.data), encoding="utf-8", newline="")
        reader = csv.reader(text, strict=True, delimiter=self.delimiter)
        start = 1
        try:
            for fields in reader:
                if fields:
                    skip -= 1
                    if skip < 0:
                        yield start, fields
                start = reader.line_num + 1
        except UnicodeDecodeError:
            raise not_utf8(self.data, self.source) from None
        except csv.Error as error:
            reason = "a quote is never closed" if "unexpected end" in str(error) else str(error)
            hint = "Quotes inside a field are doubled, and the field is quoted."
            raise self.bad(start, reason, hint=hint) from None

    def check(self, rows: pl.DataFrame, key: str, limits: Limits, *, header: bool = True) -> None:
        """Raise KeySyncError if there are too many rows, or a value in the column `key` is too long."""
        limits.check("keys_per_system", len(rows), f"{self.source}: rows")
        longest = rows.select(pl.col(key).str.len_bytes().max().fill_null(0)).item()
        if longest > limits.key_bytes:
            at, records = rows.columns.index(key), self.records(skip=int(header))
            line = next(line for line, fields in records if len(fields[at].encode()) == longest)
            limits.check("key_bytes", longest, f"{self.source}:{line}: a key in bytes")

    def bad(self, line: int, reason: str, *, hint: str = NOTHING_CHANGED) -> BadFile:
        return BadFile([f"{self.source}:{line}: {reason}"], hint=hint)

    def _check_lines(self) -> None:
        """Raise BadFile for a line of so many fields that Polars and the csv module would take all memory for them."""
        at = 0
        while len(self.data) - at > MOST_DELIMITERS:
            end = self.data.rfind(b"\n", at, at + MOST_DELIMITERS + 1)
            if end < 0:
                end = self.data.find(b"\n", at)
                end = len(self.data) if end < 0 else end
                if self.data.count(self._mark, at, end) > MOST_DELIMITERS:
                    raise self.bad(line_of(self.data, at), f"more than {MOST_DELIMITERS:,} fields")
            at = end + 1

    def _fast(self, columns: list[str], header_lines: int) -> pl.DataFrame | None:
        """The rows, or None where only the csv module can tell what is in the file."""
        unquoted = _quoted(self._mark).sub(b"", self.data) if b'"' in self.data else self.data
        if b'"' in unquoted or self._misleads_polars(columns, header_lines):  # it drops a stray quote, or reads on
            return None
        try:
            rows = pl.read_csv(
                self.data,
                has_header=False,
                separator=self.delimiter,
                skip_lines=header_lines,
                new_columns=columns,
                schema=dict.fromkeys(columns, pl.String),
                infer_schema=False,
                empty_string_is_null=False,
                raise_if_empty=False,
            )
        except pl.exceptions.PolarsError:
            return None
        records = len(rows) + min(header_lines, 1)
        return rows if unquoted.count(self._mark) == records * (len(columns) - 1) else None

    @property
    def _mark(self) -> bytes:
        return self.delimiter.encode()

    def _misleads_polars(self, columns: list[str], header_lines: int) -> bool:
        """Whether Polars could read the file otherwise than it stands there, unnoticed by the count of delimiters."""
        data = self.data
        return (
            data[:1] in b"\r\n"  # blank lines before the header
            or data.startswith(BOM, _behind(data, header_lines))  # Polars drops it, but here it belongs to a value
            or data.endswith(self._mark)  # at the very end Polars overlooks an empty field too many
            or (len(columns) == 1 and (b"\n\n" in data or b"\n\r\n" in data))  # a blank line, or an empty key
        )

    def _slow(self, columns: list[str], skip: int) -> pl.DataFrame:
        findings: list[str] = []
        rows: list[list[str]] = []
        for line, fields in self.records(skip):
            if len(fields) == len(columns):
                rows.append(fields)
            else:
                first = "header" if skip else "first line"
                count = "1 field" if len(fields) == 1 else f"{len(fields):,} fields"
                findings.append(f"{self.source}:{line}: {count}, but the {first} has {len(columns):,}")
            if len(findings) == MOST_FINDINGS:
                break
        if findings:
            raise BadFile(findings, hint=NOTHING_CHANGED)
        return pl.DataFrame(rows, schema=dict.fromkeys(columns, pl.String), orient="row")


def not_utf8(data: bytes, source: str, hint: str = "Save it as UTF-8.") -> BadFile:
    """The error for data that is not UTF-8, with the place of the first byte that is wrong."""
    try:
        data.decode()
    except UnicodeDecodeError as error:
        place = f"{source}:{line_of(data, error.start)}"
        return BadFile([f"{place}: byte 0x{data[error.start]:02x} is not UTF-8"], hint=hint)
    raise AssertionError("the decoder found a fault before")


def unmarked(data: bytes) -> bytes:
    """The data without byte order marks: programs that add one to a file that has one are not rare."""
    if not data.startswith(BOM):
        return data
    marks = re.match(b"(?:%b)*+" % BOM, data)
    return data[marks.end() :] if marks else data


def line_of(data: bytes, at: int) -> int:
    """The number of the line in which a byte stands."""
    return data.count(b"\n", 0, at) + 1


def bare_return(data: bytes) -> int | None:
    """Where the first carriage return stands that no line feed follows; None if there is none."""
    if b"\r" not in data or data.count(b"\r") == data.count(b"\r\n"):
        return None
    bare = re.search(rb"\r(?!\n)", data)
    return bare.start() if bare else None


@functools.cache
def _quoted(mark: bytes) -> re.Pattern[bytes]:
    """A whole field in quotes."""
    other = b"[^" + re.escape(mark)
    return re.compile(b'"(?<!' + other + b'\\n]")(?:[^"]++|"")*+"(?!' + other + b"\\r\\n])")


def _behind(data: bytes, lines: int) -> int:
    """Where the data goes on behind its first lines; the end if there are no more."""
    at = 0
    for _ in range(lines):
        at = data.find(b"\n", at) + 1 or len(data)
    return at
