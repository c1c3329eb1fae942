"""Commands that change keys."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from keysync_shell.commands.arguments import Argument, OneOf
from keysync_shell.commands.catalogue.arguments import DELIMITER, EVERY, KEYS, SYSTEM, SYSTEMS, KeyFile, at_least, rate
from keysync_shell.commands.declaring import Changes, Later, command

if TYPE_CHECKING:
    from keysync_shell.commands import editing
else:
    editing = Later("editing")

GROUP = "Change keys"

# What core.edits can mock and damage, written out: importing it would cost every start several milliseconds.
SCENARIOS = ("normal", "drift", "failure", "recovery")
CORRUPTIONS = (
    *("case", "space", "tab", "nbsp", "delimiter", "zero-pad", "homoglyph"),
    *("truncate", "transpose", "junk", "empty", "control", "repeat"),
)
NEW_KEYS = KEYS.saying("keys, ranges CUST-00010..CUST-00020, @FILE (one key a line, or a CSV), @last, - for stdin")
SOURCE = Argument("--from", "where they are", metavar="SYSTEM", complete="systems")
TARGETS = Argument("--to", "where they go", metavar="LIST", complete="systems")
DIGITS = at_least(1, 1_000_000)
RESPELLING = OneOf(required=True)
DAMAGE = OneOf()


class Init(Changes):
    """Start over with the same keys in every system."""

    keys: Annotated[int, Argument("--keys", "how many keys", metavar="N", read=at_least(1))] = 1000
    key_format: Annotated[str, Argument("--key-format", "what they look like", metavar="TEXT")] = "CUST-{n:05}"


class Mock(Changes):
    """Start over with systems that have drifted apart, as real ones do."""

    scenario: Annotated[
        str,
        Argument("--scenario", f"{', '.join(SCENARIOS)}: how far apart they are", metavar="S", choices=SCENARIOS),
    ] = "normal"
    keys: Annotated[int, Argument("--keys", "how many keys in all systems", metavar="N", read=at_least(1))] = 1000
    seed: Annotated[int, Argument("--seed", "the same seed makes the same keys", metavar="S")] = 42
    cover: Annotated[
        bool, Argument("--cover", "plant a key in every pattern and one of every kind of damage as well")
    ] = False


class AddKey(Changes, KeyFile):
    """Add keys to systems."""

    keys: Annotated[tuple[str, ...], NEW_KEYS]
    systems: Annotated[str, SYSTEMS] = EVERY


class RemoveKey(Changes, KeyFile):
    """Remove keys from systems, by name or by pattern."""

    keys: Annotated[tuple[str, ...], KEYS]
    systems: Annotated[str, SYSTEMS] = EVERY


class ModifyKey(Changes, KeyFile):
    """Respell keys in place; their other columns stay."""

    keys: Annotated[tuple[str, ...], KEYS]
    to: Annotated[str | None, Argument("--to", "this spelling", metavar="NEW", within=RESPELLING)] = None
    case: Annotated[
        str | None,
        Argument("--case", "other capitals", choices=("upper", "lower", "title", "swap"), within=RESPELLING),
    ] = None
    space: Annotated[
        str | None,
        Argument("--space", "add a space", choices=("leading", "trailing", "both", "inner"), within=RESPELLING),
    ] = None
    delimiter: Annotated[
        str | None,
        Argument("--delimiter", "replace each run of spaces, _ and - with CHAR", metavar="CHAR", within=RESPELLING),
    ] = None
    pad: Annotated[
        int | None,
        Argument("--pad", "pad numbers with zeros to N digits", metavar="N", read=DIGITS, within=RESPELLING),
    ] = None
    replace: Annotated[
        tuple[str, str] | None,
        Argument("--replace", "replace OLD with NEW", metavar=("OLD", "NEW"), within=RESPELLING),
    ] = None
    file_delimiter: Annotated[str | None, DELIMITER._replace(flags="--file-delimiter")] = None
    merge: Annotated[bool, Argument("--merge", "a key may land on one that exists; the existing row stays")] = False
    systems: Annotated[str, SYSTEMS] = EVERY


class Corrupt(Changes, KeyFile):
    """Damage keys as real systems do; the same seed damages the same keys."""

    kind: Annotated[str, Argument(help=", ".join(CORRUPTIONS), metavar="KIND", choices=CORRUPTIONS)]
    keys: Annotated[tuple[str, ...], KEYS.saying(f"{KEYS.help} (default: any)")] = ()
    count: Annotated[
        int | None,
        Argument(
            "--count",
            "how many keys in each system (default: 1, or all of KEYS if they are named)",
            metavar="N",
            read=at_least(0),
            within=DAMAGE,
        ),
    ] = None
    rate: Annotated[
        float | None,
        Argument("--rate", "what share of the keys: 0.05 or 5%", metavar="R", read=rate, within=DAMAGE),
    ] = None
    seed: Annotated[int, Argument("--seed", "another seed damages different keys", metavar="S")] = 0
    systems: Annotated[str, SYSTEMS] = EVERY


class CopyKey(Changes, KeyFile):
    """Copy the rows of keys from one system to others."""

    keys: Annotated[tuple[str, ...], KEYS]
    source: Annotated[str, SOURCE]
    targets: Annotated[str, TARGETS]


class MoveKey(Changes, KeyFile):
    """Move the rows of keys from one system to others."""

    keys: Annotated[tuple[str, ...], KEYS]
    source: Annotated[str, SOURCE]
    targets: Annotated[str, TARGETS]


class SetValue(Changes):
    """Set another column of a key in one system."""

    system: Annotated[str, SYSTEM.saying("where the key is")]
    key: Annotated[str, Argument(help="the exact key; key:TEXT is TEXT itself", metavar="KEY", complete="keys")]
    column: Annotated[str, Argument(help="the column, as the file's header has it", metavar="COLUMN")]
    value: Annotated[str, Argument(help="what shall stand there", metavar="VALUE")]


class Import(Changes, KeyFile):
    """Replace one system's content by a CSV file."""

    system: Annotated[str, SYSTEM.saying("whose content is replaced")]
    file: Annotated[str, Argument(help="a CSV file, or one key a line", metavar="FILE", complete="files")]


