"""Words for plans, runs and comparisons."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, assert_never

import polars as pl

from keysync_shell.commands.reconciling import (
    Compared,
    MasterKeys,
    Planned,
    Predicted,
    Reconciliation,
    Results,
    RunList,
)
from keysync_shell.core.model.counts import Counts
from keysync_shell.core.model.keys import safe
from keysync_shell.core.model.systems import Systems
from keysync_shell.core.model.table import key_series
from keysync_shell.core.planning.actions import ADD, CHANGE, PROPOSE, REMOVE, REPORT
from keysync_shell.core.selecting.ranges import grouped, shortened
from keysync_shell.reconcile.comparing import CARRIED_OUT, DIFFERENT, NEW, NOT_COMPARED, OTHERWISE, STILL_OPEN
from keysync_shell.render.changes import changed, what_changes
from keysync_shell.render.view import ID, KEY, MOMENT, NUMBER, OPERATION, TEXT, Grid, View, counted, fixed, plain

if TYPE_CHECKING:
    from keysync_shell.reconcile.recording import Reconciled

MOST_RANGES = 6
DETAIL = ("sign", "system", "kind", "rows", "key", "became", "source")
SIGNS = {ADD: "to add", CHANGE: "to change", REMOVE: "to remove", PROPOSE: "to propose", REPORT: "only reported"}


def view(result: Results) -> View:
    """What a command of this topic returned, ready to be written."""
    match result:
        case Planned():
            return planned_view(result)
        case Predicted():
            return predicted_view(result)
        case Reconciliation():
            return reconciled_view(result.done)
        case Compared():
            return compared_view(result)
        case MasterKeys():
            return master_keys_view(result)
        case RunList():
            return runs_view(result)
        case _:
            assert_never(result)


def planned_view(planned: Planned) -> View:
    actions = planned.plan.actions
    total = len(actions)
    if planned.detail:
        columns = dict.fromkeys(DETAIL, TEXT) | {"rows": NUMBER, "key": KEY, "became": KEY}
        rows = actions.select(DETAIL)
        cap = planned.cap
        grid = Grid(
            columns, _head(rows), total, rest=cap.rest, limit=cap.limit, all=cap.all, outline="plain", legend=SIGNS
        )
    else:
        by = ["sign", "system", "kind"]
        moved = {tuple(group): rows for *group, rows in actions.group_by(by).agg(pl.col("rows").sum()).iter_rows()}
        short = [(*line[:3], moved[line[:3]], *line[3:]) for line in grouped(actions, by, MOST_RANGES)]
        columns = {"sign": TEXT, "system": TEXT, "kind": TEXT, "rows": NUMBER, "keys": NUMBER, "which": TEXT}
        grid = Grid(columns, fixed(short), len(short), all=True, outline="plain", legend=SIGNS)
    saved = (
        (f"✓ Saved the plan to {safe(planned.saved)}", f"  next: apply {safe(planned.saved)}") if planned.saved else ()
    )
    return View(
        data=lambda _: {
            "counts": planned.plan.counts(),
            "rows": plain(planned.plan.rows()),
            "policy": planned.plan.policy.as_data(),
            "actions": actions.drop("round").to_dicts(),
        },
        grid=grid,
        after=(_verdict(planned),),
        talk=saved,
        exit_code=planned.exit_code,
    )


def predicted_view(predicted: Predicted) -> View:
    prediction = predicted.prediction
    lines = [f"Expected discrepancies: {_numbers(prediction.discrepancies)}."]
    keys = shortened(key_series(prediction.master_keys), MOST_RANGES)
    lines.append(f"Master keys to be proposed: {len(prediction.master_keys):,}{f' ({keys})' if keys else ''}.")
    lines.append(f"Rows that `apply` would change: {changed(prediction.systems) or 'none'}.")
    return View(data=lambda _: plain(prediction), lines=tuple(lines))


def reconciled_view(run: Reconciled) -> View:
    result = run.result
    discrepancies = result.summary.discrepancies
    wrong = "no discrepancies"
    if discrepancies.total:
        wrong = f"{counted(discrepancies.total, 'discrepancy', 'discrepancies')} ({_numbers(discrepancies)})"
    lines = [f"Run {result.number}, {result.time}, mode {result.mode}: {wrong}."]
    if run.since:
        new, gone, still = len(run.since.new), len(run.since.resolved), run.since.still_open
        lines.append(f"Since run {run.since.run}: {new:,} new, {gone:,} resolved, {still:,} still open.")
    new, registered = len(result.proposed), len(result.registry)
    if run.committed:
        lines.append(f"{counted(new, 'master key')} proposed, {registered:,} in the registry.")
    else:
        lines.append(f"{counted(new, 'master key')} would be proposed, {registered - new:,} are in the registry.")
    if run.score:
        lines.append(_score_line(run.score))
    where = f"✓ Reports are in {safe(str(run.folder))}" if run.folder else "A dry run: nothing was written."
    proposed = (f"✓ @{run.operation.number} proposes them; undo takes them back",) if run.operation else ()
    return View(
        data=lambda _: {
            "run": result.number,
            "mode": result.mode,
            "summary": plain(result.summary),
            "operation": run.operation.number if run.operation else None,
            "proposed": [plain(key) for key in result.proposals],
            "reports": str(run.folder) if run.folder else None,
            "score": plain(run.score),
            "since": _since(run, result.systems),
        },
        lines=tuple(lines),
        talk=(*proposed, where, *((f"  next: {run.next}",) if run.next else ())),
    )


def compared_view(compared: Compared) -> View:
    rows, cap = compared.rows, compared.cap
    counts = Counter(rows["status"].to_list())
    told = (CARRIED_OUT, STILL_OPEN, OTHERWISE, NEW, *([NOT_COMPARED] if counts[NOT_COMPARED] else []))
    head = ", ".join(f"{counts[name]:,} {name}" for name in told)
    key = pl.when(pl.col("spelling") != "").then("spelling").otherwise("canonical")
    differing = rows if cap.all else rows.filter(pl.col("status").is_in(DIFFERENT))
    grid = Grid(
        {"status": TEXT, "kind": TEXT, "system": TEXT, "key": KEY, "cause": TEXT},
        _head(differing.select("status", "kind", "system", key.alias("key"), "cause")),
        len(differing),
        rest=cap.rest,
        limit=cap.limit,
        all=cap.all,
    )
    return View(
        data=lambda _: {"run": compared.run.number, "counts": dict(counts), "keys": rows.to_dicts()},
        grid=grid,
        lines=(f"Run {compared.run.number} against now: {head}.",),
        exit_code=compared.exit_code,
    )


def master_keys_view(found: MasterKeys) -> View:
    columns = {"id": ID, "master_key": KEY, "source": TEXT, "key_there": KEY, "status": TEXT, "strategy": TEXT}
    rows = [(key.id, key.master_key, key.source_system, key.source_key, key.status, key.strategy) for key in found.keys]
    return View(
        data=lambda _: {"master_keys": plain(found.keys)},
        grid=Grid(columns, fixed(rows), len(rows), rest="registry --format csv"),
        after=() if rows else ("No master keys yet; reconcile proposes them.",),
    )


def runs_view(found: RunList) -> View:
    columns = {"run": ID, "time": MOMENT, "mode": TEXT, "user": TEXT, "operation": OPERATION, "discrepancies": NUMBER}
    rows = [
        (
            run.number,
            run.time,
            run.mode,
            run.user,
            run.operation,
            None if run.damaged else _total(run.details["summary"]),
        )
        for run in found.runs
    ]
    return View(
        data=lambda _: {"runs": plain(found.runs)},
        grid=Grid(columns, fixed(rows), len(rows), all=True),
        after=() if rows else ("No runs yet; reconcile makes one.",),
        talk=tuple(
            f"run {run.number} is damaged in history.db: its details cannot be read"
            for run in found.runs
            if run.damaged
        ),
    )


def _verdict(planned: Planned) -> str:
    if planned.plan.changes_anything:
        proposed = planned.plan.counts().get(PROPOSE, 0)
        return f"Plan: {what_changes(planned.plan.rows(), Counts(added=proposed) if proposed else None)}."
    if planned.left:
        left = counted(planned.left, "discrepancy stays", "discrepancies stay")
        return f"No changes. {left}: reported ({REPORT}), ignored or proposed already."
    return f"No changes. Systems match {planned.authority}."


def _head(rows: pl.DataFrame) -> Any:
    def head(most: int | None) -> Iterator[tuple[Any, ...]]:
        return (rows if most is None else rows.head(most)).iter_rows()

    return head


def _score_line(score: Any) -> str:
    if score["held"]:
        return "The prediction held in every number."
    wrong = [
        f"{name}: {row['predicted']:,} predicted, {row['actual']:,} found"
        for name, row in score["numbers"].items()
        if row["predicted"] != row["actual"]
    ]
    return f"The prediction did not hold: {'; '.join(wrong) or 'other master keys'}."


def _since(run: Reconciled, systems: Systems) -> Any:
    if run.since is None:
        return None
    return {
        "run": run.since.run,
        "new": _named(run.since.new, systems),
        "resolved": _named(run.since.resolved, run.since.systems),
        "still_open": run.since.still_open,
    }


def _named(found: pl.DataFrame, systems: Systems) -> list[dict[str, Any]]:
    return [row | {"systems": list(systems.members(row["systems"]))} for row in found.to_dicts()]


def _numbers(counts: Any) -> str:
    return ", ".join(f"{name} {count:,}" for name, count in counts.items() if count) or "none"


def _total(summary: Any) -> int:
    return sum(summary["discrepancies"].values())
