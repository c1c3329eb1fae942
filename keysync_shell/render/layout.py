"""A table as text, laid out for the screen that it is on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from keysync_shell.render.view import NUMBER, TEXT

SHORT = {
    "Number": "No.",
    "System": "Sys.",
    "Unique": "Uniq.",
    "Missing": "Miss.",
    "Unauthorized": "Unauth.",
    "Duplicates": "Dupl.",
    "Variants": "Var.",
    "Malformed": "Malf.",
}
GAP = 2  # between two columns without a frame


def laid_out(columns: Mapping[str, str], cells: Sequence[Sequence[str]], outline: str, width: int | None) -> str:
    """The table; where it is wider than `width`, with short heads, then without a frame, then with wrapped texts.

    Keys and numbers are never cut: where they alone are too wide, so is the table.
    """
    heads = [name.replace("_", " ").capitalize() for name in columns]
    short = [SHORT.get(head, head) for head in heads]
    kinds = list(columns.values())
    frameless = "simple" if outline == "double_outline" else outline
    text = _text(heads, kinds, cells, outline)
    if width is None or _width(text) <= width:
        return text
    for frame in (outline, frameless):
        text = _text(short, kinds, cells, frame)
        if _width(text) <= width:
            return text
    most = _most(short, kinds, cells, width)
    return _text(short, kinds, [list(map(_folded, row, most)) for row in cells], frameless)


def _text(heads: Sequence[str], kinds: Sequence[str], cells: Sequence[Sequence[str]], outline: str) -> str:
    import tabulate

    tabulate.PRESERVE_WHITESPACE, tabulate.MIN_PADDING = True, 0
    return tabulate.tabulate(
        cells,
        headers=heads,
        tablefmt=outline,
        disable_numparse=True,
        colalign=["right" if kind == NUMBER else "left" for kind in kinds],
    )


def _most(heads: Sequence[str], kinds: Sequence[str], cells: Sequence[Sequence[str]], width: int) -> list[int | None]:
    """How wide each column of texts may be, in characters; None for the others.

    Each gets what cannot be broken, and an equal share of what is left; what it does not need goes to the others.
    """
    columns = list(zip(heads, *cells, strict=True))
    natural = [max(map(len, column)) for column in columns]
    least = [
        max(len(line) for cell in column for line in _folded(cell, 0).split("\n")) if kind == TEXT else natural[n]
        for n, (kind, column) in enumerate(zip(kinds, columns, strict=True))
    ]
    wrapped = sorted((n for n, kind in enumerate(kinds) if kind == TEXT), key=lambda n: natural[n] - least[n])
    left = max(0, width - GAP * (len(kinds) - 1) - sum(least))
    most: list[int | None] = [None] * len(kinds)
    for i, n in enumerate(wrapped):
        extra = min(natural[n] - least[n], left // (len(wrapped) - i))
        most[n] = least[n] + extra
        left -= extra
    return most


def _folded(cell: str, most: int | None) -> str:
    """The cell in lines of that width, broken between the entries of a list, else between words; none is cut."""
    if most is None or len(cell) <= most:
        return cell
    separator = ", " if ", " in cell else " "
    comma = separator.rstrip()
    lines: list[str] = []
    for part in cell.split(separator):
        if lines and len(lines[-1]) + len(separator) + len(part) + len(comma) <= most:
            lines[-1] += separator + part
        else:
            lines.append(part)
    return f"{comma}\n".join(lines)


def _width(text: str) -> int:
    return max(map(len, text.splitlines()), default=0)
