"""Commands that change keys."""

from __future__ import annotations

import argparse

from keysync_shell.commands.declaring import Arguments, Command
from keysync_shell.core.edits.corruption import CORRUPTIONS

GROUP = "Change keys"

# The scenarios of core.mock, written out likewise.
SCENARIOS = ("normal", "drift", "failure", "recovery")
KEYS_HELP = (
    "keys, ranges CUST-00010..CUST-00020, globs 'CUST-0*', re:PATTERN, @FILE, - for stdin; "
    "gap[:D], unauthorized[:B], duplicate[:C], variant[:E], malformed[:E], pattern:AB..E, @last (the previous result); "
    "sets 'A - D', '(B | C) & gap:D' (& binds first, then - and | from the left); key:TEXT is TEXT itself"
)
NEW_KEYS_HELP = "keys, ranges CUST-00010..CUST-00020, @FILE (one key a line, or a CSV), @last, - for stdin"


def at_least(least: int) -> type[int]:
    """A whole number from `least` up, for argparse."""

    def parse(text: str) -> int:
        try:
            number = int(text)
        except ValueError:
            raise argparse.ArgumentTypeError(f"{text!r} is no whole number") from None
        if number < least:
            raise argparse.ArgumentTypeError(f"{text} is less than {least}")
        return number

    return parse  # type: ignore[return-value]  # argparse calls it like a type