class Reset(Changes):
    """Back to the keys of the last init, in sync; or to nothing."""

    empty: Annotated[bool, Argument("--empty", "leave no keys at all")] = False


COMMANDS = (
    command("init", GROUP, Init, editing.init, ("init", "init --keys 200 --key-format 'ORD-{n:06}'")),
    command(
        "mock",
        GROUP,
        Mock,
        editing.mock,
        ("mock", "mock --scenario drift --keys 10000", "mock --keys 200 --seed 7 --cover"),
    ),
    command(
        "add-key",
        GROUP,
        AddKey,
        editing.add_key,
        ("add-key UNAUTH-001 --systems B,C", "add-key CUST-02001..CUST-02020 --systems A", "add-key @new-keys.txt"),
    ),
    command(
        "remove-key",
        GROUP,
        RemoveKey,
        editing.remove_key,
        ("remove-key CUST-00100 --systems D,E", "remove-key 'CUST-0001*' --systems E --yes"),
    ),
    command(
        "modify-key",
        GROUP,
        ModifyKey,
        editing.modify_key,
        (
            "modify-key CUST-00007 --to CUST-7 --systems B",
            "modify-key 'CUST-0000*' --case lower --systems C",
            "modify-key CUST-00009 --space trailing --systems D",
        ),
    ),
    command(
        "corrupt",
        GROUP,
        Corrupt,
        editing.corrupt,
        ("corrupt case --count 10 --systems B,C", "corrupt homoglyph --rate 5% --seed 7 --systems E"),
    ),
    command(
        "copy-key",
        GROUP,
        CopyKey,
        editing.copy_key,
        ("copy-key CUST-00042 --from A --to D,E", "copy-key '*' --from A --to B"),
    ),
    command("move-key", GROUP, MoveKey, editing.move_key, ("move-key UNAUTH-001 --from B --to A",)),
    command(
        "set-value",
        GROUP,
        SetValue,
        editing.set_value,
        ("set-value B CUST-00042 status inactive", "set-value D CUST-00042 note 'asked twice' --dry-run"),
    ),
    command(
        "import",
        GROUP,
        Import,
        editing.import_file,
        ("import A customers.csv", "import B export.csv --key-column customer_id"),
    ),
    command("reset", GROUP, Reset, editing.reset, ("reset", "reset --empty --yes")),
)
