"""What the prompt offers for each kind of argument, and what it says of it.

Only files and scenarios are looked for on the disk: the rest is what was at hand after the last command, so that nobody
who types waits for the disk or for a lock.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, fields
from functools import cached_property

import polars as pl

from keysync_shell.commands.catalogue.learning import WORDS
from keysync_shell.commands.reach import ANYWHERE, Reach
from keysync_shell.core.findings import briefs, conditions
from keysync_shell.core.findings.briefs import Brief
from keysync_shell.core.findings.index import Index
from keysync_shell.core.findings.kinds import KINDS, named
from keysync_shell.core.model.keys import beyond_plain_ascii, safe, shown
from keysync_shell.core.model.limits import Limits
from keysync_shell.core.model.rules import ASCII, UNICODE, Rules
from keysync_shell.core.model.table import key_series, prefix_bounds
from keysync_shell.core.selecting.keysets import LAST, PATTERN
from keysync_shell.core.selecting.selectors import KeyQuery
from keysync_shell.errors import KeySyncError
from keysync_shell.render.view import counted
from keysync_shell.sandbox import Sandbox
from keysync_shell.shell import paths
from keysync_shell.shell.paths import MOST, Offer
from keysync_shell.storage import snapshots
from keysync_shell.storage.operations import OperationKind
from keysync_shell.storage.oplog import Wanted

MOST_OPERATIONS = 50
LITERAL = "key:"
PLAIN = re.compile("[A-Za-z0-9_-]+")


@dataclass(frozen=True, eq=False)
class AtHand:
    """What a sandbox held after the last command, so far as it is offered."""

    sandbox: Sandbox
    index: Index
    snapshots: tuple[Offer, ...] = ()
    operations: tuple[Offer, ...] = ()
    runs: tuple[Offer, ...] = ()
    reach: Reach = ANYWHERE

    @classmethod
    def gathered(cls, sandbox: Sandbox, reach: Reach) -> AtHand:
        """As it is now; what cannot be read is not offered."""
        return cls(
            sandbox,
            sandbox.index,
            snapshots=_gathered(_snapshots, sandbox),
            operations=_gathered(_operations, sandbox),
            runs=_gathered(_runs, sandbox),
            reach=reach,
        )

    @cached_property
    def scenarios(self) -> tuple[Offer, ...]:
        """Only when they are asked for: a start need not import what reads them."""
        return _gathered(_scenarios, self.sandbox)

    @cached_property
    def scenario_runs(self) -> tuple[Offer, ...]:
        return _gathered(_scenario_runs, self.sandbox)

    @cached_property
    def odd(self) -> pl.DataFrame:
        return briefs.odd(self.index)


def _gathered(gatherer: Callable[[Sandbox], Iterable[Offer]], sandbox: Sandbox) -> tuple[Offer, ...]:
    with contextlib.suppress(KeySyncError, OSError):
        return tuple(gatherer(sandbox)) if sandbox.begun else ()
    return ()


def _snapshots(sandbox: Sandbox) -> Iterator[Offer]:
    folder = sandbox.home.snapshots
    for name in snapshots.names(folder):
        try:
            manifest = snapshots.read_manifest(folder, name)
            yield Offer(name, safe(manifest.note) or manifest.created_at[:16].replace("T", " "))
        except KeySyncError:
            yield Offer(name, "damaged")


def _operations(sandbox: Sandbox) -> Iterator[Offer]:
    for operation in sandbox.operations(Wanted(limit=MOST_OPERATIONS)):
        yield Offer(f"@{operation.number}", safe(operation.line) or operation.kind)


def _runs(sandbox: Sandbox) -> Iterator[Offer]:
    with sandbox.records() as registry:
        for run in registry.runs():
            yield Offer(str(run.number), f"{run.time[:16].replace('T', ' ')} {run.mode}, at @{run.operation}")


def _scenarios(sandbox: Sandbox) -> Iterator[Offer]:
    from keysync_shell.scenarios.locating import LIBRARY, Shelf

    for name, path in Shelf(sandbox.home.root).named().items():
        yield Offer(name, "of the library" if path.parent == LIBRARY else "of this sandbox")


def _scenario_runs(sandbox: Sandbox) -> Iterator[Offer]:
    from keysync_shell.scenarios.runs import ScenarioRuns

    for number in ScenarioRuns(sandbox).numbers():
        yield Offer(str(number))


# Keys


def exact_keys(at: AtHand, text: str) -> list[Offer]:
    """Keys by prefix. A list that is cut ends with the last match, so that its common prefix is the right one."""
    column = at.index.rows["key"]
    first, behind = prefix_bounds(column, text)
    beginning = column.slice(first, min(MOST, behind - first)).to_list()
    if behind - first > MOST:
        beginning[-1] = column[behind - 1]
    keys = [key for key in beginning if key and safe(key) == key]
    return [_key_offer(brief) for brief in briefs.briefs(at.index, key_series(keys), at.odd)] if keys else []


def _key_offer(brief: Brief) -> Offer:
    wrong = [f"{kind} {','.join(systems)}" for kind, systems in brief.wrong]
    odd = [f"{one.shown} is {one.code}" for one in beyond_plain_ascii(brief.key)]
    return Offer(brief.key, "  ".join([brief.pattern, ", ".join([*wrong, *odd])]).rstrip(), shown(brief.key))


def keys(at: AtHand, text: str) -> list[Offer]:
    """What KEYS… may be: keys, kinds of findings, patterns, the previous result, files."""
    kind, colon, rest = text.partition(":")
    if text.startswith("@"):
        last = Offer(LAST, "the keys of the previous result")
        return [*_beginning(text, [last]), *_behind("@", paths.files(at.reach, text[1:]))]
    if text.startswith(LITERAL):
        return _behind(LITERAL, exact_keys(at, text.removeprefix(LITERAL)))
    if colon and kind == PATTERN:
        return _behind(f"{PATTERN}:", patterns(at, rest))
    if colon and (named_kind := named(kind)):
        counts = [Offer(row.name, f"{row.findings[named_kind.plural]:,} here") for row in at.sandbox.summary().systems]
        return _behind(f"{kind}:", _beginning(rest, counts))
    spelled = [Offer(as_word(offer.text), offer.about, offer.looks) for offer in exact_keys(at, text)]
    return spelled + (_beginning(text, _selectors(at)) if text else [])


def as_word(key: str) -> str:
    """The word of KEYS… that means this key and no other."""
    if key.startswith(("-", "@")):  # an option, or a file
        return LITERAL + key
    with contextlib.suppress(KeySyncError):  # of what is nearly a range or an expression
        if named(key) is None and (PLAIN.fullmatch(key) or _literals(key) == (key,)):
            return key
    return LITERAL + key


def _literals(word: str) -> tuple[str, ...]:
    return KeyQuery.parse([word], Limits(), look_up=True).literals


def _selectors(at: AtHand) -> Iterator[Offer]:
    numbers = at.sandbox.summary().discrepancies
    for kind in KINDS:
        yield Offer(kind.name, f"{numbers[kind.plural]:,} here; {kind.legend}")
    yield Offer(f"{PATTERN}:", "keys that exactly these systems hold", open=True)


# What stands beside them


def systems(at: AtHand, text: str) -> list[Offer]:
    """Systems, also after a comma."""
    head, comma, last = text.rpartition(",")
    taken = {part.casefold() for part in head.split(",")}
    rows, names = at.sandbox.state.rows, at.sandbox.systems.names
    return [
        Offer(head + comma + name, counted(rows(name), "row"), name, open=True)
        for name in names
        if name.casefold() not in taken and name.casefold().startswith(last.casefold())
    ]


def sides(at: AtHand, text: str) -> list[Offer]:
    """What `diff` compares."""
    names = [Offer(name, "system") for name in at.sandbox.systems.names]
    return _beginning(text, [*names, Offer("now", "the systems as they are"), *at.snapshots, *at.operations])


def kinds(_at: AtHand, text: str) -> list[Offer]:
    return _beginning(text, (Offer(kind.name, kind.legend) for kind in KINDS))


def patterns(at: AtHand, text: str) -> list[Offer]:
    """The patterns that occur, with how many keys have them."""
    counts = at.sandbox.summary().patterns
    return _beginning(text, (Offer(pattern, counted(count, "key")) for pattern, count in counts.items()))


def operations(at: AtHand, text: str) -> list[Offer]:
    return _beginning(text if text.startswith("@") else f"@{text}", at.operations)


def log_words(at: AtHand, text: str) -> list[Offer]:
    return _beginning(text, [Offer("show", "one operation in full: show @41"), *at.operations])


def operation_kinds(_at: AtHand, text: str) -> list[Offer]:
    return _beginning(text, (Offer(kind.value, kind.done) for kind in OperationKind))


def scenarios(at: AtHand, text: str) -> list[Offer]:
    """Scenarios by name; else files."""
    return _beginning(text, at.scenarios) or paths.files(at.reach, text)


def rules(at: AtHand, text: str) -> list[Offer]:
    """Other normalization rules than those in force."""
    return _beginning(text, _other_rules(at.sandbox.config.rules))


def _other_rules(now: Rules) -> Iterator[Offer]:
    for item in fields(Rules):
        value = getattr(now, item.name)
        if isinstance(value, bool):
            yield Offer(f"{item.name}={'off' if value else 'on'}", f"now {'on' if value else 'off'}")
        elif value in (ASCII, UNICODE):
            yield Offer(f"{item.name}={UNICODE if value == ASCII else ASCII}", f"now {value}")
        else:
            yield Offer(f"{item.name}={6 if value != 6 else 0}", f"now {value}")


def bisectable(at: AtHand, text: str) -> list[Offer]:
    """Conditions, with the number as it is now."""
    return _beginning(text, _conditions(at))


def _conditions(at: AtHand) -> Iterator[Offer]:
    summary = at.sandbox.summary()
    yield Offer(f"{conditions.DISCREPANCIES} == 0", f"now {summary.discrepancies.total:,}")
    for kind in KINDS:
        yield Offer(f"{kind.plural} == 0", f"now {summary.discrepancies[kind.plural]:,}")
    for kind in KINDS:
        for row in summary.systems:
            yield Offer(f"{kind.plural}.{row.name} == 0", f"now {row.findings[kind.plural]:,}")


OFFERS: Mapping[str, Callable[[AtHand, str], list[Offer]]] = {
    "keys": keys,
    "key": exact_keys,
    "systems": systems,
    "snapshots": lambda at, text: _beginning(text, at.snapshots),
    "sides": sides,
    "kinds": kinds,
    "patterns": patterns,
    "operations": operations,
    "operation-kinds": operation_kinds,
    "log-words": log_words,
    "runs": lambda at, text: _beginning(text, at.runs),
    "scenarios": scenarios,
    "scenario-runs": lambda at, text: _beginning(text, at.scenario_runs),
    "rules": rules,
    "lessons": lambda _at, text: _beginning(text, map(Offer, WORDS)),
    "conditions": bisectable,
    "files": lambda at, text: paths.files(at.reach, text),
    "folders": lambda at, text: paths.folders(at.reach, text),
}


def _beginning(text: str, offers: Iterable[Offer]) -> list[Offer]:
    return [offer for offer in offers if offer.text.startswith(text)]


def _behind(prefix: str, offers: Iterable[Offer]) -> list[Offer]:
    return [Offer(prefix + offer.text, offer.about, offer.looks or offer.text, offer.open) for offer in offers]
