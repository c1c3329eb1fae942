"""What a run records, in the names of the systems that it compared: those of the sandbox may be others one day."""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from keysync_shell.core.findings import kinds
from keysync_shell.core.findings.counting import Summary
from keysync_shell.core.findings.index import Index
from keysync_shell.core.findings.kinds import About
from keysync_shell.core.findings.listing import FINDING, findings
from keysync_shell.core.findings.masks import MASK
from keysync_shell.core.findings.spellings import by_system
from keysync_shell.core.model import table
from keysync_shell.core.model.rules import Rules
from keysync_shell.core.model.state import OnDemand, State
from keysync_shell.core.model.systems import Systems
from keysync_shell.core.planning.actions import ACTING, Plan, as_edit
from keysync_shell.core.planning.policy import Policy
from keysync_shell.reconcile.engine import Result
from keysync_shell.storage.registry import Run

# What becomes of a finding once the plan is carried out; some come only then.
STAYS, GOES, COMES = "stays", "goes", "comes"

# What makes a finding the same one later: an unauthorized key that spreads is still that key, whoever holds it; a
# variant or malformed spelling is another finding as soon as it is spelled differently.
IDENTITY = ["kind", "system", "canonical", "spelling"]


@dataclass(frozen=True, eq=False)
class Recorded:
    """The findings of a run with what was to become of them (`planned`), and the actions of its plan.

    Masks are those of the run's own systems, `kinds` what it looked for; another version may have other kinds.
    """

    run: int
    systems: Systems
    rules: Rules
    kinds: frozenset[str]
    findings: pl.DataFrame
    actions: pl.DataFrame

    @property
    def found(self) -> pl.DataFrame:
        """The findings of the run itself, without those that its plan would lead to."""
        return self.findings.filter(pl.col("planned") != COMES).select(*FINDING)


def to_record(state: State, index: Index, made: Plan) -> pl.DataFrame:
    """The findings as they are recorded: with names of systems for bits, and `planned`."""
    before, after = _around(state, index, made)
    old, new = identified(findings(index), index.systems), identified(after, index.systems)
    touched = pl.col("canonical").is_in(before["canonical"].implode())
    going = old.filter(touched).join(new, on=IDENTITY, how="anti").select(*IDENTITY, planned=pl.lit(GOES))
    told = old.join(going, on=IDENTITY, how="left", maintain_order="left").with_columns(
        pl.col("planned").fill_null(STAYS)
    )
    coming = new.join(old, on=IDENTITY, how="anti").with_columns(planned=pl.lit(COMES))
    every = pl.concat([told.select(coming.columns), coming])
    return every.select(*(name for name in FINDING if name != "systems"), "planned", systems="names")


def from_record(run: Run, found: pl.DataFrame, actions: pl.DataFrame, now: Systems) -> Recorded:
    """What a run recorded, also with an earlier version of this program; `now` are the systems of the sandbox."""
    own = _systems_of(run, now)
    if found.schema["systems"] != MASK:
        bits = {name: own.bit(name) for name in own.names}
        found = found.with_columns(
            pl.col("systems").list.eval(pl.element().replace_strict(bits, return_dtype=MASK)).list.sum().cast(MASK)
        )
    if "planned" not in found.columns:
        found = found.with_columns(planned=_planned_about(found, actions, own))
    return Recorded(run.number, own, Rules(**run.details["rules"]), _kinds_of(run), found, actions)


def identified(found: pl.DataFrame, systems: Systems) -> pl.DataFrame:
    """Findings with the columns of IDENTITY, and `names`: the list of their systems."""
    masks = found["systems"].unique()
    members = pl.Series("names", [systems.members(mask) for mask in masks], dtype=pl.List(pl.String))
    named = found.join(pl.DataFrame([masks, members]), on="systems", how="left", maintain_order="left")
    name = pl.when(_about(About.KEY)).then(pl.lit("")).otherwise(pl.col("names").list.first())
    first = pl.when(_about(About.SPELLING)).then(pl.col("keys").list.first()).otherwise(pl.lit(""))
    return named.with_columns(system=name, spelling=first)


def _about(about: About) -> pl.Expr:
    """Whether a finding is about that. A kind that this version does not have is about a key in a system."""
    return pl.col("kind").is_in([kind.name for kind in kinds.KINDS if kind.about is about])


def as_it_was(run: Run, past: Recorded, known: pl.DataFrame) -> Result:
    """A recorded run as a result again; `known` is the registry."""
    policy, found = Policy.of(run.details["policy"]), past.found
    respelled = int((found["form"] == "respelled").sum())
    return Result(
        run.number,
        run.time,
        run.mode,
        past.systems,
        past.rules,
        policy,
        Summary.of_data(run.details["summary"]),
        respelled,
        run.details.get("repeated_rows", int((found["form"] == "repeated").sum())),
        OnDemand(lambda: found),
        Plan(policy, past.actions),
        known.filter(pl.col("run") == run.number),
        known,
        home=run.details.get("home", ""),
    )


def _around(state: State, index: Index, made: Plan) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The canonical keys that a plan acts on, and the findings about them after it: only their rows are looked at."""
    acted = made.actions.filter(pl.col("sign").is_in(ACTING))["canonical"].unique()
    rows = index.rows.filter(pl.col("canonical").is_in(acted.implode()))
    part = State(state.systems, {name: table.rows_of(held, rows["key"]) for name, held in state.tables.items()})
    change = as_edit(part, made).change
    return rows, findings(Index.build(part.apply(change), index.rules))


def _systems_of(run: Run, now: Systems) -> Systems:
    """The systems that a run compared; an old one recorded their names only with its numbers, and no authority."""
    if "systems" in run.details:
        return Systems(tuple(run.details["systems"]["names"]), run.details["systems"]["authority"])
    names = tuple(row["name"] for row in run.details["summary"]["systems"])
    return Systems(names, now.authority if now.authority in names else names[0])


def _kinds_of(run: Run) -> frozenset[str]:
    """The kinds that a run counted, by their names, as far as this version has them."""
    counted = run.details["summary"]["discrepancies"]
    return frozenset(kind.name for kind in kinds.KINDS if kind.plural in counted)


def _planned_about(found: pl.DataFrame, actions: pl.DataFrame, systems: Systems) -> pl.Series:
    """What was to become of the findings of an old run, as far as its actions tell: what they are about goes."""
    acting = actions.filter(pl.col("sign").is_in(ACTING)).select("system", "canonical")
    reach = found.with_row_index("row").with_columns(systems=pl.col("systems") | systems.authority_bit)
    rows = by_system(reach, systems, "systems").join(acting, on=["system", "canonical"], how="semi")["row"]
    goes = pl.int_range(len(found), dtype=pl.UInt32, eager=True).is_in(rows.implode())
    return goes.replace_strict({True: GOES, False: STAYS}, return_dtype=pl.String)
