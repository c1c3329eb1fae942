"""Where a headless run reads its keys: a sandbox folder, or any CSV files that a configuration names."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import polars as pl

from keysync_shell import config
from keysync_shell.config import Config
from keysync_shell.core.model.systems import Systems
from keysync_shell.errors import BadFile, KeySyncError
from keysync_shell.progress import SILENT, Progress
from keysync_shell.reconcile import configuration
from keysync_shell.sandbox import Sandbox
from keysync_shell.storage import files, foreign_csv
from keysync_shell.storage.files import explained
from keysync_shell.storage.foreign_csv import Reading
from keysync_shell.storage.forms import Form, Unclear
from keysync_shell.storage.home import Home


@dataclass(frozen=True)
class Sources:
    """The files of a run and its settings. `home` is set if they are those of a sandbox.

    `forms` says how to read the files of a configuration, `guide` what to write there if that is not clear.
    """

    paths: Mapping[str, Path]
    config: Config
    home: Home | None
    output: Path
    forms: Mapping[str, Form] = field(default_factory=dict)
    guide: Callable[[str, Unclear], str] | None = None
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
    forms = {name: source.form for name, source in said.sources.items()}

    def guide(name: str, unclear: Unclear) -> str:
        return configuration.guide(path.name, said, name, unclear)

    return Sources(paths, settings, None, said.output, forms, guide, auto_approve=said.auto_approve)


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


def opened(sources: Sources, progress: Progress = SILENT, heard: Callable[[Reading], None] = lambda _: None) -> Sandbox:
    """The sandbox that the run is recorded in. Files of others are read here, before anything is made.

    `progress` hears what is being done, `heard` how each of those files was read.
    Raises KeySyncError for a missing file, BadFile for a malformed one, each with its place.
    """
    home = sources.home
    if home:
        return Sandbox(home.root, settings=sources.config, absent=sources.absent, progress=progress)
    tables = _tables(sources, progress, heard)
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


def _tables(sources: Sources, progress: Progress, heard: Callable[[Reading], None]) -> dict[str, pl.DataFrame]:
    tables = {}
    for name, path in sources.paths.items():
        with progress.doing(f"reading {name}"):
            reading = _reading(sources, name, path)
        heard(reading)
        tables[name] = reading.rows
    return tables


def _reading(sources: Sources, name: str, path: Path) -> Reading:
    limits = sources.config.limits
    with explained(f"{path} cannot be read"):
        data, _ = files.read(path.resolve(), limits)  # a link to a file is as good as the file
    try:
        return foreign_csv.read(data, str(path), limits, sources.forms.get(name))
    except Unclear as error:
        raise BadFile(error.findings, hint=sources.guide(name, error) if sources.guide else error.hint) from None
