"""keysync.toml → Config. The file is optional; every setting has a default."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from keysync_shell.core.findings import kinds
from keysync_shell.core.model.limits import Limits
from keysync_shell.core.model.rules import Rules
from keysync_shell.core.model.systems import Systems
from keysync_shell.core.planning.policy import Policy
from keysync_shell.errors import KeySyncError

FILE = "keysync.toml"


@dataclass(frozen=True)
class Retention:
    """How much of the history can be travelled: the changes of the last operations, and their size in bytes."""

    operations: int = 1000
    bytes: int = 1 << 30


@dataclass(frozen=True)
class Prompt:
    """How the shell behaves: whether it offers what may follow while somebody types."""

    menu: bool = True


@dataclass(frozen=True)
class Config:
    """What a sandbox folder says of itself. `snapshots` is a folder, relative to the home or absolute."""

    systems: Systems = field(default_factory=Systems)
    rules: Rules = field(default_factory=Rules)
    limits: Limits = field(default_factory=Limits)
    history: Retention = field(default_factory=Retention)
    policy: Policy = field(default_factory=Policy)
    snapshots: str = "snapshots"
    shell: Prompt = field(default_factory=Prompt)


def path_of(text: str) -> Path:
    """The path that a person means; `~nobody` without such a user is a plain name."""
    return Path(os.path.expanduser(text))  # noqa: PTH111  # Path.expanduser raises for an unknown user


def home_folder(given: str | None) -> Path:
    """`--home`, else $KEYSYNC_HOME, else the current folder. Raises KeySyncError for an empty name."""
    if given == "":
        raise KeySyncError("--home is empty", hint="Name a folder, or leave --home out for this one.")
    return path_of(given or os.environ.get("KEYSYNC_HOME") or ".")


def load(home: Path) -> Config:
    """Read `<home>/keysync.toml`.

    Raises KeySyncError for a file that is no TOML, an unknown setting or a value of the wrong type.
    """
    path = home / FILE
    try:
        text = path.read_bytes().decode()
    except (FileNotFoundError, NotADirectoryError):
        return Config()
    except (OSError, UnicodeDecodeError) as error:
        raise KeySyncError(f"{path}: cannot be read: {error}") from error
    import tomllib

    try:
        config = parse(tomllib.loads(text))
        _check_snapshots(home, config.snapshots)
        return config
    except (tomllib.TOMLDecodeError, RecursionError, KeySyncError) as error:
        hint = error.hint if isinstance(error, KeySyncError) else ""
        raise KeySyncError(f"{path}: {error}", hint=hint or "See the README's table of settings.") from error


def tables(home: Path) -> dict[str, dict[str, Any]]:
    """The tables of `<home>/keysync.toml` as they are written; none if there is no file."""
    import tomllib

    try:
        return tomllib.loads((home / FILE).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}


def write(home: Path, data: Mapping[str, Mapping[str, Any]]) -> None:
    """Write `<home>/keysync.toml`; texts, numbers, switches and lists of texts are all that settings are made of."""
    lines = []
    for name, table in data.items():
        lines += [f"[{name}]", *(f"{key} = {json.dumps(value)}" for key, value in table.items()), ""]
    (home / FILE).write_text("\n".join(lines), encoding="utf-8")


def merged(data: Mapping[str, Mapping[str, Any]], others: Mapping[str, Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    """Tables with the settings of others, which come first."""
    return {name: {**data.get(name, {}), **others.get(name, {})} for name in (*data, *others)}


def parse(data: Mapping[str, Any]) -> Config:
    """Take settings from the tables of a TOML file."""
    readers: dict[str, Callable[[Mapping[str, Any]], dict[str, Any]]] = {
        "systems": lambda table: {"systems": _systems(table)},
        "normalize": lambda table: {"rules": Rules(**_values(Rules, "normalize", table))},
        "limits": lambda table: {"limits": Limits(**_values(Limits, "limits", table))},
        "history": lambda table: {"history": Retention(**_values(Retention, "history", table))},
        "policy": lambda table: {"policy": _policy(table)},
        "shell": lambda table: {"shell": Prompt(**_values(Prompt, "shell", table))},
        "paths": lambda table: {"snapshots": _text("paths", "snapshots", table)},
    }
    settings: dict[str, Any] = {}
    for name, table in data.items():
        if name not in readers or not isinstance(table, dict):
            raise KeySyncError(
                f"unknown setting [{name}]", hint=f"Valid names: {', '.join(f'[{n}]' for n in readers)}."
            )
        settings |= readers[name](table)
    return Config(**settings)


def _check_snapshots(home: Path, snapshots: str) -> None:
    """Raise KeySyncError if snapshots would lie among the sandbox's own files, or around them; links are followed."""
    folder = (home / snapshots).resolve()
    own = [(home / name).resolve() for name in ("systems", ".keysync")]
    if any(one.is_relative_to(folder) for one in (home.resolve(), *own)) or any(map(folder.is_relative_to, own)):
        raise KeySyncError(
            f"[paths] snapshots = {snapshots!r}: the sandbox itself is there",
            hint="Name a folder for nothing but snapshots, such as snapshots, or one elsewhere.",
        )


def _systems(table: Mapping[str, Any]) -> Systems:
    unknown = sorted(set(table) - {"names", "authority"})
    names = table.get("names", list(Systems().names))
    if unknown or not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise KeySyncError("[systems] takes names (a list of text values) and authority (one of them)")
    authority = table.get("authority", names[0] if names else "")
    systems = Systems(tuple(names), _text("systems", "authority", {"authority": authority}))
    kinds.check_names(systems)
    return systems


def _policy(table: Mapping[str, Any]) -> Policy:
    names = [item for item in Policy().as_data() if item != "overrides"]
    for name, value in table.items():
        if name not in names or not isinstance(value, str):
            raise KeySyncError(f"[policy] {name} = {value!r}: it takes text", hint=f"Valid names: {', '.join(names)}.")
    return Policy.of(table)


Settings = type[Rules] | type[Limits] | type[Retention] | type[Prompt]
KINDS_OF_VALUES = {bool: "true or false", int: "a whole number from 0", str: "text"}


def _values(kind: Settings, section: str, table: Mapping[str, Any]) -> dict[str, Any]:
    defaults = asdict(kind())
    for name, value in table.items():
        if name not in defaults:
            raise KeySyncError(f"unknown setting {name} in [{section}]", hint=f"Valid names: {', '.join(defaults)}.")
        wanted = type(defaults[name])
        if type(value) is not wanted or (wanted is int and value < 0):
            raise KeySyncError(f"[{section}] {name} = {value!r}: it takes {KINDS_OF_VALUES[wanted]}")
    return dict(table)


def _text(section: str, name: str, table: Mapping[str, Any]) -> str:
    unknown = sorted(set(table) - {name})
    value = table.get(name)
    if unknown or not isinstance(value, str) or not value:
        raise KeySyncError(f'[{section}] takes {name} = "…"')
    return value
