"""The matrix of patterns: how many canonical keys are held by exactly which systems."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from keysync_shell.core.model.systems import Systems

IN_SYNC, GAP, UNAUTHORIZED = "in sync", "gap", "unauthorized"


@dataclass(frozen=True)
class PatternRow:
    """One pattern: its mask, the systems in it, how many keys have it, and what that means."""

    mask: int
    members: tuple[str, ...]
    keys: int
    meaning: str
    kind: str


def matrix(patterns: Mapping[int, int], systems: Systems, *, inclusive: bool = False) -> list[PatternRow]:
    """The patterns that occur, by class (in sync, gaps, unauthorized) and then by number.

    `patterns` are numbers of canonical keys by mask, as in Totals. `inclusive` counts keys that are held by
    at least these systems, for every possible pattern.
    """
    if inclusive:
        masks = range(1, systems.all_bits + 1)
        counts = {mask: sum(n for held, n in patterns.items() if held & mask == mask) for mask in masks}
    else:
        counts = dict(patterns)
    rows = [_row(mask, keys, systems, inclusive) for mask, keys in counts.items() if keys]
    classes = (IN_SYNC, GAP, UNAUTHORIZED)
    return sorted(rows, key=lambda row: (classes.index(row.kind), -row.keys, -row.mask.bit_count(), row.mask))


def _row(mask: int, keys: int, systems: Systems, inclusive: bool) -> PatternRow:
    members = systems.members(mask)
    if mask == systems.all_bits:
        kind, meaning = IN_SYNC, "in sync"
    elif mask & systems.authority_bit:
        kind, meaning = GAP, f"gap: {' '.join(systems.members(systems.all_bits & ~mask))}"
    else:
        kind, meaning = UNAUTHORIZED, f"unauthorized: {' '.join(members)}"
    return PatternRow(mask, members, keys, f"at least {' '.join(members)}" if inclusive else meaning, kind)
