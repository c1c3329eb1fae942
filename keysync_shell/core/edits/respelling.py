"""Keys that get another spelling, with all their rows."""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl

from keysync_shell.core.edits.edit import Edit, leaving_out
from keysync_shell.core.edits.matching import matching
from keysync_shell.core.edits.spelling import Spell
from keysync_shell.core.model import table
from keysync_shell.core.model.change import SystemChange, between, changes
from keysync_shell.core.model.keys import shown
from keysync_shell.core.model.state import State
from keysync_shell.core.selecting.selectors import KeyQuery
from keysync_shell.errors import KeySyncError

NEW = "\0new"  # the name of no column: a file cannot hold NUL


def respell(state: State, query: KeyQuery, systems: tuple[str, ...], spell: Spell, *, merge: bool) -> Edit:
    """Give the matching keys the spelling that `spell` makes of them; their other columns stay.

    Raises KeySyncError if a key would land on one that is there, unless `merge`: then the existing row stays.
    """
    parts, left_out, renamed = {}, {}, {}
    for name, keys in matching(state, query, systems).items():
        renamed[name] = {key: new for key in keys if (new := spell(key)) != key}
        parts[name], merged = renamed_rows(state.tables[name], renamed[name], name, merge=merge)
        left_out[name] = {"unchanged": len(keys) - len(renamed[name]), "merged": merged}
    return Edit(changes(parts), leaving_out(left_out), renamed=renamed)


def rename(state: State, system: str, renamed: Mapping[str, str]) -> Edit:
    """Give keys of one system new spellings; where one lands on a key that is there, that key's row stays."""
    really = {old: new for old, new in renamed.items() if old != new}
    part, _ = renamed_rows(state.tables[system], really, system, merge=True)
    return Edit(changes({system: part}), renamed={system: really})


def renamed_rows(
    rows: pl.DataFrame, renamed: Mapping[str, str], system: str, *, merge: bool, keep_repeats: bool = False
) -> tuple[SystemChange, int]:
    """The change that renames keys, and how many of them fell together with a row that stays."""
    if not renamed:
        return SystemChange(rows.clear(), rows.clear()), 0
    names = pl.DataFrame({table.KEY: list(renamed), NEW: list(renamed.values())}).sort(table.KEY)
    touched = table.distinct(pl.concat([names[table.KEY], names[NEW].alias(table.KEY)]))
    before = table.rows_of(rows, touched)
    renames = pl.col(table.KEY).is_in(names[table.KEY].implode())
    staying = before.filter(~renames)
    moving = before.filter(renames).join(names, on=table.KEY, how="left", maintain_order="left")
    taken = table.holds(staying, names[NEW]) | ~names[NEW].is_first_distinct()
    if taken.any() and not merge:
        there = table.holds(staying, names[NEW])
        raise _landing(names.filter(there), system) if there.any() else _together(names, system)
    if taken.any() and not keep_repeats:
        moving = moving.filter(pl.col(table.KEY).is_in(names.filter(~taken)[table.KEY].implode()))
    moved = moving.with_columns(pl.col(NEW).alias(table.KEY)).select(rows.columns)
    after = table.ordered(pl.concat([staying, moved]))
    return between(before, after), 0 if keep_repeats else int(taken.sum())


def _landing(names: pl.DataFrame, system: str) -> KeySyncError:
    old, new = names.row(0)
    more = f" (and {len(names) - 1} more)" if len(names) > 1 else ""
    return KeySyncError(
        f"{shown(old)} would land on {shown(new)}, which {system} already has{more}",
        hint="Use --merge to merge them; the existing row stays.",
    )


def _together(names: pl.DataFrame, system: str) -> KeySyncError:
    first = names.filter(pl.col(NEW).is_duplicated())
    olds = first.filter(pl.col(NEW) == first[NEW][0])[table.KEY]
    return KeySyncError(
        f"{shown(olds[0])} and {shown(olds[1])} would both become {shown(first[NEW][0])} in {system}",
        hint="Use --merge to merge them; the first row stays.",
    )
