"""`keysync`: one reconciliation run without a shell, for cron and CI. Exit 0 in sync, 1 discrepancies, 2 trouble."""

from __future__ import annotations

import argparse
import shlex
import sys
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from keysync_shell import __version__
from keysync_shell.commands.arguments import Misread
from keysync_shell.commands.catalogue.arguments import at_least
from keysync_shell.commands.catalogue.editing import SCENARIOS
from keysync_shell.config import FILE as SETTINGS
from keysync_shell.config import home_folder, path_of
from keysync_shell.errors import Declined, KeySyncError
from keysync_shell.process import Parser, ask_at_terminal, at_terminal, collector_off, guarded, safe

if TYPE_CHECKING:
    from keysync_shell.core.edits.edit import Edit
    from keysync_shell.core.edits.mock import Mock
    from keysync_shell.core.model.state import State
    from keysync_shell.reconcile.recording import Generate
    from keysync_shell.reconcile.sources import Sources
    from keysync_shell.sandbox import Sandbox
    from keysync_shell.storage.foreign_csv import Reading

CONFIG = "keysync-config.yaml"


def main(argv: Sequence[str] | None = None) -> int:
    """The entry point; returns the exit code."""
    return guarded(lambda: _run(list(sys.argv[1:] if argv is None else argv)))


def _run(argv: list[str]) -> int:
    try:
        options = _parser().parse_args(argv)
    except SystemExit as stop:
        return int(stop.code or 0)
    from keysync_shell.render.writing import writer_for

    writer = writer_for("auto", sys.stdout, sys.stderr)
    try:
        with collector_off():
            return _reconcile(options, shlex.join(["keysync", *argv]))
    except KeySyncError as error:
        writer.fail(error, changes=not options.dry_run)
        return error.code
    except (KeyboardInterrupt, SystemExit, OSError):
        raise
    except BaseException as error:  # Polars' panics are no Exceptions
        from keysync_shell.dialogue import unexpected

        shown = unexpected(error)
        writer.fail(shown, changes=False)
        return shown.code


def _reconcile(options: argparse.Namespace, line: str) -> int:
    from keysync_shell.reconcile import recording, sources
    from keysync_shell.reconcile.recording import Order
    from keysync_shell.render.foreign import preview
    from keysync_shell.render.reconciling import reconciled_view
    from keysync_shell.render.ticker import ticker_for
    from keysync_shell.render.view import counted
    from keysync_shell.render.writing import writer_for
    from keysync_shell.sandbox import Request
    from keysync_shell.storage.operations import OperationKind

    chosen = _sources(options)
    mock = _mock(options, chosen)
    if options.partial:
        chosen = sources.present(chosen)
    if mock is None:
        sources.require(chosen)
    exact = options.output_dir is not None or chosen.home is None
    output = path_of(options.output_dir) if options.output_dir is not None else chosen.output
    order = Order(
        mode=options.mode,
        auto_approve=options.auto_approve or chosen.auto_approve,
        policy=lambda _: chosen.config.policy,
        folder=lambda number: output if exact else output / f"run-{number}",
        absent=chosen.absent,
        begins=True,
    )
    readings: list[Reading] = []
    sandbox = sources.opened(replace(chosen, output=output), ticker_for(sys.stderr), readings.append)
    writer = writer_for("auto", sys.stdout, sys.stderr)
    try:
        if options.dry_run:
            sandbox.peek(for_a_run=True)
            done = recording.look(sandbox, order)
        else:
            kind = OperationKind.MOCK if mock else OperationKind.RECONCILE
            request = Request(kind, line, "one-shot", creates=mock is not None)
            generate = _generating(sandbox, mock, options.yes) if mock else None
            done = recording.run(sandbox, order, request, generate)
    except KeySyncError:
        writer.warn(sandbox.warnings)
        raise
    finally:
        sandbox.close()
    absent = [f"{name} is absent: its file was not read, and it is not compared" for name in chosen.absent]
    writer.show(reconciled_view(done), "keysync", options.format, [*absent, *sandbox.warnings, *done.warnings])
    if options.verbose:
        for reading in readings:
            for told in preview(reading, writer.width):
                writer.say(told)
        for system in done.result.summary.systems:
            held = f"{counted(system.rows, 'row')} from {safe(str(chosen.paths[system.name]))}"
            writer.say(f"{system.name}: {held}, {counted(system.total, 'key')}")
    found = done.result.summary.discrepancies.total
    return int(found > 0 and not options.exit_zero)


