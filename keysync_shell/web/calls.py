"""One command, called by a program: typed arguments in, what `--format json` gives out.

Nothing here reaches files or programs of the user's choice. What is uploaded lies in a folder of its own while the
command reads it.
"""

from __future__ import annotations

import dataclasses
import hashlib
import io
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from keysync_shell.commands import written
from keysync_shell.commands.arguments import Arguments, Parameter
from keysync_shell.commands.catalogue import BY_NAME
from keysync_shell.commands.declaring import Command
from keysync_shell.commands.history import Travelled
from keysync_shell.commands.meanings import near
from keysync_shell.commands.reach import Reach
from keysync_shell.commands.session import Session
from keysync_shell.core.selecting.keysets import LAST
from keysync_shell.errors import Declined, KeySyncError
from keysync_shell.render import changes
from keysync_shell.render.view import View
from keysync_shell.render.views import view
from keysync_shell.render.writing import TABLE, Writer, envelope
from keysync_shell.sandbox import UNCONDITIONALLY, Conditions, Once, Outcome, Sandbox
from keysync_shell.sandbox.conditions import NotApproved
from keysync_shell.web.problems import Problem, problem

if TYPE_CHECKING:
    from keysync_shell.commands.results import CommandResult

SOURCE = "web"
UPLOAD = "upload"
PATHS = ("files", "folders")
NEVER = frozenset({"lock"})  # it runs programs
BESIDE = frozenset({"scenario run", "scenario resume", "scenario abort"})  # they take their time: see scenario_runs
WRITES_FILES = frozenset({"accept", "github"})  # of `scenario run`
NO_OPERATION = frozenset({"delete-state", "repair"})  # changes that no row of the log is about
CONDITIONS = ("seen", "approved")
OF_TWO_WORDS = frozenset(name for name in BY_NAME if " " in name)


@dataclass(frozen=True)
class Call:
    """A command with its arguments, and what its change depends on. `uploaded` is the content of its file.

    `told`: it is answered in the words of the shell as well.
    """

    command: Command
    args: Arguments
    conditions: Conditions = UNCONDITIONALLY
    once: Once | None = None
    uploaded: Path | None = None
    told: bool = False

    @property
    def line(self) -> str:
        """What a person could have typed instead."""
        return written.line(self.command, self.args)


@dataclass(frozen=True)
class Answer:
    """What a program gets: the envelope, and the newest operation after the command."""

    data: dict[str, Any]
    number: int


def reachable(name: str) -> bool:
    """Whether a command can be called at all."""
    return name not in NEVER


def command(name: str) -> Command:
    """Raises Problem if there is none of that name, or it cannot be called here."""
    found = BY_NAME.get(name)
    if found is None:
        guess = near(name, BY_NAME)
        raise Problem(404, "no-command", f"there is no command {name!r}", f"Did you mean {guess}?" if guess else "")
    if not reachable(name):
        raise Problem(403, "refused", f"{name} runs programs, which nobody may from here", "Use the shell.")
    return found


def call(
    name: str,
    given: Mapping[str, object],
    *,
    base: int | None = None,
    key: str | None = None,
    uploaded: Path | None = None,
) -> Call:
    """A call from what JSON holds. Raises KeySyncError and Problem for what cannot be, or is not for programs."""
    found = command(name)
    conditions = Conditions(base, _number(given.get("seen")), _digest(given.get("approved")))
    plain = {item: value for item, value in given.items() if item not in CONDITIONS}
    if uploaded is not None:
        plain["file"] = uploaded.name
    args = found.arguments.from_mapping(plain)
    _check(found, args, uploaded)
    if conditions != UNCONDITIONALLY and not found.changes:
        raise KeySyncError(f"{name} changes nothing that {' and '.join(CONDITIONS)} could be about")
    once = _once(found, args, key, uploaded.read_bytes() if key and uploaded else None)
    if (once or conditions.approved) and getattr(args, "count", 1) != 1:
        raise KeySyncError("several steps are several operations", hint="Take one step at a time.")
    return Call(found, args, conditions, once, uploaded)


def answer(sandbox: Sandbox, asked: Call, with_session: Session | None = None) -> Answer:
    """Carry a call out. Raises Problem."""
    shown: list[Outcome] = []
    speaking = with_session or session(sandbox, asked, shown)
    try:
        result = _again(sandbox, asked) or asked.command.run(speaking, asked.args)
        data = _envelope(result, asked, sandbox)
    except (Declined, NotApproved) as error:
        outcome = error.outcome if isinstance(error, NotApproved) else shown[-1] if shown else None
        raise problem(error, None if outcome is None else _preview(outcome, asked, sandbox)) from error
    except Exception as error:
        taken(sandbox)
        raise problem(error) from error
    return Answer({**data, "line": asked.line}, sandbox.newest.number if sandbox.newest else 0)


