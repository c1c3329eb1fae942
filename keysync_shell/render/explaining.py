"""Words for one key, the patterns and the rules."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any, assert_never

from keysync_shell.commands.explaining import Biography, InForce, PatternMatrix, Results, UnderRules
from keysync_shell.core.findings.counting import Summary
from keysync_shell.core.model.keys import Character, shown
from keysync_shell.core.model.systems import Systems
from keysync_shell.render.changes import line_of
from keysync_shell.render.view import ID, NUMBER, TEXT, Grid, View, fixed, plain
from keysync_shell.storage.operations import Operation

BAR = 30
MARKS = ("●", "○")  # the writer puts x and . where the terminal needs it


def view(result: Results) -> View:
    """What a command of this topic returned, ready to be written."""
    match result:
        case PatternMatrix():
            return matrix_view(result)
        case Biography():
            return biography_view(result)
        case InForce():
            return in_force_view(result)
        case UnderRules():
            return what_if_view(result)
        case _:
            assert_never(result)


def matrix_view(matrix: PatternMatrix) -> View:
    names = matrix.systems.names
    largest = max((row.keys for row in matrix.rows if row.kind != "in sync"), default=1)
    columns = {"row": ID} | dict.fromkeys(names, TEXT) | {"keys": NUMBER, "bar": TEXT, "meaning": TEXT}
    rows = [
        (i, *_marks(row.mask, matrix.systems), row.keys, _bar(row.keys, largest, row.kind), row.meaning)
        for i, row in enumerate(matrix.rows, 1)
    ]
    kind = "at least" if matrix.inclusive else "exactly"
    return View(
        data=lambda _: {
            "inclusive": matrix.inclusive,
            "rows": [plain(row) | {"pattern": matrix.systems.pattern(row.mask)} for row in matrix.rows],
        },
        grid=Grid(columns, fixed(rows), len(rows), all=True, drawn=("bar",), named=names),
        lines=(f"Keys in {kind} these systems ({MARKS[0]} holds them, {MARKS[1]} lacks them):",),
    )


def biography_view(life: Biography) -> View:
    lines = [f"{shown(life.key)}: canonical {shown(life.canonical)}, pattern {life.pattern}"]
    lines += _itself(life) if _respelled(life) else []
    lines += [f"  {name:<20} {shown(key)}" for name, key in life.steps]
    lines += [f"{name}: {', '.join(map(shown, keys)) or '(lacks it)'}" for name, keys in life.spellings.items()]
    lines += _characters(life.characters)
    findings = [f"  {_finding(row, life.systems)}" for row in life.findings.iter_rows(named=True)]
    lines += ["Findings:", *findings] if findings else ["Findings: none"]
    done = [f"  {_operation(operation, life)}" for operation in life.operations]
    lines += ["Operations:", *done] if done else ["Operations: none that is still kept"]
    if life.master_key:
        lines.append(f"Master key: {shown(life.master_key.master_key)} ({life.master_key.status})")
    wanted = [f"  {_action(row)}" for row in life.actions.to_dicts()]
    lines += ["Plan:", *wanted] if wanted else ["Plan: nothing to do"]
    return View(data=lambda _: _data(life), lines=tuple(lines))


def in_force_view(found: InForce) -> View:
    rows = [(name, _value(value)) for name, value in asdict(found.rules).items()]
    return View(
        data=lambda _: plain(found.rules),
        grid=Grid({"rule": TEXT, "value": TEXT}, fixed(rows), len(rows), all=True),
    )


def what_if_view(found: UnderRules) -> View:
    before, after = _what_differs(found.before), _what_differs(found.after)
    rows = [(name, before[name], after[name], after[name] - before[name]) for name in before]
    columns = {"number": TEXT, "now": NUMBER, "then": NUMBER, "difference": NUMBER}
    return View(
        data=lambda _: {"rules": plain(found.rules), "before": plain(found.before), "after": plain(found.after)},
        grid=Grid(columns, fixed(rows), len(rows), all=True),
        after=("Nothing was changed. To keep such rules, set them under [normalize] in keysync.toml.",),
    )


def _what_differs(summary: Summary) -> dict[str, int]:
    return {**summary.discrepancies, "keys": summary.keys, "in_sync": summary.in_sync}


def _data(life: Biography) -> dict[str, Any]:
    return {
        "key": life.key,
        "canonical": life.canonical,
        "steps": [{"rule": name, "key": key} for name, key in life.steps],
        "spellings": plain(life.spellings),
        "characters": plain(life.characters),
        "pattern": life.pattern,
        "findings": life.findings.to_dicts(),
        "operations": [op.number for op in life.operations],
        "master_key": plain(life.master_key),
        "plan": life.actions.drop("round").to_dicts(),
        "this_spelling": {
            "systems": list(life.itself.systems),
            "findings": life.itself.findings.to_dicts(),
            "operations": list(life.itself.operations),
            "plan": life.actions.filter(life.actions["key"] == life.key).drop("round").to_dicts(),
        },
    }


def _respelled(life: Biography) -> bool:
    """Whether the spelling that was asked for is not the only one."""
    return {key for keys in life.spellings.values() for key in keys} != {life.key}


def _itself(life: Biography) -> list[str]:
    """About the spelling that was asked for, where there are others."""
    if not life.itself.systems:
        return ["No system has this exact spelling."]
    findings = [
        f"{kind} {' '.join(life.systems.members(mask))}"
        for kind, mask in life.itself.findings.select("kind", "systems").iter_rows()
    ]
    return [f"This spelling is in {' '.join(life.itself.systems)}; findings: {', '.join(findings) or 'none'}."]


def _characters(odd: Mapping[str, tuple[Character, ...]]) -> list[str]:
    """`О is U+041E, CYRILLIC CAPITAL LETTER O`, once for each character that is no plain ASCII."""
    seen: dict[Character, str] = {}
    for key, characters in odd.items():
        seen |= {one: key for one in characters if one not in seen}
    lines = [f"  {one.shown} is {one.code}, {one.name} (in {shown(key)})" for one, key in seen.items()]
    return ["Characters beyond plain ASCII:", *lines] if lines else []


def _finding(row: dict[str, Any], systems: Systems) -> str:
    """`duplicate D respelled: K1, k1`: the spellings where they are not those that every line is about."""
    line = f"{row['kind']} {' '.join(systems.members(row['systems']))} {row['form']}".rstrip()
    return f"{line}: {', '.join(map(shown, row['keys']))}"


def _operation(operation: Operation, life: Biography) -> str:
    line = f"@{operation.number} {operation.time} {line_of(operation)}"
    return f"{line} (this spelling)" if _respelled(life) and operation.number in life.itself.operations else line


def _marks(mask: int, systems: Systems) -> list[str]:
    return [MARKS[0] if mask >> i & 1 else MARKS[1] for i in range(len(systems.names))]


def _bar(keys: int, largest: int, kind: str) -> str:
    """Bars are scaled without the row that is in sync: it would dwarf the others."""
    return "" if kind == "in sync" else "█" * max(1, round(BAR * min(keys, largest) / largest))


def _action(row: dict[str, Any]) -> str:
    became = f" → {shown(row['became'])}" if row["became"] else ""
    return f"{row['sign']} {row['system']} {shown(row['key'])}{became} ({row['kind']})"


def _value(value: bool | int | str) -> str:
    return {True: "on", False: "off"}[value] if isinstance(value, bool) else str(value or "off")
