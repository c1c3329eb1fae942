"""A run: what is found, what is planned, what is proposed; and later, whether the prediction held."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any

import polars as pl

from keysync_shell.core.findings import kinds
from keysync_shell.core.findings.counting import Summary, forms, summarize
from keysync_shell.core.findings.index import Index
from keysync_shell.core.findings.listing import findings
from keysync_shell.core.findings.spellings import by_system
from keysync_shell.core.model import normalize, table
from keysync_shell.core.model.change import SystemChange, between
from keysync_shell.core.model.counts import Counts
from keysync_shell.core.model.master_keys import ACTIVE, PROPOSED, MasterKey, by_number, next_id, table_of
from keysync_shell.core.model.rules import Rules
from keysync_shell.core.model.state import State
from keysync_shell.core.model.systems import Systems
from keysync_shell.core.planning.actions import PROPOSE, Plan
from keysync_shell.core.planning.plan import plan
from keysync_shell.core.planning.policy import Policy
from keysync_shell.storage.registry import EVENTS, Event, Run

# How a system spells a canonical key, a row for each spelling.
SPELLED = {"canonical": pl.String, "system": pl.String, "key": pl.String}


@dataclass(frozen=True, eq=False)
class Result:
    """What a run found and planned; `master_keys` is the registry as the run leaves it."""

    number: int
    time: str
    mode: str
    systems: Systems
    rules: Rules
    policy: Policy
    summary: Summary
    respelled: int  # duplicates that are several spellings
    repeated_rows: int  # rows of a system beyond the first of each spelling
    findings: pl.DataFrame
    plan: Plan
    proposals: tuple[MasterKey, ...]
    master_keys: tuple[MasterKey, ...]
    events: tuple[Event, ...]
    absent: tuple[str, ...] = ()
    spelled: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=SPELLED))  # the unauthorized keys
    home: str = ""  # the sandbox, as people call it


@dataclass(frozen=True)
class Prediction:
    """What a run is expected to find and do: findings, master keys to create, rows to change per system."""

    discrepancies: Mapping[str, int]
    master_keys: tuple[str, ...]
    systems: Mapping[str, Counts]


def registered(master_keys: pl.DataFrame, rules: Rules) -> set[str]:
    """The canonical keys that need no proposal: those that have a master key, and the master keys themselves."""
    masters = normalize.canonical(table.distinct(master_keys["master_key"]), rules)["canonical"]
    return {*master_keys[table.KEY], *masters}


def predict(state: State, index: Index, policy: Policy) -> tuple[Plan, Prediction]:
    """The plan, and what it leads one to expect."""
    made = plan(state, index, policy, registered(state.master_keys, index.rules))
    proposed = made.actions.filter(pl.col("sign") == PROPOSE)
    keys = [policy.master_key(canonical, system) for canonical, system in proposed.select("key", "system").iter_rows()]
    found = summarize(index, state).discrepancies
    return made, Prediction(found, tuple(keys), made.rows())


def run(
    state: State,
    index: Index,
    made: Plan,
    *,
    number: int,
    time: str,
    mode: str = "full",
    auto_approve: bool = False,
    absent: tuple[str, ...] = (),
    home: str = "",
) -> Result:
    """Compare and propose by a plan. Nothing is written, and the systems are not changed."""
    found = findings(index)
    spelled = _spellings(index, found.filter(pl.col("kind") == "unauthorized")["canonical"])
    known = by_number(state.master_keys)
    proposed = tuple(proposals(made, index, number, time, auto_approve, next_id(state.master_keys)))
    summary = summarize(index, state)
    return Result(
        number,
        time,
        mode,
        index.systems,
        index.rules,
        made.policy,
        summary,
        forms(index, "duplicate")["respelled"],
        _repeated_rows(index, state),
        found,
        made,
        proposed,
        (*known, *proposed),
        tuple(_events(number, time, summary, proposed, mode)),
        absent,
        spelled,
        home,
    )


def as_run(result: Result, *, line: str, user: str, operation: int, folder: str, held: bool) -> Run:
    """The run as it is recorded; `operation` is the last one before it, `held` whether the prediction did."""
    details = {
        "summary": result.summary.as_data(),
        "policy": result.policy.as_data(),
        "rules": asdict(result.rules),
        "systems": {"names": list(result.systems.names), "authority": result.systems.authority},
        "proposed": len(result.proposals),
        "repeated_rows": result.repeated_rows,
        "home": result.home,
        "held": held,
    }
    return Run(result.number, result.time, result.mode, line, user, operation, folder, details)


def score(prediction: Prediction, result: Result, master_keys: Collection[MasterKey]) -> dict[str, Any]:
    """How the prediction fared: findings and master keys that were predicted, and those that are really there."""
    actual = result.findings.group_by("kind").len()
    found = dict(actual.iter_rows())
    rows = {
        kind.plural: {"predicted": prediction.discrepancies[kind.plural], "actual": found.get(kind.name, 0)}
        for kind in kinds.KINDS
    }
    there = {key.master_key for key in master_keys if key.run == result.number}
    rows["master_keys"] = {"predicted": len(prediction.master_keys), "actual": len(there)}
    right = all(row["predicted"] == row["actual"] for row in rows.values()) and there == set(prediction.master_keys)
    return {"held": right, "numbers": rows}


def proposals(made: Plan, index: Index, run: int | None, time: str, approve: bool, first_id: int) -> list[MasterKey]:
    """The master keys that a plan proposes, numbered from `first_id`."""
    wanted = made.actions.filter(pl.col("sign") == PROPOSE).select("canonical", "system")
    spelled = _spellings(index, wanted["canonical"]).unique(["canonical", "system"], keep="first", maintain_order=True)
    rows = wanted.join(spelled, on=["canonical", "system"], how="left", maintain_order="left")
    return [
        MasterKey(
            id=first_id + i,
            master_key=made.policy.master_key(canonical, system),
            canonical=canonical,
            source_system=system,
            source_key=canonical if key is None else key,
            status=ACTIVE if approve else PROPOSED,
            strategy=made.policy.strategy,
            created_at=time,
            activated_at=time if approve else None,
            run=run,
        )
        for i, (canonical, system, key) in enumerate(rows.iter_rows())
    ]


def added(proposed: Collection[MasterKey]) -> SystemChange:
    """What proposals change in the registry."""
    rows = table_of(proposed)
    return SystemChange(rows.clear(), rows)


def moved(keys: Collection[MasterKey], status: str, time: str) -> SystemChange:
    """What another status of some master keys changes in the registry."""
    moving = [replace(key, status=status) for key in keys]
    if status == ACTIVE:
        moving = [replace(key, activated_at=time) for key in moving]
    return between(table_of(keys), table_of(moving))


def _spellings(index: Index, wanted: pl.Series) -> pl.DataFrame:
    """How each system spells these canonical keys, with the columns of SPELLED."""
    rows = index.rows.filter(pl.col("canonical").is_in(wanted.implode()))
    return by_system(rows, index.systems, "mask").select(*SPELLED)


def _repeated_rows(index: Index, state: State) -> int:
    spellings = int(index.rows["mask"].bitwise_count_ones().sum())
    return sum(len(rows) for rows in state.tables.values()) - spellings


def _events(run: int, time: str, summary: Summary, proposals: tuple[MasterKey, ...], mode: str) -> list[Event]:
    found = summary.discrepancies
    return [
        Event(run, time, "RUN_STARTED", f"mode {mode}", "", "", "compare", "success"),
        *(
            Event(
                run,
                time,
                EVENTS[key.status],
                f"{key.master_key} ({key.strategy})",
                key.source_system,
                key.source_key,
                "activate" if key.status == ACTIVE else "propose",
                "success",
            )
            for key in proposals
        ),
        Event(run, time, "RUN_COMPLETED", f"{found.total} discrepancies", "", "", "report", "success"),
    ]
