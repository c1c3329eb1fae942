"""The report files of a run. Names and columns are those of the existing KeySync Mini, for whatever reads them."""

from __future__ import annotations

import functools
import io
import json
import re
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import polars as pl

from keysync_shell import __version__
from keysync_shell.core.findings import kinds
from keysync_shell.core.findings.kinds import About
from keysync_shell.core.findings.spellings import by_system
from keysync_shell.core.model import table
from keysync_shell.core.model.systems import Systems
from keysync_shell.reconcile.engine import Result
from keysync_shell.reconcile.page import page
from keysync_shell.storage import outputs
from keysync_shell.storage.home import Home
from keysync_shell.storage.registry import Event

FORMULA = r"^[=+\-@\t\r]"  # a spreadsheet would run such a cell; an apostrophe makes it a text

NAMED = ("gaps", "unauthorized", "duplicates")  # their numbers stand under names of their own

DELETE = "\x7f"
NOT_ASCII = re.compile(rf"[^\x00-\x7f]|{DELETE}")


def check(folder: Path, result: Result, home: Home) -> None:
    """Raise KeySyncError if the reports may not be written there: to be said before the run is recorded."""
    outputs.check_folder(folder, home)
    for name in _reports(result, []) if folder.is_dir() else ():
        outputs.check(folder / name, home, force=True)


def write(folder: Path, result: Result, events: list[tuple[int, Event]], home: Home) -> list[Path]:
    """Write every report into the folder, which is made if need be; reports that are there are replaced.

    Raises KeySyncError (see storage.outputs), or OSError.
    """
    check(folder, result, home)
    folder.mkdir(parents=True, exist_ok=True)
    for name, report in _reports(result, events).items():
        outputs.write(folder / name, report(), home, force=True)
    return [folder / name for name in _reports(result, events)]


def _reports(result: Result, events: list[tuple[int, Event]]) -> dict[str, Callable[[], bytes]]:
    tables: dict[str, Callable[[], pl.DataFrame]] = {
        "reconciliation_summary.csv": lambda: _summary(result),
        f"diff_missing_in_{result.systems.authority}.csv": lambda: _unauthorized(result),
        "diff_missing_from_system.csv": lambda: _gaps(result),
        "master_key_registry.csv": lambda: _registry(result),
        "audit_log.csv": lambda: _audit(events),
    }
    return {
        **{name: functools.partial(_csv, table) for name, table in tables.items()},
        f"reconciliation_run_{result.number}.json": lambda: _json(as_data(result)).encode(),
        f"reconciliation_run_{result.number}.html": lambda: page(result).encode(),
    }


def _csv(table: Callable[[], pl.DataFrame]) -> bytes:
    out = io.BytesIO()
    _guarded(table()).write_csv(out)
    return out.getvalue()


def as_data(result: Result) -> dict[str, Any]:
    """Everything about a run, as JSON takes it; tables are lists of objects."""
    return {
        "schema": "keysync-run/1",
        "version": __version__,
        "run": result.number,
        "time": result.time,
        "mode": result.mode,
        "authority": result.systems.authority,
        "absent_systems": list(result.absent),
        "rules": asdict(result.rules),
        "policy": result.policy.as_data(),
        "summary": result.summary.as_data(),
        "findings": result.findings.with_columns(systems=_names(result.systems, "systems")),
        "actions": result.plan.actions,
        "master_keys": _master_keys(result),
    }


def _json(data: dict[str, Any]) -> str:
    """One line for each row of a table, which Polars writes twenty times as fast as json."""

    def written(value: Any) -> str:
        if not isinstance(value, pl.DataFrame):
            return json.dumps(value)
        rows = _ascii(value.write_ndjson()).removesuffix("\n").replace("\n", ",\n    ")
        return f"[\n    {rows}\n  ]" if rows else "[]"

    return "{\n" + ",\n".join(f"  {json.dumps(name)}: {written(value)}" for name, value in data.items()) + "\n}\n"


def _ascii(text: str) -> str:
    """Other characters as json writes them: nothing that a terminal or an editor could obey."""
    if text.isascii() and DELETE not in text:
        return text
    return NOT_ASCII.sub(lambda character: json.dumps(character[0])[1:-1].replace(DELETE, r"\u007f"), text)


