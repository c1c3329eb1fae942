"""Which kinds of findings in which systems, and which patterns, the checkpoints of scenarios asserted to be there."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

Cell = tuple[str, str]  # kind and system


@dataclass(frozen=True)
class Coverage:
    """Cells and patterns that exist, each with the scenarios whose checkpoints asserted it non-zero."""

    cells: Mapping[Cell, tuple[str, ...]]
    patterns: Mapping[str, tuple[str, ...]]

    @property
    def missing_cells(self) -> tuple[Cell, ...]:
        return tuple(cell for cell, by in self.cells.items() if not by)

    @property
    def missing_patterns(self) -> tuple[str, ...]:
        return tuple(pattern for pattern, by in self.patterns.items() if not by)

    @property
    def share(self) -> float:
        """How much is covered, from 0 to 1."""
        every = len(self.cells) + len(self.patterns)
        return 1 - (len(self.missing_cells) + len(self.missing_patterns)) / every if every else 1.0


def coverage(
    asserted: Iterable[tuple[str, str]],
    cells: Mapping[Cell, tuple[str, ...]],
    patterns: Mapping[str, tuple[str, ...]],
) -> Coverage:
    """The coverage of assertions, as pairs of scenario and what it asserted non-zero.

    `cells` and `patterns` map all that exist to the names under which they are asserted, such as `gaps.D`, `gap:D`.
    """
    by: dict[str, list[str]] = {}
    for scenario, metric in asserted:
        names = by.setdefault(metric, [])
        if scenario not in names:
            names.append(scenario)

    def covering(names: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(dict.fromkeys(scenario for name in names for scenario in by.get(name, ())))

    return Coverage(
        {cell: covering(names) for cell, names in cells.items()},
        {pattern: covering(names) for pattern, names in patterns.items()},
    )