def _again(sandbox: Sandbox, asked: Call) -> CommandResult | None:
    """What came of the same request before; None if it is the first time."""
    if asked.once is None:
        return None
    sandbox.look()
    outcome = sandbox.answered(asked.once) if sandbox.begun else None
    if outcome is not None and asked.command.name in ("undo", "redo"):
        return Travelled(asked.command.name, (outcome,))
    return outcome


def session(sandbox: Sandbox, asked: Call, shown: list[Outcome]) -> Session:
    """Who speaks for a call; what would be asked about goes into `shown`."""
    folder = asked.uploaded.parent if asked.uploaded else sandbox.home.root
    return Session(
        sandbox,
        asked.line,
        SOURCE,
        _nobody,
        shown.append,
        _no_input,
        folder=folder,
        reach=Reach((sandbox.home.root, folder)),
        conditions=asked.conditions,
        once=asked.once,
    )


def _preview(outcome: Outcome, asked: Call, sandbox: Sandbox) -> dict[str, Any]:
    """What the change would be, as a dry run tells it."""
    told = _envelope(dataclasses.replace(outcome, dry_run=True), asked, sandbox)
    return {**told, "said": changes.preview(outcome)} if asked.told else told


def _envelope(result: CommandResult, asked: Call, sandbox: Sandbox) -> dict[str, Any]:
    shown = view(result)
    return {**envelope(shown, asked.command.name, taken(sandbox)), **(in_words(shown) if asked.told else {})}


def in_words(shown: View) -> dict[str, Any]:
    """A result as the shell tells it: `text` is what goes to stdout, `said` what is for people."""
    out, quiet = io.StringIO(), io.StringIO()
    Writer(out, quiet).show(shown, "", TABLE, [])
    return {"text": out.getvalue(), "said": list(shown.talk)}


def _nobody(question: str) -> bool:
    raise Declined(question)


def _no_input() -> bytes:
    raise KeySyncError("`-` is the input of a shell, and here is none", hint="Name the keys, or upload a file.")


def taken(sandbox: Sandbox) -> list[str]:
    """The warnings, each told once."""
    warnings = list(sandbox.warnings)
    sandbox.warnings.clear()
    return warnings


def _check(found: Command, args: Arguments, uploaded: Path | None) -> None:
    """Raise Problem for arguments that lead to files or programs."""
    for item in args.parameters():
        value = getattr(args, item.name)
        if value == item.default:
            continue
        if item.argument.complete in PATHS and uploaded is None:
            raise _refused(f"{item.name} names a file", "Upload it, or download the result: see /api/v1/reference.")
        if item.name in WRITES_FILES and found.name == "scenario run":
            raise _refused(f"{item.name} writes files", "Do it in the shell.")
        for word in _words(item, value):
            if item.argument.complete == "keys" and (word == "-" or (word.startswith("@") and word != LAST)):
                raise _refused(f"{word[:40]!r} stands for a file", f"If it is a key, write key:{word[:40]}")
            if item.argument.complete == "keys" and word == LAST:
                raise _refused("@last is the previous result of a shell", "Name the keys.")
            if item.argument.complete == "scenarios" and ("/" in word or word.startswith(".")):
                raise _refused(f"{word[:40]!r} is a path", "Name a scenario of GET /api/v1/scenarios.")


def _words(item: Parameter, value: Any) -> list[str]:
    """The texts of a value. What is the exact key is no KEYS."""
    if item.name == "key":
        return []
    values = value if isinstance(value, tuple) else (value,)
    return [one for one in values if isinstance(one, str)]


def _refused(what: str, hint: str) -> Problem:
    return Problem(422, "refused", f"{what}, and nothing here reaches files or programs", hint)


def _once(found: Command, args: Arguments, key: str | None, uploaded: bytes | None) -> Once | None:
    if key is None:
        return None
    if not found.changes or found.name in NO_OPERATION:
        raise KeySyncError(f"{found.name} makes no operation that could keep an Idempotency-Key", hint="Leave it out.")
    if not 1 <= len(key) <= 200 or not key.isascii() or not key.isprintable():
        raise KeySyncError("an Idempotency-Key is 1 to 200 printable ASCII characters", hint="Take a UUID.")
    asked = [found.name, written.words(found, args), hashlib.sha256(uploaded or b"").hexdigest()]
    return Once(key, hashlib.sha256(json.dumps(asked).encode()).hexdigest())


def _number(value: object) -> int | None:
    if value is None or (isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 1 << 62):
        return value
    raise KeySyncError("seen is the number of an operation", hint='Such as {"seen": 41}.')


def _digest(value: object) -> str | None:
    if value is None or isinstance(value, str):
        return value
    raise KeySyncError("approved is the digest of a dry run", hint="It stands in data.digest of its answer.")
