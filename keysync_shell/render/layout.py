"""A table as text, laid out for the screen that it is on. No word, key or number is ever cut."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

GAP = 2  # between two columns without a frame
FRAMELESS = {"double_outline": "simple"}
USUAL = 80  # places in a line, where no screen says otherwise

Cell = str | tuple[str, ...]  # a text, or the entries of a list


@dataclass(frozen=True)
class Column:
    """A column: its head, what is in it, and on which side it stands.

    Only lists and texts that `wraps` are broken: enumerations at their commas, and `prose` between any two words.
    """

    head: str
    cells: Sequence[Cell]
    right: bool = False
    wraps: bool = False
    prose: bool = False


def laid_out(columns: Sequence[Column], outline: str, width: int | None, parts: Sequence[int] = ()) -> str:
    """The table in lines of at most `width`; None is no screen, where no cell is wrapped.

    Where it is too wide it comes in several tables that begin at the columns `parts`, if there are any; else texts and
    lists are wrapped; and where keys are too long for that, each row is a block with a line for each column.
    """
    text = _text(columns, outline)
    if _fits(text, width or (USUAL if parts else None)):
        return text
    if parts:
        return "\n".join(_text(part, outline) for part in _parts(columns, parts, outline, width or USUAL))
    assert width is not None
    folded = [_folded(each, most) for each, most in zip(columns, _most(columns, width), strict=True)]
    text = _text(folded, FRAMELESS.get(outline, outline))
    return text if _fits(text, width) else _blocks(columns)


def width_of(text: str) -> int:
    """How many places of a terminal a line takes."""
    if text.isascii():
        return len(text)
    return sum(
        1 + (unicodedata.east_asian_width(letter) in "WF") for letter in text if not unicodedata.combining(letter)
    )


def _text(columns: Sequence[Column], outline: str) -> str:
    import tabulate

    tabulate.PRESERVE_WHITESPACE, tabulate.MIN_PADDING = True, 0
    return tabulate.tabulate(
        list(zip(*(map(_whole, each.cells) for each in columns), strict=True)),
        headers=[each.head for each in columns],
        tablefmt=outline,
        disable_numparse=True,
        colalign=["right" if each.right else "left" for each in columns],
    )


def _whole(cell: Cell) -> str:
    return cell if isinstance(cell, str) else ", ".join(cell)


def _fits(text: str, width: int | None) -> bool:
    return width is None or all(width_of(line) <= width for line in text.splitlines())


# Several tables


def _parts(columns: Sequence[Column], parts: Sequence[int], outline: str, width: int) -> Iterator[list[Column]]:
    """The columns of each table; the first column stands in all of them."""
    for start, stop in zip([1, *parts], [*parts, len(columns)], strict=True):
        taken = [columns[0]]
        for each in columns[start:stop]:
            if len(taken) > 1 and not _fits(_text([*taken, each], outline), width):
                yield taken
                taken = [columns[0]]
            taken.append(each)
        yield taken


# Wrapped texts


def _most(columns: Sequence[Column], width: int) -> list[int]:
    """How wide each column may be.

    Each gets what cannot be broken, and an equal share of what is left; what it does not need goes to the others.
    """
    natural = [_widest(each) for each in columns]
    least = [_widest(_folded(each, 0)) for each in columns]
    most, left = list(least), max(0, width - GAP * (len(columns) - 1) - sum(least))
    eager = sorted(range(len(columns)), key=lambda n: natural[n] - least[n])
    for i, n in enumerate(eager):
        extra = min(natural[n] - least[n], left // (len(eager) - i))
        most[n] += extra
        left -= extra
    return most


def _widest(each: Column) -> int:
    return max(width_of(line) for cell in (each.head, *each.cells) for line in _whole(cell).split("\n"))


def _folded(each: Column, most: int) -> Column:
    """The column in that width: its head between words, its cells where they may be broken."""
    return replace(
        each,
        head="\n".join(_lines(each.head.split(" "), " ", most)),
        cells=[_wrapped(cell, most, each) for cell in each.cells],
    )


def _wrapped(cell: Cell, most: int, column: Column) -> str:
    if isinstance(cell, tuple):
        return ",\n".join(_lines(cell, ", ", most - 1))
    if not column.wraps or width_of(cell) <= most:
        return cell
    separator = ", " if ", " in cell and not column.prose else " "
    end = separator.rstrip()
    return f"{end}\n".join(_lines(cell.split(separator), separator, most - len(end)))


def _lines(pieces: Sequence[str], separator: str, most: int) -> list[str]:
    """The pieces in lines of that width, none of them cut."""
    lines: list[str] = []
    for piece in pieces:
        if lines and width_of(lines[-1] + separator + piece) <= most:
            lines[-1] += separator + piece
        else:
            lines.append(piece)
    return lines or [""]


# A block a row


def _blocks(columns: Sequence[Column]) -> str:
    heads = max(width_of(each.head) for each in columns)
    rows = zip(*(map(_whole, each.cells) for each in columns), strict=True)
    return "\n\n".join(
        "\n".join(
            f"{each.head}{' ' * (heads - width_of(each.head) + GAP)}{cell}".rstrip()
            for each, cell in zip(columns, row, strict=True)
        )
        for row in rows
    )
