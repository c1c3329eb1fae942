"""One truth: whatever shows a number of a sandbox shows the same one."""

from __future__ import annotations

import tempfile
from collections import Counter
from pathlib import Path

from hypothesis import given, settings

from keysync_shell.core.findings.kinds import KINDS
from keysync_shell.core.findings.patterns import GAP, UNAUTHORIZED, matrix
from keysync_shell.core.model.state import State
from keysync_shell.core.planning.actions import ADD, PROPOSE, REPORT
from tests.building import FIVE, index
from tests.reconcile.building import ran
from tests.reconcile.test_reports import written
from tests.strategies import PURE, states


@settings(PURE, max_examples=25)
@given(states())
def test_status_findings_matrix_plan_and_reports_agree(state: State) -> None:
    result = ran(state)
    counts = result.summary.discrepancies
    listed = Counter(result.findings["kind"])
    assert counts == {kind.plural: listed[kind.name] for kind in KINDS}
    rows = matrix(index(state).totals.patterns, FIVE)
    assert counts["unauthorized"] == sum(row.keys for row in rows if row.kind == UNAUTHORIZED)
    assert counts["gaps"] == sum(row.keys * (5 - len(row.members)) for row in rows if row.kind == GAP)
    planned = result.plan.counts()
    assert (planned.get(ADD, 0), planned.get(PROPOSE, 0)) == (counts["gaps"], counts["unauthorized"])
    assert planned.get(REPORT, 0) == counts["duplicates"] + counts["variants"] + counts["malformed"]
    with tempfile.TemporaryDirectory() as folder:
        reports = written(Path(folder), result)
    assert len(reports["diff_missing_from_system.csv"]) == counts["gaps"]
    assert len({row["Normalized Key"] for row in reports["diff_missing_in_A.csv"]}) == counts["unauthorized"]
    summary = {row["Metric"]: row["Value"] for row in reports["reconciliation_summary.csv"]}
    respelled = int((result.findings["form"] == "respelled").sum())
    repeated = sum(len(rows) - rows["key"].n_unique() for rows in state.tables.values())
    assert (int(summary["Total Duplicate Groups"]), int(summary["Repeated Rows"])) == (respelled, repeated)
    assert int(summary["Total Propagation Gaps"]) == counts["gaps"]
