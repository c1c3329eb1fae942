"""Commands that look and change nothing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import polars as pl

from keysync_shell.commands import scripting
from keysync_shell.commands.arguments import Misread
from keysync_shell.commands.catalogue import looking as asked
from keysync_shell.commands.catalogue.arguments import Capped, operation
from keysync_shell.commands.declaring import Asks
from keysync_shell.commands.results import LookingResult
from keysync_shell.commands.scripting import Tables
from keysync_shell.commands.session import Session
from keysync_shell.commands.words import looked_up
from keysync_shell.core.findings import listing, losses
from keysync_shell.core.findings.counting import Summary
from keysync_shell.core.model.rules import Rules
from keysync_shell.core.model.systems import Systems
from keysync_shell.core.selecting.differences import Columns, differences, differing_columns
from keysync_shell.core.selecting.holders import listed
from keysync_shell.errors import KeySyncError
from keysync_shell.sandbox import Sandbox
from keysync_shell.storage import snapshots

NOW = "now"
SNAPSHOT = "snapshot:"


@dataclass(frozen=True)
class Cap:
    """How many lines to show: `limit` in every format, else `all`, else what fits a screen in a table.

    `rest` is the command that shows the rest.
    """

    all: bool
    limit: int | None
    rest: str

    def head(self, rows: pl.DataFrame) -> pl.DataFrame:
        """The rows that were asked for: what does not fit a screen is there all the same."""
        return rows if self.limit is None else rows.head(self.limit)


@dataclass(frozen=True)
class Overview(LookingResult):
    summary: Summary
    systems: Systems
    home: str
    exit_code: int


@dataclass(frozen=True)
class KeyList(LookingResult):
    """`rows` as core.selecting.holders.listed gives them."""

    rows: pl.DataFrame
    systems: Systems
    cap: Cap

    @property
    def shown_keys(self) -> pl.Series:
        return self.cap.head(self.rows)["key"]


@dataclass(frozen=True)
class Findings(LookingResult):
    """`rows` as core.findings.listing.findings gives them."""

    rows: pl.DataFrame
    systems: Systems
    cap: Cap
    exit_code: int

    @property
    def shown_keys(self) -> pl.Series:
        return self.cap.head(self.rows)["keys"].explode()


@dataclass(frozen=True)
class Difference(LookingResult):
    """`rows` and `columns` as core.selecting.differences has them; `by_system` where several systems were compared."""

    left: str
    right: str
    rows: pl.DataFrame
    columns: tuple[Columns, ...]
    by_system: bool
    cap: Cap
    exit_code: int

    @property
    def shown_keys(self) -> pl.Series:
        """The spellings on both sides."""
        rows = self.cap.head(self.rows)
        return pl.concat([rows["key"], rows["became"].drop_nulls().alias("key")])


@dataclass(frozen=True)
class Scripted(LookingResult):
    """The commands that turn one side into the other."""

    left: str
    right: str
    lines: tuple[str, ...]
    exit_code: int


Results = Overview | KeyList | Findings | Difference | Scripted


def status(session: Session, args: asked.Status) -> Overview:
    sandbox = session.sandbox
    memory = sandbox.moment(args.at)
    sandbox.warnings.extend(losses.warnings(memory.index))
    summary = memory.summary()
    wrong = args.exit_code and summary.discrepancies.total > 0
    return Overview(summary, sandbox.systems, str(sandbox.home.root), exit_code=int(wrong))


def list_keys(session: Session, args: asked.List) -> KeyList:
    sandbox = session.sandbox
    index = sandbox.moment(args.at).index
    systems, query = sandbox.systems, looked_up(session, args.keys, args)
    pattern = systems.mask_of_pattern(args.pattern) if args.pattern is not None else None
    rows = listed(index, query, systems.mask(systems.parse(args.systems)), pattern)
    return KeyList(rows, systems, _cap(session, args))


def discrepancies(session: Session, args: asked.Discrepancies) -> Findings:
    sandbox = session.sandbox
    index = sandbox.moment(args.at).index
    rows = listing.findings(index, args.kinds or None, sandbox.systems.parse(args.systems))
    return Findings(rows, sandbox.systems, _cap(session, args), exit_code=_found(len(rows), args))


def diff(session: Session, args: asked.Diff) -> Difference | Scripted:
    sandbox = session.sandbox
    sandbox.refresh()
    one, other = _system(sandbox, args.left), _system(sandbox, args.right)
    rules = sandbox.config.rules
    columns: tuple[Columns, ...] = ()
    if one and other:
        if args.form:
            keys = {name: sandbox.state.tables[name].select("key") for name in (one, other)}
            return _scripted(args, {one: keys[one]}, {one: keys[other]}, rules)
        here, there = {other: sandbox.state.tables[one]}, {other: sandbox.state.tables[other]}
        rows = differences(here, there, rules, keys_only=True)
    elif one or other:
        _known(sandbox, args.right if one else args.left)
        raise KeySyncError(
            f"cannot compare {args.left} with {args.right}: one is a system, the other holds all of them",
            hint="Compare two systems, or two of now, the snapshots and operations such as @41.",
        )
    else:
        left, right = _tables(sandbox, args.left), _tables(sandbox, args.right)
        if args.form:
            return _scripted(args, left, right, rules)
        rows, columns = differences(left, right, rules), differing_columns(left, right)
    differ = _found(len(rows) + len(columns), args)
    return Difference(args.left, args.right, rows, columns, not one, _cap(session, args), differ)


def _scripted(args: asked.Diff, left: Tables, right: Tables, rules: Rules) -> Scripted:
    lines = tuple(scripting.script(left, right, rules))
    return Scripted(args.left, args.right, lines, _found(len(lines), args))


def _known(sandbox: Sandbox, side: str) -> None:
    """Raise KeySyncError if a side of `diff` is nothing at all."""
    if side == NOW or side.startswith("@") or side.removeprefix(SNAPSHOT) in snapshots.names(sandbox.home.snapshots):
        return
    there = ", ".join((*sandbox.systems.names, NOW, *snapshots.names(sandbox.home.snapshots)))
    raise KeySyncError(f"there is no system or snapshot {side!r}", hint=f"Choose from {there}.")


def _system(sandbox: Sandbox, side: str) -> str | None:
    """The system of that name, None if it is something else. `snapshot:A` is the snapshot called A."""
    if side == NOW or side.startswith(SNAPSHOT):
        return None
    known = {name.casefold(): name for name in sandbox.systems.names}
    return known.get(side.casefold())


def _tables(sandbox: Sandbox, side: str) -> Mapping[str, pl.DataFrame]:
    if side == NOW:
        return sandbox.state.tables
    if side.startswith("@"):
        return sandbox.moment(_number(side)).state.tables
    name = side.removeprefix(SNAPSHOT)
    snapshot = snapshots.load(sandbox.home.snapshots, name, sandbox.config.limits)
    tables = snapshot.tables(sandbox.config.limits)
    if set(tables) != set(sandbox.systems.names):
        raise KeySyncError(
            f"snapshot {name} holds {', '.join(tables)}, not {', '.join(sandbox.systems.names)}",
            hint="Compare snapshots of the same systems.",
        )
    return tables


def _number(side: str) -> int:
    try:
        return operation(side)
    except Misread as error:
        raise KeySyncError(str(error), hint="`log` lists them.") from None


def _found(count: int, args: Asks) -> int:
    return int(count > 0 and not args.exit_zero)


def _cap(session: Session, args: Capped) -> Cap:
    return Cap(args.all, args.limit, rest="" if args.limit else f"{session.line} --all")
