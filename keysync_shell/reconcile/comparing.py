"""Runs against the systems as they are now: what became of each finding, and what is new since."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass

import polars as pl

from keysync_shell.core.findings import kinds
from keysync_shell.core.findings.index import Index
from keysync_shell.core.findings.listing import FINDING, findings
from keysync_shell.core.findings.masks import MASK
from keysync_shell.core.model import normalize
from keysync_shell.core.model.change import Change
from keysync_shell.core.model.rules import Rules
from keysync_shell.core.model.systems import Systems
from keysync_shell.core.planning.actions import ADD, CHANGE, REMOVE
from keysync_shell.reconcile.recorded import COMES, GOES, IDENTITY, Recorded, identified

CARRIED_OUT, STILL_OPEN, OTHERWISE, NEW = "carried out", "still open", "changed otherwise", "new"
NOT_COMPARED = "not compared"
OUTCOMES = (OTHERWISE, NEW, STILL_OPEN, CARRIED_OUT, NOT_COMPARED)  # in the order in which they are shown
DIFFERENT = (OTHERWISE, NEW)
COMPARED = ("status", "kind", "system", "canonical", "spelling", "cause")

# The last operation that touched a canonical key of a system; null for one that may have touched any of its keys.
TOUCHED = {"system": pl.String(), "canonical": pl.String(), "number": pl.Int64()}

# The order of what a plan does in one round to one key of one system: see core.planning.actions.
STEPS = {CHANGE: 0, REMOVE: 1, ADD: 2}


@dataclass(frozen=True, eq=False)
class Since:
    """What changed since a run: new and resolved findings, and how many are still open.

    `new` has masks of the systems now, `resolved` those of `systems`, which the run compared.
    """

    run: int
    new: pl.DataFrame
    resolved: pl.DataFrame
    systems: Systems
    still_open: int


def since(past: Recorded, index: Index) -> Since:
    """The findings now against those that a run recorded, as far as this version has such kinds."""
    own = past.found.filter(pl.col("kind").is_in(kinds.names()))
    old, new = identified(own, past.systems), identified(findings(index), index.systems)
    come, gone = _only(new, old), _only(old, new)
    return Since(past.run, come.select(*FINDING), gone.select(*FINDING), past.systems, len(new) - len(come))


def compare(past: Recorded, index: Index, touched: pl.DataFrame) -> pl.DataFrame:
    """The columns COMPARED, all texts: a row for every finding of the run, and for what is new since.

    The index is of the run's systems by the run's rules, `touched` has the columns of TOUCHED. A finding that is gone
    is carried out if everything that was planned about its key in its systems is as the plan would have it.
    """
    recorded, strange = _both_have(identified(past.findings, past.systems), past)
    new, unasked = _both_have(identified(findings(index), index.systems), past)
    coming = pl.col("planned") == COMES
    old, comes = recorded.filter(~coming), recorded.filter(coming)
    gone, come = _only(old, new), _only(new, old)
    done, otherwise = _split(gone, _undone(past.actions, index), index.systems)
    left = pl.when(pl.col("planned") == GOES).then(pl.lit("")).otherwise(pl.lit("the plan leaves it as it is"))
    parts = {
        STILL_OPEN: [_both(old, new).with_columns(cause=left)],
        CARRIED_OUT: [_because(done, ""), _because(_both(come, comes), "came with the plan")],
        OTHERWISE: [_explained(otherwise, index.systems, touched)],
        NEW: [_explained(_only(come, comes), index.systems, touched)],
        NOT_COMPARED: [
            _because(strange.filter(~coming), "this version does not look for this kind"),
            _because(unasked, "the run did not look for this kind"),
        ],
    }
    rows = [_rows(status, part) for status in OUTCOMES for part in parts[status]]
    return pl.concat(rows).sort(_place("status", OUTCOMES), _place("kind", kinds.names()), "canonical", "system")


def touched_by(changes: Iterable[tuple[int, Change, Collection[str]]], rules: Rules) -> pl.DataFrame:
    """The last of some operations, oldest first, that touched each canonical key of each system: columns TOUCHED.

    Each comes with what it changed, and the systems of which that cannot be told.
    """
    parts = [pl.DataFrame(schema=TOUCHED)]
    for number, change, untold in changes:
        for name, part in change.parts.items():
            keys = normalize.canonical(part.keys, rules).select("canonical").unique()
            parts.append(keys.select(pl.lit(name).alias("system"), "canonical", number=pl.lit(number, pl.Int64)))
        any_key = [(name, None, number) for name in untold]
        parts.append(pl.DataFrame(any_key, schema=TOUCHED, orient="row"))
    return pl.concat(parts).unique(["system", "canonical"], keep="last")


def _both_have(found: pl.DataFrame, past: Recorded) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The findings of kinds that the run and this version have in common, and the others."""
    common = pl.col("kind").is_in(past.kinds)
    return found.filter(common), found.filter(~common)


