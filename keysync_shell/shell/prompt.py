"""The texts around the line that is typed: the first lines, the prompt, the toolbar."""

from __future__ import annotations

import shlex

import polars as pl

from keysync_shell.core.findings.spellings import ODD
from keysync_shell.core.model.keys import safe
from keysync_shell.render.view import counted
from keysync_shell.sandbox import Sandbox

WHAT_THIS_IS = "KeySync Shell: systems of business keys that should agree. `help` tells more."
MOST_LOOKED_AT = 50
EMPTY = """\
This folder has no sandbox yet. Begin with one of:
  sample             200 keys in systems that have drifted apart
  mock               the same, made up at random
  init               new systems that agree
  import A FILE.csv  your own keys, one system at a time"""


def intro(sandbox: Sandbox) -> str:
    """What this is, how it stands here, and what to try: every one of them works."""
    if not sandbox.begun:
        return f"{WHAT_THIS_IS}\n{EMPTY}"
    return "\n".join([WHAT_THIS_IS, _standing(sandbox), f"Try: {' · '.join(_tries(sandbox))}"])


def prompt(sandbox: Sandbox, name: str) -> str:
    """What the place is called, and how it stands there."""
    if not sandbox.begun:
        return f"keysync {name} [empty]> "
    wrong = sandbox.summary().discrepancies.total
    number = sandbox.newest.number if sandbox.newest else 0
    return f"keysync {name} [{counted(wrong, 'discrepancy', 'discrepancies') if wrong else 'in sync'} @{number}]> "


def toolbar(sandbox: Sandbox) -> str:
    """The rows of each system, and what `undo` would take back."""
    if not sandbox.begun:
        return " No sandbox here yet: `sample`, `mock` or `init` makes one."
    rows = "  ".join(f"{name} {sandbox.state.rows(name):,}" for name in sandbox.systems.names)
    top = sandbox.undoable()
    undo = f"undo: @{top.number} {safe(top.line or top.kind)}" if top else "nothing to undo"
    return f" {rows}  |  {undo}"


def _standing(sandbox: Sandbox) -> str:
    numbers = sandbox.summary().discrepancies
    if not numbers.total:
        return f"Nothing is wrong here: every system holds what {sandbox.systems.authority} holds."
    told = ", ".join(f"{name} {number:,}" for name, number in numbers.items() if number)
    return f"Wrong here: {told}."


def _tries(sandbox: Sandbox) -> list[str]:
    tries, key = ["status"], _some_key(sandbox)
    if key is not None:
        tries.append(shlex.join(["explain", key]))
    if sandbox.undoable():
        tries.append("undo")
    elif key is not None:
        tries.append(f"{shlex.join(['remove-key', key])} --dry-run")
    return tries


def _some_key(sandbox: Sandbox) -> str | None:
    """A plain key that some system lacks, else any plain key, else any that can be shown as it is."""
    rows = sandbox.index.rows.lazy().select("key", lacking=pl.col("mask") != sandbox.systems.all_bits, odd=ODD)
    ways = (rows.filter("lacking", ~pl.col("odd")), rows.filter(~pl.col("odd")), rows)
    keys = (key for way in ways for key in way.head(MOST_LOOKED_AT).collect()["key"])
    return next((key for key in keys if key and safe(key) == key and not key.startswith("-")), None)
