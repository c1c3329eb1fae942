"""The configuration of the existing KeySync Mini, keysync-config.yaml: strictly read, and never for long."""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from keysync_shell.config import path_of
from keysync_shell.core.findings import kinds
from keysync_shell.core.model.keys import safe
from keysync_shell.core.model.rules import ASCII, Rules
from keysync_shell.core.model.systems import Systems
from keysync_shell.core.planning.policy import Policy
from keysync_shell.errors import KeySyncError
from keysync_shell.storage import files, foreign_text, forms
from keysync_shell.storage.files import explained
from keysync_shell.storage.forms import Choice, Form, Unclear, delimiter_name

MOST_BYTES = 1 << 16
MOST_DEPTH = 32
MOST_NODES = 5000  # names and values; PyYAML takes some 50 µs for each

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
SOURCE = ("type", "path", "key_column", "delimiter", "encoding", "no_header")
USUAL_SYSTEMS = ("A", "B", "C", "D", "E")
WORD = re.compile(r"[A-Za-z_./][A-Za-z0-9_./-]*")
YAML_WORDS = ("true", "false", "yes", "no", "on", "off", "y", "n", "null", ".inf", ".nan")


@dataclass(frozen=True)
class Source:
    """The file of a system, its path as it was `written`, and what is said about how to read it."""

    path: Path
    written: str
    form: Form = field(default_factory=Form)


@dataclass(frozen=True)
class Configuration:
    """What a configuration says; paths that it gives relative are relative to its folder.

    `usual` if it names no sources, so that they are the usual ones.
    """

    sources: Mapping[str, Source]
    usual: bool
    systems: Systems
    rules: Rules
    policy: Policy
    output: Path
    auto_approve: bool


def read(path: Path) -> Configuration:
    """Read a configuration. Raises KeySyncError naming what is wrong."""
    with explained(f"{path} cannot be read"):
        content = files.read_small(path, MOST_BYTES)
    try:
        return _configuration(path.parent, _loaded(content))
    except KeySyncError as error:
        raise KeySyncError(f"{path}: {error.message}", hint=error.hint) from error


def guide(file: str, said: Configuration, name: str, unclear: Unclear) -> str:
    """What to write into the configuration so that the file of a system can be read: whole lines, to choose from."""
    lines = [_entry(name, said.sources[name], choice) for choice in unclear.choices]
    where = f"under sources in {file}"
    if said.usual:
        where += f", beside {', '.join(other for other in said.sources if other != name)},"
    ask = f"{unclear.advice} Or say" if unclear.advice else "Say"
    return "\n  ".join([f"{ask} {where} how to read it:", *lines])


def _entry(name: str, source: Source, choice: Choice) -> str:
    """A source with what is said of it and what the choice adds, as a line of YAML."""
    form = source.form.joined(choice.form)
    settings: dict[str, str | None] = {
        "path": _quoted(source.written),
        "delimiter": None if form.delimiter is None else _quoted(delimiter_name(form.delimiter)),
        "encoding": form.encoding and _quoted(form.encoding),
        "key_column": form.key_column and _quoted(form.key_column),
        "no_header": None if form.header is None else "false" if form.header else "true",
    }
    said = ", ".join(f"{setting}: {value}" for setting, value in settings.items() if value is not None)
    return f"{name}: {{{said}}}{f'  # {choice.when}' if choice.when else ''}"


def _quoted(text: str) -> str:
    """A text as YAML takes it inside braces; most need no quotes."""
    plain = WORD.fullmatch(text) and text.casefold() not in YAML_WORDS
    return text if plain else json.dumps(text, ensure_ascii=False)


def _loaded(content: bytes) -> Mapping[str, Any]:
    """The settings. What could keep a reader busy is refused before it is built."""
    import yaml

    try:
        text = content.decode()
        _check_events(text)
        _check_names(yaml.compose(text, yaml.SafeLoader))
        data = yaml.safe_load(text)
    except (UnicodeDecodeError, yaml.YAMLError, ValueError, RecursionError) as error:
        raise KeySyncError(f"it is not YAML: {safe(' '.join(str(error).split()))}", hint="Mend it.") from error
    if data is None:
        return {}
    if not isinstance(data, dict):
        raise KeySyncError("it holds no settings", hint="Such as: sources: {A: {path: A.csv}, B: {path: B.csv}}")
    return data


def _check_events(text: str) -> None:
    """Raise KeySyncError for references, which make a bomb of a small file, for deep nesting and for too much of it."""
    import yaml

    depth, nodes = 0, 0
    for event in yaml.parse(text, yaml.SafeLoader):
        where = f"line {event.start_mark.line + 1}" if event.start_mark else "somewhere"
        if isinstance(event, yaml.AliasEvent):
            raise KeySyncError(f"{where}: references (*{safe(event.anchor or '')}) are not taken", hint="Repeat it.")
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        nodes += isinstance(event, yaml.NodeEvent)
        if depth > MOST_DEPTH:
            raise KeySyncError(f"{where}: nested deeper than {MOST_DEPTH} levels", hint="No setting is.")
        if nodes > MOST_NODES:
            raise KeySyncError(f"{where}: more than {MOST_NODES:,} names and values", hint="Keep the settings only.")


