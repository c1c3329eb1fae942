"""What a request says: its body, its query and its headers, as arguments."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from starlette.requests import Request

from keysync_shell.commands.arguments import Misread, Parameter
from keysync_shell.commands.catalogue.arguments import at_least, kind, operation
from keysync_shell.commands.declaring import Command
from keysync_shell.errors import KeySyncError
from keysync_shell.web import windows
from keysync_shell.web.problems import Problem
from keysync_shell.web.windows import MOST_ROWS, Filter, Place

PAGE = 200  # rows, where nothing is said
SWITCHES = {"true": True, "1": True, "false": False, "0": False}
WINDOW = frozenset({"keys", "kinds", "systems", "pattern", "limit", "cursor", "around", "offset", "at"})
CURSOR = "cursor"


@dataclass(frozen=True)
class Page:
    """A part of a list: so many rows from one on, as of an operation (None: now)."""

    limit: int
    offset: int = 0
    number: int | None = None


async def body(request: Request) -> dict[str, Any]:
    """The JSON object of a body; nothing where there is none. Raises Problem."""
    data = await request.body()
    if not data.strip():
        return {}
    try:
        given = json.loads(data)
        whole = json.dumps(given, ensure_ascii=False)
        whole.encode()
    except (ValueError, RecursionError) as error:
        reason = "it is nested too deep" if isinstance(error, RecursionError) else str(error).partition("\n")[0][:200]
        raise Problem(400, "no-json", f"the body is no JSON: {reason}", "Send one JSON object.") from None
    if not isinstance(given, dict):
        raise Problem(400, "no-object", "the body is no JSON object", 'Send one, such as {"keys": ["X"]}.')
    if "\\u0000" in whole:
        raise Problem(422, "refused", "a text holds a NUL character", "No file of the sandbox can carry it.")
    return given


def path(request: Request, command: Command) -> dict[str, object]:
    """The arguments in the path."""
    known = {item.name for item in command.arguments.parameters()}
    return {name: value for name, value in request.path_params.items() if name in known}


def query(request: Request, command: Command) -> dict[str, object]:
    """The arguments in the query. Raises KeySyncError for one that the command does not take."""
    known = {item.name: item for item in command.arguments.parameters()}
    given: dict[str, object] = {}
    for name in request.query_params:
        words = request.query_params.getlist(name)
        if name in known:
            given[name] = _value(known[name], words)
        elif name != CURSOR:
            given[name] = words[-1]  # whoever takes the arguments names it
    return given


def page(request: Request, command: Command) -> Page | None:
    """The part of a list that is asked for; None of what is no list."""
    if "limit" not in {item.name for item in command.arguments.parameters()} or command.name == "log":
        return None
    if request.method != "GET":
        return None
    limit = _limited(request)
    cursor = request.query_params.get(CURSOR)
    if cursor is None:
        return Page(limit)
    number, row = windows.read(cursor)
    if not row.isdecimal() or len(row) > 12:
        raise KeySyncError("that is no cursor of this list", hint="Take `next` of an answer as it is.")
    return Page(limit, int(row), number)


def window(request: Request) -> tuple[Filter, Place, int | None]:
    """Which keys, which part of them, and as of which operation (None: now). Raises KeySyncError."""
    given = request.query_params
    if strange := sorted(set(given) - WINDOW):
        raise KeySyncError(f"unknown argument {strange[0]!r}", hint=f"It takes {', '.join(sorted(WINDOW))}.")
    kinds = tuple(_read(one, kind, "kinds") for one in given.getlist("kinds"))
    wanted = Filter(tuple(given.getlist("keys")), kinds, given.get("systems", "all"), given.get("pattern"))
    at, after = (number(given["at"], operation) if "at" in given else None), None
    if CURSOR in given:
        at, after = windows.read(given[CURSOR])
    offset = number(given.get("offset", "0"))
    return wanted, Place(after, given.get("around"), offset, _limited(request)), at


def base(request: Request) -> int | None:
    """The operation of If-Match; None where any will do. Raises Problem."""
    given = request.headers.get("if-match")
    if given is None or given.strip() == "*":
        return None
    try:
        return number(given.strip().removeprefix("W/").strip('"'))
    except KeySyncError:
        raise Problem(
            412, "another-base", f"no operation is called {given[:40]}", "Send the ETag of an answer."
        ) from None


def key(request: Request) -> str | None:
    return request.headers.get("idempotency-key")


def unchanged(request: Request, newest: int) -> bool:
    """Whether the reader has the newest answer already."""
    tags = [tag.strip().removeprefix("W/") for tag in request.headers.get("if-none-match", "").split(",")]
    return f'"{newest}"' in tags


def number(word: str, read: Callable[[str], Any] | None = None) -> int:
    """Raises KeySyncError for what is no number."""
    return int(_read(word, read or at_least(0), "a number"))


def _limited(request: Request) -> int:
    return number(request.query_params.get("limit", str(PAGE)), at_least(1, MOST_ROWS))


def _read(word: str, read: Callable[[str], Any], what: str) -> Any:
    try:
        return read(word)
    except Misread as error:
        raise KeySyncError(f"{what}: {error}", hint=error.hint or "See the reference.") from None


def _value(item: Parameter, words: list[str]) -> object:
    if item.many:
        return words
    if item.item is bool:
        return SWITCHES.get(words[-1].lower(), words[-1])
    return words[-1]
