from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest

from keysync_shell.config import Config
from keysync_shell.core.findings.kinds import KINDS
from keysync_shell.core.model.limits import Limits
from keysync_shell.core.model.rules import Rules
from keysync_shell.core.model.state import State
from keysync_shell.core.model.systems import Systems
from keysync_shell.reconcile import reports
from keysync_shell.reconcile.engine import Result
from keysync_shell.storage import system_csv
from keysync_shell.storage.home import Home
from tests.building import FIVE, NOW, deciding, systems
from tests.building import rows as rows_of
from tests.core.test_conformance import FILES
from tests.reconcile.building import master_key, ran

NO_SANDBOX = Home(Path("/nowhere"), Config())
OF_OLD = ("gap", "unauthorized", "duplicate", "variant", "malformed")
DRIFTED = systems(A="K1 K2 K3", B="k1 X1 x2", C="K1 K2 K3 X2", D="K1 K1", E="K1 K2 K3")
COLUMNS = {
    "reconciliation_summary.csv": "Metric,Value,Timestamp",
    "diff_missing_in_A.csv": "Normalized Key,Source System,Original Key,Proposed Master Key,Provisioning Strategy,"
    "Status,Timestamp",
    "diff_missing_from_system.csv": "System,Normalized Key,Present in System A,Action Required,Timestamp",
    "master_key_registry.csv": "Master Key ID,Master Key,Source System,Source Key,Status,Provisioning Strategy,"
    "Created At,Activated At,Run ID",
    "audit_log.csv": "Audit ID,Timestamp,Event Type,Event Details,System,Key,Action Taken,Result",
}


def written(folder: Path, result: Result) -> dict[str, list[dict[str, str]]]:
    """The rows of every CSV report."""
    reports.write(folder, result, list(enumerate(result.events, 1)), NO_SANDBOX)
    return {path.name: list(csv.DictReader(path.open(encoding="utf-8", newline=""))) for path in folder.glob("*.csv")}


def metrics(folder: Path, result: Result) -> dict[str, str]:
    return {row["Metric"]: row["Value"] for row in written(folder, result)["reconciliation_summary.csv"]}


def test_files_and_columns_are_those_of_the_existing_system(tmp_path: Path) -> None:
    for state in (DRIFTED, systems()):
        paths = reports.write(tmp_path / "out", ran(state), [], NO_SANDBOX)
        heads = {path.name: path.read_text().splitlines()[0] for path in paths if path.suffix == ".csv"}
        assert heads == COLUMNS
        assert {path.name for path in paths if path.suffix != ".csv"} == {
            "reconciliation_run_1.json",
            "reconciliation_run_1.html",
        }


def test_summary_counts_everything(tmp_path: Path) -> None:
    found = metrics(tmp_path, ran(DRIFTED))
    expected = {
        "Run ID": "1",
        "Total Unique Keys": "5",
        "Keys in System A": "3",
        "Keys Only in A (Propagation Gaps)": "0",
        "Keys Missing in A (Out of Authority)": "2",
        "Keys in All Systems": "1",
        "Overall Match Rate": "20.0%",
        "Total Out of Authority Keys": "2",
        "Total Propagation Gaps": "4",
        "Total Duplicate Groups": "0",
        "Repeated Rows": "1",
        "Variant Spellings": "2",
        "Malformed Spellings": "0",
        "Keys in System B": "3",
        "Keys in System C": "4",
        "Keys in System D": "1",
        "Keys in System E": "3",
    }
    assert found.items() >= expected.items()
    others = [name for name in found if name not in expected and not name.startswith("Rule")]
    assert len(others) == len([kind for kind in KINDS if kind.name not in OF_OLD])
    assert found["Rule uppercase"] == "true"
    assert found["Rule pad_numbers"] == "0"


def test_unauthorized_key_has_a_row_for_each_spelling_in_each_system(tmp_path: Path) -> None:
    rows = written(tmp_path, ran(systems(B="x1 X1", C=["X1", "X1", " x1"])))["diff_missing_in_A.csv"]
    assert [(row["Source System"], row["Original Key"]) for row in rows] == [
        ("B", "X1"),
        ("B", "x1"),
        ("C", " x1"),
        ("C", "X1"),
    ]
    assert {(row["Normalized Key"], row["Proposed Master Key"]) for row in rows} == {("X1", "X1")}


def test_repeated_rows_are_rows(tmp_path: Path) -> None:
    state = systems(A="K1 K2", B="K1 K1 K1 k2 k2 K2", C="K1 K2", D="K1 K2", E="K1 K2")
    found = metrics(tmp_path, ran(state))
    assert (found["Repeated Rows"], found["Total Duplicate Groups"]) == ("3", "1")


def test_reports_name_the_authority_as_it_is_called(tmp_path: Path) -> None:
    two = Systems(("CRM", "ERP"), "CRM")
    state = State(two, {"CRM": rows_of("K1", "CRM"), "ERP": rows_of("X1", "ERP")})
    reports.write(tmp_path, ran(state), [], NO_SANDBOX)
    assert "Present in System CRM" in (tmp_path / "diff_missing_from_system.csv").read_text()
    assert "Propagate from CRM" in (tmp_path / "diff_missing_from_system.csv").read_text()
    assert "ERP,X1" in (tmp_path / "diff_missing_in_CRM.csv").read_text()
    assert "Keys Only in CRM (Propagation Gaps)" in (tmp_path / "reconciliation_summary.csv").read_text()


