"""Where a headless run reads its keys: a sandbox folder, or any CSV files that a configuration names."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import polars as pl

from keysync_shell import config
from keysync_shell.config import Config
from keysync_shell.core.model.rules import ASCII, Rules
from keysync_shell.core.model.systems import Systems
from keysync_shell.core.planning.policy import Policy
from keysync_shell.errors import KeySyncError
from keysync_shell.progress import SILENT, Progress
from keysync_shell.sandbox import Sandbox
from keysync_shell.storage import files, system_csv, unlocked
from keysync_shell.storage.home import Home


@dataclass(frozen=True)
class Sources:
    """The files of a run and its settings. `home` is set if they are those of a sandbox."""

    paths: Mapping[str, Path]
    config: Config
    home: Home | None
    output: Path
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
    """Read the configuration of the existing KeySync Mini: sources, normalize, provisioning, output.

    Relative paths are relative to the configuration's folder. Raises KeySyncError naming what is wrong.
    """
    import yaml

    try:
        data = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise KeySyncError(f"{path} cannot be read: {error}", hint="Name a configuration with -c.") from error
    try:
        return _from_yaml(path.parent, data if isinstance(data, dict) else {})
    except KeySyncError as error:
        raise KeySyncError(f"{path}: {error.message}", hint=error.hint) from error


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
    limits, tables = sources.config.limits, dict[str, pl.DataFrame]()
    for name, path in sources.paths.items():
        with progress.doing(f"reading {name}"):
            tables[name] = system_csv.parse(files.read(path, limits.file_bytes)[0], str(path), limits)
    return tables


def _from_yaml(folder: Path, data: Mapping[str, Any]) -> Sources:
    entries = _table(data, "sources")
    if not entries:
        raise KeySyncError("it names no sources", hint="Such as: sources: {A: {type: csv, path: A.csv}, …}")
    paths = {}
    for name, entry in entries.items():
        if not isinstance(entry, dict) or not isinstance(entry.get("path"), str) or entry.get("type", "csv") != "csv":
            raise KeySyncError(f"source {name} takes type: csv and path: FILE")
        paths[str(name)] = folder / entry["path"]
    systems = Systems(tuple(paths), "A" if "A" in paths else next(iter(paths)))
    provisioning = _table(data, "provisioning")
    policy = Policy(
        strategy=str(provisioning.get("strategy", "mirror")), prefix=str(provisioning.get("namespace_prefix", "MASTER"))
    )
    settings = Config(systems=systems, rules=_rules(_table(data, "normalize")), policy=policy)
    output = folder / str(_table(data, "output").get("directory", "output"))
    return Sources(paths, settings, None, output, auto_approve=provisioning.get("auto_approve") is True)


def _rules(normalize: Mapping[str, Any]) -> Rules:
    """The existing names of the rules, and `letters`; padding is on there unless it is switched off."""
    width = normalize.get("pad_length", 6) if normalize.get("left_pad_numbers", True) else 0
    delimiter = normalize.get("collapse_delims", "-")
    if delimiter not in ("-", "", None, False):
        raise KeySyncError(f"normalize.collapse_delims: {delimiter!r}; only '-' is known", hint="Use '-' or nothing.")
    if not isinstance(width, int) or not 0 <= width <= 64:
        raise KeySyncError(f"normalize.pad_length: {width!r} is no number from 0 to 64")
    return Rules(
        trim=bool(normalize.get("trim_whitespace", True)),
        uppercase=bool(normalize.get("uppercase", True)),
        collapse_delimiters=bool(delimiter),
        strip_other=bool(normalize.get("strip_non_alnum", True)),
        letters=str(normalize.get("letters", ASCII)),
        pad_numbers=width,
    )


def _table(data: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    value = data.get(name) or {}
    if not isinstance(value, dict):
        raise KeySyncError(f"{name} is no table")
    return value
