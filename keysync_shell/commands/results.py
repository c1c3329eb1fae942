"""What commands return. Renderers and JSON take the same values, so they cannot disagree."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # not all of them are needed for one command, and each costs at every start
    from collections.abc import Mapping

    import polars as pl

    from keysync_shell.core.discrepancies import Summary
    from keysync_shell.core.systems import Systems
    from keysync_shell.sandbox import Outcome
    from keysync_shell.storage.oplog import Operation
    from keysync_shell.storage.snapshots import Manifest


@dataclass(frozen=True)
class Cap:
    """How many lines to show: `limit` in every format, else `all`, else what fits a screen in a table.

    `rest` is the command that shows the rest.
    """

    all: bool
    limit: int | None
    rest: str


@dataclass(frozen=True)
class Status:
    summary: Summary
    systems: Systems
    home: str
    exit_code: int


@dataclass(frozen=True)
class KeyList:
    """`rows` as core.listing.listed gives them."""

    rows: pl.DataFrame
    systems: Systems
    cap: Cap


@dataclass(frozen=True)
class Findings:
    """`rows` as core.discrepancies.findings gives them."""

    rows: pl.DataFrame
    systems: Systems
    cap: Cap
    exit_code: int


@dataclass(frozen=True)
class Difference:
    """`rows` as core.listing.differences gives them; `by_system` where several systems were compared."""

    left: str
    right: str
    rows: pl.DataFrame
    by_system: bool
    cap: Cap
    exit_code: int


@dataclass(frozen=True)
class Travelled:
    """What an undo or a redo did, step by step; never empty."""

    way: str
    steps: tuple[Outcome, ...]


@dataclass(frozen=True)
class Log:
    """Operations, newest first; `more` says that there are older ones."""

    operations: tuple[Operation, ...]
    more: bool


@dataclass(frozen=True)
class Saved:
    """A snapshot that was written: saved here, imported from a file or exported to one."""

    verb: str
    manifest: Manifest
    path: str


@dataclass(frozen=True)
class Deleted:
    name: str
    dry_run: bool


@dataclass(frozen=True)
class States:
    """The snapshots, and why others could not be read."""

    manifests: tuple[Manifest, ...]
    damaged: Mapping[str, str]
