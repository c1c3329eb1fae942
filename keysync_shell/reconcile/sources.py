"""Where a headless run reads its keys: a sandbox folder, or any CSV files that a configuration names."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import polars as pl

from keysync_shell import config
from keysync_shell.config import Config
from keysync_shell.core.model.systems import Systems
from keysync_shell.errors import KeySyncError
from keysync_shell.progress import SILENT, Progress
from keysync_shell.reconcile import configuration
from keysync_shell.sandbox import Sandbox
from keysync_shell.storage import files, foreign_csv, system_csv, unlocked
from keysync_shell.storage.files import explained
from keysync_shell.storage.forms import Form
from keysync_shell.storage.home import Home


@dataclass(frozen=True)
class Sources:
    """The files of a run and its settings. `home` is set if they are those of a sandbox.

    `key_columns` names the column of keys of a system where it is another than `key`.
    """

    paths: Mapping[str, Path]
    config: Config
    home: Home | None
    output: Path
    key_columns: Mapping[str, str] = field(default_factory=dict)
    auto_approve: bool = False
    absent: tuple[str, ...] = field(default=())

    @property
    def systems(self) -> Systems:
        return self.config.systems


def of_home(root: Path) -> Sources:
    """The system files of a sandbox folder."""
    settings = config.load(root)
    home = Home(root, settings)
    paths = {name: home.system_file(name) for name in settings.systems.names}
    return Sources(paths, settings, home, root / "reports")


def of_yaml(path: Path) -> Sources:
    """What a configuration in the form of the existing KeySync Mini names (see reconcile.configuration)."""
    said = configuration.read(path)
    settings = Config(systems=said.systems, rules=said.rules, policy=said.policy)
    paths = {name: source.path for name, source in said.sources.items()}
    columns = {name: source.key_column for name, source in said.sources.items() if source.key_column}
    return Sources(paths, settings, None, said.output, columns, auto_approve=said.auto_approve)


def present(sources: Sources) -> Sources:
    """Only the systems whose files are there; the others are absent, never empty.

    Raises KeySyncError if the authority is among the absent, or fewer than two systems are left.
    """
    absent = tuple(name for name, path in sources.paths.items() if not path.exists())
    if sources.systems.authority in absent:
        raise KeySyncError(
            f"{sources.paths[sources.systems.authority]} is missing, and {sources.systems.authority} is the authority",
            hint="Without it there is nothing to compare with.",
        )
    left = tuple(name for name in sources.systems.names if name not in absent)
    systems = Systems(left, sources.systems.authority)
    paths = {name: sources.paths[name] for name in left}
    return replace(sources, paths=paths, config=replace(sources.config, systems=systems), absent=absent)


def opened(sources: Sources, progress: Progress = SILENT) -> Sandbox:
    """The sandbox that the run is recorded in. Files of others are read here, before anything is made.

    `progress` hears what is being done.
    Raises KeySyncError for a missing file, BadFile for a malformed one, each with its place.
    """
    home = sources.home
    if home and not sources.absent:
        return Sandbox(home.root, progress=progress)
    if home:
        partial = replace(home, config=sources.config, progress=progress)
        return Sandbox(
            home.root,
            settings=sources.config,
            source=lambda: unlocked.read(partial).tables,
            progress=progress,
        )
    tables = _tables(sources, progress)
    return Sandbox(sources.output, settings=sources.config, source=lambda: tables, progress=progress)


def require(sources: Sources) -> None:
    """Raise KeySyncError if a file is missing."""
    missing = [path for path in sources.paths.values() if not path.exists()]
    if sources.home and len(missing) == len(sources.paths) and not sources.home.database.exists():
        raise KeySyncError(
            f"there is no sandbox in {sources.home.root}",
            hint="Name another folder with --home, a configuration with -c, or make one: --generate-data",
        )
    if missing:
        raise KeySyncError(f"{missing[0]} is missing", hint="Put it back, or run without it: --partial")


def _tables(sources: Sources, progress: Progress) -> dict[str, pl.DataFrame]:
    tables = {}
    for name, path in sources.paths.items():
        with progress.doing(f"reading {name}"):
            tables[name] = _table(sources, name, path)
    return tables


def _table(sources: Sources, name: str, path: Path) -> pl.DataFrame:
    limits = sources.config.limits
    with explained(f"{path} cannot be read"):
        data, _ = files.read(path.resolve(), limits.file_bytes)  # a link to a file is as good as the file
    if column := sources.key_columns.get(name):
        return foreign_csv.read(data, str(path), limits, Form(key_column=column)).rows
    return system_csv.parse(data, str(path), limits)
