"""The recipe "Add a check for a discrepancy" of the README, followed to the letter in a copy of the package.

One sandbox is used by three programs in turn: by this one, by the copy that has the new kind, and by this one again,
which does not know what the copy recorded.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parent.parent
LONG = f"CUST-{'1' * 40}"
Program = Callable[..., str]
Sandbox = tuple[Program, Program, Path]


def program(package: Path, home: Path) -> Program:
    """The `keysync-shell` of that package on a sandbox; says what comes on both streams."""

    def run(*words: str, code: int = 0) -> str:
        environment = {**os.environ, "PYTHONPATH": str(package), "COLUMNS": "200"}
        command = [sys.executable, "-m", "keysync_shell", "--home", str(home), *words]
        ran = subprocess.run(
            command, env=environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, cwd=home, check=False
        )
        assert ran.returncode == code, ran.stdout
        return ran.stdout

    return run


def followed(folder: Path) -> Path:
    """A copy of the package in which the recipe was followed."""
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    [recipe] = re.findall(r"\*\*Add a check for a discrepancy\*\*.*?```python\n(.*?)```", readme, re.DOTALL)
    shutil.copytree(ROOT / "keysync_shell", folder / "keysync_shell", ignore=shutil.ignore_patterns("__pycache__"))
    table = folder / "keysync_shell/core/findings/kinds.py"
    before, start, rest = table.read_text(encoding="utf-8").partition("\nKINDS: ")
    entries, end, behind = rest.partition("\n)\n")
    table.write_text(f"{before}{start}{entries}\n{recipe.rstrip()}{end}{behind}", encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return followed(tmp_path_factory.mktemp("copy"))


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory: pytest.TempPathFactory, package: Path) -> Sandbox:
    """The program as it is, the one with the new kind, and a sandbox of which both recorded a run."""
    home = tmp_path_factory.mktemp("home")
    ours, theirs = program(ROOT, home), program(package, home)
    ours("-c", f"init --keys 3 --yes; add-key {LONG} --systems A,B,D; reconcile")
    theirs("add-key", f"{LONG}-2", "--systems", "D")
    theirs("-c", "reconcile --output-dir reports/theirs; plan --exit-zero --output plan.json")
    return ours, theirs, home


def data(said: str) -> Any:
    return json.loads(said)["data"]


def test_status_counts_it(sandbox: Sandbox) -> None:
    _, theirs, _ = sandbox
    summary = data(theirs("status", "--format", "json"))
    assert {system["name"]: system["too_long"] for system in summary["systems"]} == {
        **dict.fromkeys("AB", 1), "C": 0, "D": 2, "E": 0,
    }  # fmt: skip
    assert summary["discrepancies"]["too_long"] == 4
    assert "Too long" in theirs("status")


def test_it_is_listed_by_name_and_by_plural(sandbox: Sandbox) -> None:
    _, theirs, _ = sandbox
    listed = data(theirs("discrepancies", "too-long", "--system", "D", "--format", "json", code=1))["findings"]
    assert [(finding["kind"], finding["keys"]) for finding in listed] == [
        ("too-long", [LONG]),
        ("too-long", [f"{LONG}-2"]),
    ]
    assert data(theirs("discrepancies", "too_long", "--format", "json", code=1))["total"] == 4


def test_it_selects_keys(sandbox: Sandbox) -> None:
    _, theirs, _ = sandbox
    listed = data(theirs("list", "too-long:B", "--format", "json"))["keys"]
    assert [row["key"] for row in listed] == [LONG]
    assert data(theirs("list", "too-long - B", "--format", "json"))["total"] == 1


def test_help_names_it(sandbox: Sandbox) -> None:
    _, theirs, _ = sandbox
    assert "malformed, too-long" in " ".join(theirs("discrepancies", "--help").split())
    assert "--too-long {report,remove}" in theirs("plan", "--help")


def test_operations_from_before_say_nothing_of_it(sandbox: Sandbox) -> None:
    _, theirs, _ = sandbox
    assert "too_long.D == 2 still holds (now 2)." in theirs("bisect", "too_long.D == 2")
    assert "no operation counted malformed" not in theirs("bisect", "malformed == 0")


def test_it_is_planned_about(sandbox: Sandbox) -> None:
    _, theirs, _ = sandbox
    plan = data(theirs("plan", "--format", "json", code=1))
    assert plan["policy"]["too-long"] == "report"
    assert len([action for action in plan["actions"] if action["kind"] == "too-long"]) == 4
    removed = data(theirs("plan", "--too-long", "remove", "--format", "json", code=1))["actions"]
    assert [row["key"] for row in removed if (row["kind"], row["sign"]) == ("too-long", "-")] == [f"{LONG}-2"]


def test_a_setting_decides_about_it_and_apply_does_it(sandbox: Sandbox, package: Path, tmp_path: Path) -> None:
    copy = shutil.copytree(sandbox[2], tmp_path / "home")
    (copy / "keysync.toml").write_text('[policy]\ntoo-long = "remove"\n', encoding="utf-8")
    theirs = program(package, copy)
    assert "too_long D 2 → 1" in theirs("apply", "--only", "too-long", "--yes")
    assert "too_long D 1 → 2" in theirs("undo")


def test_reports_and_page_tell_it(sandbox: Sandbox) -> None:
    _, _, home = sandbox
    reports = home / "reports/theirs"
    assert "Too Long Spellings,4," in (reports / "reconciliation_summary.csv").read_text(encoding="utf-8")
    page = (reports / "reconciliation_run_2.html").read_text(encoding="utf-8")
    assert "<h3>Too long: 4</h3>" in page
    assert "The spelling has more than 40 characters." in page
    run = json.loads((reports / "reconciliation_run_2.json").read_text(encoding="utf-8"))
    assert len([finding for finding in run["findings"] if finding["kind"] == "too-long"]) == 4


def test_run_from_before_opens_and_compares(sandbox: Sandbox) -> None:
    _, theirs, _ = sandbox
    assert "Run 1, " in theirs("report", "1")
    rows = data(theirs("compare", "1", "--all", "--exit-zero", "--format", "json"))["keys"]
    told = {(row["status"], row["cause"]) for row in rows if row["kind"] == "too-long"}
    assert told == {("not compared", "the run did not look for this kind")}


# This program, which does not have the kind


def test_run_with_an_unknown_kind_is_shown_by_its_name(sandbox: Sandbox, tmp_path: Path) -> None:
    ours, _, _ = sandbox
    assert "too_long 4" in ours("report", "2", "--output-dir", str(tmp_path / "again"))
    page = (tmp_path / "again/reconciliation_run_2.html").read_text(encoding="utf-8")
    assert "<h3>too-long: 4</h3>" in page
    assert "too_long,4," in (tmp_path / "again/reconciliation_summary.csv").read_text(encoding="utf-8")
    assert "too-long" in (tmp_path / "again/reconciliation_run_2.json").read_text(encoding="utf-8")


def test_unknown_kind_is_not_compared(sandbox: Sandbox) -> None:
    ours, _, _ = sandbox
    compared = data(ours("compare", "2", "--all", "--format", "json"))
    told = {(row["status"], row["cause"]) for row in compared["keys"] if row["kind"] == "too-long"}
    assert told == {("not compared", "this version does not look for this kind")}
    assert "4 not compared" in ours("compare", "2")


def test_history_with_an_unknown_kind_is_still_read(sandbox: Sandbox) -> None:
    ours, _, _ = sandbox
    assert "too_long +1" in ours("log")
    assert "still holds" in ours("bisect", "duplicates == 0")
    assert "mode incremental" in ours("reconcile", "--mode", "incremental", "--dry-run")
    assert "too_long is not one of" in ours("bisect", "too_long == 0", code=2)


def test_plan_of_another_version_is_refused(sandbox: Sandbox) -> None:
    ours, _, _ = sandbox
    assert "made by another version" in ours("apply", "plan.json", code=2)
