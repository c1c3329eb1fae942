"""A run as one HTML page: no scripts, nothing from outside, readable on paper and on a phone."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict
from html import escape
from typing import TYPE_CHECKING, Any

from keysync_shell.core import ranges
from keysync_shell.core.keys import shown
from keysync_shell.core.kinds import KINDS

if TYPE_CHECKING:
    from keysync_shell.reconcile.engine import Result

MOST_RANGES = 200  # per kind and system; the CSV and JSON reports hold everything

STYLE = """
:root { color-scheme: light dark; }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.6rem; } h2 { font-size: 1.2rem; margin-top: 2rem; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; min-width: 20rem; }
th, td { padding: .3rem .7rem; border-bottom: 1px solid #8885; text-align: left; white-space: nowrap; }
td.n, th.n { text-align: right; font-variant-numeric: tabular-nums; }
.bar { background: #3b78c4; height: .8rem; min-width: 1px; display: inline-block; }
.good { color: #1a7f37; } .bad { color: #b3261e; }
code { font-family: ui-monospace, monospace; white-space: pre-wrap; overflow-wrap: anywhere; }
details { margin: .4rem 0; } summary { cursor: pointer; }
@media (prefers-color-scheme: dark) { .good { color: #57d37c; } .bad { color: #ff8a80; } .bar { background: #6ea8ff; } }
"""


def page(result: Result) -> str:
    """The whole page."""
    total = result.summary.discrepancies.total
    verdict = (
        f'<p class="bad"><strong>{total:,} discrepancies.</strong></p>'
        if total
        else '<p class="good"><strong>No discrepancies.</strong> Every system holds what the authority holds.</p>'
    )
    absent = f"<p>Not read: {escape(', '.join(result.absent))}.</p>" if result.absent else ""
    return (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        f'<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>Reconciliation run {result.number}</title><style>{STYLE}</style></head><body>"
        f"<h1>Reconciliation run {result.number}</h1>"
        f"<p>{escape(result.time)} · mode {escape(result.mode)} · authority {escape(result.systems.authority)}</p>"
        f"{verdict}{absent}"
        f"<h2>Systems</h2>{_systems(result)}"
        f"<h2>Keys in exactly these systems</h2>{_matrix(result)}"
        f"<h2>Findings</h2>{_findings(result)}"
        f"<h2>Master keys</h2>{_master_keys(result)}"
        f"<h2>Rules and policy</h2>{_settings(result)}"
        "</body></html>\n"
    )


def _systems(result: Result) -> str:
    rows = [tuple(asdict(system).values()) for system in result.summary.systems]
    return _table([name.capitalize() for name in asdict(result.summary.systems[0])], rows)


def _matrix(result: Result) -> str:
    """Bars are scaled without the pattern that is in sync: it would dwarf the others."""
    whole = result.systems.pattern(result.systems.all_bits)
    largest = max((n for pattern, n in result.summary.patterns.items() if pattern != whole), default=1)
    rows = "".join(
        f'<tr><td><code>{escape(pattern)}</code></td><td class="n">{keys:,}</td>'
        f"<td>{_bar(pattern, whole, keys, largest)}</td></tr>"
        for pattern, keys in result.summary.patterns.items()
    )
    return f'<div class="scroll"><table><tr><th>Pattern</th><th class="n">Keys</th><th></th></tr>{rows}</table></div>'


def _bar(pattern: str, whole: str, keys: int, largest: int) -> str:
    if pattern == whole:
        return "in sync"
    return f'<span class="bar" style="width:{max(1, round(200 * keys / largest))}px"></span>'


def _findings(result: Result) -> str:
    keys = result.findings.select("kind", "systems", key="canonical")
    groups = ranges.grouped(keys, ["kind", "systems"], MOST_RANGES)
    parts = []
    for kind in KINDS:
        inner = "".join(
            f"<details><summary>{escape(' '.join(result.systems.members(mask)))}: {number:,}</summary>"
            f"<p><code>{escape(text)}</code></p></details>"
            for of, mask, number, text in groups
            if of == kind
        )
        total = sum(number for of, _, number, _ in groups if of == kind)
        parts.append(f"<h3>{escape(kind)}: {total:,}</h3>{inner}" if total else "")
    return "".join(parts) or "<p>None.</p>"


def _master_keys(result: Result) -> str:
    if not result.proposals:
        return f"<p>No new ones; {len(result.master_keys):,} in the registry.</p>"
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
