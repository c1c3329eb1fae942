"""Put a sound system file in the place of a broken one. The broken one is kept aside; the lock is held."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from keysync_shell.core.model.change import Change, between, changes
from keysync_shell.errors import Declined, KeySyncError
from keysync_shell.sandbox.committing import record_repair
from keysync_shell.sandbox.keeper import Keeper
from keysync_shell.sandbox.outcome import Request
from keysync_shell.storage import files, placing, replaying, system_csv, tables
from keysync_shell.storage.files import Staged, explained


@dataclass(frozen=True)
class Replacement:
    """What is done to a system: `rows` is what it holds afterwards, `broken` where its file was put."""

    system: str
    reason: str
    rows: int
    broken: Path | None
    dry_run: bool

    @property
    def committed(self) -> bool:
        return not self.dry_run


def repair(
    keeper: Keeper, name: str, lines: Collection[int], request: Request, confirm: Callable[[Replacement], bool]
) -> Replacement:
    """Restore the last committed content of a broken system file, or take it in without some of its lines.

    Raises KeySyncError if the file is sound or there is nothing to restore, Declined if `confirm` says no.
    """
    path, limits = keeper.home.system_file(name), keeper.home.config.limits
    newest = keeper.store.log.newest()
    before = replaying.at_any_cost(keeper.home, keeper.store.log, name, newest) if newest else None
    reason = _broken(keeper, name, before)
    if reason is None:
        raise KeySyncError(f"{path} is not damaged", hint="`check` lists what is damaged.")
    if lines:
        data, _ = files.read(path, limits)
        rows = system_csv.parse(_without(data, lines), str(path), limits)
    elif before is not None:
        rows = before
    else:
        raise KeySyncError(
            f"nothing tells what {name} held before",
            hint=f"Correct the file by hand, or name its bad lines: repair {name} --drop-lines 12,15",
        )
    stamp = keeper.now().replace(":", "").replace("-", "")
    broken = path.with_name(f"{path.name}.broken-{stamp}") if os.path.lexists(path) else None
    plan = Replacement(name, reason, len(rows), broken, request.dry_run)
    if request.dry_run:
        return plan
    if not confirm(plan):
        raise Declined("not confirmed")
    written = _put(keeper, name, rows, broken)
    if newest:
        change = changes({name: between(before, rows)}) if before is not None else Change()
        record_repair(keeper, request, newest, change, {name: written}, () if before is not None else (name,))
    keeper.forget()
    return plan


def _broken(keeper: Keeper, name: str, before: pl.DataFrame | None) -> str | None:
    """Why the file cannot be used; None if it can."""
    try:
        found = tables.read(keeper.home, name)
    except KeySyncError as error:
        return error.message
    lost = len(found.rows) == 0 and before is not None and len(before) > 0
    return f"{keeper.home.system_file(name)} lost all its rows" if lost else None


def _without(data: bytes, lines: Collection[int]) -> bytes:
    kept = data.split(b"\n")
    if missing := [line for line in lines if not 2 <= line <= len(kept)]:
        raise KeySyncError(
            f"there is no line {missing[0]} to drop", hint="Line 1 is the header; `check` names the bad ones."
        )
    return b"\n".join(line for number, line in enumerate(kept, 1) if number not in lines)


def _put(keeper: Keeper, name: str, rows: pl.DataFrame, broken: Path | None) -> Staged:
    """Swap the rows in; the broken file gets its second name before, so that it is never lost."""
    path, staged = keeper.home.system_file(name), keeper.home.staged_file(name, "0" * 16)
    with explained(f"{path} was not repaired"):
        if broken is not None:
            os.link(path, broken, follow_symlinks=False)
        new = files.stage(staged, path, [system_csv.serialize(rows)])
        placing.put(staged, path)
        staged.unlink(missing_ok=True)
        files.sync_folder(path.parent)
    return new
