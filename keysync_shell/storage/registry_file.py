"""The registry as a file of a snapshot: JSON, one line a master key. What strangers wrote is verified."""

from __future__ import annotations

import json
from dataclasses import asdict, fields
from typing import Any

import polars as pl

from keysync_shell.core.model import table
from keysync_shell.core.model.master_keys import NUMBERS, STATUSES, MasterKey, by_number, table_of

NAME = "master_keys.json"
SCHEMA = "keysync-master-keys/1"
OPTIONAL = ("activated_at", "run")


def dump(rows: pl.DataFrame) -> bytes:
    """The bytes of the file: a pure function of the registry."""
    lines = ",\n".join(f"    {json.dumps(asdict(key))}" for key in by_number(rows))
    return f'{{\n  "schema": "{SCHEMA}",\n  "master_keys": [\n{lines}\n  ]\n}}\n'.encode()


def parse(data: bytes) -> pl.DataFrame:
    """The registry of such a file. Raises ValueError that says what is wrong."""
    try:
        raw = json.loads(data)
        if raw["schema"] != SCHEMA:
            raise ValueError("not a registry of KeySync")
        rows = table_of([_key(values) for values in raw["master_keys"]])
    except (KeyError, TypeError, RecursionError) as error:
        raise ValueError(str(error)) from error
    if rows[table.KEY].is_duplicated().any():
        raise ValueError("a key has two master keys")
    return rows


def _key(values: dict[str, Any]) -> MasterKey:
    key = MasterKey(**values)
    for item in fields(MasterKey):
        value = getattr(key, item.name)
        wanted = int if item.name in NUMBERS else str
        if type(value) is not wanted and not (value is None and item.name in OPTIONAL):
            raise ValueError(f"{item.name} has the wrong type")
    if key.status not in STATUSES or not 0 <= key.id < 1 << 53:
        raise ValueError(f"a master key is {key.status!r}, number {key.id}")
    return key
