"""The reconciliation plan: what would be done about each finding. Pure.

Some decisions lead to new findings (a malformed key that is removed leaves a gap). So a plan is made in rounds, each
on the state that the one before would leave, until nothing is left to do.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass, replace
from typing import assert_never

import polars as pl

from keysync_shell.core.findings import kinds
from keysync_shell.core.findings.index import Index
from keysync_shell.core.findings.kinds import About, Decision, Kind
from keysync_shell.core.findings.listing import findings, place_of_kind
from keysync_shell.core.findings.losses import losing_letters
from keysync_shell.core.findings.masks import MASK
from keysync_shell.core.findings.spellings import by_system
from keysync_shell.core.model.state import State
from keysync_shell.core.model.systems import Systems
from keysync_shell.core.planning.actions import (
    ACTING,
    ACTION,
    ADD,
    CHANGE,
    PROPOSE,
    REMOVE,
    REPORT,
    Plan,
    as_edit,
    net,
    with_rows,
)
from keysync_shell.core.planning.policy import DECISIONS, Policy

MOST_ROUNDS = 8


def plan(
    state: State,
    index: Index,
    policy: Policy,
    registered: Collection[str] = (),
    *,
    only: Collection[str] | None = None,
    systems: Collection[str] | None = None,
) -> Plan:
    """Decide about every finding, or those of some kinds; act on some systems only if they are named.

    `registered` are canonical keys for which a master key is proposed already.
    """
    context = _Context(index, policy, registered)
    rounds = [with_rows(state, _round(context, only, systems, 1))]
    while not policy.settled and len(rounds) < MOST_ROUNDS and rounds[-1]["sign"].is_in(ACTING).any():
        edit = as_edit(state, Plan(policy, rounds[-1]))
        state = state.apply(edit.change)
        index = index.after(edit.change, state)
        later = with_rows(state, _round(replace(context, index=index), only, systems, len(rounds) + 1))
        rounds[-1] = rounds[-1].filter(pl.col("sign") != REPORT)  # reported anew as far as they are still there
        seen = pl.concat([part.filter(pl.col("sign") == PROPOSE) for part in rounds])["key"]
        rounds.append(later.filter(~((pl.col("sign") == PROPOSE) & pl.col("key").is_in(seen.implode()))))
    return Plan(policy, net(pl.concat(rounds)))


def _round(
    context: _Context, only: Collection[str] | None, systems: Collection[str] | None, number: int
) -> pl.DataFrame:
    found = findings(context.index, only).with_columns(decision=_decision(context.policy))
    decided = found.partition_by("kind", "decision", as_dict=True)
    order = [(kind.name, decision) for kind in _by_precedence() for decision in DECISIONS]
    parts = [context.actions(pair[1], decided[pair]) for pair in order if pair in decided]
    wanted = (
        pl.concat([part for part in parts if part is not None] or [pl.DataFrame(schema=ACTION)], how="vertical")
        .lazy()
        .with_columns(round=pl.lit(number, dtype=pl.Int32))
        .with_columns(about=pl.when(pl.col("sign") == REPORT).then("kind").otherwise(pl.lit("")))
        .unique(subset=["sign", "system", "key", "form", "about"], keep="first", maintain_order=True)
        .drop("about")
        .filter(pl.lit(True) if systems is None else pl.col("system").is_in(list(systems)))
        .sort(place_of_kind(), "system", "canonical", "key", maintain_order=True)
        .collect()
    )
    return _first_to_act(wanted)


def _by_precedence() -> list[Kind]:
    """Which kind acts first where several are about the same key."""
    return sorted(kinds.KINDS, key=lambda kind: kind.precedence)


def _first_to_act(actions: pl.DataFrame) -> pl.DataFrame:
    """Of several actions on one key of one system only those of the first kind; the next round sees what they leave.

    Where something is done about a key in all systems, as when an unauthorized key is adopted or removed, nothing else
    is done about it anywhere.
    """
    acts = pl.col("sign").is_in(ACTING)
    # Nearly always only gaps act: then there is nothing to choose, and what follows takes half of a plan's time.
    if actions.lazy().filter(acts).select(pl.col("kind").n_unique()).collect().item() < 2:
        return actions
    places = {kind.name: place for place, kind in enumerate(_by_precedence())}
    rank = pl.when(acts).then(pl.col("kind").replace_strict(places, return_dtype=pl.Int32))
    whole = acts & pl.col("kind").is_in([kind.name for kind in kinds.KINDS if kind.about is About.KEY])
    first = (rank == rank.min().over("system", "canonical")) & (whole | ~whole.any().over("canonical"))
    return actions.filter(~acts | first)


def _decision(policy: Policy) -> pl.Expr:
    """The decision about each finding: the override of its canonical key where it fits the kind, else the policy's."""
    kind = pl.col("kind")
    default = kind.replace_strict({name: policy.about(name) for name in kinds.names()}, return_dtype=pl.String)
    if not policy.overrides:
        return default
    chosen = pl.col("canonical").replace_strict(dict(policy.overrides), default=None, return_dtype=pl.String)
    fits = chosen == "ignore"
    for one in kinds.KINDS:
        fits = fits | ((kind == one.name) & chosen.is_in(one.decisions))
    return pl.when(fits).then(chosen).otherwise(default)


