"""Words for the care of a sandbox."""

from __future__ import annotations

from typing import assert_never

from keysync_shell.commands.checking import Checked, Expectation, Expected, Finished, Repaired, Results
from keysync_shell.core.model.keys import safe
from keysync_shell.render.view import NUMBER, PROSE, TEXT, Grid, View, fixed, plain


def view(result: Results) -> View:
    """What a command of this topic returned, ready to be written."""
    match result:
        case Checked():
            return checked_view(result)
        case Expected():
            return expected_view(result)
        case Repaired():
            return repaired_view(result)
        case Finished():
            return finished_view(result)
        case _:
            assert_never(result)


def checked_view(checked: Checked) -> View:
    rows = [(problem.where, problem.what, problem.todo) for problem in checked.problems]
    return View(
        data=lambda records: {"problems": records},
        grid=Grid({"where": TEXT, "what": PROSE, "todo": PROSE}, fixed(rows), len(rows), all=True),
        after=() if rows else ("Everything matches: files, history, cache and snapshots.",),
        exit_code=checked.exit_code,
    )


def expected_view(expected: Expected) -> View:
    rows = [(_sign(one), safe(one.condition), one.number, one.actual) for one in expected.expectations]
    return View(
        data=lambda _: {
            "held": all(one.holds for one in expected.expectations if one.required),
            "expectations": plain(expected.expectations),
        },
        grid=Grid({"result": TEXT, "condition": TEXT, "number": TEXT, "is": NUMBER}, fixed(rows), len(rows), all=True),
        exit_code=expected.exit_code,
    )


def _sign(one: Expectation) -> str:
    if one.holds:
        return "✓ holds"
    return "✗ fails" if one.required else "! warning"


def repaired_view(repaired: Repaired) -> View:
    repair = repaired.by
    done = "Would repair" if repair.dry_run else "✓ Repaired"
    aside = (f"  the broken file is kept as {safe(str(repair.broken))}",) if repair.broken else ()
    return View(
        data=lambda _: plain(repair),
        talk=(f"{done} {repair.system}: it holds {repair.rows:,} rows", *aside, "  next: check"),
    )


def finished_view(program: Finished) -> View:
    return View(data=lambda _: plain(program), exit_code=program.exit_code)
