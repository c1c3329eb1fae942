"""Arguments that several commands share, and what reads their words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

from keysync_shell.commands.arguments import LARGEST, Argument, Arguments, Misread, OneOf, chosen, whole
from keysync_shell.core.findings import kinds
from keysync_shell.core.planning.policy import STRATEGIES
from keysync_shell.errors import KeySyncError
from keysync_shell.storage import forms
from keysync_shell.storage.forms import Form

KEYS = Argument(
    help="keys, ranges CUST-00010..CUST-00020, globs 'CUST-0*', re:PATTERN, @FILE, - for stdin; "
    f"{', '.join(kinds.names())} (in any system, or such as gap:D), pattern:AB..E, @last (the previous result); "
    "sets 'A - D', '(B | C) & gap:D' (& binds first, then - and | from the left); key:TEXT is TEXT itself",
    metavar="KEYS",
    complete="keys",
)
SYSTEM = Argument(metavar="SYSTEM", complete="systems")
EVERY = "all"
SYSTEMS = Argument("-s --systems", "which systems, such as B,C", metavar="LIST", complete="systems", hidden="--system")


def at_least(least: int, most: int = LARGEST) -> type[int]:
    """A whole number from `least` up."""

    def parse(text: str) -> int:
        number = whole(text)
        if number < least:
            raise Misread(f"{text} is less than {least}")
        if number > most:
            raise Misread(f"{text} is more than {most:,}")
        return number

    return parse  # type: ignore[return-value]  # argparse calls it like a type


def rate(text: str) -> float:
    """A share between 0 and 1, or a percentage."""
    try:
        share = float(text[:-1]) / 100 if text.endswith("%") else float(text)
    except ValueError:
        raise Misread(f"{text!r} is neither a share such as 0.05 nor a percentage") from None
    if not 0 <= share <= 1:
        raise Misread(f"{text} is not between 0 and 1")
    return share


def operation(text: str) -> int:
    """The number of an operation, `@41` or `41`."""
    digits = text.removeprefix("@")
    if not digits.isascii() or not digits.isdigit():
        raise Misread(f"{text!r} is not an operation; write it as @41")
    if int(digits[:99]) > LARGEST:
        raise Misread(f"there is no operation {text[:99]}", hint="`log` shows the operations.")
    return int(digits)


def delimiter(text: str) -> str:
    """A delimiter by its name or itself."""
    try:
        return forms.delimiter(text)
    except KeySyncError as error:
        raise Misread(error.message, hint=error.hint) from None


def kind(text: str) -> str:
    """A kind of finding, in the singular or the plural."""
    if found := kinds.named(text.lower()):
        return found.name
    return chosen(text.lower(), kinds.names())


def setting(text: str) -> str:
    """`uppercase=off`."""
    if "=" not in text:
        raise Misread(f"{text!r} is not a setting; write it as uppercase=off")
    return text


def line_number(text: str) -> int:
    """One of several line numbers such as 12,15."""
    if not text.isascii() or not text.isdigit():
        raise Misread(f"{text!r} is not a line number; write them as 12,15")
    return int(text)


HOW_MANY = OneOf()


FILES = "reading files (recognized unless given)"
DELIMITER = Argument(
    "--delimiter",
    "the separator of fields: a character, or comma, semicolon, tab, pipe; none makes every line a key",
    metavar="CHAR",
    read=delimiter,
    within=FILES,
)


class KeyFile(Arguments):
    """How a file with keys is to be read."""

    key_column: Annotated[
        str | None,
        Argument("--key-column", "the column that holds the keys, by its name or number", metavar="NAME", within=FILES),
    ] = None
    header: Annotated[bool, Argument("--header", "the first line names the columns", within=FILES)] = False
    no_header: Annotated[bool, Argument("--no-header", "the first line is data", within=FILES)] = False
    file_delimiter: Annotated[str | None, DELIMITER] = None
    encoding: Annotated[
        str | None, Argument("--encoding", "such as utf-16 or cp1252", metavar="NAME", within=FILES)
    ] = None

    @property
    def form(self) -> Form:
        """What is said about the file. Raises KeySyncError for a contradiction."""
        if self.header and self.no_header:
            raise KeySyncError("--header and --no-header contradict each other", hint="Leave one out.")
        header = True if self.header else False if self.no_header else None
        return Form(self.file_delimiter, self.encoding, self.key_column, header)


class Capped(Arguments):
    """How much of a list is shown."""

    all: Annotated[bool, Argument("--all", "every line (a table stops at 50)", within=HOW_MANY)] = False
    limit: Annotated[
        int | None,
        Argument("--limit", "at most N lines, in every format", metavar="N", read=at_least(1), within=HOW_MANY),
    ] = None


class At(Arguments):
    """Which moment a question is about."""

    at: Annotated[
        int | None,
        Argument("--at", "as it was after that operation", metavar="@N", read=operation, complete="operations"),
    ] = None


POLICY = "policy (defaults: [policy] in keysync.toml)"


class PolicyOptions(Arguments):
    """What the command line says otherwise than the policy of the configuration."""

    decisions: Annotated[
        Mapping[str, str] | None,
        Argument(
            help="what to do about {name} findings",
            options={kind.name: kind.decisions for kind in kinds.KINDS},
            within=POLICY,
        ),
    ] = None
    strategy: Annotated[
        str | None,
        Argument("--strategy", "what a proposed master key looks like", choices=STRATEGIES, within=POLICY),
    ] = None
    prefix: Annotated[
        str | None, Argument("--prefix", "the prefix of namespaced master keys", metavar="TEXT", within=POLICY)
    ] = None
    decide: Annotated[
        tuple[tuple[str, str], ...],
        Argument(
            "--decide",
            "another decision for some keys; may be given several times",
            metavar=("KEYS", "DECISION"),
            within=POLICY,
        ),
    ] = ()
