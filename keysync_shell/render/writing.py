"""Write a view as a table, JSON, JSON lines, CSV, TSV or Markdown. Data goes to `out`, talk to `err`."""

from __future__ import annotations

import csv
import io
import json
import os
import re
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import PurePath
from typing import Any, TextIO

from keysync_shell.core.model.keys import safe
from keysync_shell.errors import KeySyncError
from keysync_shell.render.cells import RIGHT, cells, flat, head
from keysync_shell.render.view import NUMBER, PROSE, TEXT, Grid, View

TABLE = "table"
SUFFIXES = {".csv": "csv", ".tsv": "tsv", ".json": "json", ".jsonl": "jsonl", ".md": "markdown", ".txt": TABLE}
OTHERS = (".xlsx", ".xls", ".ods", ".html", ".pdf", ".parquet", ".zip", ".gz")
SCHEMA = "keysync/1"
SIGNED = re.compile(r"(?<=[ ,])[+−~][0-9,]*[0-9](?![\w-])")
COLORS = {"+": "32", "-": "31", "−": "31", "~": "33", "error": "1;31", "hint": "36", "good": "32", "warning": "33"}
ASCII = str.maketrans({"✓": "*", "→": "->", "−": "-", "·": "|", "…": "...", "●": "x", "○": ".", "█": "#"})


@dataclass
class Writer:
    """Where results go, and how. `color` says whether each stream gets escape sequences."""

    out: TextIO
    err: TextIO
    color_out: bool = False
    color_err: bool = False

    def show(self, view: View, command: str, format: str, warnings: list[str]) -> None:
        """Write one result; warnings are talk, but part of JSON."""
        FORMATS[format](self, view, command, warnings)
        self.out.flush()
        if format != "json":
            self.warn(warnings)
        if format == TABLE:
            for line in view.talk:
                self.say(self._colorful(line))

    @property
    def width(self) -> int | None:
        """How many characters a line of the screen has; None where results do not go to a screen."""
        return shutil.get_terminal_size().columns if self.out.isatty() else None

    def write(self, text: str) -> None:
        self.out.write(text if _takes_unicode(self.out) else text.translate(ASCII))

    def say(self, line: str) -> None:
        """A line for people, on stderr."""
        self.err.write(f"{line if _takes_unicode(self.err) else line.translate(ASCII)}\n")
        self.err.flush()

    def warn(self, warnings: list[str]) -> None:
        for warning in warnings:
            self.say(f"{self.painted('warning', 'warning:', self.color_err)} {safe(warning)}")

    def fail(self, error: KeySyncError, *, changes: bool, prefix: str = "") -> None:
        """Say what went wrong, what to do next, and whether anything changed."""
        for line in error.message.split("\n"):
            self.say(f"{prefix}{self.painted('error', 'error:', self.color_err)} {safe(line)}")
        for number, line in enumerate(error.hint.split("\n") if error.hint else ()):
            head = f"{self.painted('hint', 'hint:', self.color_err)} " if number == 0 else ""
            self.say(f"{head}{safe(line)}")
        said = {True: "It is committed.", None: "Unknown whether it is committed.", False: "Nothing was changed."}
        if changes or error.committed is not False:
            self.say(said[error.committed])

    def _colorful(self, line: str) -> str:
        """The line with its mark and the numbers behind `+`, `−` and `~` in their colors."""
        if not self.color_err:
            return line
        painted = SIGNED.sub(lambda found: self.painted(found[0][0], found[0], True), line)
        return f"{self.painted('good', '✓', True)}{painted[1:]}" if line.startswith("✓") else painted

    @staticmethod
    def painted(role: str, text: str, color: bool) -> str:
        return f"\x1b[{COLORS[role]}m{text}\x1b[0m" if color and role in COLORS else text


def _takes_unicode(stream: TextIO) -> bool:
    """Whether a stream takes more than ASCII; one that does not say (a text in memory) does."""
    encoding = getattr(stream, "encoding", None)
    return not encoding or encoding.lower().startswith("utf")


def writer_for(color: str, out: TextIO, err: TextIO) -> Writer:
    """A writer that colors where `color` (auto, always, never) and NO_COLOR allow it."""
    colors = [
        color == "always" or (color == "auto" and not os.environ.get("NO_COLOR") and stream.isatty())
        for stream in (out, err)
    ]
    return Writer(out, err, *colors)


def _table(writer: Writer, view: View, _command: str, _warnings: list[str]) -> None:
    for line in view.lines:
        writer.write(f"{line}\n")
    if view.exact:
        on_a_screen = writer.out.isatty()
        writer.out.writelines(f"{safe(line) if on_a_screen else line}\n" for line in view.exact)
    if view.grid and not view.aside:
        _write_table(writer, view.grid)
    for line in view.after:
        writer.write(f"{line}\n")


