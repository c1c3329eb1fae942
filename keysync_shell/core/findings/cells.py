"""Which kinds of findings can be in which systems: the cells that a complete set of scenarios must fill."""

from __future__ import annotations

import polars as pl

from keysync_shell.core.findings import kinds
from keysync_shell.core.findings.kinds import Kind, Spelling
from keysync_shell.core.findings.masks import MASK
from keysync_shell.core.model.systems import Systems

PAIR = Systems(("A", "B"), "A")  # an authority, and one of those that follow it: no more roles exist


def cells(systems: Systems) -> list[tuple[Kind, str]]:
    """Each kind with each system in which it can be found, worked out from the kind's own expressions."""
    reached = {kind.name: _reached(kind) for kind in kinds.KINDS}
    roles = {name: PAIR.bit("A") if name == systems.authority else PAIR.bit("B") for name in systems.names}
    return [(kind, name) for kind in kinds.KINDS for name in systems.names if reached[kind.name] & roles[name]]


def _reached(kind: Kind) -> int:
    """The systems of a pair in which a kind is found in some state, as a mask."""
    one, found = Spelling.of(PAIR), 0
    for where in kind.forms.values():
        masks = _every_spelling().select(found=where(one).cast(MASK))["found"].unique()
        for mask in masks:
            found |= int(mask)
    return found


def _every_spelling() -> pl.DataFrame:
    """Every way in which a pair of systems can hold a spelling and other spellings of its canonical key."""
    rows = [
        (plain, malformed, mask, repeats, pattern, respelled, repeated)
        for plain in (True, False)
        for malformed in (True, False)
        for pattern in range(4)
        for mask in range(1, 4)
        for repeats in range(4)
        for respelled in range(4)
        for repeated in range(4)
        if (pattern == 0 or mask & ~pattern == 0)
        and repeats & ~mask == 0
        and (respelled | repeated) & ~(pattern or mask) == 0
        and respelled & repeated == 0
    ]
    names = ("plain", "malformed", "mask", "repeats", "pattern", "respelled", "repeated")
    types: dict[str, pl.DataType | type[pl.DataType]] = dict.fromkeys(names[2:], MASK)
    schema = {"plain": pl.Boolean, "malformed": pl.Boolean, **types}
    spelled = pl.DataFrame(rows, schema=schema, orient="row")
    length = pl.when(pl.col("plain")).then(pl.lit("K-1")).otherwise(pl.lit(f"K-{'0' * 60}1"))
    canonical = pl.when(pl.col("pattern") == 0).then(pl.lit("")).otherwise(length)
    return spelled.with_columns(key=length, canonical=canonical)
