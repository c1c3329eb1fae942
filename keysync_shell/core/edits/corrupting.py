"""Some of the keys damaged, as real systems damage them."""

from __future__ import annotations

import itertools
from collections.abc import Callable

import polars as pl

from keysync_shell.core.edits import corruption
from keysync_shell.core.edits.corruption import Dice
from keysync_shell.core.edits.edit import Edit, leaving_out
from keysync_shell.core.edits.matching import matching
from keysync_shell.core.edits.respelling import renamed_rows
from keysync_shell.core.model import table
from keysync_shell.core.model.change import SystemChange, changes
from keysync_shell.core.model.state import State
from keysync_shell.core.selecting.selectors import EVERYTHING, KeyQuery

LEAST_TRIED = 64  # keys at a time


def corrupt(
    state: State,
    kind: str,
    query: KeyQuery,
    systems: tuple[str, ...],
    *,
    how_many: Callable[[int], int],
    seed: int,
    fits: Callable[[str], bool] = bool,
) -> Edit:
    """Damage some of the matching keys of each system.

    `how_many` takes the number of candidates in a system. Keys that this kind cannot change, or whose damaged
    spelling already exists, are passed over.
    """
    parts, short, renamed = {}, {}, {}
    for name, keys in matching(state, query, systems, required=query is not EVERYTHING).items():
        count = how_many(len(keys))
        order = corruption.chosen(keys, len(keys) if count else 0, seed, kind, name)
        if kind == corruption.REPEAT:
            victims = order[:count]
            parts[name] = _repeated(state.tables[name], table.key_series(victims))
        else:
            renamed[name] = _damaged(state.tables[name], kind, order, count, Dice.of(seed, kind, name), fits)
            victims = list(renamed[name])
            parts[name], _ = renamed_rows(state.tables[name], renamed[name], name, merge=True, keep_repeats=True)
        short[name] = {"more asked for, but no other key can be damaged this way": count - len(victims)}
    return Edit(changes(parts), leaving_out(short), renamed=renamed)


def _damaged(
    rows: pl.DataFrame, kind: str, order: list[str], count: int, dice: Dice, fits: Callable[[str], bool]
) -> dict[str, str]:
    """Up to `count` of the keys with their damaged spelling; none lands on another key, but `empty` may repeat."""
    damaged: dict[str, str] = {}
    spell, there = corruption.SPELLINGS[kind], set[str]()
    left = iter(order)
    while keys := list(itertools.islice(left, max(count - len(damaged), LEAST_TRIED))):
        dice_of_keys = Dice.of_each(keys, dice.digest.hex())
        spelled = [spell(key, dice_of_key) for key, dice_of_key in zip(keys, dice_of_keys, strict=True)]
        held = table.holds(rows, pl.Series(table.KEY, spelled, dtype=pl.String))
        for key, new, taken in zip(keys, spelled, held, strict=True):
            if len(damaged) == count:
                return damaged
            if new != key and (kind == "empty" or not (taken or new in there or not fits(new))):
                damaged[key] = new
                there.add(new)
    return damaged


def _repeated(rows: pl.DataFrame, keys: pl.Series) -> SystemChange:
    before = table.rows_of(rows, keys)
    again = before.unique(table.KEY, keep="first", maintain_order=True)
    return SystemChange(before, table.ordered(pl.concat([before, again])))
