"""Runs against what is there now: what changed since, and whether what was predicted holds."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

import polars as pl

from keysync_shell.core.findings.counting import Discrepancies, Summary, SystemCounts, discrepancies
from keysync_shell.core.findings.index import Index
from keysync_shell.core.findings.listing import findings
from keysync_shell.core.model import table
from keysync_shell.core.model.change import Change
from keysync_shell.core.model.normalize import canonical
from keysync_shell.core.model.rules import Rules
from keysync_shell.core.model.systems import Systems
from keysync_shell.core.planning.actions import ADD, CHANGE, PROPOSE, REMOVE, Plan
from keysync_shell.core.planning.policy import Policy
from keysync_shell.reconcile.engine import Result, registered
from keysync_shell.storage.registry import MasterKey, Run

MATCHED, MISSED, UNEXPECTED = "matched", "missed", "unexpected"
IDENTITY = ["kind", "systems", "canonical", "first"]

# Per system and canonical key, the last operation that touched it.
Touched = Mapping[tuple[str, str], int]


@dataclass(frozen=True, eq=False)
class Since:
    """What changed since a run: new and resolved findings, and how many are still open.

    `index` holds only the canonical keys that were touched, so that the cost follows the change.
    """

    run: int
    index: Index
    new: pl.DataFrame
    resolved: pl.DataFrame
    still_open: int


def since(index: Index, change: Change, run: int) -> Since:
    """Compare the touched canonical keys before and after a change."""
    before = index.updated(change.inverse)
    keys = [part.keys for part in change.parts.values()]
    touched = canonical(table.distinct(pl.concat(keys)), index.rules)["canonical"] if keys else pl.Series([""])
    then, now = _part(before, touched), _part(index, touched)
    old, new = _identified(findings(then)), _identified(findings(now))
    come, gone = new.join(old, on=IDENTITY, how="anti"), old.join(new, on=IDENTITY, how="anti")
    total = index_total(index) - len(come)
    return Since(run, now, come.drop("first"), gone.drop("first"), total)


def since_findings(index: Index, before: pl.DataFrame, run: int) -> Since:
    """The same where there is no history, only the findings of the run before."""
    old, new = _identified(before), _identified(findings(index))
    come, gone = new.join(old, on=IDENTITY, how="anti"), old.join(new, on=IDENTITY, how="anti")
    return Since(run, index, come.drop("first"), gone.drop("first"), len(new) - len(come))


def compare(
    predicted: pl.DataFrame, actions: pl.DataFrame, index: Index, known: Collection[MasterKey], touched: Touched
) -> pl.DataFrame:
    """Columns `status, kind, system, canonical, cause`: every predicted finding, and those that nobody predicted.

    A prediction is matched if the finding is there as predicted, or what was planned about it was carried out. So is
    an odd spelling that came with what was planned.
    """
    systems = index.systems
    old, new = _identified(predicted), _identified(findings(index))
    there = old.join(new.select(IDENTITY), on=IDENTITY, how="semi")
    gone = old.join(new.select(IDENTITY), on=IDENTITY, how="anti")
    come = new.join(old.select(IDENTITY), on=IDENTITY, how="anti")
    acted = {(kind, name, key) for kind, name, key in _acted(actions)}
    wanted = set(actions.filter(pl.col("sign") == PROPOSE)["canonical"])
    have = registered(known, index.rules)
    masks = dict(index.groups().select("canonical", "pattern").iter_rows()) if len(gone) else {}
    rows = []
    for kind, mask, key in there.select("kind", "systems", "canonical").iter_rows():
        missing = kind == "unauthorized" and key in wanted and key not in have
        rows.append(_row(MISSED if missing else MATCHED, kind, mask, key, systems, "no master key" if missing else ""))
    for kind, mask, key in gone.select("kind", "systems", "canonical").iter_rows():
        done = any((kind, name, key) in acted for name in systems.members(mask))
        holds = kind != "gap" or masks.get(key, 0) & mask == mask
        cause = "carried out" if done and holds else _cause(mask, key, systems, touched)
        rows.append(_row(MATCHED if done and holds else MISSED, kind, mask, key, systems, cause))
    spelled = _spelled(actions)
    for kind, mask, key, spelling in come.select("kind", "systems", "canonical", "first").iter_rows():
        if any((name, spelling) in spelled for name in systems.members(mask)):
            rows.append(_row(MATCHED, kind, mask, key, systems, "came with what was carried out"))
        else:
            rows.append(_row(UNEXPECTED, kind, mask, key, systems, _cause(mask, key, systems, touched)))
    schema = dict.fromkeys(("status", "kind", "system", "canonical", "cause"), pl.String)
    order = pl.col("status").replace_strict({UNEXPECTED: 0, MISSED: 1, MATCHED: 2}, return_dtype=pl.Int32)
    return pl.DataFrame(rows, schema=schema, orient="row").sort(order, "kind", "canonical", "system")


def as_it_was(
    run: Run, found: pl.DataFrame, actions: pl.DataFrame, known: Collection[MasterKey], systems: Systems
) -> Result:
    """A recorded run as a result again."""
    raw = run.details["summary"]
    summary = Summary(
        tuple(SystemCounts(**row) for row in raw["systems"]),
        raw["keys"],
        raw["in_sync"],
        Discrepancies(**raw["discrepancies"]),
        raw["patterns"],
    )
    policy = Policy(**run.details["policy"])
    return Result(
        run.number,
        run.time,
        run.mode,
        systems,
        Rules(**run.details["rules"]),
        policy,
        summary,
        int((found["form"] == "respelled").sum()),
        found,
        Plan(policy, actions),
        tuple(key for key in known if key.run == run.number),
        tuple(known),
        (),
    )


def _part(index: Index, touched: pl.Series) -> Index:
    rows = index.rows.filter(pl.col("canonical").is_in(touched.implode()))
    return Index(index.systems, index.rules, rows, index.totals)


def index_total(index: Index) -> int:
    """The number of findings, from the totals alone."""
    return discrepancies(index).total


def _identified(found: pl.DataFrame) -> pl.DataFrame:
    """With what tells one finding from another: per-spelling kinds have one for each spelling."""
    first = (
        pl.when(pl.col("kind").is_in(["variant", "malformed"])).then(pl.col("keys").list.first()).otherwise(pl.lit(""))
    )
    return found.with_columns(first=first)


def _acted(actions: pl.DataFrame) -> list[tuple[str, str, str]]:
    done = actions.filter(pl.col("sign").is_in([ADD, REMOVE, CHANGE]))
    return list(done.select("kind", "system", "canonical").unique().iter_rows())


def _spelled(actions: pl.DataFrame) -> set[tuple[str, str]]:
    """Which spellings the plan gives to which systems."""
    given = actions.filter(pl.col("sign").is_in([ADD, CHANGE]))
    return set(given.select("system", pl.coalesce("became", "key")).iter_rows())


def _cause(mask: int, key: str, systems: Systems, touched: Touched) -> str:
    names = (*systems.members(mask), systems.authority)
    found = [(touched[name, key], name) for name in names if (name, key) in touched]
    if not found:
        return "other rules or systems"
    number, name = max(found)
    return f"@{number} changed {name} after the plan"


def _row(status: str, kind: str, mask: int, key: str, systems: Systems, cause: str) -> tuple[str, ...]:
    return status, kind, " ".join(systems.members(mask)), key, cause
