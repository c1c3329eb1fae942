"""Build states and sandboxes from text: `systems(A="K1 K2", B="K1")`."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import polars as pl

from keysync_shell.core.edits import adding, replacing
from keysync_shell.core.edits.edit import Edit
from keysync_shell.core.findings.index import Index
from keysync_shell.core.model import table
from keysync_shell.core.model.limits import Limits
from keysync_shell.core.model.rules import Rules
from keysync_shell.core.model.state import State
from keysync_shell.core.model.systems import Systems
from keysync_shell.core.planning.policy import Policy
from keysync_shell.core.selecting.selectors import KeyQuery
from keysync_shell.sandbox import Outcome, Request, Sandbox
from keysync_shell.storage import snapshots, system_csv
from keysync_shell.storage.operations import OperationKind
from keysync_shell.storage.snapshots import Manifest, Snapshot

FIVE = Systems()
NOON = datetime(2026, 1, 2, 12, 0, 0, tzinfo=UTC)
NOW = "2026-01-02T12:00:00Z"


def rows(keys: str | list[str], system: str = "A") -> pl.DataFrame:
    """A key table; a text is split at spaces, and a key that stands twice is repeated."""
    words = keys.split() if isinstance(keys, str) else keys
    return table.ordered(adding.new_rows(pl.Series("key", words, dtype=pl.String), system, table.COLUMNS, NOW))


def grid(text: str) -> pl.DataFrame:
    """A key table such as `key note / K1 old / K2 .`: the columns, then the rows; a dot is an empty value."""
    header, *lines = [["" if word == "." else word for word in line.split()] for line in text.split("/")]
    return table.ordered(pl.DataFrame(lines, schema=dict.fromkeys(header, pl.String), orient="row"))


def query(*words: str, look_up: bool = True) -> KeyQuery:
    """KEYS… as a command would read them."""
    return KeyQuery.parse(words, Limits(), look_up=look_up)


def systems(**keys: str | list[str]) -> State:
    """A state of five systems; those that are not named are empty."""
    return State(FIVE, {name: rows(keys.get(name, ""), name) for name in FIVE.names})


def holding(*tables: pl.DataFrame) -> State:
    """A state with these tables for the first systems, the others empty."""
    return State(FIVE, {**systems().tables, **dict(zip(FIVE.names, tables, strict=False))})


def deciding(**settings: Any) -> Policy:
    """A policy from what keysync.toml would say: `deciding(gap="ignore")`."""
    return Policy.of(settings)


def index(state: State, rules: Rules | None = None) -> Index:
    return Index.build(state, rules or Rules())


def keys(state: State) -> dict[str, list[str]]:
    """The keys of each system that has any."""
    return {name: state.keys(name).to_list() for name in state.systems.names if state.rows(name)}


def applied(state: State, edit: Edit) -> dict[str, list[str]]:
    """The keys after an edit."""
    return keys(state.apply(edit.change))


def sandbox(root: Path, **keys: str | list[str]) -> Sandbox:
    """A sandbox on real files with these keys, a fixed clock and a fixed user."""
    made = opened(root)
    made.edit(
        lambda state: replacing.replace(state, {name: rows(keys.get(name, ""), name) for name in FIVE.names}),
        Request(OperationKind.INIT, "init", "test", creates=True),
    )
    return made


def opened(root: Path) -> Sandbox:
    """The sandbox of a folder, as another process would open it."""
    return Sandbox(root, lock_timeout=5, clock=lambda: NOON, user="ada", host="lab")


def add(to: Sandbox, keys: str, names: str = "A,B,C,D,E") -> Outcome:
    """Add keys as a command would."""
    words = table.key_series(keys.split())
    line = f"add-key {keys} --systems {names}"
    return to.edit(
        lambda state: adding.add(state, words, to.systems.parse(names), now=NOW),
        Request(OperationKind.ADD, line, "test"),
    )


def files(root: Path) -> dict[str, bytes]:
    """The system files, byte for byte."""
    return {path.name: path.read_bytes() for path in sorted((root / "systems").iterdir())}


def snapshot(name: str, **keys: str | list[str]) -> Snapshot:
    """A snapshot of a state with these keys."""
    tables = systems(**keys).tables
    contents = {system: system_csv.serialize(rows) for system, rows in tables.items()}
    manifest = Manifest(
        name=name,
        note="",
        author="ada@lab",
        created_at=NOW,
        version="1",
        authority="A",
        rules={},
        discrepancies={},
        systems={system: snapshots.record(data, tables[system]) for system, data in contents.items()},
    )
    return Snapshot(manifest, contents)
