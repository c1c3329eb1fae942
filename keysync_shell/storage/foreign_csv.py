"""Files that people bring along → key tables: delimiter, encoding, header and key column are recognized.

Only what is unmistakable is taken for granted. Everything else is Unclear, with the choices; so no header becomes a
key, and no whole line does where there are columns. Keys are data: what stands between two delimiters stays as it is.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

import polars as pl

from keysync_shell.core.model import table
from keysync_shell.core.model.keys import safe
from keysync_shell.core.model.limits import Limits
from keysync_shell.errors import BadFile
from keysync_shell.storage import evidence
from keysync_shell.storage.evidence import Sample
from keysync_shell.storage.foreign_text import as_utf8
from keysync_shell.storage.forms import LINES, Choice, Form, Unclear, delimiter_name
from keysync_shell.storage.separated import COMMA, MOST_COLUMNS, MOST_HEADER_BYTES, Separated
from keysync_shell.storage.system_csv import folded, unusable

HEAD = 5
NAMED = 8  # so many columns are named in a message
TABLES = (".csv", ".tsv")  # where the name says so, one column has a header, too
WHOLE_LINES = Choice(Form(delimiter=LINES), "if every line is one key")
HEADER = Choice(Form(header=True), "if it is the header")
NO_HEADER = Choice(Form(header=False), "if it is a key")


@dataclass(frozen=True)
class Reading:
    """A file as it was read.

    `rows` is a key table; `form` says how it was read, with nothing left open. `columns` are the names of the columns
    in the file, `key_at` the place of the keys among them, `head` the first rows. `blank` lines were passed over.
    """

    source: str
    rows: pl.DataFrame
    form: Form
    columns: tuple[str, ...]
    key_at: int
    head: tuple[tuple[str, ...], ...]
    blank: int

    @property
    def repeated(self) -> int:
        """How many rows have a key that an earlier one has."""
        return len(self.rows) - self.rows[table.KEY].n_unique()

    @property
    def empty(self) -> int:
        """How many rows have no key."""
        return int((self.rows[table.KEY] == "").sum())

    @property
    def others(self) -> tuple[str, ...]:
        """The columns beside the keys, as the table calls them."""
        return tuple(name for name in self.rows.columns if name != table.KEY)

    @property
    def plain(self) -> bool:
        """Whether it is a mere list of keys."""
        return self.form.delimiter == LINES


def read(data: bytes, source: str, limits: Limits, form: Form | None = None, *, list_of_keys: bool = False) -> Reading:
    """Read a file; `form` is what people say about it, and `list_of_keys` that one key a line is usual here.

    Raises Unclear where they have to say more, BadFile with `file:line: reason` for what is wrong, KeySyncError for
    what is over a limit.
    """
    return _Reader(data, source, limits, form or Form(), list_of_keys).read()


class _Reader:
    """One file on its way to a Reading."""

    def __init__(self, data: bytes, source: str, limits: Limits, form: Form, list_of_keys: bool) -> None:
        self.text, encoding = as_utf8(data, source, form)
        self.sample = Sample.of(self.text)
        self.source, self.limits, self.list_of_keys = source, limits, list_of_keys
        self.form = replace(form, encoding=encoding)

    def read(self) -> Reading:
        if len(self.text) > MOST_HEADER_BYTES and self.text.find(b"\n", 0, MOST_HEADER_BYTES) < 0:
            finding = f"{self.source}:1: the first line is longer than {MOST_HEADER_BYTES:,} bytes"
            raise BadFile([finding], hint="Name a file with a key on each line, or a CSV file.")
        if not self.sample.lines and self.list_of_keys:
            return self._lines(replace(self.form, header=False))
        if not self.text.strip() and not self.list_of_keys:
            raise BadFile([f"{self.source}:1: the file is empty"], hint="Name a file that holds keys.")
        delimiter = self._delimiter()
        return self._one_column() if delimiter is None else self._fields(delimiter)

    # The delimiter

    def _delimiter(self) -> str | None:
        """The character between two fields; None if there is one column, or no columns at all."""
        if self.form.delimiter != LINES and re.fullmatch("sep=.", self.sample.lines[0]):
            raise BadFile([f"{self.source}:1: this is a note for spreadsheets"], hint="Remove that line.")
        leading, even, given = self.sample.leading(), self.sample.even(), self.form.delimiter
        if given == LINES:
            return None
        if given is not None:
            others = [each for each in even if each != given]
            if others and len(self.sample.records(given)[0]) == 1:
                raise self._unclear(f"no {_named(given)} separates anything, but {_named(others[0])} does", others)
            return given
        naming = [each for each in leading if self._names_key(self.sample.records(each)[0])]
        for certain in (naming, even, leading):
            if len(certain) == 1:
                return certain[0]
        if leading:
            raise self._unclear(f"{' or '.join(map(_named, leading))} may separate its fields", leading)
        return None

    def _names_key(self, first: Sequence[str]) -> bool:
        """Whether one of the fields is the key column's name."""
        return (self.form.key_column or table.KEY) in first or any(folded(cell) == table.KEY for cell in first)

    def _unclear(self, finding: str, delimiters: Sequence[str]) -> Unclear:
        choices = [Choice(Form(delimiter=each), f"for {_named(each)}") for each in delimiters]
        return Unclear(f"{self.source}:1: {finding}", [*choices, WHOLE_LINES])

    # One column

    def _one_column(self) -> Reading:
        if self.form.delimiter == LINES:
            named = self.form.key_column == self.sample.lines[0]
            return self._lines(replace(self.form, header=named))
        first = self.sample.records(COMMA)[0][0]
        below = None if self._names_key([first]) else self.sample.below()
        if below:
            finding = f"{self.source}:1: its first line has no {_named(below)}, but others do"
            raise Unclear(finding, [WHOLE_LINES], advice="Remove what is above the header.")
        header = self._has_header(first)
        if header is None:
            finding = f"{self.source}:1: is its first line, {safe(first)!r}, a header or a key?"
            raise Unclear(finding, [HEADER, NO_HEADER])
        if header:
            return self._fields(COMMA)
        if any(line.startswith('"') for line in self.sample.lines):
            quoted = Choice(Form(delimiter=COMMA, header=False), "if the quotes are CSV")
            kept = replace(WHOLE_LINES, when="if they belong to the keys")
            raise Unclear(f"{self.source}:1: some lines are in quotes", [quoted, kept])
        return self._lines(replace(self.form, header=False))

    def _has_header(self, first: str) -> bool | None:
        """Whether the first line of one column is a header; None if people have to say."""
        if self.form.header is not None:
            return self.form.header
        if self._names_key([first]):
            return True
        if self.form.key_column not in (None, "1"):
            raise self._no_such_column([first])
        seen = evidence.header([record[:1] for record in self.sample.records(COMMA)])
        telling = evidence.identifies(first)
        if seen is None:
            mere_list = self.list_of_keys and not telling and not self.source.casefold().endswith(TABLES)
            return False if mere_list else None
        return (telling or None) if seen else False

    def _lines(self, form: Form) -> Reading:
        """Every line is a key."""
        raw = self.text.decode().split("\n")
        found = [line for one in raw if (line := one.removesuffix("\r"))]
        keys = found[1:] if form.header else found
        blank = len(raw) - len(found) - self.text.endswith(b"\n")
        self.limits.check("keys_per_system", len(keys), f"{self.source}: rows")
        longest = max((len(key.encode()) for key in keys), default=0)
        self.limits.check("key_bytes", longest, f"{self.source}: a key in bytes")
        rows = pl.DataFrame({table.KEY: keys}, schema={table.KEY: pl.String})
        head = tuple((key,) for key in keys[:HEAD])
        form = replace(form, delimiter=LINES, key_column="1")
        return Reading(self.source, table.ordered(rows), form, tuple(found[:1]) if form.header else (), 0, head, blank)

    # Fields

    def _fields(self, delimiter: str) -> Reading:
        file = Separated(self.text, self.source, delimiter)
        records = self.sample.records(delimiter)
        first = records[0]
        if len(first) > MOST_COLUMNS:
            raise file.bad(1, f"{len(first):,} columns; {MOST_COLUMNS:,} are the most", hint="Keep those you need.")
        key_at, header = self._key_column(records)
        names = _usable(first if header else [], len(first), key_at)
        header_lines = 1 + sum(name.count("\n") for name in first) if header else 0
        rows = file.rows(names, header_lines)
        file.check(rows, table.KEY, self.limits, header=header)
        form = Form(delimiter, self.form.encoding, first[key_at] if header else str(key_at + 1), header)
        blank = _line_count(self.text) - header_lines - len(rows) - _lines_inside(self.text, rows)
        columns = tuple(first) if header else tuple(f"column {i}" for i in range(1, len(first) + 1))
        head = tuple(rows.head(HEAD).iter_rows())
        return Reading(self.source, table.ordered(rows), form, columns, key_at, head, blank)

    def _key_column(self, records: evidence.Records) -> tuple[int, bool]:
        """Where the keys are, and whether the first record is a header."""
        first, given = records[0], self.form.key_column
        header = self.form.header if self.form.header is not None else evidence.header(records)
        wanted = [i for i, name in enumerate(first) if name == (given or table.KEY)] or [
            i for i, name in enumerate(first) if folded(name) == folded(given or table.KEY)
        ]
        if wanted and self.form.header is not False:
            if len(wanted) > 1:
                raise self._ambiguous(first, wanted, header)
            return wanted[0], True
        if given is None and len(first) == 1:
            return 0, bool(header)
        if given is None:
            missing = "it has no header" if header is False else f"no column is called {table.KEY!r}"
            raise self._unclear_key(missing, records, header)
        if not given.isascii() or not given.isdigit() or not 1 <= int(given) <= len(first):
            raise self._no_such_column(first)
        at = int(given) - 1
        if header is None:
            raise self._unclear_key("it is not clear whether the first line is a header", records, header, at)
        return at, header

    def _unclear_key(
        self, finding: str, records: evidence.Records, header: bool | None, at: int | None = None
    ) -> Unclear:
        """The columns with an example of each, and the choices."""
        first, choices = records[0], []
        at = evidence.likely_key(records, named=header is not False) if at is None else at
        if header is not False:
            choices.append(Choice(_with_header(first, at, certain=bool(header)), "if the first line is a header"))
        if header is not True:
            choices.append(Choice(Form(key_column=str(at + 1), header=False), "if the first line is data"))
        if self.list_of_keys:
            choices.append(WHOLE_LINES)
        there = ", ".join(_example(records, i, header) for i in range(min(len(first), NAMED)))
        more = f" and {len(first) - NAMED} more" if len(first) > NAMED else ""
        return Unclear(f"{self.source}:1: {finding}; its columns are {there}{more}", choices)

    def _ambiguous(self, first: Sequence[str], wanted: Sequence[int], header: bool | None) -> Unclear:
        finding = f"{self.source}:1: {len(wanted)} columns are called {safe(first[wanted[0]])!r}"
        forms = [_with_header(first, at, certain=bool(header)) for at in wanted]
        return Unclear(finding, [Choice(form, f"for column {at + 1}") for at, form in zip(wanted, forms, strict=True)])

    def _no_such_column(self, first: Sequence[str]) -> BadFile:
        there = ", ".join(safe(name) for name in first[:NAMED])
        finding = f"{self.source}:1: there is no column {safe(self.form.key_column or '')!r}; its columns are {there}"
        return BadFile([finding], hint=f"Name one of them, or its number from 1 to {len(first)}.")


