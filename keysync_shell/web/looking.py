"""Answers from what was seen last, or from any moment before: in any thread, without the lock."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from itertools import islice
from typing import Any

from keysync_shell.errors import KeySyncError
from keysync_shell.render.changes import changed, line_of
from keysync_shell.render.view import View
from keysync_shell.render.views import view
from keysync_shell.render.writing import envelope
from keysync_shell.sandbox import Sandbox
from keysync_shell.web import calls, windows
from keysync_shell.web.calls import Answer, Call
from keysync_shell.web.problems import Problem, problem
from keysync_shell.web.reading import Page
from keysync_shell.web.windows import Filter, Place

MOMENTS = 4  # that are kept


def answer(still: Sandbox, asked: Call, page: Page | None) -> Answer:
    """What a command says that only looks; of a list, the page that is asked for. Raises Problem."""
    if page is None:
        return calls.answer(_alone(still), asked)
    at = moment(still, page.number)
    number = at.newest.number if at.newest else 0
    args = replace(asked.args, limit=page.offset + page.limit)
    try:
        whole = view(asked.command.run(calls.session(at, asked, []), args))
        data = envelope(_part(whole, page), asked.command.name, calls.taken(at))
    except Exception as error:
        raise problem(error) from error
    total, behind = whole.grid.total if whole.grid else 0, page.offset + page.limit
    following = windows.written(number, str(behind)) if behind < total else None
    return Answer({**data, "line": asked.line, "next": following}, number)


def window(still: Sandbox, wanted: Filter, place: Place, at: int | None) -> tuple[dict[str, Any], int]:
    """A window of keys, and the operation that it is of. Raises KeySyncError."""
    there = moment(still, at)
    if not there.begun:
        there.refresh()  # it says what to do
    return windows.window(there, wanted, place), there.newest.number if there.newest else 0


def rows(still: Sandbox, key: str) -> dict[str, Any]:
    """Every row of a key."""
    return windows.rows_of_key(still, key)


def travel(still: Sandbox) -> dict[str, str | None]:
    """What the next undo would take back, and the next redo do again, in words; None where there is nothing."""
    newest = still.newest
    tops = {"undo": newest.undo_top, "redo": newest.redo_top} if newest else {"undo": None, "redo": None}
    return {way: None if top is None else _about(still, top) for way, top in tops.items()}


def _about(still: Sandbox, number: int) -> str:
    """The edit that an entry of a stack is about."""
    [entry, *_] = still.operations_since(number - 1)
    [edit, *_] = still.operations_since((entry.number if entry.target is None else entry.target) - 1)
    return f"@{edit.number} {line_of(edit)}: {changed(edit.counts, edit.master_keys)}"


def moment(still: Sandbox, number: int | None) -> Sandbox:
    """The sandbox as it was after an operation; None is now. Raises Problem if that is no longer kept."""
    newest = still.newest.number if still.newest else 0
    if number is None or number == newest:
        return _alone(still)
    try:
        return _alone(_then(still, number))
    except KeySyncError as error:
        raise Problem(410, "gone", error.message, "Begin again at the first page.") from error


@lru_cache(MOMENTS)
def _then(still: Sandbox, number: int) -> Sandbox:
    return still.still(still.moment(number))


def _alone(still: Sandbox) -> Sandbox:
    """One for this thread: the same memory, but warnings of its own."""
    return still.still()


def _part(whole: View, page: Page) -> View:
    if whole.grid is None:
        return whole
    shown = whole.grid.rows
    return replace(whole, grid=replace(whole.grid, rows=lambda most: islice(shown(most), page.offset, None)))