def _check_names(node: Any) -> None:
    """Raise KeySyncError for a name that stands twice in a table: YAML would take the last without a word."""
    import yaml

    if isinstance(node, yaml.SequenceNode):
        for item in node.value:
            _check_names(item)
    if isinstance(node, yaml.MappingNode):
        seen: set[str] = set()
        for name, value in node.value:
            if isinstance(name, yaml.ScalarNode) and name.value in seen:
                line = name.start_mark.line + 1
                raise KeySyncError(f"line {line}: {safe(name.value)} appears twice", hint="Keep one of the two.")
            seen.add(str(name.value))
            _check_names(value)


def _configuration(folder: Path, data: Mapping[str, Any]) -> Configuration:
    _check(data, SECTIONS, "")
    for name, known in SECTIONS.items():
        if known is not None:
            _check(_table(data, name), known, f"{name}.")
    entries = _table(data, "sources")
    sources = _sources(folder, entries)
    provisioning, output = _table(data, "provisioning"), _table(data, "output")
    strategy = _text(provisioning, "provisioning", "strategy", "mirror")
    prefix = _text(provisioning, "provisioning", "namespace_prefix", "MASTER")
    return Configuration(
        sources=sources,
        usual=not entries,
        systems=_systems(tuple(sources), data.get("authority")),
        rules=_rules(_table(data, "normalize")),
        policy=Policy(strategy=strategy, prefix=prefix),
        output=folder / path_of(_text(output, "output", "directory", "output")),
        auto_approve=_flag(provisioning, "provisioning", "auto_approve", False),
    )


def _sources(folder: Path, entries: Mapping[Any, Any]) -> dict[str, Source]:
    """The files of the systems; without any, they lie where the existing system has them."""
    if not entries:
        return {name: Source(folder / "input" / f"{name}.csv", f"input/{name}.csv") for name in USUAL_SYSTEMS}
    for name in entries:
        if not isinstance(name, str):
            raise KeySyncError(f"sources: {safe(str(name))} is not text in YAML", hint="Put quotes around the name.")
    return {name: _source(folder, name, entry) for name, entry in entries.items()}


def _source(folder: Path, name: str, entry: Any) -> Source:
    where = f"sources.{safe(name)}"
    if not isinstance(entry, dict):
        raise KeySyncError(f"{where} is not a table", hint=f"Such as: {safe(name)}: {{path: {safe(name)}.csv}}")
    _check(entry, SOURCE, f"{where}.")
    if entry.get("type", "csv") != "csv":
        raise KeySyncError(f"{where}.type: {safe(str(entry['type']))!r}; only csv files are read", hint="Use csv.")
    if not isinstance(entry.get("path"), str):
        raise KeySyncError(f"{where} names no file", hint=f"Such as: path: {safe(name)}.csv")
    return Source(folder / path_of(entry["path"]), entry["path"], _form(where, entry))


def _form(where: str, entry: Mapping[str, Any]) -> Form:
    """How a source is to be read, as far as it is said."""
    delimiter, encoding = (
        _text(entry, where, name, "") if entry.get(name) is not None else None for name in ("delimiter", "encoding")
    )
    try:
        return Form(
            delimiter=None if delimiter is None else forms.delimiter(delimiter),
            encoding=None if encoding is None else foreign_text.checked(encoding),
            key_column=_key_column(where, entry.get("key_column")),
            header=not _flag(entry, where, "no_header", False) if "no_header" in entry else None,
        )
    except KeySyncError as error:
        message = error.message if error.message.startswith(where) else f"{where}: {error.message}"
        raise KeySyncError(message, hint=error.hint) from None


def _key_column(where: str, column: Any) -> str | None:
    """The column of keys: its name, or its number."""
    if column is None:
        return None
    if type(column) is int and column > 0:
        return str(column)
    if not isinstance(column, str) or not column:
        raise KeySyncError(
            f"{where}.key_column: {safe(str(column))!r} is neither the name of a column nor its number",
            hint="Quote a name; numbers begin with 1.",
        )
    return column


def _systems(names: tuple[str, ...], authority: Any) -> Systems:
    """The authority is the one that is named, else A, else the first."""
    if authority is None:
        authority = "A" if "A" in names else names[0]
    elif not isinstance(authority, str) or authority not in names:
        raise KeySyncError(
            f"authority: {safe(str(authority))!r} is not one of the sources",
            hint=f"Those are {', '.join(map(safe, names))}.",
        )
    systems = Systems(names, authority)
    kinds.check_names(systems)
    return systems


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
        raise KeySyncError(f"normalize.pad_length: {safe(str(width))!r} is not a number from 0 to 64")
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
                f"{prefix}{safe(str(name))} is not a setting",
                hint=f"{meant}The settings are {', '.join(sorted(known))}.",
            )


def _table(data: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    value = data.get(name)
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise KeySyncError(f"{name} is not a table", hint="Put its settings on lines of their own below it, indented.")
    return value


def _text(table: Mapping[str, Any], section: str, name: str, usual: str) -> str:
    value = table.get(name, usual)
    if not isinstance(value, str) or not value:
        raise KeySyncError(f"{section}.{name}: {safe(str(value))!r} is not text", hint="Quote it.")
    return value


def _flag(table: Mapping[str, Any], section: str, name: str, usual: bool) -> bool:
    value = table.get(name, usual)
    if not isinstance(value, bool):
        raise KeySyncError(f"{section}.{name}: {safe(str(value))!r} is neither true nor false")
    return value
