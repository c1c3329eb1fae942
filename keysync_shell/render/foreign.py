"""How a file was read and its first rows, shown before anything is done with it."""

from __future__ import annotations

from collections.abc import Sequence

from keysync_shell.core.model.keys import safe, shown
from keysync_shell.render.layout import USUAL, Column, laid_out, width_of
from keysync_shell.render.view import counted
from keysync_shell.storage.foreign_csv import Reading
from keysync_shell.storage.forms import delimiter_name

LONGEST = 24  # places for a value that is no key
MARGIN = "  "


def preview(reading: Reading, width: int | None) -> list[str]:
    """The lines for a screen of that width; None is no screen."""
    said = [counted(len(reading.rows), "row"), reading.form.encoding or ""]
    if reading.plain:
        said.append("every line is a key")
    else:
        said += [delimiter_name(reading.form.delimiter or ""), f"the keys are in {_called(reading)}"]
    if not reading.form.header and not reading.plain:
        said.append("no header")
    head = f"{safe(reading.source)}: {', '.join(said)}"
    return [head, *(f"{MARGIN}{line}".rstrip() for line in _rows(reading, (width or USUAL) - len(MARGIN)))]


def _called(reading: Reading) -> str:
    return safe(reading.columns[reading.key_at])


def _rows(reading: Reading, width: int) -> list[str]:
    """The first rows; columns that there is no room for are counted."""
    if not reading.head:
        return []
    if reading.plain:
        return [shown(key) for (key,) in reading.head]
    columns = [_column(reading, at) for at in range(len(reading.columns))]
    fitting = _fitting(columns, reading.key_at, width)
    left = len(columns) - len(fitting)
    lines = laid_out([columns[at] for at in fitting], "plain", None).splitlines()
    return [*lines, f"and {counted(left, 'more column')}"] if left else lines


def _column(reading: Reading, at: int) -> Column:
    values = [row[at] for row in reading.head]
    name = safe(reading.columns[at])
    return Column(name, [shown(value) if at == reading.key_at else _clipped(safe(value)) for value in values])


def _clipped(text: str) -> str:
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"


def _fitting(columns: Sequence[Column], key_at: int, width: int) -> list[int]:
    """The key column, and of the others as many from the left as fit beside it."""
    taken, left = [key_at], width - _width(columns[key_at])
    for at, column in enumerate(columns):
        if at != key_at and _width(column) <= left:
            taken.append(at)
            left -= _width(column)
        elif at != key_at:
            break
    return sorted(taken)


def _width(column: Column) -> int:
    return 2 + max(width_of(str(cell)) for cell in (column.head, *column.cells))
