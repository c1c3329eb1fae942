"""What people see of the heads and values of a table."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from keysync_shell.core.model.keys import safe, shown
from keysync_shell.render import view
from keysync_shell.render.layout import Cell
from keysync_shell.render.view import Grid

RIGHT = frozenset((view.NUMBER, view.ID, view.OPERATION))
MINUTE = len("2026-01-02T12:00")


def head(name: str, kind: str, grid: Grid) -> str:
    """The head of a column; names that people gave stay as they are."""
    if name in grid.named:
        return safe(name)
    said = name.replace("_", " ").capitalize()
    return f"{said} (UTC)" if kind == view.MOMENT else said


def cells(columns: Mapping[str, str], row: tuple[Any, ...]) -> list[Cell]:
    """A row as a terminal may see it."""
    return [_cell(kind, value) for kind, value in zip(columns.values(), row, strict=True)]


def flat(cell: Cell) -> str:
    return cell if isinstance(cell, str) else ", ".join(cell)


def _cell(kind: str, value: Any) -> Cell:
    if isinstance(value, list | tuple):
        return tuple(flat(_cell(kind, item)) for item in value)
    if value is None:
        return ""
    match kind:
        case view.KEY if isinstance(value, str):
            return shown(value)
        case view.NUMBER if isinstance(value, int):
            return f"{value:,}"
        case view.OPERATION:
            return f"@{value}"
        case view.MOMENT if isinstance(value, str):
            return safe(value[:MINUTE].replace("T", " "))
        case _:
            return safe(str(value))
