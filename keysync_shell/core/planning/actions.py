"""What a plan consists of, and what it does to the systems: carrying it out is an edit like any other."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial

import polars as pl

from keysync_shell.core.edits import carrying, removing, respelling
from keysync_shell.core.edits.edit import Edit, together
from keysync_shell.core.model import table
from keysync_shell.core.model.counts import Counts
from keysync_shell.core.model.state import State
from keysync_shell.core.planning.policy import Policy
from keysync_shell.core.selecting.selectors import KeyQuery

ADD, REMOVE, CHANGE, PROPOSE, REPORT = "+", "-", "~", "?", "!"
ACTING = [ADD, REMOVE, CHANGE]
SIGNS = (*ACTING, PROPOSE, REPORT)
NUMBERS = {ADD: "added", REMOVE: "removed", CHANGE: "altered"}  # as core.model.counts calls them
REPEATED, MERGED = "repeated", "merged"

# `key` is a spelling (a canonical key where a master key is proposed); `became` the spelling after a change;
# `source` the system whose row is copied; `form` says of a duplicate how it is one, and of a key that goes that it is
# merged into what it would have become. `rows` is how many rows are added, removed or changed.
ACTION = {
    "round": pl.Int32(),
    "sign": pl.String(),
    "kind": pl.String(),
    "system": pl.String(),
    "canonical": pl.String(),
    "key": pl.String(),
    "became": pl.String(),
    "source": pl.String(),
    "form": pl.String(),
    "rows": pl.Int64(),
}


@dataclass(frozen=True, eq=False)
class Plan:
    """`actions` has the columns of ACTION, in the order in which they are carried out."""

    policy: Policy
    actions: pl.DataFrame

    def counts(self) -> dict[str, int]:
        """How many actions of each sign, in the order of SIGNS."""
        numbers = dict(self.actions.group_by("sign").len().iter_rows())
        return {sign: numbers[sign] for sign in SIGNS if sign in numbers}

    def rows(self) -> dict[str, Counts]:
        """The rows that each system gains, loses and has changed, the systems in the order of their names."""
        acting = self.actions.filter(pl.col("sign").is_in(ACTING))
        sums = acting.group_by("system", "sign").agg(pl.col("rows").sum()).sort("system")
        numbers: dict[str, Counts] = {}
        for system, sign, rows in sums.iter_rows():
            numbers[system] = replace(numbers.get(system, Counts()), **{NUMBERS[sign]: rows})
        return numbers

    @property
    def changes_anything(self) -> bool:
        return bool((self.actions["sign"] != REPORT).any())


def as_edit(state: State, wanted: Plan) -> Edit:
    """What the additions, removals and changes of a plan do to the state it was made on."""
    begin, edits = state, []
    for _, actions in wanted.actions.group_by("round", maintain_order=True):
        for name in state.systems.names:
            for step in _steps(actions.filter(pl.col("system") == name), name):
                edits.append(step(state))
                state = state.apply(edits[-1].change)
    return together(begin, state, edits)


def with_rows(state: State, actions: pl.DataFrame) -> pl.DataFrame:
    """The actions of a round with the number of rows that each adds, removes or changes.

    A key that is to become another one which stays, or which an earlier key becomes, is removed: its row goes.
    """
    placed = actions.with_row_index("place")
    parts = (_with_rows(state.tables[name], placed.filter(pl.col("system") == name)) for name in state.systems.names)
    return pl.concat(parts).sort("place").select(*ACTION)


def net(actions: pl.DataFrame) -> pl.DataFrame:
    """The actions of all rounds: of rows that are changed and go in a later round only that they go."""
    gone = actions.filter(pl.col("sign") == REMOVE).select(
        "system", pl.col("rows").alias("gone"), later="round", became="key"
    )
    placed = actions.with_row_index("place")
    changed = placed.filter(pl.col("sign") == CHANGE).join(gone, on=["system", "became"])
    less = changed.filter(pl.col("later") > pl.col("round")).group_by("place").agg(pl.col("gone").sum())
    settled = placed.join(less, on="place", how="left", maintain_order="left")
    return settled.with_columns(rows=pl.col("rows") - pl.col("gone").fill_null(0)).select(*ACTION)


def _with_rows(rows: pl.DataFrame, actions: pl.DataFrame) -> pl.DataFrame:
    first, behind = table.bounds(rows, actions["key"])
    merged = (pl.col("sign") == CHANGE) & pl.col("key").is_in(_merged(rows, actions).implode())
    told = actions.with_columns(
        sign=pl.when(merged).then(pl.lit(REMOVE)).otherwise("sign"),
        form=pl.when(merged).then(pl.lit(MERGED)).otherwise("form"),
        rows=behind.cast(pl.Int64) - first.cast(pl.Int64),
    )
    return told.with_columns(
        rows=pl.when(pl.col("sign") == ADD)
        .then(1)
        .when((pl.col("sign") == REMOVE) & (pl.col("form") == REPEATED))
        .then(pl.col("rows") - 1)
        .when(pl.col("sign").is_in(ACTING))
        .then("rows")
        .otherwise(0)
    )


def _merged(rows: pl.DataFrame, actions: pl.DataFrame) -> pl.Series:
    """Which keys of those that are to become others go, since another row has that key: as in core.edits.respelling."""
    changes = actions.filter(pl.col("sign") == CHANGE).sort("key")
    stays = table.holds(rows, changes["became"]) & ~changes["became"].is_in(changes["key"].implode())
    return changes.filter(stays | ~changes["became"].is_first_distinct())["key"]


def _steps(actions: pl.DataFrame, name: str) -> Iterator[Callable[[State], Edit]]:
    """What the actions of one round do to one system: respell, drop, then add."""
    changes = actions.filter(pl.col("sign") == CHANGE)
    if len(changes):
        renamed = dict(changes.select("key", "became").iter_rows())
        yield lambda state: respelling.rename(state, name, renamed)
    gone = actions.filter(pl.col("sign") == REMOVE)
    repeated = pl.col("form").fill_null("") == REPEATED
    repeats, keys = _query(gone.filter(repeated)["key"]), _query(gone.filter(~repeated)["key"])
    if repeats.literals:
        yield lambda state: removing.without_repeats(state, repeats, (name,))
    if keys.literals:
        yield lambda state: removing.remove(state, keys, (name,))
    for (source,), rows in actions.filter(pl.col("sign") == ADD).group_by("source", maintain_order=True):
        added = _query(rows["key"])
        yield partial(carrying.copy_once, query=added, source=str(source), targets=(name,))


def _query(keys: pl.Series) -> KeyQuery:
    return KeyQuery(tuple(keys))
