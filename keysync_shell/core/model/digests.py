"""What tells one change from another, whenever it is worked out."""

from __future__ import annotations

import hashlib

import polars as pl

from keysync_shell.core.model.change import Change, SystemChange

OF_THE_MOMENT = ("last_seen_at", "created_at", "activated_at")  # what a change writes is as old as the change


def digest(change: Change) -> str:
    """The same for the same rows before and after, but for the times that are written when it is carried out."""
    parts = [*sorted(change.parts.items()), *([("", change.master_keys)] if change.master_keys else [])]
    told = hashlib.sha256()
    for name, part in parts:
        for rows in _sides(part):
            told.update(f"{name}\0{len(rows)}\0".encode())
            told.update(rows.write_csv(quote_style="always").encode())
    return told.hexdigest()


def _sides(part: SystemChange) -> tuple[pl.DataFrame, pl.DataFrame]:
    return part.before, part.after.drop(OF_THE_MOMENT, strict=False)
