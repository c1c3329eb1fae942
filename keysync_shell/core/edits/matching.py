"""Which keys of which systems an edit is about."""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl

from keysync_shell.core.model.keys import shown
from keysync_shell.core.model.state import State
from keysync_shell.core.selecting.selectors import KeyQuery
from keysync_shell.errors import KeySyncError


class NoSuchKey(KeySyncError):
    """No key matches; who has an index at hand adds the near misses."""

    def __init__(self, query: KeyQuery, systems: tuple[str, ...]) -> None:
        self.query = query
        words = query.words
        what = shown(words[0]) if len(words) == 1 else f"any of {len(words)} keys and patterns"
        super().__init__(f"no key in {', '.join(systems)} matches {what}", hint="`list` shows the keys.")


def matching(state: State, query: KeyQuery, systems: tuple[str, ...], *, required: bool = True) -> dict[str, pl.Series]:
    """The matching keys of each system. Raises NoSuchKey if there are none at all."""
    found = {name: query.matches(state.keys(name)) for name in systems}
    if required and all(len(keys) == 0 for keys in found.values()):
        raise NoSuchKey(query, systems)
    return found


def not_matching(query: KeyQuery, found: Mapping[str, pl.Series]) -> dict[str, dict[str, int]]:
    named = query.named()
    missing = {name: len(named) - int(named.is_in(keys.implode()).sum()) for name, keys in found.items()}
    return {name: {"not there": count} for name, count in missing.items() if count}
