"""Words for the first day."""

from __future__ import annotations

import shlex
import shutil
import textwrap
from collections.abc import Iterator
from typing import assert_never

from keysync_shell.commands.learning import Checked, Goal, Hint, Left, Lessons, Results, Solution
from keysync_shell.core.model.keys import safe
from keysync_shell.lessons.progress import Mark
from keysync_shell.render.view import ID, TEXT, Grid, View, fixed, plain

WIDEST = 100
MOST_MISSING = 3  # more would be the solution
SIGNS = {Mark.NEW: "", Mark.BEGUN: "begun", Mark.SKIPPED: "skipped", Mark.DONE: "✓ done"}


def view(result: Results) -> View:
    """What a command of this topic returned, ready to be written."""
    match result:
        case Lessons():
            return _lessons(result)
        case Goal():
            return View(data=lambda _: plain(result), lines=tuple(_goal(result)))
        case Hint():
            return View(
                data=lambda _: plain(result),
                lines=tuple(_wrapped(f"Hint {result.number} of {result.of}: {result.text}")),
                talk=(_further(result),),
            )
        case Solution():
            return View(
                data=lambda _: plain(result),
                lines=tuple(f"  {line}" for line in result.lines),
                talk=("This is one way; every other one counts as well.",),
            )
        case Checked():
            return _checked(result)
        case Left():
            return View(data=lambda _: {})
        case _:
            assert_never(result)


def _lessons(result: Lessons) -> View:
    rows = [
        (item.number, item.name, item.title, f"{SIGNS[item.mark]}{' ←' if item.current else ''}")
        for item in result.items
    ]
    done = sum(item.mark is Mark.DONE for item in result.items)
    return View(
        data=lambda _: plain(result),
        grid=Grid({"lesson": ID, "name": TEXT, "title": TEXT, "state": TEXT}, fixed(rows), len(rows), all=True),
        talk=(f"{done} of {len(rows)} done · next: tutorial",),
    )


def _goal(result: Goal) -> Iterator[str]:
    yield f"Lesson {result.number} of {result.of}: {result.title}"
    yield ""
    yield from _wrapped(result.text)
    yield ""
    yield from _wrapped(f"Goal: {result.goal}")
    yield ""
    if result.mark is Mark.DONE:
        yield "✓ This lesson is done. `next` goes on."
    yield from _missing(result.missing)
    yield f"Its sandbox: {safe(shlex.quote(str(result.home)))}"


def _missing(missing: tuple[str, ...]) -> Iterator[str]:
    for one in missing[:MOST_MISSING]:
        yield from _wrapped(f"Not yet: {safe(one)}")
    if len(missing) > MOST_MISSING:
        yield f"… and {len(missing) - MOST_MISSING} more"


def _further(result: Hint) -> str:
    return "`hint` shows the next one." if result.number < result.of else "`solution` shows one way to the goal."


def _checked(result: Checked) -> View:
    if not result.judged.reached:
        lines = tuple(_missing(result.judged.missing))
        return View(
            data=lambda _: plain(result), lines=lines, talk=("next: hint · goal · skip",), exit_code=result.exit_code
        )
    return View(data=lambda _: plain(result), lines=reached(result), exit_code=0)


def reached(result: Checked) -> tuple[str, ...]:
    """What is said when a goal is reached."""
    following = (
        f"`next` goes on to lesson {result.following}."
        if result.following
        else "That was the last one: all lessons are done."
    )
    return (f"✓ Lesson {result.number} is done. {following}",)


def _wrapped(text: str) -> list[str]:
    return textwrap.wrap(
        text, min(shutil.get_terminal_size().columns, WIDEST), break_long_words=False, break_on_hyphens=False
    )
