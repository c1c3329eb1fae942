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
from keysync_shell.core.model.master_keys import ACTIVE, PROPOSED, SCHEMA, MasterKey, by_number, next_id, table_of
from keysync_shell.core.model.rules import Rules
from keysync_shell.core.model.state import OnDemand, State
from keysync_shell.core.model.systems import Systems
from keysync_shell.core.planning.actions import PROPOSE, Plan
from keysync_shell.core.planning.plan import plan
from keysync_shell.core.planning.policy import Policy
from keysync_shell.storage.registry import EVENTS, Event, Run

# How a system spells a canonical key, a row for each spelling.
SPELLED = {"canonical": pl.String, "system": pl.String, "key": pl.String}


@dataclass(frozen=True, eq=False)
class Result:
    """What a run found and planned. `proposed` are the master keys that it proposes, `registry` all as it leaves them:
    tables as in core.model.master_keys. What is only listed for some is worked out when somebody asks for it.
    """

    number: int
    time: str
    mode: str
    systems: Systems
    rules: Rules
    policy: Policy
    summary: Summary
    respelled: int  # duplicates that are several spellings
    repeated_rows: int  # rows of a system beyond the first of each spelling
    listed: OnDemand  # the findings
    plan: Plan
    proposed: pl.DataFrame
    registry: pl.DataFrame
    absent: tuple[str, ...] = ()
    spelled: OnDemand = field(default_factory=lambda: OnDemand(lambda: pl.DataFrame(schema=SPELLED)))  # unauthorized
    home: str = ""  # the sandbox, as people call it

    @property
    def findings(self) -> pl.DataFrame:
        return self.listed.table

    @property
    def proposals(self) -> tuple[MasterKey, ...]:
        return by_number(self.proposed)

    @property
    def master_keys(self) -> tuple[MasterKey, ...]:
        return by_number(self.registry)

    @property
    def events(self) -> list[Event]:
        """What the audit is to say of the run."""
        return _events(self)


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


def predict(
    state: State, index: Index, policy: Policy, *, only: Collection[str] | None = None
) -> tuple[Plan, Prediction]:
    """The plan (about all kinds, or some `only`), and what it leads one to expect."""
    made = plan(state, index, policy, registered(state.master_keys, index.rules), only=only)
    proposed = made.actions.filter(pl.col("sign") == PROPOSE)
    keys = proposed.select(_master_key(policy, index.systems, "key")).to_series()
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
    proposed = proposals(made, index, number, time, auto_approve, next_id(state.master_keys))
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
        OnDemand(lambda: findings(index)),
        made,
        proposed,
        pl.concat([state.master_keys, proposed]),
        absent,
        OnDemand(lambda: _spellings(index, findings(index, ["unauthorized"])["canonical"])),
        home,
    )


def as_run(result: Result, *, line: str, user: str, operation: int, folder: str, held: bool) -> Run:
    """The run as it is recorded; `operation` is the last one before it, `held` whether the prediction did."""
    details = {
        "summary": result.summary.as_data(),
        "policy": result.policy.as_data(),
        "rules": asdict(result.rules),
        "systems": {"names": list(result.systems.names), "authority": result.systems.authority},
        "proposed": len(result.proposed),
        "repeated_rows": result.repeated_rows,
        "home": result.home,
        "held": held,
    }
    return Run(result.number, result.time, result.mode, line, user, operation, folder, details)


def score(prediction: Prediction, result: Result, master_keys: pl.DataFrame) -> dict[str, Any]:
    """How the prediction fared: findings and master keys that were predicted, and those that the registry has."""
    actual = result.findings.group_by("kind").len()
    found = dict(actual.iter_rows())
    rows = {
        kind.plural: {"predicted": prediction.discrepancies[kind.plural], "actual": found.get(kind.name, 0)}
        for kind in kinds.KINDS
    }
    there = set(master_keys.filter(pl.col("run") == result.number)["master_key"])
    rows["master_keys"] = {"predicted": len(prediction.master_keys), "actual": len(there)}
    right = all(row["predicted"] == row["actual"] for row in rows.values()) and there == set(prediction.master_keys)
    return {"held": right, "numbers": rows}


def proposals(made: Plan, index: Index, run: int | None, time: str, approve: bool, first_id: int) -> pl.DataFrame:
    """The master keys that a plan proposes, numbered from `first_id`: a table as in core.model.master_keys."""
    wanted = made.actions.filter(pl.col("sign") == PROPOSE).select("canonical", "system")
    spelled = _spellings(index, wanted["canonical"]).unique(["canonical", "system"], keep="first", maintain_order=True)
    rows = wanted.join(spelled, on=["canonical", "system"], how="left", maintain_order="left")
    columns = {
        "id": pl.int_range(first_id, first_id + pl.len()),
        "master_key": _master_key(made.policy, index.systems, "canonical"),
        table.KEY: pl.col("canonical"),
        "source_system": pl.col("system"),
        "source_key": pl.coalesce("key", "canonical"),
        "status": pl.lit(ACTIVE if approve else PROPOSED),
        "strategy": pl.lit(made.policy.strategy),
        "created_at": pl.lit(time),
        "activated_at": pl.lit(time if approve else None),
        "run": pl.lit(run),
    }
    return rows.select(columns[name].cast(dtype).alias(name) for name, dtype in SCHEMA.items()).sort(table.KEY)


def added(proposed: pl.DataFrame) -> SystemChange:
    """What proposals change in the registry."""
    return SystemChange(proposed.clear(), proposed)


def _master_key(policy: Policy, systems: Systems, canonical: str) -> pl.Expr:
    """The master key for the canonical key in that column, and the system that holds it."""
    before = {name: policy.master_key("", name) for name in systems.names}
    return pl.col("system").replace_strict(before, return_dtype=pl.String) + pl.col(canonical)


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


def _events(result: Result) -> list[Event]:
    found, run, time = result.summary.discrepancies, result.number, result.time
    return [
        Event(run, time, "RUN_STARTED", f"mode {result.mode}", "", "", "compare", "success"),
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
            for key in result.proposals
        ),
        Event(run, time, "RUN_COMPLETED", f"{found.total} discrepancies", "", "", "report", "success"),
    ]
