"""The numbers and keys of a sandbox that a scenario's conditions are about."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import polars as pl

from keysync_shell.core.findings import conditions, kinds
from keysync_shell.core.findings.comparisons import Comparison, Metric, bad
from keysync_shell.core.findings.kinds import About, Kind
from keysync_shell.core.findings.listing import findings
from keysync_shell.core.model.limits import Limits
from keysync_shell.core.model.master_keys import ACTIVE, DEPRECATED, PROPOSED
from keysync_shell.core.model.systems import Systems
from keysync_shell.core.planning.actions import ADD, CHANGE, PROPOSE, REMOVE, REPORT
from keysync_shell.core.planning.plan import plan
from keysync_shell.core.selecting.selectors import KeyQuery
from keysync_shell.errors import KeySyncError
from keysync_shell.reconcile.engine import registered
from keysync_shell.sandbox import Sandbox

PLAN = {"add": ADD, "change": CHANGE, "remove": REMOVE, "propose": PROPOSE, "report": REPORT}
PATTERN = "pattern"
GROUPS: Mapping[str, tuple[str, ...]] = {
    "plan": tuple(PLAN),
    "run": ("proposed", "held"),
    "registry": (PROPOSED, ACTIVE, DEPRECATED),
    "log": ("operations",),
}
OTHERS = (f"{PATTERN}.AB..E", *(f"{group}.{name}" for group, names in GROUPS.items() for name in names))


def check(text: str, systems: Systems) -> Comparison:
    """A comparison of numbers that exist. Raises KeySyncError that says what is wrong, and what was probably meant."""
    comparison = Comparison.parse(text)
    for metric in comparison.metrics:
        if metric.name == PATTERN:
            _mask(metric, systems, text)
        elif metric.name not in GROUPS or metric.of not in GROUPS[metric.name]:
            conditions.check(metric, systems, text, OTHERS)
    return comparison


def of_now(text: str, systems: Systems) -> Comparison:
    """As `check`, where nothing came before that `was` could mean."""
    comparison = check(text, systems)
    if comparison.needs_was:
        raise bad(text, "`was` means something at the checkpoints of a scenario only")
    return comparison


class Measure:
    """The numbers of a sandbox as it is in memory; each is worked out when it is asked for."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox
        self._summary: Mapping[str, Any] = sandbox.summary().as_data()
        self._plan: Mapping[str, int] | None = None

    def __call__(self, metric: Metric) -> int:
        """Raises KeySyncError for a run where nothing was reconciled yet."""
        match metric.name:
            case "pattern":
                systems = self._sandbox.systems
                pattern = systems.pattern(_mask(metric, systems, str(metric)))
                return int(self._summary["patterns"].get(pattern, 0))
            case "plan":
                return self._planned().get(PLAN[metric.of], 0)
            case "run":
                return self._of_the_last_run(metric.of)
            case "registry":
                return int((self._sandbox.state.master_keys["status"] == metric.of).sum())
            case "log":
                return self._sandbox.newest.number if self._sandbox.newest else 0
        number = conditions.number(self._summary, metric)
        assert number is not None, "conditions are checked before they are measured"
        return number

    def _planned(self) -> Mapping[str, int]:
        if self._plan is None:
            sandbox = self._sandbox
            names = registered(sandbox.state.master_keys, sandbox.config.rules)
            self._plan = plan(sandbox.state, sandbox.index, sandbox.config.policy, names).counts()
        return self._plan

    def _of_the_last_run(self, what: str) -> int:
        with self._sandbox.records() as registry:
            runs = registry.runs()
        if not runs:
            raise KeySyncError(f"run.{what}: nothing was reconciled yet", hint="Run `reconcile` before this.")
        if runs[0].damaged:
            raise KeySyncError(f"run.{what}: the last run is damaged in history.db", hint="Run `reconcile` again.")
        return int(runs[0].details[what])


def found(sandbox: Sandbox, selector: str) -> list[str]:
    """The keys that a selector finds, sorted. Raises KeySyncError for one that makes no sense."""
    query = KeyQuery.parse([selector], sandbox.config.limits, look_up=True).on(sandbox.index)
    return query.matches(sandbox.index.rows["key"]).to_list()


def named(words: Iterable[str], limits: Limits) -> list[str]:
    """The keys that words name, with ranges spread out, sorted."""
    return KeyQuery.parse(words, limits, look_up=False).named().to_list()


def disagreements(sandbox: Sandbox) -> list[str]:
    """Where the totals, the findings that are listed, and what selectors find do not say the same.

    A kind that is dropped from one of the three is noticed, whatever a scenario asserts.
    """
    summary, listed = sandbox.summary(), findings(sandbox.index)
    told: list[str] = []
    for kind in kinds.KINDS:
        every = listed.filter(pl.col("kind") == kind.name)
        for counts in summary.systems:
            here = every.filter((pl.col("systems") & sandbox.systems.bit(counts.name)) != 0)
            told += _compared(sandbox, kind, counts.name, counts.findings[kind.plural], here)
        told += _compared(sandbox, kind, "", summary.discrepancies[kind.plural], every)
    return told


def _compared(sandbox: Sandbox, kind: Kind, system: str, total: int, listed: pl.DataFrame) -> list[str]:
    name = f"{kind.plural}.{system}" if system else kind.plural
    told = [] if total == len(listed) else [f"{name} is {total:,}, but {len(listed):,} findings are listed"]
    selected = found(sandbox, f"{kind.name}:{system}" if system else kind.name)
    if kind.about is About.SPELLING:
        told += _differing(
            name, "spellings", set(listed["keys"].explode(empty_as_null=True).drop_nulls()), set(selected)
        )
    else:
        rows = sandbox.index.rows.filter(pl.col("key").is_in(selected))
        told += _differing(name, "canonical keys", set(listed["canonical"]), set(rows["canonical"]))
    return told


def _differing(name: str, what: str, listed: set[str], selected: set[str]) -> list[str]:
    if listed == selected:
        return []
    return [f"{name}: the findings are about {len(listed):,} {what}, but the selector finds {len(selected):,}"]


def _mask(metric: Metric, systems: Systems, text: str) -> int:
    try:
        return systems.mask_of_pattern(metric.of)
    except KeySyncError as error:
        raise bad(text, error.message) from None