def _named(delimiter: str) -> str:
    return f"'{delimiter_name(delimiter)}'"


def _with_header(first: Sequence[str], at: int, *, certain: bool) -> Form:
    """The form with that key column: by its name, or by its number where the name cannot be typed or is not its own."""
    name = first[at]
    if name.strip() and name == safe(name) and sum(folded(one) == folded(name) for one in first) == 1:
        return Form(key_column=name)
    return Form(key_column=str(at + 1), header=None if certain else True)


def _example(records: evidence.Records, at: int, header: bool | None) -> str:
    """`2 customer_id (K-1)`."""
    name, below = records[0][at], [row[at] for row in records[1:2] if at < len(row)]
    such = f" ({safe(below[0])[:30]})" if header is not False and below else ""
    return f"{at + 1} {safe(name)}{such}"


def _usable(names: Sequence[str], count: int, key_at: int) -> list[str]:
    """Names for the columns of a key table: their own where those can be kept, else their numbers."""
    seen, made = {table.KEY}, []
    for i in range(count):
        name = names[i] if i < len(names) else ""
        if i == key_at:
            name = table.KEY
        elif unusable(name) or folded(name) in seen:
            name = next(one for n in range(count + 1) if (one := f"column {i + 1}{'_' * n}") not in seen)
        seen.add(folded(name))
        made.append(name)
    return made


def _line_count(text: bytes) -> int:
    return text.count(b"\n") + (not text.endswith(b"\n"))


def _lines_inside(text: bytes, rows: pl.DataFrame) -> int:
    """Line ends that are part of a value."""
    if b'"' not in text or not len(rows):
        return 0
    return int(rows.select(pl.sum_horizontal(pl.all().str.count_matches("\n", literal=True).sum())).item())