def test_unauthorized_key_has_a_row_for_each_system_with_its_own_spelling(tmp_path: Path) -> None:
    rows = written(tmp_path, ran(DRIFTED))["diff_missing_in_A.csv"]
    assert [(row["Normalized Key"], row["Source System"], row["Original Key"]) for row in rows] == [
        ("X1", "B", "X1"),
        ("X2", "B", "x2"),
        ("X2", "C", "X2"),
    ]
    assert {(row["Proposed Master Key"], row["Status"], row["Timestamp"]) for row in rows} == {
        ("X1", "proposed", NOW),
        ("X2", "proposed", NOW),
    }


def test_key_that_nobody_proposes_says_so(tmp_path: Path) -> None:
    [row] = written(tmp_path, ran(systems(B="X1"), deciding(unauthorized="ignore")))["diff_missing_in_A.csv"]
    assert (row["Proposed Master Key"], row["Status"]) == ("", "not proposed")


def test_gap_has_a_row_with_what_to_do(tmp_path: Path) -> None:
    rows = written(tmp_path, ran(DRIFTED))["diff_missing_from_system.csv"]
    assert [(row["System"], row["Normalized Key"]) for row in rows] == [
        ("B", "K2"),
        ("B", "K3"),
        ("D", "K2"),
        ("D", "K3"),
    ]
    assert rows[0]["Present in System A"] == "Yes"
    assert rows[0]["Action Required"] == "Propagate from A"
    ignored = written(tmp_path, ran(DRIFTED, deciding(gap="ignore")))["diff_missing_from_system.csv"]
    assert ignored[0]["Action Required"] == "None (ignored)"


def test_registry_has_old_and_new_master_keys(tmp_path: Path) -> None:
    known = [master_key("X1", number=3, status="active")]
    rows = written(tmp_path, ran(DRIFTED, known=known))["master_key_registry.csv"]
    assert [(row["Master Key ID"], row["Master Key"], row["Status"], row["Run ID"]) for row in rows] == [
        ("3", "X1", "active", "1"),
        ("4", "X2", "proposed", "1"),
    ]


def test_audit_has_every_event(tmp_path: Path) -> None:
    rows = written(tmp_path, ran(DRIFTED))["audit_log.csv"]
    assert [row["Event Type"] for row in rows] == ["RUN_STARTED", *["MASTER_KEY_PROPOSED"] * 2, "RUN_COMPLETED"]


def test_json_has_everything(tmp_path: Path) -> None:
    written(tmp_path, ran(DRIFTED, absent=("F",)))
    data = json.loads((tmp_path / "reconciliation_run_1.json").read_text())
    assert (data["schema"], data["authority"], data["absent_systems"]) == ("keysync-run/1", "A", ["F"])
    assert data["summary"]["discrepancies"]["gaps"] == 4
    assert data["findings"][0] == {"kind": "gap", "systems": "B", "canonical": "K2", "keys": ["K2"], "form": ""}
    assert len(data["actions"]) == 4 + 2 + 2 + 1


@pytest.mark.parametrize("key", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1"])
def test_spreadsheet_runs_no_key(tmp_path: Path, key: str) -> None:
    rows = written(tmp_path, ran(systems(B=[f"{key}X"])))
    cells = [cell for table in rows.values() for row in table for cell in row.values()]
    assert f"'{key}X" in cells
    assert not [cell for cell in cells if cell.startswith(("=", "+", "-", "@", "\t", "\r"))]


def test_commas_quotes_and_lines_in_keys_come_back(tmp_path: Path) -> None:
    key = 'X "1",\n2'
    assert written(tmp_path, ran(systems(B=[key])))["diff_missing_in_A.csv"][0]["Original Key"] == key


@pytest.mark.skipif(not FILES.is_dir(), reason=f"the sample input is not there ({FILES})")
def test_totals_of_the_sample(tmp_path: Path) -> None:
    contents = {name: (FILES / f"{name}.csv").read_bytes() for name in FIVE.names}
    state = State(FIVE, {name: system_csv.parse(data, name, Limits()) for name, data in contents.items()})
    for pad in (0, 6):
        result = ran(state, rules=Rules(pad_numbers=pad))
        found, rows = metrics(tmp_path / str(pad), result), written(tmp_path / str(pad), result)
        assert (found["Total Unique Keys"], found["Keys in All Systems"]) == ("496", "215")
        assert (found["Total Out of Authority Keys"], found["Total Propagation Gaps"]) == ("91", "353")
        assert (found["Total Duplicate Groups"], found["Repeated Rows"]) == ("5", "275")
        assert (found["Variant Spellings"], found["Malformed Spellings"]) == ("151", "20")
        assert [found[f"Keys in System {name}"] for name in "ABCDE"] == ["405", "394", "391", "378", "385"]
        assert len(rows["diff_missing_from_system.csv"]) == 353
        assert len({row["Normalized Key"] for row in rows["diff_missing_in_A.csv"]}) == 91
        assert len(rows["diff_missing_in_A.csv"]) == 79 + 69 + 68 + 65
        assert len(rows["master_key_registry.csv"]) == 91


@pytest.mark.parametrize("key", ["X\u202e1", "X\x7f1", "X\x1b[31m1", 'X"\\1', "X\U0001f6001", "X\n1", "X\x851"])
def test_json_is_ascii_and_gives_any_key_back(tmp_path: Path, key: str) -> None:
    written(tmp_path, ran(systems(B=[key])))
    text = (tmp_path / "reconciliation_run_1.json").read_bytes()
    assert not [byte for byte in text if byte not in (*range(32, 127), 10)]
    assert json.loads(text)["findings"][0]["keys"] == [key]
