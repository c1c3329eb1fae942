"""Files that people bring along, and what is said to them where it is not clear how to read one."""

from __future__ import annotations

import shlex
from collections.abc import Iterator

from keysync_shell.commands.catalogue.arguments import KeyFile
from keysync_shell.commands.session import Session
from keysync_shell.errors import BadFile
from keysync_shell.storage import files, foreign_csv
from keysync_shell.storage.files import explained
from keysync_shell.storage.foreign_csv import Reading
from keysync_shell.storage.forms import Form, Unclear, delimiter_name

STDIN = "<stdin>"
WITHOUT_OPTIONS = "Make it a CSV with a header and a column called key, or a list with one key a line."


def read_file(session: Session, name: str, args: KeyFile | None, *, list_of_keys: bool, failing: str) -> Reading:
    """Read a file by its name; `failing` says what cannot be done if that fails.

    Raises BadFile with a hint that can be typed as it is, KeySyncError for what cannot be read or is over a limit.
    """
    with explained(failing), session.sandbox.home.progress.doing(f"reading {name}"):
        data, _ = files.read(session.file(name), session.sandbox.config.limits)
    return read(session, data, name, args, list_of_keys=list_of_keys)


def read(session: Session, data: bytes, source: str, args: KeyFile | None, *, list_of_keys: bool) -> Reading:
    """Read what a file holds, and show people how it was read and its first rows."""
    form, limits = args.form if args else Form(), session.sandbox.config.limits
    limits.check("file_bytes", len(data), f"{source} in bytes")
    try:
        with session.sandbox.home.progress.doing(f"reading {source}"):
            reading = foreign_csv.read(data, source, limits, form, list_of_keys=list_of_keys)
    except Unclear as error:
        raise BadFile(error.findings, hint=_hint(session, error, args)) from None
    if not (list_of_keys and reading.plain):
        session.show_reading(reading)
    return reading


def notes(reading: Reading) -> list[str]:
    """What people may not expect in the file, each thing counted once."""
    return [
        f"{count:,} {one if count == 1 else many}"
        for count, one, many in (
            (reading.blank, "blank line was passed over", "blank lines were passed over"),
            (reading.repeated, "row repeats a key", "rows repeat a key"),
            (reading.empty, "row has no key", "rows have no key"),
        )
        if count
    ]


def _hint(session: Session, error: Unclear, args: KeyFile | None) -> str:
    """The commands that settle it, a line each if there are several."""
    if args is None:
        return f"{error.advice} {WITHOUT_OPTIONS}".strip()
    flag = next(item.argument.flags for item in args.parameters() if item.name == "file_delimiter")
    commands = [session.again(*_options(choice.form, flag)) for choice in error.choices]
    if len(commands) == 1 and not error.advice:
        return f"Say how to read it: {commands[0]}"
    width = max(map(len, commands))
    lines = [f"{said:<{width}}  # {choice.when}" for said, choice in zip(commands, error.choices, strict=True)]
    return "\n  ".join([f"{error.advice} Or say how to read it:" if error.advice else "Say how to read it:", *lines])


def _options(form: Form, delimiter_flag: str) -> Iterator[str]:
    """The options that say what the form says."""
    if form.header is not None:
        yield "--header" if form.header else "--no-header"
    for flag, value in (
        (delimiter_flag, None if form.delimiter is None else delimiter_name(form.delimiter)),
        ("--encoding", form.encoding),
        ("--key-column", form.key_column),
    ):
        if value is not None:
            yield f"{flag}={shlex.quote(value)}" if value.startswith("-") else f"{flag} {shlex.quote(value)}"
