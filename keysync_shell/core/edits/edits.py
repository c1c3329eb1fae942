"""What each editing command does to a state: (State, …) → Edit. Nothing is written here.

Only what really changes goes into the change: a key that is already there is no part of an `add`, so that undo
does not take it away.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import polars as pl

from keysync_shell.core.edits import corruption
from keysync_shell.core.edits.corruption import Dice
from keysync_shell.core.edits.spelling import Spell
from keysync_shell.core.model import table
from keysync_shell.core.model.change import Change, SystemChange, between, changes
from keysync_shell.core.model.keys import shown
from keysync_shell.core.model.state import State
from keysync_shell.core.selecting.selectors import EVERYTHING, KeyQuery
from keysync_shell.errors import KeySyncError

NEW = "\0new"  # the name of no column: a file cannot hold NUL


@dataclass(frozen=True)
class Edit:
    """A decided change, with what was left out of it: per system, how many keys and why."""

    change: Change
    left_out: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    details: Mapping[str, str | int] = field(default_factory=dict)


def add(state: State, keys: pl.Series, systems: tuple[str, ...], *, now: str) -> Edit:
    """Add keys (distinct, in order) to systems; those already there are left out."""
    parts, left_out = {}, {}
    for name in systems:
        rows = state.tables[name]
        there = table.holds(rows, keys)
        new = keys.filter(~there)
        parts[name] = SystemChange(rows.clear(), new_rows(new, name, rows.columns, now))
        left_out[name] = {"already there": int(there.sum())}
    return Edit(changes(parts), _counted(left_out))


def remove(state: State, query: KeyQuery, systems: tuple[str, ...]) -> Edit:
    """Remove every row of the keys that match.

    Raises KeySyncError if no system has a matching key.
    """
    found = _found(state, query, systems)
    rows = {name: table.rows_of(state.tables[name], keys) for name, keys in found.items()}
    change = changes({name: SystemChange(gone, gone.clear()) for name, gone in rows.items()})
    return Edit(change, left_out=_not_found(query, found))


def respell(state: State, query: KeyQuery, systems: tuple[str, ...], spell: Spell, *, merge: bool) -> Edit:
    """Give the matching keys the spelling that `spell` makes of them; their other columns stay.

    Raises KeySyncError if a key would land on one that is there, unless `merge`: then the row that is there stays.
    """
    parts, left_out = {}, {}
    for name, keys in _found(state, query, systems).items():
        renamed = {key: new for key in keys if (new := spell(key)) != key}
        parts[name], merged = _renamed(state.tables[name], renamed, name, merge=merge)
        left_out[name] = {"unchanged": len(keys) - len(renamed), "merged": merged}
    return Edit(changes(parts), _counted(left_out))


def rename(state: State, system: str, renamed: Mapping[str, str]) -> Edit:
    """Give keys of one system new spellings; where one lands on a key that is there, that key's row stays."""
    part, _ = _renamed(
        state.tables[system], {old: new for old, new in renamed.items() if old != new}, system, merge=True
    )
    return Edit(changes({system: part}))


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
    spelling is there already, are passed over.
    """
    parts, short = {}, {}
    for name, keys in _found(state, query, systems, required=query is not EVERYTHING).items():
        count = how_many(len(keys))
        order = corruption.chosen(keys, len(keys) if count else 0, seed, kind, name)
        if kind == corruption.REPEAT:
            victims = order[:count]
            parts[name] = _repeated(state.tables[name], table.key_series(victims))
        else:
            damaged = _damaged(state.tables[name], kind, order, count, Dice.of(seed, kind, name), fits)
            victims = list(damaged)
            parts[name], _ = _renamed(state.tables[name], damaged, name, merge=True, keep_repeats=True)
        short[name] = {"asked for, but nothing to change": count - len(victims)}
    return Edit(changes(parts), _counted(short))


def without_repeats(state: State, query: KeyQuery, systems: tuple[str, ...]) -> Edit:
    """Of the matching keys that stand in several rows, keep the first row."""
    parts = {}
    for name in systems:
        rows = state.tables[name]
        repeated = table.distinct(rows[table.KEY].filter(rows[table.KEY].is_duplicated()))
        keys = query.matches(repeated)
        before = table.rows_of(rows, keys)
        parts[name] = SystemChange(before, before.unique(table.KEY, keep="first", maintain_order=True))
    return Edit(changes(parts))


def copy(state: State, query: KeyQuery, source: str, targets: tuple[str, ...], *, move: bool = False) -> Edit:
    """Carry the rows of the matching keys from one system to others; `move` takes them away at the source.

    The column `system` gets the target's name. Columns that the target lacks are dropped, those that it has more
    stay empty; keys already there are left out.
    """
    if source in targets:
        raise KeySyncError(f"{source} is both the source and a target", hint="Name other systems after --to.")
    keys = _found(state, query, (source,))[source]
    carried = table.rows_of(state.tables[source], keys)
    parts, left_out, notes = {}, {}, []
    for name in targets:
        rows = state.tables[name]
        new = carried.filter(~table.holds(rows, carried[table.KEY]))
        parts[name] = SystemChange(rows.clear(), _fitted(new, rows.columns, source, name))
        left_out[name] = {"already there": int(table.holds(rows, keys).sum())}
        if lost := [column for column in carried.columns if column not in rows.columns]:
            notes.append(f"{name} has no column {', '.join(lost)}: not carried")
    if move:
        parts[source] = SystemChange(carried, carried.clear())
    return Edit(changes(parts), _counted(left_out), tuple(notes))


def replace(state: State, tables: Mapping[str, pl.DataFrame], details: Mapping[str, str | int] | None = None) -> Edit:
    """Put other tables in the place of those of some systems."""
    parts = {name: between(state.tables[name], rows) for name, rows in tables.items()}
    return Edit(changes(parts), details=details or {})


def filled(state: State, keys: pl.Series, *, now: str) -> dict[str, pl.DataFrame]:
    """The same keys, with new rows, for every system."""
    return {name: new_rows(keys, name, table.COLUMNS, now) for name in state.systems.names}


def new_rows(keys: pl.Series, system: str, columns: list[str] | tuple[str, ...], now: str) -> pl.DataFrame:
    """Rows for new keys: `status` is active, `last_seen_at` is now (UTC, ISO 8601), unknown columns are empty."""
    values = {"last_seen_at": now, "system": system, "status": "active"}
    return pl.DataFrame({table.KEY: keys}).select(
        pl.col(table.KEY) if column == table.KEY else pl.lit(values.get(column, "")).alias(column) for column in columns
    )


def _found(state: State, query: KeyQuery, systems: tuple[str, ...], *, required: bool = True) -> dict[str, pl.Series]:
    """The matching keys of each system. Raises NoSuchKey if there are none at all."""
    found = {name: query.matches(state.keys(name)) for name in systems}
    if required and all(len(keys) == 0 for keys in found.values()):
        raise NoSuchKey(query, systems)
    return found


class NoSuchKey(KeySyncError):
    """No key matches; who has an index at hand adds the near misses."""

    def __init__(self, query: KeyQuery, systems: tuple[str, ...]) -> None:
        self.query = query
        words = query.words
        what = shown(words[0]) if len(words) == 1 else f"any of {len(words)} keys and patterns"
        super().__init__(f"no key in {', '.join(systems)} matches {what}", hint="`list` shows the keys that are there.")


def _not_found(query: KeyQuery, found: Mapping[str, pl.Series]) -> dict[str, dict[str, int]]:
    named = query.named()
    missing = {name: len(named) - int(named.is_in(keys.implode()).sum()) for name, keys in found.items()}
    return {name: {"not there": count} for name, count in missing.items() if count}


def _renamed(
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
        f"{shown(old)} would land on {shown(new)}, which {system} has already{more}",
        hint="Use --merge to let them fall together; the row that is there stays.",
    )


def _together(names: pl.DataFrame, system: str) -> KeySyncError:
    first = names.filter(pl.col(NEW).is_duplicated())
    olds = first.filter(pl.col(NEW) == first[NEW][0])[table.KEY]
    return KeySyncError(
        f"{shown(olds[0])} and {shown(olds[1])} would both become {shown(first[NEW][0])} in {system}",
        hint="Use --merge to let them fall together; the first row stays.",
    )


def _damaged(
    rows: pl.DataFrame, kind: str, order: list[str], count: int, dice: Dice, fits: Callable[[str], bool]
) -> dict[str, str]:
    """Up to `count` of the keys with their damaged spelling; none lands on another key, but `empty` may repeat."""
    damaged: dict[str, str] = {}
    spell, there = corruption.SPELLINGS[kind], set[str]()
    batch = max(count, 64)
    for start in range(0, len(order), batch):
        keys = order[start : start + batch]
        spelled = [spell(key, Dice.of(dice.digest.hex(), key)) for key in keys]
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


def _fitted(rows: pl.DataFrame, columns: list[str], source: str, target: str) -> pl.DataFrame:
    """The rows in the target's columns."""
    if "system" in rows.columns:
        own = pl.col("system") == source
        rows = rows.with_columns(system=pl.when(own).then(pl.lit(target)).otherwise(pl.col("system")))
    fitted = rows.select(pl.col(column) if column in rows.columns else pl.lit("").alias(column) for column in columns)
    return table.ordered(fitted)


def _counted(left_out: Mapping[str, Mapping[str, int]]) -> dict[str, dict[str, int]]:
    """Only what counts to more than nothing."""
    counted = {name: {why: n for why, n in reasons.items() if n > 0} for name, reasons in left_out.items()}
    return {name: reasons for name, reasons in counted.items() if reasons}