def rate(text: str) -> float:
    """A share between 0 and 1, or a percentage, for argparse."""
    try:
        share = float(text[:-1]) / 100 if text.endswith("%") else float(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is neither a share such as 0.05 nor a percentage") from None
    if not 0 <= share <= 1:
        raise argparse.ArgumentTypeError(f"{text} is not between 0 and 1")
    return share


def operation(text: str) -> int:
    """The number of an operation, `@41` or `41`, for argparse."""
    digits = text.removeprefix("@")
    if not digits.isascii() or not digits.isdigit():
        raise argparse.ArgumentTypeError(f"{text!r} is no operation; write it like @41")
    return int(digits)


def keys(arguments: Arguments, *, needed: bool = True, text: str = KEYS_HELP) -> None:
    arguments.add("keys", nargs="+" if needed else "*", metavar="KEYS", help=text, complete="keys")


def systems(arguments: Arguments, text: str = "which systems, such as B,C (default: all)") -> None:
    arguments.add("-s", "--systems", default="all", metavar="LIST", help=text, complete="systems")


def _init(arguments: Arguments) -> None:
    arguments.add("--keys", type=at_least(1), default=1000, metavar="N", help="how many keys (default: 1000)")
    arguments.add(
        "--key-format", default="CUST-{n:05}", metavar="TEXT", help="what they look like (default: CUST-{n:05})"
    )


def _mock(arguments: Arguments) -> None:
    text = f"{', '.join(SCENARIOS)}: how far they are apart (default: normal)"
    arguments.add("--scenario", choices=SCENARIOS, default="normal", metavar="S", help=text)
    arguments.add(
        "--keys", type=at_least(1), default=1000, metavar="N", help="how many keys in all systems (default: 1000)"
    )
    arguments.add("--seed", type=int, default=42, metavar="S", help="the same seed makes the same keys (default: 42)")
    text = "plant a key in every pattern and one of every kind of damage as well"
    arguments.add("--cover", action="store_true", help=text)


def _add(arguments: Arguments) -> None:
    keys(arguments, text=NEW_KEYS_HELP)
    systems(arguments)


def _remove(arguments: Arguments) -> None:
    keys(arguments)
    systems(arguments)


def _modify(arguments: Arguments) -> None:
    keys(arguments)
    how = arguments.one_of(required=True)
    how.add("--to", metavar="NEW", help="this spelling")
    how.add("--case", choices=("upper", "lower", "title", "swap"), help="other capitals")
    how.add("--space", choices=("leading", "trailing", "both", "inner"), help="add a space")
    how.add("--delimiter", metavar="CHAR", help="put CHAR for every run of spaces, _ and -")
    how.add("--pad", type=at_least(1), metavar="N", help="pad numbers with zeros to N digits")
    how.add("--replace", nargs=2, metavar=("OLD", "NEW"), help="put NEW for OLD")
    arguments.add("--merge", action="store_true", help="a key may land on one that exists; the row that is there stays")
    systems(arguments)


def _corrupt(arguments: Arguments) -> None:
    arguments.add("kind", choices=CORRUPTIONS, metavar="KIND", help=", ".join(CORRUPTIONS))
    keys(arguments, needed=False, text=f"{KEYS_HELP} (default: any)")
    how_many = arguments.one_of(required=False)
    how_many.add(
        "--count",
        type=at_least(0),
        metavar="N",
        help="how many keys in each system (default: 1, or all of KEYS if they are named)",
    )
    how_many.add("--rate", type=rate, metavar="R", help="which share of the keys: 0.05 or 5%%")
    arguments.add("--seed", type=int, default=0, metavar="S", help="another seed damages other keys (default: 0)")
    systems(arguments)


def _carry(arguments: Arguments) -> None:
    keys(arguments)
    arguments.add("--from", dest="source", required=True, metavar="SYSTEM", help="where they are", complete="systems")
    arguments.add("--to", dest="targets", required=True, metavar="LIST", help="where they go", complete="systems")


def _import(arguments: Arguments) -> None:
    arguments.add("system", metavar="SYSTEM", help="whose content is replaced", complete="systems")
    arguments.add("file", metavar="FILE", help="a CSV file with a header", complete="files")
    arguments.add(
        "--key-column", metavar="NAME", help="the column that holds the keys, by its name or number (default: key)"
    )


def _reset(arguments: Arguments) -> None:
    arguments.add("--empty", action="store_true", help="leave no keys at all")


COMMANDS = (
    Command(
        "init",
        GROUP,
        "Begin anew: the same keys in every system.",
        "editing:init",
        ("init", "init --keys 200 --key-format 'ORD-{n:06}'"),
        _init,
        changes=True,
    ),
    Command(
        "mock",
        GROUP,
        "Begin anew with systems that have drifted apart, as real ones do.",
        "editing:mock",
        ("mock", "mock --scenario drift --keys 10000", "mock --keys 200 --seed 7 --cover"),
        _mock,
        changes=True,
    ),
    Command(
        "add-key",
        GROUP,
        "Add keys to systems.",
        "editing:add_key",
        ("add-key UNAUTH-001 --systems B,C", "add-key CUST-02001..CUST-02020 --systems A", "add-key @new-keys.txt"),
        _add,
        changes=True,
    ),
    Command(
        "remove-key",
        GROUP,
        "Remove keys from systems, by name or by pattern.",
        "editing:remove_key",
        ("remove-key CUST-00100 --systems D,E", "remove-key 'CUST-0001*' --systems E --yes"),
        _remove,
        changes=True,
    ),
    Command(
        "modify-key",
        GROUP,
        "Respell keys in place; their other columns stay.",
        "editing:modify_key",
        (
            "modify-key CUST-00007 --to CUST-7 --systems B",
            "modify-key 'CUST-0000*' --case lower --systems C",
            "modify-key CUST-00009 --space trailing --systems D",
        ),
        _modify,
        changes=True,
    ),
    Command(
        "corrupt",
        GROUP,
        "Damage keys as real systems do; the same seed damages the same keys.",
        "editing:corrupt",
        ("corrupt case --count 10 --systems B,C", "corrupt homoglyph --rate 5% --seed 7 --systems E"),
        _corrupt,
        changes=True,
    ),
    Command(
        "copy-key",
        GROUP,
        "Copy the rows of keys from one system to others.",
        "editing:copy_key",
        ("copy-key CUST-00042 --from A --to D,E", "copy-key '*' --from A --to B"),
        _carry,
        changes=True,
    ),
    Command(
        "move-key",
        GROUP,
        "Move the rows of keys from one system to others.",
        "editing:move_key",
        ("move-key UNAUTH-001 --from B --to A",),
        _carry,
        changes=True,
    ),
    Command(
        "import",
        GROUP,
        "Replace one system's content by a CSV file.",
        "editing:import_file",
        ("import A customers.csv", "import B export.csv --key-column customer_id"),
        _import,
        changes=True,
    ),
    Command(
        "reset",
        GROUP,
        "Back to the keys of the last init, in sync; or to nothing.",
        "editing:reset",
        ("reset", "reset --empty --yes"),
        _reset,
        changes=True,
    ),
)
