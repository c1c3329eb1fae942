"""`keysync`: one reconciliation run without a shell, for cron and CI. Exit 0 in sync, 1 discrepancies, 2 trouble."""

from __future__ import annotations

import argparse
import shlex
import sys
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from keysync_shell import __version__
from keysync_shell.commands.catalogue.editing import SCENARIOS
from keysync_shell.config import FILE as SETTINGS
from keysync_shell.config import home_folder, path_of
from keysync_shell.errors import KeySyncError
from keysync_shell.process import Parser, collector_off, guarded

if TYPE_CHECKING:
    from keysync_shell.reconcile.sources import Sources

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
    from keysync_shell.render.reconciling import reconciled_view
    from keysync_shell.render.writing import writer_for

    chosen = _sources(options)
    if options.generate_data:
        _generate(options, chosen)
    if options.partial:
        chosen = sources.present(chosen)
    if options.output_dir:
        chosen = replace(chosen, output=path_of(options.output_dir))
    done = recording.run(
        chosen,
        mode=options.mode,
        dry_run=options.dry_run,
        auto_approve=options.auto_approve or chosen.auto_approve,
        line=line,
        exact_folder=bool(options.output_dir) or chosen.home is None,
        now=datetime.now(UTC),
    )
    writer = writer_for("auto", sys.stdout, sys.stderr)
    writer.show(reconciled_view(done), "keysync", options.format, list(done.warnings))
    if options.verbose:
        for system in done.result.summary.systems:
            writer.say(f"{system.name}: {system.rows:,} rows from {chosen.paths[system.name]}, {system.total:,} keys")
    found = done.result.summary.discrepancies.total
    return int(found > 0 and not options.exit_zero)


def _sources(options: argparse.Namespace) -> Sources:
    """A configuration that is named, else the sandbox, else a configuration that lies in the folder."""
    from keysync_shell.reconcile import sources

    home = home_folder(options.home)
    if options.config:
        path = path_of(options.config)
        if path.name != SETTINGS:
            return sources.of_yaml(path)
        if not path.is_file():
            raise KeySyncError(f"{path} is missing", hint=f"Name the {SETTINGS} of a sandbox, or a {CONFIG}.")
        return sources.of_home(path.parent)
    if not (home / "systems").is_dir() and (home / CONFIG).is_file():
        return sources.of_yaml(home / CONFIG)
    return sources.of_home(home)


def _generate(options: argparse.Namespace, chosen: Sources) -> None:
    """Mock data into the sandbox, as an operation that can be undone."""
    if chosen.home is None:
        raise KeySyncError(
            "--generate-data writes into a sandbox, not over the files of a configuration",
            hint="Leave out -c, or name a sandbox folder with --home.",
        )
    if options.dry_run:
        raise KeySyncError("--generate-data and --dry-run contradict each other", hint="Leave one out.")
    from keysync_shell.core.edits import replacing
    from keysync_shell.core.edits.mock import Mock
    from keysync_shell.sandbox import Request, Sandbox
    from keysync_shell.storage.operations import OperationKind

    sandbox, mock = Sandbox(chosen.home.root), Mock(options.scenario, options.keys, options.seed, cover=False)
    request = Request(
        OperationKind.MOCK, f"keysync --generate-data --scenario {options.scenario}", "one-shot", creates=True
    )
    sandbox.edit(lambda state: replacing.replace(state, mock.tables(state.systems, sandbox.now()), vars(mock)), request)
    sandbox.close()


def _parser() -> Parser:
    parser = Parser(
        prog="keysync",
        description="Reconcile once: compare, propose master keys, write reports. The systems stay as they are.",
        epilog="exit codes: 0 in sync, 1 discrepancies, 2 trouble",
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=f"keysync {__version__}")
    parser.add_argument("-c", "--config", metavar="FILE", help=f"keysync.toml, or a {CONFIG} with sources")
    parser.add_argument("--home", metavar="DIR", help="the sandbox folder (default: $KEYSYNC_HOME or this one)")
    parser.add_argument("-m", "--mode", choices=("full", "incremental"), default="full", help="default: full")
    parser.add_argument("--dry-run", action="store_true", help="write nothing at all")
    parser.add_argument("--auto-approve", action="store_true", help="proposed master keys become active at once")
    parser.add_argument("--partial", action="store_true", help="go on without the systems whose file is missing")
    parser.add_argument("--generate-data", action="store_true", help="fill the sandbox with mock data first")
    parser.add_argument("--scenario", choices=SCENARIOS, default="normal", help="of the mock data (default: normal)")
    parser.add_argument("--keys", type=int, default=1000, metavar="N", help="of the mock data (default: 1000)")
    parser.add_argument("--seed", type=int, default=42, metavar="S", help="of the mock data (default: 42)")
    parser.add_argument("-o", "--output-dir", metavar="DIR", help="where the reports go")
    parser.add_argument("--format", choices=("table", "json"), default="table", help="default: table")
    parser.add_argument("--exit-zero", action="store_true", help="exit 0 even if there are discrepancies")
    parser.add_argument("-v", "--verbose", action="store_true", help="say more, on stderr")
    return parser