@dataclass(frozen=True, eq=False)
class _Context:
    """What the table of actions looks at besides the findings."""

    index: Index
    policy: Policy
    registered: Collection[str]

    def actions(self, decision: Decision, found: pl.DataFrame) -> pl.DataFrame | None:
        """The table: what each decision means for the findings that it is about. None: nothing is done.

        What the authority itself holds is only reported: nothing but an adoption changes it.
        """
        match decision:
            case "propagate":  # A has a customer that D never got: D gets A's row
                return self._additions(found)
            case "propose":  # B invented an order: somebody has to say whether it is one
                return self._proposals(found)
            case "adopt":  # B was right and A was late: A takes B's row
                return self._adoptions(found)
            case "remove":  # B's order is a fake, D's CUST-1!@# beyond repair: it goes, unless A itself writes so
                return self._removals(found)
            case "respell":  # C writes cust_1 for CUST-1: C writes what A writes
                return self._but_ours(found, lambda theirs: self._where_certain(theirs, self._respellings))
            case "keep-first":  # E has it twice: the first row stays
                return self._but_ours(found, lambda theirs: self._where_certain(theirs, self._surplus, alone=True))
            case "canonical":  # E has it twice, differently spelled: one row, spelled as A does
                return self._but_ours(found, lambda theirs: self._where_certain(theirs, self._mergers))
            case "report":  # somebody should know
                return self._reports(found)
            case "ignore":  # somebody decided that this one is all right
                return None
        assert_never(decision)

    @property
    def systems(self) -> Systems:
        return self.index.systems

    def _but_ours(self, found: pl.DataFrame, acts: Callable[[pl.DataFrame], pl.DataFrame]) -> pl.DataFrame:
        """What an action does about findings in other systems; those in the authority are only reported."""
        ours = (pl.col("systems") & self.systems.authority_bit) != 0
        return pl.concat([acts(found.filter(~ours)), self._reports(found.filter(ours))])

    def _where_certain(
        self, found: pl.DataFrame, acts: Callable[[pl.DataFrame], pl.DataFrame], *, alone: bool = False
    ) -> pl.DataFrame:
        """What an action does about findings; those whose spellings may be different keys are only reported.

        `alone`: it is about the spellings of one system, not about the authority's.
        """
        losing = losing_letters(self.index)
        if len(losing) == 0:
            return acts(found)
        every = found["keys"] if alone else self._spelling(found).select(pl.concat_list("keys", "wanted")).to_series()
        lost = every.list.eval(pl.element().is_in(losing.implode())).list.any()
        doubtful = lost & (every.list.n_unique() > 1)
        return pl.concat([acts(found.filter(~doubtful)), self._reports(found.filter(doubtful))])

    def _exploded(self, found: pl.DataFrame) -> pl.DataFrame:
        """One row a system and finding, `system` as its name."""
        return by_system(found, self.systems, "systems")

    def _spelling(self, found: pl.DataFrame) -> pl.DataFrame:
        """Adds `wanted`: the authority's spelling of each canonical key, a plain one if it has several; else itself."""
        rows = self.index.rows.filter(pl.col("canonical").is_in(found["canonical"].implode()))
        held = rows.filter((pl.col("mask") & self.systems.authority_bit) != 0)
        best = held.sort(~pl.col("plain"), "key").group_by("canonical", maintain_order=True).first()
        joined = found.join(best.select("canonical", wanted="key"), on="canonical", how="left", maintain_order="left")
        return joined.with_columns(pl.coalesce("wanted", "canonical"))

    def _additions(self, found: pl.DataFrame) -> pl.DataFrame:
        rows, alone = self._exploded(found), pl.col("keys").list.len() == 1  # the keys of a gap are the authority's
        several = self._spelling(rows.filter(~alone))
        spelled = pl.concat([rows.filter(alone).with_columns(wanted=pl.col("keys").list.first()), several])
        return _actions(spelled, ADD, key="wanted", source=self.systems.authority)

    def _proposals(self, found: pl.DataFrame) -> pl.DataFrame:
        new = found.filter(~pl.col("canonical").is_in(list(self.registered)))
        holder = new.with_columns(system=self._first_holder())
        return _actions(holder, PROPOSE, key="canonical")

    def _adoptions(self, found: pl.DataFrame) -> pl.DataFrame:
        """The authority takes a plain spelling where somebody has one, from the first system that does."""
        rows = self._exploded(found).rename({"system": "holder"}).explode("keys", empty_as_null=True)
        spelled = self.index.rows.select("mask", "plain", keys="key")
        held = rows.join(spelled, on="keys").filter((pl.col("mask") & self._bit_of("holder")) != 0)
        best = held.sort("canonical", ~pl.col("plain"), self._bit_of("holder"), "keys")
        first = best.unique("canonical", keep="first", maintain_order=True)
        named = first.with_columns(system=pl.lit(self.systems.authority))
        return _actions(named, ADD, key="keys", source="holder")

    def _first_holder(self) -> pl.Expr:
        """The name of the first system of the mask."""
        first: pl.Expr = pl.lit(None, dtype=pl.String)
        for name in reversed(self.systems.names):
            first = pl.when((pl.col("systems") & self.systems.bit(name)) != 0).then(pl.lit(name)).otherwise(first)
        return first

    def _removals(self, found: pl.DataFrame) -> pl.DataFrame:
        rows = self._exploded(found).explode("keys", empty_as_null=True)
        masks = self.index.rows.select(keys="key", mask="mask")
        held = rows.join(masks, on="keys", how="left", maintain_order="left")
        here = held.filter((pl.col("mask") & self._bit_of("system")) != 0)
        ours = (pl.col("mask") & self.systems.authority_bit) != 0
        gone, stays = here.filter(~ours), here.filter(ours)
        return pl.concat([_actions(gone, REMOVE, key="keys"), _actions(stays, REPORT, key="keys")])

    def _respellings(self, found: pl.DataFrame) -> pl.DataFrame:
        """As the authority spells them; what is spelled so already, or has no canonical key, is only reported."""
        rows = self._spelling(self._exploded(found)).explode("keys", empty_as_null=True)
        better = (pl.col("keys") != pl.col("wanted")) & (pl.col("wanted") != "")
        changed = _actions(rows.filter(better), CHANGE, key="keys", became="wanted")
        return pl.concat([changed, _actions(rows.filter(~better), REPORT, key="keys")])

    def _surplus(self, found: pl.DataFrame) -> pl.DataFrame:
        rows = self._exploded(found)
        extra = rows.with_columns(pl.col("keys").list.slice(1)).filter(pl.col("keys").list.len() > 0)
        others = _actions(extra.explode("keys", empty_as_null=True), REMOVE, key="keys", form="respelled")
        return pl.concat([self._repeats(rows.with_columns(pl.col("keys").list.first())), others])

    def _mergers(self, found: pl.DataFrame) -> pl.DataFrame:
        rows = self._spelling(self._exploded(found)).explode("keys", empty_as_null=True)
        others, same = rows.filter(pl.col("keys") != pl.col("wanted")), rows.filter(pl.col("keys") == pl.col("wanted"))
        merged = _actions(others, CHANGE, key="keys", became="wanted", form="respelled")
        return pl.concat([merged, self._repeats(same)])

    def _repeats(self, rows: pl.DataFrame) -> pl.DataFrame:
        """Of spellings in `keys`, those of which a system has rows too many."""
        repeats = self.index.rows.select(keys="key", repeats="repeats")
        held = rows.join(repeats, on="keys", how="left", maintain_order="left")
        again = (pl.col("repeats") & self._bit_of("system")) != 0
        return _actions(held.filter(again), REMOVE, key="keys", form="repeated")

    def _bit_of(self, column: str) -> pl.Expr:
        """The bit of the system that a column names."""
        bits = {name: self.systems.bit(name) for name in self.systems.names}
        return pl.col(column).replace_strict(bits, return_dtype=MASK)

    def _reports(self, found: pl.DataFrame) -> pl.DataFrame:
        rows = self._exploded(found).with_columns(key=pl.col("keys").list.first())
        return _actions(rows, REPORT, key="key")


def _actions(
    rows: pl.DataFrame, sign: str, *, key: str, became: str = "", source: str = "", form: str = ""
) -> pl.DataFrame:
    """Actions in the columns of ACTION; names of columns, or a text where there is no such column."""

    def column(name: str) -> pl.Expr:
        return pl.col(name) if name in rows.columns else pl.lit(name or None, dtype=pl.String)

    return rows.select(
        round=pl.lit(0, dtype=pl.Int32),
        sign=pl.lit(sign),
        kind=pl.col("kind"),
        system=pl.col("system"),
        canonical=pl.col("canonical"),
        key=pl.col(key),
        became=column(became),
        source=column(source),
        form=column(form),
        rows=pl.lit(0, dtype=pl.Int64),
    )