def _only(here: pl.DataFrame, there: pl.DataFrame) -> pl.DataFrame:
    return here.join(there, on=IDENTITY, how="anti", maintain_order="left")


def _both(here: pl.DataFrame, there: pl.DataFrame) -> pl.DataFrame:
    return here.join(there, on=IDENTITY, how="semi", maintain_order="left")


def _split(gone: pl.DataFrame, undone: pl.DataFrame, systems: Systems) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The findings that went as planned, and those that went otherwise."""
    failed = _places(gone, systems).join(undone, on=["system", "canonical"], how="semi")["row"]
    number = pl.int_range(pl.len(), dtype=pl.UInt32)
    marked = gone.with_columns(done=(pl.col("planned") == GOES) & ~number.is_in(failed.implode()))
    return marked.filter("done").drop("done"), marked.filter(~pl.col("done")).drop("done")


def _places(rows: pl.DataFrame, systems: Systems) -> pl.DataFrame:
    """Columns `row, system, canonical`: the systems of each finding, then the authority, which may have adopted it."""
    where = pl.concat_list("names", pl.lit(systems.authority))
    return rows.with_row_index("row").select("row", "canonical", system=where).explode("system", empty_as_null=True)


def _undone(actions: pl.DataFrame, index: Index) -> pl.DataFrame:
    """Columns `system, canonical`: where some key is not as the plan would leave it."""
    bits = {name: index.systems.bit(name) for name in index.systems.names}
    wanted = _wanted(actions).with_columns(bit=pl.col("system").replace_strict(bits, default=None, return_dtype=MASK))
    spelled = wanted.join(index.rows.select("key", "mask", "repeats"), on="key", how="left")
    held = (pl.col("mask").fill_null(0) & pl.col("bit")) != 0
    again = (pl.col("repeats").fill_null(0) & pl.col("bit")) != 0
    return spelled.filter((held != pl.col("held")) | (again & pl.col("once"))).select("system", "canonical")


def _wanted(actions: pl.DataFrame) -> pl.DataFrame:
    """Columns `system, canonical, key, held, once`: how a plan leaves each key that it touches."""
    columns = ("round", "step", "system", "canonical", "key", "held", "once")
    repeated, changed = pl.col("form").fill_null("") == "repeated", pl.col("sign") == CHANGE
    step = pl.col("sign").replace_strict(STEPS, return_dtype=pl.Int32)
    acting = actions.filter(pl.col("sign").is_in(list(STEPS))).with_columns(step=step, once=repeated)
    named = acting.with_columns(held=(pl.col("sign") == ADD) | pl.col("once"))
    became = acting.filter(changed).with_columns(key="became", held=pl.lit(True), once=pl.col("form") == "respelled")
    every = pl.concat([named.select(columns), became.select(columns)]).sort("round", "step", maintain_order=True)
    return every.unique(["system", "key"], keep="last", maintain_order=True)


def _explained(rows: pl.DataFrame, systems: Systems, touched: pl.DataFrame) -> pl.DataFrame:
    """With the last operation that touched the key, or may have, in a system of the finding or in the authority."""
    places, surely = _places(rows, systems), pl.format("@{} changed {} after the run", "number", "system")
    perhaps = pl.format("@{} may have changed it in {}: what it did cannot be told", "number", "system")
    told, untold = touched.drop_nulls(), touched.filter(pl.col("canonical").is_null()).drop("canonical")
    of_keys = places.join(told, on=["system", "canonical"], maintain_order="left").with_columns(cause=surely)
    of_any = places.join(untold, on="system", maintain_order="left").with_columns(cause=perhaps)
    last = (
        pl.concat([of_keys, of_any], how="diagonal")
        .sort("number", descending=True, maintain_order=True)
        .unique("row", keep="first")
        .select("row", "cause")
    )
    told = rows.with_row_index("row").join(last, on="row", how="left", maintain_order="left")
    return told.with_columns(pl.col("cause").fill_null("what changed it is not kept"))


def _because(rows: pl.DataFrame, cause: str) -> pl.DataFrame:
    return rows.with_columns(cause=pl.lit(cause))


def _rows(status: str, rows: pl.DataFrame) -> pl.DataFrame:
    return rows.with_columns(status=pl.lit(status), system=pl.col("names").list.join(" ")).select(*COMPARED)


def _place(column: str, order: tuple[str, ...]) -> pl.Expr:
    places = {name: place for place, name in enumerate(order)}
    return pl.col(column).replace_strict(places, default=len(order), return_dtype=pl.Int32)