def _write_table(writer: Writer, grid: Grid) -> None:
    from keysync_shell.render.layout import Column, laid_out

    columns, rows = grid.on_a_screen()
    if rows:
        shown = zip(*(cells(columns, row) for row in rows), strict=True)
        laid = [
            Column(head(name, kind, grid), values, kind in RIGHT, wraps=kind in (TEXT, PROSE), prose=kind == PROSE)
            for (name, kind), values in zip(columns.items(), shown, strict=True)
        ]
        parts = [list(columns).index(name) for name in grid.parts]
        text = laid_out(laid, grid.outline, writer.width, parts)
        signed = writer.color_out and next(iter(columns)) == "sign"
        for line in text.splitlines():
            writer.write(f"{writer.painted(line[:1], line.rstrip(), signed)}\n")
    _write_legend(writer, grid, {row[0] for row in rows} if rows else set())
    if len(rows) < grid.total:
        writer.write(f"… {grid.total - len(rows):,} more of {grid.total:,}.{_rest(grid)}\n")


def _write_legend(writer: Writer, grid: Grid, signs: set[Any]) -> None:
    """What the signs in the table mean, those that are in it."""
    if meant := [f"{sign} {what}" for sign, what in grid.legend.items() if sign in signs]:
        writer.write(f"{'   '.join(meant)}\n")


def _rest(grid: Grid) -> str:
    return f" All of them: {safe(grid.rest)}" if grid.rest else ""


def _json(writer: Writer, view: View, command: str, warnings: list[str]) -> None:
    writer.write(json.dumps(envelope(view, command, warnings), indent=2) + "\n")  # ASCII: no control character


def envelope(view: View, command: str, warnings: list[str]) -> dict[str, Any]:
    """A result as every front end hands it to programs."""
    records = _records(view.grid) if view.grid else []
    return {"schema": SCHEMA, "command": command, "data": view.data(records), "warnings": warnings}


def _jsonl(writer: Writer, view: View, _command: str, _warnings: list[str]) -> None:
    if view.grid is None:
        writer.write(json.dumps(view.data([])) + "\n")
        return
    for record in _records(view.grid):
        writer.write(json.dumps(record) + "\n")


def _records(grid: Grid) -> list[dict[str, Any]]:
    columns, rows = grid.exported()
    return [dict(zip(columns, row, strict=True)) for row in rows]


def _separated(delimiter: str) -> Callable[[Writer, View, str, list[str]], None]:
    def write(writer: Writer, view: View, _command: str, _warnings: list[str]) -> None:
        columns, rows = _needed(view).exported()
        text = io.StringIO()
        lines = csv.writer(text, delimiter=delimiter, lineterminator="\n")
        lines.writerow(columns)
        on_a_screen = writer.out.isatty()
        for row in rows:
            lines.writerow(_exported(value, on_a_screen) for value in row)
        writer.out.write(text.getvalue())

    return write


def _exported(value: Any, on_a_screen: bool) -> Any:
    """A cell as it is: what is read back has to be the same key, whatever a spreadsheet makes of it."""
    if isinstance(value, list | tuple):
        value = " | ".join(str(item) for item in value)
    if not isinstance(value, str):
        return value
    return safe(value) if on_a_screen else value


def _markdown(writer: Writer, view: View, _command: str, _warnings: list[str]) -> None:
    grid = _needed(view)
    columns, rows = grid.on_a_screen()
    names = [head(name, kind, grid) for name, kind in columns.items()]
    writer.write(f"| {' | '.join(names)} |\n")
    rules = ["--:" if kind in RIGHT else ":--" for kind in columns.values()]
    writer.write(f"| {' | '.join(rules)} |\n")
    for row in rows:
        writer.write(f"| {' | '.join(_in_markdown(flat(cell)) for cell in cells(columns, row))} |\n")
    if len(rows) < grid.total:
        writer.write(f"\n… {grid.total - len(rows):,} more of {grid.total:,}.{_rest(grid)}\n")


def _in_markdown(text: str) -> str:
    return text.replace("\\", "\\\\").replace("|", "\\|").replace("<", "&lt;")


def _needed(view: View) -> Grid:
    """The rows of a result; one that has none is a row of its own."""
    if view.grid is not None:
        return view.grid
    values = {name: value for name, value in view.data([]).items() if not isinstance(value, dict | list)}
    columns = {name: NUMBER if isinstance(value, int) else TEXT for name, value in values.items()}
    return Grid(columns, lambda _: iter([tuple(values.values())]), 1)


def format_of(given: str | None, output: str | None) -> str:
    """The format that was asked for, else the one that the name of the output says, else a table.

    Raises KeySyncError for a name that promises a format which we do not write.
    """
    suffix = PurePath(output or "").suffix.casefold()
    if given is None and suffix in OTHERS:
        raise KeySyncError(f"results are not written as {suffix}", hint=f"Such as {', '.join(SUFFIXES)}, or --format.")
    return given or SUFFIXES.get(suffix, TABLE)


FORMATS: dict[str, Callable[[Writer, View, str, list[str]], None]] = {
    TABLE: _table,
    "json": _json,
    "jsonl": _jsonl,
    "csv": _separated(","),
    "tsv": _separated("\t"),
    "markdown": _markdown,
}
