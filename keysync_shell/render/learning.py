"""Words for the first day."""

from __future__ import annotations

import shlex
import shutil
import textwrap
from collections.abc import Iterator
from typing import assert_never

from keysync_shell.commands.learning import Checked, Goal, Hint, Left, Lessons, Results, Shown, Solution
from keysync_shell.core.model.keys import safe
from keysync_shell.lessons.progress import Mark
from keysync_shell.render.view import ID, TEXT, Grid, View, fixed, plain

WIDEST = 100
MOST_MISSING = 3  # more would be the solution
LEFT = "The sandbox of the demo is removed."
SHOWN = f"{LEFT} To try it yourself: tutorial"


def view(result: Results) -> View:
    """What a command of this topic returned, ready to be written."""
    match result:
        case Lessons():
            return _lessons(result)
        case Goal():
            return View(data=lambda _: plain(result), lines=tuple(_goal(result)), talk=_outside(result))
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
        case Shown():
            return View(data=lambda _: plain(result), talk=(SHOWN if result.whole else LEFT,))
        case Left():
            return View(data=lambda _: {})
        case _:
            assert_never(result)


def _lessons(result: Lessons) -> View:
    rows = [
        (
            item.number,
            item.name,
            item.title,
            item.mark if item.mark is not Mark.NEW else "",
            "←" if item.current else "",
        )
        for item in result.items
    ]
    columns = {"lesson": ID, "name": TEXT, "title": TEXT, "state": TEXT, "here": TEXT}
    done = sum(item.mark is Mark.DONE for item in result.items)
    return View(
        data=lambda _: plain(result),
        grid=Grid(columns, fixed(rows), len(rows), all=True, drawn=("here",)),
        talk=(f"{done} of {len(rows)} done · next: tutorial{' N' if done == len(rows) else ''}",),
    )


def _goal(result: Goal) -> Iterator[str]:
    yield f"Lesson {result.number} of {result.of}: {result.title}"
    yield ""
    yield from _wrapped(result.text)
    yield ""
    yield from _wrapped(f"Goal: {result.goal}")
    if result.mark is Mark.DONE or result.missing:
        yield ""
    if result.mark is Mark.DONE:
        yield f"✓ This lesson is done. `{result.prefix}next` goes on."
    yield from _missing(result.missing)


def _outside(result: Goal) -> tuple[str, ...]:
    """How to take part without the prompt of the lesson."""
    if not result.outside:
        return ()
    return (
        f"Its sandbox: {safe(shlex.quote(str(result.home)))}",
        "At a terminal its prompt opens. Else work on that folder (`--home`), or give lines on standard input;",
        "the words of a lesson are `tutorial hint`, `tutorial answer …`, `tutorial check` then.",
    )


def _missing(missing: tuple[str, ...]) -> Iterator[str]:
    for one in missing[:MOST_MISSING]:
        yield from _wrapped(f"Not yet: {safe(one)}")
    if len(missing) > MOST_MISSING:
        yield f"… and {len(missing) - MOST_MISSING} more"


def _further(result: Hint) -> str:
    if result.number < result.of:
        return f"`{result.prefix}hint` shows the next one."
    return f"`{result.prefix}solution` shows one way to the goal."


def _checked(result: Checked) -> View:
    if not result.judged.reached:
        lines = tuple(_missing(result.judged.missing))
        return View(
            data=lambda _: plain(result),
            lines=lines,
            talk=(f"next: {result.prefix}hint · {result.prefix}goal · {result.prefix}skip",),
            exit_code=result.exit_code,
        )
    return View(data=lambda _: plain(result), lines=() if result.told else reached(result))


def reached(result: Checked) -> tuple[str, ...]:
    """What is said when a goal is reached."""
    following = (
        f"`{result.prefix}next` goes on to lesson {result.following}."
        if result.following
        else "That was the last one: all lessons are done."
    )
    return (f"✓ Lesson {result.number} is done. {following}",)


def _wrapped(text: str) -> list[str]:
    return textwrap.wrap(
        text, min(shutil.get_terminal_size().columns, WIDEST), break_long_words=False, break_on_hyphens=False
    )
