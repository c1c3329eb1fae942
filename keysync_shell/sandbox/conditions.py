"""What a request makes its change depend on. The lock is held, memory caught up."""

from __future__ import annotations

from collections.abc import Iterator

import polars as pl

from keysync_shell.core.model import table
from keysync_shell.core.model.keys import shown
from keysync_shell.errors import AnotherBase, Conflict, KeySyncError
from keysync_shell.sandbox.keeper import Keeper
from keysync_shell.sandbox.outcome import Outcome, Request
from keysync_shell.storage.operations import Unavailable

MOST_NAMED = 20


class NotApproved(KeySyncError):
    """The change is not the one that was approved; `outcome` is what it would be now."""

    def __init__(self, outcome: Outcome) -> None:
        super().__init__(
            "this is not the change that was approved: the systems have moved since",
            hint="Look at what it would be now, and approve that.",
        )
        self.outcome = outcome


def check(keeper: Keeper, outcome: Outcome, request: Request) -> None:
    """Raise AnotherBase, Conflict or NotApproved unless a change may be committed as it was worked out."""
    wanted, newest = request.conditions, number(keeper)
    if wanted.base is not None and wanted.base != newest:
        raise AnotherBase(f"the newest operation is @{newest}, not @{wanted.base}", hint="Look again, and decide anew.")
    if wanted.seen is not None:
        parts = outcome.change.parts.values()
        check_keys(keeper, pl.concat([table.key_series([]), *(part.keys for part in parts)]), request)
    if wanted.approved is not None and wanted.approved != outcome.digest:
        raise NotApproved(outcome)


def check_keys(keeper: Keeper, keys: pl.Series, request: Request) -> None:
    """Raise Conflict if one of the keys was changed since the author of the request looked."""
    seen = request.conditions.seen
    if seen is None:
        return
    if seen > number(keeper):
        raise KeySyncError(f"there is no operation @{seen} yet", hint="Say which one you have seen.")
    if moved := list(_moved(keeper, seen, table.distinct(keys))):
        (key, by, user), more = moved[0], len(moved) - 1
        others = f" (and {more} more keys)" if more else ""
        raise Conflict(
            f"{shown(key)} was changed by {user} in @{by}, after @{seen}{others}",
            hint=f"Look at it again, and say what shall become of it now. `log show @{by}` shows what was done.",
            keys=tuple(moved[:MOST_NAMED]),
        )


def number(keeper: Keeper) -> int:
    """That of the newest operation, 0 before the first."""
    return keeper.memory.newest.number if keeper.memory.newest else 0


def _moved(keeper: Keeper, seen: int, keys: pl.Series) -> Iterator[tuple[str, int, str]]:
    """The keys that later operations changed, each with the last one and its user."""
    last: dict[str, tuple[int, str]] = {}
    for operation in keeper.store.log.since(seen):
        try:
            change = keeper.store.log.change(operation.number)
        except Unavailable:  # then any key may be among them
            last |= dict.fromkeys(keys, (operation.number, operation.user))
            continue
        for part in change.parts.values():
            touched = keys.filter(keys.is_in(part.keys.implode()))
            last |= dict.fromkeys(touched, (operation.number, operation.user))
    return ((key, *by) for key, by in last.items())
