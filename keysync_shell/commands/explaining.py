"""Commands that explain: one key, the patterns, the rules."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import polars as pl

from keysync_shell.commands import words
from keysync_shell.commands.catalogue import reconciling as asked
from keysync_shell.commands.looking import Cap, KeyList
from keysync_shell.commands.results import ExplainingResult
from keysync_shell.commands.session import Session
from keysync_shell.core.findings import patterns
from keysync_shell.core.findings.counting import Summary, summarize
from keysync_shell.core.findings.index import Index
from keysync_shell.core.findings.listing import findings
from keysync_shell.core.findings.patterns import PatternRow
from keysync_shell.core.model import normalize
from keysync_shell.core.model.keys import Character, beyond_plain_ascii, shown
from keysync_shell.core.model.master_keys import MasterKey, by_number
from keysync_shell.core.model.rules import Rules, setting
from keysync_shell.core.model.systems import Systems
from keysync_shell.core.model.table import key_series
from keysync_shell.core.planning.plan import plan as planned
from keysync_shell.core.selecting.holders import listed
from keysync_shell.core.selecting.selectors import EVERYTHING
from keysync_shell.errors import KeySyncError
from keysync_shell.reconcile.engine import registered
from keysync_shell.sandbox.memory import Memory
from keysync_shell.storage.operations import Operation


@dataclass(frozen=True)
class PatternMatrix(ExplainingResult):
    rows: tuple[PatternRow, ...]
    systems: Systems
    inclusive: bool


@dataclass(frozen=True)
class Biography(ExplainingResult):
    """All about the canonical key of a spelling; `characters` per spelling are those that are no plain ASCII."""

    key: str
    canonical: str
    steps: tuple[tuple[str, str], ...]
    spellings: Mapping[str, tuple[str, ...]]
    characters: Mapping[str, tuple[Character, ...]]
    pattern: str
    findings: pl.DataFrame
    operations: tuple[Operation, ...]
    master_key: MasterKey | None
    actions: pl.DataFrame
    systems: Systems
    itself: Itself


@dataclass(frozen=True)
class Itself:
    """What of it is about the very spelling that was asked for: who writes it so, the findings, the operations."""

    systems: tuple[str, ...]
    findings: pl.DataFrame
    operations: tuple[int, ...]


@dataclass(frozen=True)
class InForce(ExplainingResult):
    rules: Rules


@dataclass(frozen=True)
class UnderRules(ExplainingResult):
    rules: Rules
    before: Summary
    after: Summary


Results = PatternMatrix | Biography | InForce | UnderRules


def matrix(session: Session, args: asked.Matrix) -> PatternMatrix | KeyList:
    memory = session.sandbox.moment(None)
    rows = patterns.matrix(memory.index.totals.patterns, memory.index.systems, inclusive=args.inclusive)
    if args.row is None:
        return PatternMatrix(tuple(rows), memory.index.systems, args.inclusive)
    if args.row > len(rows):
        raise KeySyncError(f"there is no row {args.row}", hint=f"`matrix` has {len(rows)} rows.")
    chosen = rows[args.row - 1].mask
    found = listed(memory.index, EVERYTHING, memory.index.systems.all_bits, None if args.inclusive else chosen)
    if args.inclusive:
        found = found.filter((pl.col("pattern") & chosen) == chosen)
    return KeyList(
        found, memory.index.systems, Cap(args.all, args.limit, "" if args.limit else f"{session.line} --all")
    )


def explain(session: Session, args: asked.Explain) -> Biography:
    sandbox = session.sandbox
    memory, rules = sandbox.moment(None), sandbox.config.rules
    [canonical] = normalize.canonical(key_series([args.key]), rules)["canonical"]
    rows = memory.index.rows.filter(pl.col("canonical") == canonical) if canonical else _exactly(memory, args.key)
    if len(rows) == 0:
        raise KeySyncError(f"no system holds {shown(args.key)} in any spelling", hint="`list` shows the keys.")
    policy, known = words.policy(session, args, memory.index), memory.state.master_keys
    made = planned(memory.state, memory.index, policy, registered(known, memory.rules))
    about = pl.col("canonical") == canonical
    found = findings(memory.index).filter(about)
    own = found.filter(pl.col("keys").list.contains(args.key))
    actions = made.actions.filter(about if canonical else pl.col("key") == args.key)
    touches = {key: [op for op, _ in sandbox.touching(key)] for key in dict.fromkeys([args.key, *rows["key"]])}
    operations = {op.number: op for touching in touches.values() for op in touching}
    systems = sandbox.systems
    spelled = {name: tuple(rows.filter((pl.col("mask") & systems.bit(name)) != 0)["key"]) for name in systems.names}
    return Biography(
        args.key,
        canonical,
        tuple(normalize.steps(args.key, rules)),
        spelled,
        {key: odd for key in touches if (odd := beyond_plain_ascii(key))},
        systems.pattern(systems.mask(name for name, keys in spelled.items() if keys)),
        found if canonical else own,
        tuple(operations[number] for number in sorted(operations)),
        next(iter(by_number(known.filter(pl.col("key") == canonical))), None) if canonical else None,
        actions,
        systems,
        Itself(
            tuple(name for name, keys in spelled.items() if args.key in keys),
            own,
            tuple(sorted(op.number for op in touches[args.key])),
        ),
    )


def rules(session: Session, _args: asked.Rules) -> InForce:
    return InForce(session.sandbox.config.rules)


def whatif(session: Session, args: asked.Whatif) -> UnderRules:
    memory = session.sandbox.moment(None)
    settings: dict[str, Any] = {
        name: setting(name, value) for name, _, value in (setting.partition("=") for setting in args.settings)
    }
    changed = replace(memory.rules, **settings)
    other = Index.build(memory.state, changed)
    return UnderRules(changed, memory.summary(), summarize(other, memory.state))


def _exactly(memory: Memory, key: str) -> pl.DataFrame:
    return memory.index.rows.filter(pl.col("key") == key)