def _summary(result: Result) -> pl.DataFrame:
    summary, systems = result.summary, result.systems
    found, authority = summary.discrepancies, systems.authority
    totals = {row.name: row for row in summary.systems}
    only_in_authority = summary.patterns.get(systems.pattern(systems.authority_bit), 0)
    in_all = f"{100 * summary.in_sync / summary.keys:.1f}%" if summary.keys else "0.0%"
    metrics: list[tuple[str, Any]] = [
        ("Run ID", result.number),
        ("Total Unique Keys", summary.keys),
        (f"Keys in System {authority}", totals[authority].total),
        (f"Keys Only in {authority} (Propagation Gaps)", only_in_authority),
        (f"Keys Missing in {authority} (Out of Authority)", found["unauthorized"]),
        ("Keys in All Systems", summary.in_sync),
        ("Overall Match Rate", in_all),
        ("Total Out of Authority Keys", found["unauthorized"]),
        ("Total Propagation Gaps", found["gaps"]),
        ("Total Duplicate Groups", result.respelled),
        ("Repeated Rows", result.repeated_rows),
        *((_metric(name), number) for name, number in found.items() if name not in NAMED),
        *((f"Keys in System {name}", row.total) for name, row in totals.items()),
        *((f"Absent System {name}", "not read") for name in result.absent),
        *((f"Rule {name}", str(value).lower()) for name, value in asdict(result.rules).items()),
    ]
    return pl.DataFrame(
        {
            "Metric": [name for name, _ in metrics],
            "Value": [str(value) for _, value in metrics],
            "Timestamp": [result.time] * len(metrics),
        }
    )


def _metric(plural: str) -> str:
    """`Variant Spellings`: the name for a number of findings that the existing system does not have."""
    if (kind := kinds.named(plural)) is None:
        return plural
    of = "Spellings" if kind.about is About.SPELLING else "Keys"
    return f"{kind.name.replace('-', ' ').title()} {of}"


def _unauthorized(result: Result) -> pl.DataFrame:
    """One row for each spelling of an unauthorized key in each system."""
    found = result.findings.filter(pl.col("kind") == "unauthorized").select("canonical", "systems", "keys")
    held = by_system(found, result.systems, "systems")
    known = _master_keys(result).select("canonical", "master_key", "strategy", "status")
    return (
        held.join(result.spelled.table, on=("canonical", "system"), how="left", maintain_order="left")
        .join(known, on="canonical", how="left", maintain_order="left")
        .select(
            pl.col("canonical").alias("Normalized Key"),
            pl.col("system").alias("Source System"),
            pl.coalesce("key", pl.col("keys").list.first()).alias("Original Key"),
            pl.col("master_key").fill_null("").alias("Proposed Master Key"),
            pl.col("strategy").fill_null(result.policy.strategy).alias("Provisioning Strategy"),
            pl.col("status").fill_null("not proposed").alias("Status"),
            pl.lit(result.time).alias("Timestamp"),
        )
    )


def _gaps(result: Result) -> pl.DataFrame:
    found = result.findings.filter(pl.col("kind") == "gap")
    authority = result.systems.authority
    action = f"Propagate from {authority}" if result.policy.about("gap") == "propagate" else "None (ignored)"
    return found.select(
        pl.Series("System", _names(result.systems, "systems", found), dtype=pl.String),
        pl.col("canonical").alias("Normalized Key"),
        pl.lit("Yes").alias(f"Present in System {authority}"),
        pl.lit(action).alias("Action Required"),
        pl.lit(result.time).alias("Timestamp"),
    ).sort("System", "Normalized Key")


def _registry(result: Result) -> pl.DataFrame:
    names = {
        "id": "Master Key ID",
        "master_key": "Master Key",
        "source_system": "Source System",
        "source_key": "Source Key",
        "status": "Status",
        "strategy": "Provisioning Strategy",
        "created_at": "Created At",
        "activated_at": "Activated At",
        "run": "Run ID",
    }
    return _master_keys(result).select(*names).rename(names)


def _master_keys(result: Result) -> pl.DataFrame:
    """The registry, a column for each field of a master key, by number."""
    return result.registry.sort("id", table.KEY).rename({table.KEY: "canonical"})


def _audit(events: list[tuple[int, Event]]) -> pl.DataFrame:
    return pl.DataFrame(
        {
            "Audit ID": [number for number, _ in events],
            "Timestamp": [event.time for _, event in events],
            "Event Type": [event.event for _, event in events],
            "Event Details": [event.details for _, event in events],
            "System": [event.system for _, event in events],
            "Key": [event.key for _, event in events],
            "Action Taken": [event.action for _, event in events],
            "Result": [event.result for _, event in events],
        }
    )


def _names(systems: Systems, column: str, rows: pl.DataFrame | None = None) -> Any:
    """The names of the systems of a mask: an expression, or the series of one column."""
    names = pl.concat_str(
        [
            pl.when((pl.col(column) & systems.bit(name)) != 0).then(pl.lit(f"{name} ")).otherwise(pl.lit(""))
            for name in systems.names
        ]
    ).str.strip_chars_end()
    return names if rows is None else rows.select(names.alias("names"))["names"]


def _guarded(table: pl.DataFrame) -> pl.DataFrame:
    texts = [name for name, dtype in table.schema.items() if dtype == pl.String]
    return table.with_columns(
        pl.when(pl.col(name).str.contains(FORMULA)).then("'" + pl.col(name)).otherwise(pl.col(name)).alias(name)
        for name in texts
    )