def _sources(options: argparse.Namespace) -> Sources:
    """A configuration that is named, else the sandbox, else a configuration that lies in the folder."""
    from keysync_shell.reconcile import sources

    home = home_folder(options.home)
    if options.config is not None:
        path = path_of(options.config)
        if path.name != SETTINGS:
            return sources.of_yaml(path)
        if not path.is_file():
            raise KeySyncError(f"{path} is missing", hint=f"Name the {SETTINGS} of a sandbox, or a {CONFIG}.")
        return sources.of_home(path.parent)
    if not (home / "systems").is_dir() and (home / CONFIG).is_file():
        return sources.of_yaml(home / CONFIG)
    return sources.of_home(home)


def _mock(options: argparse.Namespace, chosen: Sources) -> Mock | None:
    """Mock data for the sandbox to begin the run with, if that is wanted."""
    if not options.generate_data:
        return None
    if chosen.home is None:
        raise KeySyncError(
            "--generate-data writes into a sandbox, not over the files of a configuration",
            hint="Leave out -c, or name a sandbox folder with --home.",
        )
    for other in ("dry_run", "partial"):
        if getattr(options, other):
            name = other.replace("_", "-")
            raise KeySyncError(f"--generate-data and --{name} contradict each other", hint="Leave one out.")
    from keysync_shell.core.edits.mock import Mock

    chosen.config.limits.check("keys_per_system", options.keys, "keys")
    return Mock(options.scenario, options.keys, options.seed, cover=False)


def _generating(sandbox: Sandbox, mock: Mock, agreed: bool) -> Generate:
    """The edit that begins the run; unless `agreed`, whoever has data is asked first, while the lock is free.

    Raises Declined.
    """
    from keysync_shell.core.edits import replacing

    sandbox.look()
    seen = sandbox.state
    if not agreed:
        _agree_to_lose(seen)

    def generate(state: State, now: str) -> Edit:
        if not agreed and any(not rows.equals(seen.tables[name]) for name, rows in state.tables.items()):
            raise Declined("the systems have changed in the meantime", hint="Try again.")
        return replacing.renew(state, mock.tables(state.systems, now), vars(mock))

    return generate


def _agree_to_lose(state: State) -> None:
    """Generated data replaces everything: whoever has data says that they mean it. Raises Declined."""
    rows = {name: state.rows(name) for name in state.systems.names if state.rows(name)}
    held = ", ".join(f"{name} {number:,}" for name, number in rows.items())
    losing = f"generated data would replace what the systems hold ({held} rows)"
    if rows and not at_terminal():
        hint = "Add --yes to go ahead, or name another folder with --home."
        raise Declined(losing, hint=hint)
    if rows and not ask_at_terminal(f"{losing[0].upper()}{losing[1:]}. Go ahead?"):
        raise Declined("not confirmed")


def _named(text: str) -> str:
    """The name of a file or folder; empty is what a variable that is not set leaves, and means none."""
    if not text:
        raise Misread("the name is empty")
    return text


def _parser() -> Parser:
    parser = Parser(
        prog="keysync",
        description="Reconcile once: compare, propose master keys, write reports. The systems are not changed.",
        epilog="exit codes: 0 in sync, 1 discrepancies, 2 trouble",
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=f"keysync {__version__}")
    parser.add_argument("-c", "--config", type=_named, metavar="FILE", help=f"keysync.toml, or a {CONFIG} with sources")
    parser.add_argument("--home", metavar="DIR", help="the sandbox folder (default: $KEYSYNC_HOME or this one)")
    parser.add_argument("-m", "--mode", choices=("full", "incremental"), default="full", help="default: full")
    parser.add_argument("--dry-run", action="store_true", help="write nothing at all")
    parser.add_argument("--auto-approve", action="store_true", help="proposed master keys become active at once")
    parser.add_argument("--partial", action="store_true", help="go on without the systems whose file is missing")
    parser.add_argument("--generate-data", action="store_true", help="fill the sandbox with mock data first")
    parser.add_argument("--scenario", choices=SCENARIOS, default="normal", help="of the mock data (default: normal)")
    parser.add_argument("-y", "--yes", action="store_true", help="let mock data replace what the sandbox holds")
    parser.add_argument("--keys", type=at_least(1), default=1000, metavar="N", help="of the mock data (default: 1000)")
    parser.add_argument("--seed", type=int, default=42, metavar="S", help="of the mock data (default: 42)")
    parser.add_argument("-o", "--output-dir", type=_named, metavar="DIR", help="where the reports go")
    parser.add_argument("--format", choices=("table", "json"), default="table", help="default: table")
    parser.add_argument("--exit-zero", action="store_true", help="exit 0 even if there are discrepancies")
    parser.add_argument("-v", "--verbose", action="store_true", help="say more, on stderr")
    return parser
