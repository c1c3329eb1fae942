"""A run as one HTML page: no scripts, nothing from outside, readable on paper and on a phone."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict
from html import escape
from typing import TYPE_CHECKING, Any

import polars as pl

from keysync_shell.core.findings import kinds, patterns
from keysync_shell.core.findings.patterns import PatternRow
from keysync_shell.core.model.keys import shown
from keysync_shell.core.model.systems import Systems
from keysync_shell.core.planning.actions import ADD, CHANGE, PROPOSE, REMOVE, REPORT
from keysync_shell.core.selecting import ranges

if TYPE_CHECKING:
    from keysync_shell.reconcile.engine import Result

DOES = {ADD: "add to", REMOVE: "remove from", CHANGE: "respell in", PROPOSE: "propose for", REPORT: "report in"}
MOST_RANGES = 200  # per kind and system; the CSV and JSON reports hold everything

STYLE = """
:root { color-scheme: light dark; --bar: #3b78c4; --good: #1a7f37; --bad: #b3261e; --soft: #8886; }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.6rem; margin-bottom: 0; } h2 { font-size: 1.2rem; margin-top: 2.5rem; }
h3 { font-size: 1rem; margin: 1.5rem 0 0; }
p { margin: .3rem 0; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; min-width: 20rem; }
th, td { padding: .3rem .7rem; border-bottom: 1px solid #8885; text-align: left; white-space: nowrap; }
td.n, th.n { text-align: right; font-variant-numeric: tabular-nums; }
td.dot, th.dot { padding: .3rem .35rem; text-align: center; }
.off { color: var(--soft); }
.bar { background: var(--bar); height: .8rem; min-width: 1px; display: inline-block; }
.good { color: var(--good); } .bad { color: var(--bad); } .small { font-size: .9rem; opacity: .8; }
.verdict { font-size: 1.2rem; font-weight: bold; margin-top: 1rem; }
code { font-family: ui-monospace, monospace; white-space: pre-wrap; overflow-wrap: anywhere; }
details { margin: .3rem 0; } summary { cursor: pointer; }
@media (prefers-color-scheme: dark) { :root { --good: #57d37c; --bad: #ff8a80; --bar: #6ea8ff; } }
"""


def page(result: Result) -> str:
    """The whole page."""
    absent = f'<p class="bad">Not read: {escape(", ".join(result.absent))}.</p>' if result.absent else ""
    return (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        f'<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(_title(result))}</title><style>{STYLE}</style></head><body>"
        f"<h1>{escape(_title(result))}</h1>"
        f'<p class="small">{escape(result.time)} · mode {escape(result.mode)} · '
        f"authority {escape(result.systems.authority)}</p>"
        f"{_verdict(result)}{absent}"
        f"<h2>Systems</h2>{_systems(result)}"
        f"<h2>Keys in exactly these systems</h2>{_matrix(result)}"
        f"<h2>Findings</h2>{_findings(result)}"
        f"<h2>Plan</h2>{_plan(result)}"
        f"<h2>New master keys</h2>{_master_keys(result)}"
        f"<h2>Rules and policy</h2>{_settings(result)}"
        "</body></html>\n"
    )


def _title(result: Result) -> str:
    return f"Reconciliation run {result.number}" + (f" of {shown(result.home)}" if result.home else "")


def _verdict(result: Result) -> str:
    summary = result.summary
    share = f" ({100 * summary.in_sync / summary.keys:.1f} %)" if summary.keys else ""
    keys = f"<p>{summary.in_sync:,} of {summary.keys:,} keys{share} are in all systems.</p>"
    if not summary.discrepancies.total:
        return f'<p class="verdict good">No discrepancies.</p>{keys}'
    counts = " · ".join(f"{name} {count:,}" for name, count in summary.discrepancies.items() if count)
    return f'<p class="verdict bad">{summary.discrepancies.total:,} discrepancies</p><p>{escape(counts)}</p>{keys}'


def _systems(result: Result) -> str:
    rows = [system.as_data() for system in result.summary.systems]
    return _table([name.replace("_", " ").capitalize() for name in rows[0]], [tuple(row.values()) for row in rows])


def _matrix(result: Result) -> str:
    """Bars are scaled without the pattern that is in sync: it would dwarf the others."""
    systems = result.systems
    found = patterns.matrix({systems.mask_of_pattern(p): n for p, n in result.summary.patterns.items()}, systems)
    largest = max((row.keys for row in found if row.kind != patterns.IN_SYNC), default=1)
    heads = "".join(f'<th class="dot">{escape(name)}</th>' for name in systems.names)
    rows = "".join(
        f'<tr>{_dots(row.mask, systems)}<td class="n">{row.keys:,}</td>'
        f"<td>{_bar(row, largest)}</td><td>{escape(row.meaning)}</td></tr>"
        for row in found
    )
    return (
        f'<div class="scroll"><table><tr>{heads}<th class="n">Keys</th><th></th><th>Meaning</th></tr>'
        f"{rows}</table></div>"
    )


def _dots(mask: int, systems: Systems) -> str:
    return "".join(
        '<td class="dot">●</td>' if mask & systems.bit(name) else '<td class="dot off">○</td>' for name in systems.names
    )


def _bar(row: PatternRow, largest: int) -> str:
    if row.kind == patterns.IN_SYNC:
        return ""
    return f'<span class="bar" style="width:{max(1, round(200 * row.keys / largest))}px"></span>'


def _findings(result: Result) -> str:
    keys = result.findings.select("kind", "systems", key=pl.col("keys").list.join(" / "))
    groups = ranges.grouped(keys, ["kind", "systems"], MOST_RANGES)
    parts = []
    for kind, heading, meaning in _kinds(result):
        there = sorted((mask.bit_count(), mask, number, text) for of, mask, number, text in groups if of == kind)
        inner = "".join(
            f"<details><summary>{escape(' '.join(result.systems.members(mask)))}: {number:,}</summary>"
            f"<p><code>{escape(text)}</code></p></details>"
            for _, mask, number, text in there
        )
        total = sum(number for _, _, number, _ in there)
        head = f'<h3>{escape(heading)}: {total:,}</h3><p class="small">{escape(meaning)}</p>'
        parts.append(f"{head}{inner}" if total else "")
    return "".join(parts) or "<p>None.</p>"


def _plan(result: Result) -> str:
    """What would be done where, with the spellings as they are or would be in the files."""
    actions = result.plan.actions.with_columns(sign=pl.col("sign").replace_strict(DOES, default="other"))
    groups = ranges.grouped(actions, ["sign", "system", "kind"], MOST_RANGES)
    parts = [
        f"<details><summary>{escape(sign)} {escape(system)} ({escape(kind)}): {number:,}</summary>"
        f"<p><code>{escape(text)}</code></p></details>"
        for sign, system, kind, number, text in groups
    ]
    return "".join(parts) or "<p>Nothing to do.</p>"


def _kinds(result: Result) -> list[tuple[str, str, str]]:
    """Name, heading and meaning of every kind; of what another version recorded, that it is not known here."""
    own = [(kind.name, kind.heading, kind.meaning) for kind in kinds.KINDS]
    others = sorted(set(result.findings["kind"].unique()) - set(kinds.names()))
    return [*own, *((name, name, "This version does not have this kind of finding.") for name in others)]


def _master_keys(result: Result) -> str:
    if not len(result.proposed):
        return f"<p>No new ones; {len(result.registry):,} in the registry.</p>"
    rows = [(shown(key.master_key), key.source_system, shown(key.source_key), key.status) for key in result.proposals]
    return _table(["Master key", "Source", "Key there", "Status"], rows[:MOST_RANGES])


def _settings(result: Result) -> str:
    policy = {name: value for name, value in result.policy.as_data().items() if name != "overrides"}
    rows = [*asdict(result.rules).items(), *policy.items()]
    return _table(["Setting", "Value"], [(name, str(value)) for name, value in rows])


def _table(names: Iterable[str], rows: Iterable[tuple[Any, ...]]) -> str:
    body = "".join(f"<tr>{''.join(_cell(value) for value in row)}</tr>" for row in rows)
    heads = "".join(f"<th>{escape(name)}</th>" for name in names)
    return f'<div class="scroll"><table><tr>{heads}</tr>{body}</table></div>'


def _cell(value: Any) -> str:
    return f'<td class="n">{value:,}</td>' if isinstance(value, int) else f"<td>{escape(str(value))}</td>"
