"""What a plan consists of, and what it does to the systems: carrying it out is an edit like any other."""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from keysync_shell.core.edits import carrying, removing, respelling
from keysync_shell.core.edits.edit import Edit
from keysync_shell.core.model import table
from keysync_shell.core.model.change import Change
from keysync_shell.core.model.state import State
from keysync_shell.core.planning.policy import Policy
from keysync_shell.core.selecting.selectors import KeyQuery

ADD, REMOVE, CHANGE, PROPOSE, REPORT = "+", "-", "~", "?", "!"
ACTING = [ADD, REMOVE, CHANGE]

# `key` is a spelling (a canonical key where a master key is proposed); `became` the spelling after a change;
# `source` the system whose row is copied; `form` says of a duplicate how it is one.
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
}


@dataclass(frozen=True, eq=False)
class Plan:
    """`actions` has the columns of ACTION, in the order in which they are carried out."""

    policy: Policy
    actions: pl.DataFrame

    def counts(self) -> dict[str, int]:
        """How many actions of each sign."""
        return dict(self.actions.group_by("sign").len().iter_rows())

    @property
    def changes_anything(self) -> bool:
        return bool((self.actions["sign"] != REPORT).any())


def as_edit(state: State, wanted: Plan) -> Edit:
    """What the additions, removals and changes of a plan do to the state it was made on."""
    done = Change()
    for _, actions in wanted.actions.group_by("round", maintain_order=True):
        for name in state.systems.names:
            change = _carried(state, actions.filter(pl.col("system") == name), name)
            state, done = state.apply(change), done.then(change)
    return Edit(done)


def _carried(state: State, actions: pl.DataFrame, name: str) -> Change:
    """What the actions of one round do to one system: respell, drop, then add."""
    done = Change()
    renames = actions.filter(pl.col("sign") == CHANGE)
    if len(renames):
        edit = respelling.rename(state, name, dict(renames.select("key", "became").iter_rows()))
        state, done = state.apply(edit.change), done.then(edit.change)
        merged = KeyQuery(tuple(renames.filter(pl.col("form") == "respelled")["became"].unique()))
        if merged.literals:
            edit = removing.without_repeats(state, merged, (name,))
            state, done = state.apply(edit.change), done.then(edit.change)
    gone = actions.filter(pl.col("sign") == REMOVE)
    repeats = gone.filter(pl.col("form") == "repeated")["key"]
    if len(repeats):
        edit = removing.without_repeats(state, KeyQuery(tuple(repeats)), (name,))
        state, done = state.apply(edit.change), done.then(edit.change)
    keys = gone.filter(pl.col("form").fill_null("") != "repeated")["key"]
    if table.holds(state.tables[name], keys).any():
        edit = removing.remove(state, KeyQuery(tuple(keys)), (name,))
        state, done = state.apply(edit.change), done.then(edit.change)
    for (source,), rows in actions.filter(pl.col("sign") == ADD).group_by("source", maintain_order=True):
        if table.holds(state.tables[str(source)], rows["key"]).any():
            added = KeyQuery(tuple(rows["key"]))
            edit = carrying.copy(state, added, str(source), (name,))
            state, done = state.apply(edit.change), done.then(edit.change)
            edit = removing.without_repeats(state, added, (name,))  # of what the source repeats, one row
            state, done = state.apply(edit.change), done.then(edit.change)
    return done
