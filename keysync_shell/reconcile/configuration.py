"""The configuration of the existing KeySync Mini, keysync-config.yaml: strictly read, and never for long."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from keysync_shell.core.model.keys import safe
from keysync_shell.core.model.rules import ASCII, Rules
from keysync_shell.core.model.systems import Systems
from keysync_shell.core.planning.policy import Policy
from keysync_shell.errors import KeySyncError
from keysync_shell.storage import files
from keysync_shell.storage.files import explained

MOST_BYTES = 1 << 20
MOST_DEPTH = 32

# What a configuration may say. Sections without names are those of the existing system that mean nothing here.
SECTIONS: Mapping[str, Collection[str] | None] = {
    "authority": None,
    "sources": None,
    "normalize": (
        "uppercase",
        "trim_whitespace",
        "strip_non_alnum",
        "collapse_delims",
        "left_pad_numbers",
        "pad_length",
        "letters",
    ),
    "provisioning": ("strategy", "auto_approve", "namespace_prefix"),
    "output": ("directory", "format", "include_timestamps", "generate_trend_analysis"),
    **dict.fromkeys(("schedule", "simulation", "processing", "database", "logging", "error_handling", "sandbox")),
}
SOURCE = ("type", "path", "key_column")
USUAL_SYSTEMS = ("A", "B", "C", "D", "E")


@dataclass(frozen=True)
class Source:
    """The file of a system, and its column of keys if that is named."""

    path: Path
    key_column: str | None = None


@dataclass(frozen=True)
class Configuration:
    """What a configuration says; paths that it gives relative are relative to its folder."""

    sources: Mapping[str, Source]
    systems: Systems
    rules: Rules
    policy: Policy
    output: Path
    auto_approve: bool


def read(path: Path) -> Configuration:
    """Read a configuration. Raises KeySyncError naming what is wrong."""
    with explained(f"{path} cannot be read"):
        content, _ = files.read(path, MOST_BYTES)
    try:
        return _configuration(path.parent, _loaded(content))
    except KeySyncError as error:
        raise KeySyncError(f"{path}: {error.message}", hint=error.hint) from error


def _loaded(content: bytes) -> Mapping[str, Any]:
    """The settings. What could keep a reader busy is refused before it is built: references and deep nesting."""
    import yaml

    depth = 0
    try:
        text = content.decode()
        for event in yaml.parse(text, yaml.SafeLoader):
            where = f"line {event.start_mark.line + 1}" if event.start_mark else "somewhere"
            if isinstance(event, yaml.AliasEvent):
                raise KeySyncError(
                    f"{where}: references (*{safe(event.anchor or '')}) are not taken", hint="Repeat it."
                )
            depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
            if depth > MOST_DEPTH:
                raise KeySyncError(f"{where}: nested deeper than {MOST_DEPTH} levels", hint="No setting is.")
        data = yaml.safe_load(text)
    except (UnicodeDecodeError, yaml.YAMLError, ValueError, RecursionError) as error:
        raise KeySyncError(f"it is no YAML: {safe(' '.join(str(error).split()))}", hint="Mend it.") from error
    if data is None:
        return {}
    if not isinstance(data, dict):
        raise KeySyncError("it holds no settings", hint="Such as: sources: {A: {path: A.csv}, B: {path: B.csv}}")
    return data


def _configuration(folder: Path, data: Mapping[str, Any]) -> Configuration:
    _check(data, SECTIONS, "")
    for name, known in SECTIONS.items():
        if known is not None:
            _check(_table(data, name), known, f"{name}.")
    sources = _sources(folder, _table(data, "sources"))
    provisioning, output = _table(data, "provisioning"), _table(data, "output")
    strategy = _text(provisioning, "provisioning", "strategy", "mirror")
    prefix = _text(provisioning, "provisioning", "namespace_prefix", "MASTER")
    return Configuration(
        sources=sources,
        systems=_systems(tuple(sources), data.get("authority")),
        rules=_rules(_table(data, "normalize")),
        policy=Policy(strategy=strategy, prefix=prefix),
        output=folder / Path(_text(output, "output", "directory", "output")).expanduser(),
        auto_approve=_flag(provisioning, "provisioning", "auto_approve", False),
    )


def _sources(folder: Path, entries: Mapping[Any, Any]) -> dict[str, Source]:
    """The files of the systems; without any, they lie where the existing system has them."""
    if not entries:
        return {name: Source(folder / "input" / f"{name}.csv") for name in USUAL_SYSTEMS}
    return {str(name): _source(folder, str(name), entry) for name, entry in entries.items()}


def _source(folder: Path, name: str, entry: Any) -> Source:
    where = f"sources.{safe(name)}"
    if not isinstance(entry, dict):
        raise KeySyncError(f"{where} is no table", hint=f"Such as: {safe(name)}: {{path: {safe(name)}.csv}}")
    _check(entry, SOURCE, f"{where}.")
    if entry.get("type", "csv") != "csv":
        raise KeySyncError(f"{where}.type: {safe(str(entry['type']))!r}; only csv files are read", hint="Use csv.")
    if not isinstance(entry.get("path"), str):
        raise KeySyncError(f"{where} names no file", hint=f"Such as: path: {safe(name)}.csv")
    column = entry.get("key_column")
    if column is not None and not isinstance(column, str):
        raise KeySyncError(f"{where}.key_column: {safe(str(column))!r} is no name of a column", hint="Quote it.")
    return Source(folder / Path(entry["path"]).expanduser(), column)


def _systems(names: tuple[str, ...], authority: Any) -> Systems:
    """The authority is the one that is named, else A, else the first."""
    if authority is None:
        return Systems(names, "A" if "A" in names else names[0])
    if not isinstance(authority, str) or authority not in names:
        raise KeySyncError(
            f"authority: {safe(str(authority))!r} is none of the sources",
            hint=f"Those are {', '.join(map(safe, names))}.",
        )
    return Systems(names, authority)


def _rules(normalize: Mapping[str, Any]) -> Rules:
    """The existing names of the rules, and `letters`; padding is on there unless it is switched off."""
    pads = _flag(normalize, "normalize", "left_pad_numbers", True)
    width = normalize.get("pad_length", 6) if pads else 0
    delimiter = normalize.get("collapse_delims", "-")
    if delimiter not in ("-", "", None, False):
        raise KeySyncError(
            f"normalize.collapse_delims: {safe(str(delimiter))!r}; only '-' is known", hint="Use '-' or nothing."
        )
    if type(width) is not int or not 0 <= width <= 64:
        raise KeySyncError(f"normalize.pad_length: {safe(str(width))!r} is no number from 0 to 64")
    return Rules(
        trim=_flag(normalize, "normalize", "trim_whitespace", True),
        uppercase=_flag(normalize, "normalize", "uppercase", True),
        collapse_delimiters=bool(delimiter),
        strip_other=_flag(normalize, "normalize", "strip_non_alnum", True),
        letters=_text(normalize, "normalize", "letters", ASCII),
        pad_numbers=width,
    )


def _check(table: Mapping[Any, Any], known: Collection[str], prefix: str) -> None:
    """Raise KeySyncError for a setting that is none."""
    for name in table:
        if name not in known:
            near = difflib.get_close_matches(str(name), known, n=1)
            meant = f"Did you mean {near[0]}? " if near else ""
            raise KeySyncError(
                f"{prefix}{safe(str(name))} is no setting", hint=f"{meant}There is {', '.join(sorted(known))}."
            )


def _table(data: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    value = data.get(name)
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise KeySyncError(f"{name} is no table", hint="Put its settings on lines of their own below it, indented.")
    return value


def _text(table: Mapping[str, Any], section: str, name: str, usual: str) -> str:
    value = table.get(name, usual)
    if not isinstance(value, str) or not value:
        raise KeySyncError(f"{section}.{name}: {safe(str(value))!r} is no text", hint="Quote it.")
    return value


def _flag(table: Mapping[str, Any], section: str, name: str, usual: bool) -> bool:
    value = table.get(name, usual)
    if not isinstance(value, bool):
        raise KeySyncError(f"{section}.{name}: {safe(str(value))!r} is neither true nor false")
    return value
