"""A result, ready to be written in any format."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

KEY, TEXT, PROSE, NUMBER = "key", "text", "prose", "number"
ID, OPERATION, MOMENT = "id", "operation", "moment"  # numbers that count nothing, `@41`, and a time in UTC
ON_A_SCREEN = 50


@dataclass(frozen=True)
class Grid:
    """A table: column names with their kind, and its rows.

    `rows` gives them up to a number, or all for None; `total` is how many there are. `rest` is the command that
    shows them all. `hidden` columns are too much for a screen, and only exported; `drawn` ones are pictures, and only
    on a screen. `named` columns are called by what people named, such as a system. `parts` are the columns with which
    another table may begin where one is too wide. `legend` says what the signs in the first column mean.
    """

    columns: Mapping[str, str]
    rows: Callable[[int | None], Iterator[tuple[Any, ...]]]
    total: int
    rest: str = ""
    limit: int | None = None
    all: bool = False
    outline: str = "simple"
    hidden: tuple[str, ...] = ()
    drawn: tuple[str, ...] = ()
    named: tuple[str, ...] = ()
    parts: tuple[str, ...] = ()
    legend: Mapping[str, str] = field(default_factory=dict)

    def shown(self, cap: int | None) -> list[tuple[Any, ...]]:
        """The rows to write where a screen takes `cap` of them (None: all)."""
        most = self.limit if self.limit is not None else None if self.all else cap
        return list(self.rows(most))

    def on_a_screen(self) -> tuple[dict[str, str], list[tuple[Any, ...]]]:
        """Columns and rows that a screen takes."""
        return self._without(self.hidden, ON_A_SCREEN)

    def exported(self) -> tuple[dict[str, str], list[tuple[Any, ...]]]:
        """Columns and rows for other programs."""
        return self._without(self.drawn, None)

    def _without(self, names: tuple[str, ...], cap: int | None) -> tuple[dict[str, str], list[tuple[Any, ...]]]:
        kept = [i for i, name in enumerate(self.columns) if name not in names]
        columns = {name: kind for name, kind in self.columns.items() if name not in names}
        return columns, [tuple(row[i] for i in kept) for row in self.shown(cap)]


@dataclass(frozen=True)
class View:
    """What to write: `data` as JSON, or `lines`, `grid` and `after` as text; `talk` is for people, on stderr.

    `exact` lines are for other programs, and are changed on a screen only, where they must do no harm. `data` takes the
    rows of the grid as dictionaries, where JSON should hold them. A grid that is `aside` is left out of the text, where
    the talk says it all.
    """

    data: Callable[[list[dict[str, Any]]], Any]
    grid: Grid | None = None
    lines: tuple[str, ...] = ()
    after: tuple[str, ...] = ()
    exact: tuple[str, ...] = ()
    talk: tuple[str, ...] = ()
    exit_code: int = 0
    aside: bool = False


@runtime_checkable
class Data(Protocol):
    """What says itself how it is written as JSON."""

    def as_data(self) -> Mapping[str, Any]: ...


def plain(value: Any) -> Any:
    """Dataclasses, mappings and tuples as what JSON has."""
    if isinstance(value, Data):
        return plain(value.as_data())
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {item.name: plain(getattr(value, item.name)) for item in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        return {str(name): plain(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    return str(value) if isinstance(value, Path) else value


def fixed(rows: list[tuple[Any, ...]]) -> Callable[[int | None], Iterator[tuple[Any, ...]]]:
    """Rows that are all at hand."""
    return lambda most: iter(rows[:most])


def counted(number: int, one: str, many: str = "") -> str:
    """`1 key`, `2 keys`."""
    return f"{number:,} {one if number == 1 else many or f'{one}s'}"
