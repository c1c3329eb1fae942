"""What the first lines of a foreign file tell about its form. Where they do not tell, the answer is None."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import islice

from keysync_shell.core.model import table
from keysync_shell.storage.system_csv import folded

CANDIDATES = (",", ";", "\t", "|")
BYTES, RECORDS = 1 << 16, 200
IDENTIFYING = re.compile(
    r"(?:^|[\W_])(?i:keys?|ids?|codes?|number|no|nr|sku)\W*$|(?<=[a-z])(?:Key|Id|ID|Code|Number|No|Nr)$"
)
Records = Sequence[Sequence[str]]


@dataclass(frozen=True)
class Sample:
    """The first lines of a text, none of them cut; `whole` if there are no more."""

    text: str
    whole: bool

    @classmethod
    def of(cls, data: bytes) -> Sample:
        if len(data) <= BYTES:
            return cls(data.decode(), whole=True)
        behind = data.rfind(b"\n", 0, BYTES) + 1
        return cls(data[: behind or len(data)].decode(), whole=not behind)

    @cached_property
    def lines(self) -> list[str]:
        """Those that are not blank."""
        return [line for raw in self.text.split("\n") if (line := raw.removesuffix("\r"))]

    def records(self, delimiter: str) -> list[list[str]]:
        """The fields of the first records; one that a quote may have carried past the sample is left out."""
        read = csv.reader(io.StringIO(self.text, newline=""), delimiter=delimiter)
        records = list(islice(filter(None, read), RECORDS))
        return records if self.whole or len(records) < 2 else records[:-1]

    def even(self) -> list[str]:
        """The delimiters that give every record the same number of fields, more than one."""
        return [each for each in self.leading() if len({len(record) for record in self.records(each)}) == 1]

    def leading(self) -> list[str]:
        """The delimiters in the first record."""
        return [each for each in CANDIDATES if len(self.records(each)[0]) > 1]

    def below(self) -> str | None:
        """A delimiter that the first record lacks, and at least half of the others have."""
        return next((each for each in CANDIDATES if _mostly_below(self.records(each))), None)


def header(records: Records) -> bool | None:
    """Whether the first record is a header: None where nothing tells it apart from the others."""
    first, rest = records[0], records[1:]
    if any(folded(cell) == table.KEY for cell in first):
        return True
    columns = [(cell, [row[i] for row in rest if i < len(row) and row[i]]) for i, cell in enumerate(first)]
    as_data = any(_is_data(cell, below) for cell, below in columns)
    as_name = any(_is_name(cell, below) for cell, below in columns)
    return as_name if as_data != as_name else None


def identifies(name: str) -> bool:
    """Whether a column of that name holds what tells things apart: `customer_id`, `Article No.`"""
    return bool(IDENTIFYING.search(name))


def likely_key(records: Records, *, named: bool) -> int:
    """The column that is the best example of a key column; `named` if the first record is a header."""
    rest = records[1:] if named else records
    columns = [[row[i] for row in rest if i < len(row)] for i in range(len(records[0]))]
    filled = [i for i, column in enumerate(columns) if all(column)] or list(range(len(columns)))
    distinct = [i for i in filled if len(set(columns[i])) == len(columns[i])] or filled
    telling = [i for i in distinct if named and identifies(records[0][i])]
    numbered = [i for i in distinct if all(re.search(r"\d", cell) for cell in columns[i])]
    return (telling or numbered or distinct)[0]


def _mostly_below(records: Records) -> bool:
    divided = [len(record) > 1 for record in records[1:]]
    return bool(divided) and len(records[0]) == 1 and 2 * sum(divided) >= len(divided)


def _is_data(cell: str, below: Sequence[str]) -> bool:
    """A number, or a value such as those below it: the same, or of the same shape with a number in it."""
    if not re.search(r"[^\W\d_]", cell) and re.search(r"\d", cell):
        return True
    return cell in below or ("9" in _shape(cell) and _shape(cell) in map(_shape, below))


def _is_name(cell: str, below: Sequence[str]) -> bool:
    """A word, or nothing, above values that all hold a number."""
    return bool(below) and not re.search(r"\d", cell) and all(re.search(r"\d", one) for one in below)


def _shape(cell: str) -> str:
    """`CUST-00042` → `A-9`."""
    return re.sub(r"\d+", "9", re.sub(r"[^\W\d_]+", "A", cell))
