"""Operations of the log as a scenario, with checkpoints of what the totals were.

Each line is played while it is recorded. Where it leads to other keys than it did (it read a file, or was an edit by
hand), lines that make up the difference follow it; so what is recorded passes.
"""

from __future__ import annotations

import contextlib
import json
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from keysync_shell import config
from keysync_shell.commands import scripting
from keysync_shell.commands.scripting import Tables
from keysync_shell.core.findings.counting import Summary
from keysync_shell.core.model.keys import safe
from keysync_shell.core.model.state import State
from keysync_shell.errors import KeySyncError
from keysync_shell.sandbox import Sandbox
from keysync_shell.scenarios.alone import run_alone
from keysync_shell.scenarios.locating import Source
from keysync_shell.scenarios.playing import Played
from keysync_shell.scenarios.reporting import Verdict, explained
from keysync_shell.scenarios.staging import ExecuteOn, SandboxStage
from keysync_shell.storage.operations import Operation
from keysync_shell.storage.oplog import Wanted

MOST_LINES = 1_000
BEGINNING = ("init --keys 1", "reset --empty")
CARRIED = ("systems", "normalize", "policy")  # settings that the numbers depend on
Step = dict[str, Any]


@dataclass
class _Recording:
    """The steps so far, and the stage on which they were played."""

    stage: SandboxStage
    steps: list[Step] = field(default_factory=list)

    def play(self, line: str) -> None:
        """Play a line; keep it if it did something."""
        self.stage.begin_step(len(self.steps) + 1)
        before = self.stage.operation()
        done = self.stage.run(line)
        if done.code in ((0, 1) if done.asks else (0,)) and self.stage.operation() > before:
            self.steps.append({"run": line.replace("$", "$$")})

    def reach(self, tables: Tables) -> None:
        """Play lines until the stage holds these keys. Raises KeySyncError if no lines can say them."""
        sandbox = self.stage.sandbox
        if not sandbox.begun:
            for line in BEGINNING:
                self.play(line)
        sandbox.refresh()
        lines = scripting.script(sandbox.state.tables, tables, sandbox.config.rules)
        if remarks := [line for line in lines if line.startswith("#") and "columns" not in line]:
            raise KeySyncError("\n".join(line.removeprefix("# ") for line in remarks), hint="Record other operations.")
        if len(lines) > MOST_LINES:
            raise KeySyncError(
                f"{len(lines):,} lines would be needed to say what changed; {MOST_LINES:,} fit",
                hint="Record fewer operations, or operations that came of commands.",
            )
        for line in lines:
            if not line.startswith("#"):
                self.play(line)

    def check(self, operation: Operation, summary: Summary) -> None:
        """Write down what the totals were."""
        name = f"@{operation.number} {safe(operation.line or operation.kind)}"
        self.steps.append({"checkpoint": name.replace("$", "$$"), "expect": list(_expected(summary))})


def recorded(home: Sandbox, execute_on: ExecuteOn, name: str, first: int, last: int) -> dict[str, Any]:
    """The scenario of the operations from first to last, as the data of its file.

    Raises KeySyncError if their keys cannot be told any more, or not be said in lines.
    """
    home.moment(last)  # it says so if there is no such operation
    operations = [one for one in home.operations(Wanted(last)) if first <= one.number <= last][::-1]
    with _stage(home, execute_on) as stage:
        recording = _Recording(stage)
        before = home.moment(first - 1).state if first > 1 else State.empty(home.systems)
        if any(len(rows) for rows in before.tables.values()):
            recording.reach(before.tables)
        for operation in operations:
            then = home.moment(operation.number)
            recording.play(operation.line)
            recording.reach(then.state.tables)
            recording.check(operation, then.summary())
    data = {
        "$schema": "scenario.schema.json",
        "name": name,
        "description": f"What was done with @{first} to @{last}.",
        "expected": "The totals are those that were recorded.",
        "tags": ["recorded"],
        **_settings(home),
        "steps": recording.steps,
    }
    _require_that_it_passes(data, execute_on)
    return data


def as_text(data: Mapping[str, Any], *, yaml: bool) -> str:
    """The file of a scenario."""
    if not yaml:
        return json.dumps(data, indent=2) + "\n"
    from yaml import safe_dump

    head = f"# yaml-language-server: $schema={data['$schema']}\n"
    fields = {name: value for name, value in data.items() if name != "$schema"}
    return head + safe_dump(fields, sort_keys=False, allow_unicode=True, width=120)


@contextlib.contextmanager
def _stage(home: Sandbox, execute_on: ExecuteOn) -> Iterator[SandboxStage]:
    """A stage with the settings of the home, which is thrown away."""
    with tempfile.TemporaryDirectory(prefix="keysync-") as folder:
        config.write(Path(folder), _carried(home))
        stage = SandboxStage(Path(folder), execute_on, Path(folder))
        with contextlib.closing(stage.sandbox):
            yield stage


def _carried(home: Sandbox) -> dict[str, dict[str, Any]]:
    return {name: table for name, table in config.tables(home.home.root).items() if name in CARRIED and table}


def _settings(home: Sandbox) -> dict[str, Any]:
    """The settings as a scenario has them: texts."""
    tables = {name: {key: _text(value) for key, value in table.items()} for name, table in _carried(home).items()}
    return {"config": tables} if tables else {}


def _text(value: object) -> object:
    match value:
        case bool():
            return "on" if value else "off"
        case list():
            return value
        case _:
            return str(value)


def _expected(summary: Summary) -> Iterator[str]:
    yield f"keys == {summary.keys}"
    yield f"in_sync == {summary.in_sync}"
    for kind, number in summary.discrepancies.items():
        yield f"{kind} == {number}"
    for counts in summary.systems:
        yield f"rows.{counts.name} == {counts.rows}"
        yield from (f"{kind}.{counts.name} == {number}" for kind, number in counts.findings.items() if number)


def _require_that_it_passes(data: Mapping[str, Any], execute_on: ExecuteOn) -> None:
    """Run what was recorded, once. Raises KeySyncError with the reasons if it does not pass."""
    source = Source(Path("recorded.json"), "recorded.json", json.dumps(data))
    report = run_alone(source, Path(), execute_on)
    if report.verdict is not Verdict.PASSED:
        raise KeySyncError(
            "\n".join(["what was recorded does not pass when it is run:", *_reasons(report.played)]),
            hint="It depends on more than the keys, such as other columns; record fewer operations.",
        )


def _reasons(played: Sequence[Played]) -> list[str]:
    return [line for one in played for line in explained(one)]
