"""`keysync`, the headless run: what it reads, what it leaves alone, exit codes, and itself as a process."""

from __future__ import annotations

import contextlib
import csv
import json
import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pexpect
import pytest
from polars.exceptions import PanicException

from keysync_shell import cli
from keysync_shell.headless import main
from keysync_shell.reconcile import recording
from keysync_shell.sandbox import Request
from keysync_shell.storage.operations import OperationKind
from tests.building import add, files, opened, sandbox
from tests.core.test_conformance import FILES

Ran = subprocess.CompletedProcess[str]
Run = Callable[..., Ran]
Tree = dict[str, tuple[int, int, bytes]]


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A sandbox with a gap in D and an unauthorized key in B."""
    path = tmp_path / "home"
    path.mkdir()
    sandbox(path, A="K1 K2", B="K1 K2 X1", C="K1 K2", D="K1", E="K1 K2").close()
    return path


@pytest.fixture
def run(home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Run it in the sandbox's folder, in this process."""
    monkeypatch.chdir(home)

    def ran(*arguments: str) -> Ran:
        return Ran(arguments, main(arguments), *capsys.readouterr())

    return ran


def in_step(home: Path) -> None:
    """Bring the systems in step."""
    at = opened(home)
    at.refresh()
    add(at, "X1", "A,C,D,E")
    add(at, "K2", "D")
    at.close()


def contents(root: Path) -> dict[Path, bytes]:
    """Every file outside of the private folder."""
    return {path: path.read_bytes() for path in root.rglob("*") if path.is_file() and ".keysync" not in path.parts}


def tree(root: Path) -> Tree:
    """Everything below a folder: modes, times to the nanosecond, content."""
    found = {}
    for path in [root, *sorted(root.rglob("*"))]:
        stat = path.stat()
        found[str(path.relative_to(root))] = (
            stat.st_mode,
            stat.st_mtime_ns,
            path.read_bytes() if path.is_file() else b"",
        )
    return found


def rows(path: Path) -> list[dict[str, str]]:
    return list(csv.DictReader(path.open(encoding="utf-8", newline="")))


def configured(folder: Path, **keys: str) -> Path:
    """A configuration with a CSV for each system."""
    folder.mkdir()
    for name, words in keys.items():
        (folder / f"{name}.csv").write_text("".join(f"{word}\n" for word in ["key", *words.split()]))
    entries = "".join(f"  {name}: {{type: csv, path: {name}.csv}}\n" for name in keys)
    path = folder / "keysync-config.yaml"
    path.write_text(f"sources:\n{entries}")
    return path


# In the sandbox


def test_run_reports_and_proposes_and_leaves_the_systems_alone(home: Path, run: Run) -> None:
    before = files(home)
    ran = run()
    assert ran.returncode == 1
    assert ran.stdout.splitlines()[0].endswith("mode full: 2 discrepancies (gaps 1, unauthorized 1).")
    assert "The prediction held in every number." in ran.stdout
    assert files(home) == before
    [key] = rows(home / "reports" / "run-1" / "master_key_registry.csv")
    assert (key["Master Key"], key["Status"], key["Run ID"]) == ("X1", "proposed", "1")


def test_second_run_proposes_nothing_new_and_has_reports_of_its_own(home: Path, run: Run) -> None:
    run()
    assert "0 master keys proposed, 1 in the registry." in run().stdout
    assert sorted(path.name for path in (home / "reports").iterdir()) == ["run-1", "run-2"]


def test_auto_approve_makes_master_keys_active(home: Path, run: Run) -> None:
    run("--auto-approve")
    [key] = rows(home / "reports" / "run-1" / "master_key_registry.csv")
    assert key["Status"] == "active"
    assert key["Activated At"]


def test_systems_in_step_exit_0(home: Path, run: Run) -> None:
    in_step(home)
    ran = run()
    assert (ran.returncode, ": no discrepancies." in ran.stdout) == (0, True)


def test_exit_zero_hides_discrepancies_but_not_trouble(home: Path, run: Run) -> None:
    assert run("--exit-zero").returncode == 0
    (home / "systems" / "C.csv").unlink()
    assert run("--exit-zero").returncode == 2


USAGE_ERRORS = [
    *[("--nonsense",), ("--mode", "half"), ("--format", "csv"), ("--keys", "x"), ("--keys", "0")],
    *[("--home", ""), ("-o", ""), ("-c", "")],  # as of a variable that is not set
]


@pytest.mark.parametrize("arguments", USAGE_ERRORS)
def test_usage_errors_exit_2_and_do_nothing(home: Path, run: Run, arguments: tuple[str, ...]) -> None:
    before = tree(home)
    assert run(*arguments).returncode == 2
    assert tree(home) == before


def test_reports_go_where_they_are_asked_for(home: Path, run: Run) -> None:
    ran = run("-o", "out")
    assert "Reports are in out" in ran.stderr
    assert len(list((home / "out").iterdir())) == 7
    assert not (home / "reports").exists()


@pytest.mark.parametrize(
    ("folder", "leads_to", "told"),
    [
        ("systems", None, "where the sandbox keeps its own files"),
        ("systems/new", None, "where the sandbox keeps its own files"),
        (".keysync", None, "where the sandbox keeps its own files"),
        ("out", "systems", "where the sandbox keeps its own files"),
        ("reports/run-1", "systems", "where the sandbox keeps its own files"),
        ("out/audit_log.csv", "systems/A.csv", "is not a regular file"),
        ("reports/run-1/audit_log.csv", "../elsewhere", "is not a regular file"),
        ("out", "../nowhere", "is not a folder"),
    ],
)
@pytest.mark.parametrize("again", [False, True])
def test_no_report_goes_among_the_sandboxes_own_files_or_through_a_link(
    home: Path, run: Run, folder: str, leads_to: str | None, told: str, again: bool
) -> None:
    """Nor does the run before: it would be recorded, and its reports not written."""
    if again:  # by `report`, of a run that is there
        assert run("-o", "before").returncode == 1
    path = home / folder
    path.parent.mkdir(parents=True, exist_ok=True)
    if leads_to:
        path.symlink_to(home / leads_to)
    before, where = contents(home), path.parent if path.suffix else path
    if again:
        assert cli.main(["report", "--output-dir", str(where)]) == 2
    else:
        ran = run(*([] if folder.startswith("reports/") else ["-o", str(where)]))
        assert (ran.returncode, told in ran.stderr) == (2, True)
    assert contents(home) == before
    with contextlib.closing(sqlite3.connect(home / ".keysync/history.db")) as database:
        assert database.execute("SELECT count(*) FROM runs").fetchone() == (int(again),)


def test_reports_of_before_are_replaced_whole(home: Path, run: Run) -> None:
    for _ in range(2):
        assert run("-o", "out").returncode == 1
    assert not list((home / "out").glob(".*"))
    assert [row["Event Type"] for row in rows(home / "out/audit_log.csv")].count("RUN_STARTED") == 1


def test_json_is_the_run_and_nothing_else(run: Run) -> None:
    data = json.loads(run("--format", "json").stdout)
    assert (data["schema"], data["command"]) == ("keysync/1", "keysync")
    assert data["data"]["summary"]["discrepancies"]["gaps"] == 1
    assert data["data"]["score"]["held"] is True
    assert data["data"]["reports"].endswith("reports/run-1")


def test_verbose_tells_what_was_read(run: Run) -> None:
    assert "D: 1 row from systems/D.csv, 1 key" in run("-v").stderr


def test_settings_of_the_sandbox_count(home: Path, run: Run) -> None:
    (home / "keysync.toml").write_text('[policy]\nunauthorized = "ignore"\n')
    assert "0 master keys proposed" in run("-c", "keysync.toml").stdout


def test_keys_of_other_alphabets_are_told_of_unless_they_count(home: Path, run: Run) -> None:
    add(opened(home), "上海-1", "A")
    ran = run("--dry-run", "--format", "json")
    assert "1 key has letters or digits beyond ASCII." in json.loads(ran.stdout)["warnings"][0]
    (home / "keysync.toml").write_text('[normalize]\nletters = "unicode"\n')
    ran = run("--format", "json")
    assert json.loads(ran.stdout)["warnings"] == []
    assert "Rule letters,unicode," in (home / "reports/run-1/reconciliation_summary.csv").read_text()
    assert "上海-1" in (home / "reports/run-1/diff_missing_from_system.csv").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", ["none.toml", "other.toml", "keysync-config.json"])
def test_configuration_that_is_none_is_refused(home: Path, run: Run, name: str) -> None:
    (home / "other.toml").write_text("[policy]\n")
    ran = run("-c", name)
    assert ran.returncode == 2
    assert name in ran.stderr


# Dry


@pytest.mark.parametrize("before", ["fresh", "after a run", "open elsewhere"])
def test_dry_run_leaves_everything_as_it_is(home: Path, run: Run, before: str) -> None:
    if before != "fresh":
        run()
    other = opened(home)
    other.refresh() if before == "open elsewhere" else None
    was = tree(home)
    ran = run("--dry-run", "--mode", "incremental")
    assert ran.returncode == 1
    assert "A dry run: nothing was written." in ran.stderr
    assert tree(home) == was
    other.close()


def test_dry_run_on_a_configuration_makes_no_folder(tmp_path: Path, run: Run) -> None:
    path = configured(tmp_path / "lab", A="K1", B="K2")
    was = tree(tmp_path / "lab")
    assert run("-c", str(path), "--dry-run").returncode == 1
    assert tree(tmp_path / "lab") == was


def test_dry_run_and_generated_data_contradict(home: Path, run: Run) -> None:
    was = tree(home)
    assert run("--dry-run", "--generate-data").returncode == 2
    assert tree(home) == was


# What is missing or malformed


def test_missing_file_is_trouble_and_nothing_is_written(home: Path, run: Run) -> None:
    (home / "systems" / "C.csv").unlink()
    ran = run()
    assert (ran.returncode, ran.stdout) == (2, "")
    assert "systems/C.csv is missing" in ran.stderr
    assert "--partial" in ran.stderr
    assert not (home / "reports").exists()


def test_partial_goes_on_without_and_never_takes_the_absent_for_empty(home: Path, run: Run) -> None:
    (home / "systems" / "C.csv").unlink()
    ran = run("--partial")
    assert ran.returncode == 1
    assert "C is absent" in ran.stderr
    assert "(gaps 1, unauthorized 1)" in ran.stdout
    summary = {row["Metric"]: row["Value"] for row in rows(home / "reports/run-1/reconciliation_summary.csv")}
    assert (summary["Absent System C"], summary["Keys in All Systems"]) == ("not read", "1")
    assert "Keys in System C" not in summary


@pytest.mark.parametrize("begun", [True, False])
def test_partial_takes_edits_by_hand_in_and_leaves_a_sandbox_that_opens(home: Path, run: Run, begun: bool) -> None:
    if not begun:
        shutil.rmtree(home / ".keysync")
    path = home / "systems" / "C.csv"
    path.rename(home / "C.csv")
    (home / "systems" / "D.csv").write_text("key\nK1\nK2\nX9\n")
    ran = run("--partial")
    assert ran.returncode == 1
    assert ("D.csv changed outside" in ran.stderr) == begun
    (home / "C.csv").rename(path)
    after = opened(home)
    after.refresh()
    kinds = [operation.kind for operation in after.every_operation()]
    assert kinds == (["init", "external", "reconcile"] if begun else ["open", "reconcile", "external"])
    assert {name: after.state.rows(name) for name in "ABCDE"} == {"A": 2, "B": 3, "C": 2, "D": 3, "E": 2}
    assert after.check() == []
    assert add(after, "K9").committed


def test_what_was_taken_in_is_told_also_if_the_run_fails(home: Path, run: Run) -> None:
    (home / "systems" / "D.csv").write_text("key\nK1\nK2\nX9\n")
    ran = run("-o", "systems")
    assert ran.returncode == 2
    assert "warning: D.csv changed outside: +2 −0 ~1 rows" in ran.stderr


def test_partial_needs_the_authority(home: Path, run: Run) -> None:
    (home / "systems" / "A.csv").unlink()
    ran = run("--partial")
    assert ran.returncode == 2
    assert "A is the authority" in ran.stderr


def test_malformed_row_names_file_and_line(home: Path, run: Run) -> None:
    with (home / "systems" / "D.csv").open("a") as file:
        file.write("too,few\n")
    ran = run()
    assert ran.returncode == 2
    assert "systems/D.csv:3: " in ran.stderr
    assert not (home / "reports").exists()


def test_folder_without_a_sandbox(tmp_path: Path, run: Run) -> None:
    (tmp_path / "empty").mkdir()
    ran = run("--home", str(tmp_path / "empty"))
    assert ran.returncode == 2
    assert "there is no sandbox in" in ran.stderr
    assert list((tmp_path / "empty").iterdir()) == []


# Any CSV files


def test_configuration_of_the_existing_system(tmp_path: Path, run: Run) -> None:
    path = configured(tmp_path / "lab", A="K1 K-2", CRM="K1 K-002 X9")
    assert run("-c", str(path)).returncode == 1
    [key] = rows(tmp_path / "lab/output/master_key_registry.csv")
    assert (key["Master Key"], key["Source System"]) == ("X9", "CRM")
    assert "0 master keys proposed, 1 in the registry." in run("-c", str(path)).stdout


def test_configuration_that_lies_in_the_folder_is_found(tmp_path: Path, run: Run) -> None:
    configured(tmp_path / "lab", A="K1", B="K1")
    assert run("--home", str(tmp_path / "lab")).returncode == 0


def test_files_of_a_configuration_are_not_generated(tmp_path: Path, run: Run) -> None:
    path = configured(tmp_path / "lab", A="K1", B="K1")
    ran = run("-c", str(path), "--generate-data")
    assert ran.returncode == 2
    assert (tmp_path / "lab" / "A.csv").read_text() == "key\nK1\n"


@pytest.mark.skipif(not FILES.is_dir(), reason=f"the sample input is not there ({FILES})")
def test_sample_of_the_existing_system(tmp_path: Path, run: Run) -> None:
    shutil.copytree(FILES, tmp_path / "lab")
    entries = "".join(f"  {name}: {{path: {name}.csv}}\n" for name in "ABCDE")
    (tmp_path / "lab/keysync-config.yaml").write_text(f"sources:\n{entries}")
    ran = run("--home", str(tmp_path / "lab"))
    assert "(gaps 353, unauthorized 91, duplicates 28, variants 151, malformed 20)" in ran.stdout
    assert "91 master keys proposed, 91 in the registry." in ran.stdout


# Data, and what changed


GENERATE = ("--generate-data", "--scenario", "failure", "--keys", "50", "--seed", "7")


def test_generated_data_over_data_wants_a_yes(home: Path, run: Run) -> None:
    was = tree(home)
    ran = run(*GENERATE)
    assert ran.returncode == 2
    assert "would replace what the systems hold (A 2, B 3, C 2, D 1, E 2 rows)" in ran.stderr
    assert "Nothing was changed." in ran.stderr
    assert {name: content for name, content in tree(home).items() if ".keysync" not in name} == {
        name: content for name, content in was.items() if ".keysync" not in name
    }


@pytest.mark.parametrize(("answer", "code"), [("y", 1), ("n", 2), ("", 2)])
def test_generated_data_over_data_is_asked_about_at_a_terminal(home: Path, answer: str, code: int) -> None:
    was = files(home)
    program = "import sys; from keysync_shell.headless import main; sys.exit(main())"
    arguments = ["-c", program, "--home", str(home), *GENERATE]
    asked = pexpect.spawn(sys.executable, arguments, encoding="utf-8", timeout=100, use_poll=True)
    asked.expect(r"replace what the systems hold \(A 2, B 3, C 2, D 1, E 2 rows\)\. Go ahead\? \[y/N\] ")
    asked.sendline(answer)
    said = asked.read()
    asked.close()
    assert (asked.exitstatus, files(home) == was) == (code, code == 2)
    assert ("Nothing was changed." in said) == (code == 2)


def test_generated_data_and_its_run_are_one_operation_that_can_be_undone(home: Path, run: Run) -> None:
    before = files(home)
    assert run(*GENERATE, "--yes").returncode == 1
    at = opened(home)
    at.refresh()
    assert at.newest
    assert (at.newest.number, at.newest.kind) == (2, "mock")
    with at.records() as registry:
        assert [run.operation for run in registry.runs()] == [2]
    assert len(at.state.master_keys)
    at.undo(Request(OperationKind.UNDO, "undo", "test"))
    assert (files(home), len(at.state.master_keys)) == (before, 0)
    at.close()


def test_generated_data_is_the_same_for_the_same_seed(home: Path, run: Run) -> None:
    keys = []
    for _ in range(2):
        run(*GENERATE, "--yes")
        keys.append([line.split(b",")[0] for line in files(home)["B.csv"].splitlines()])
    assert keys[0] == keys[1]


def test_generated_data_makes_a_sandbox_where_there_is_none(tmp_path: Path, run: Run) -> None:
    assert run("--home", str(tmp_path / "new"), *GENERATE).returncode == 1
    assert len(files(tmp_path / "new")) == 5


@pytest.mark.parametrize("number", ["0", "-5", "1.5", "x"])
def test_number_of_generated_keys_is_at_least_one(home: Path, run: Run, number: str) -> None:
    was = tree(home)
    assert run("--generate-data", "--yes", "--keys", number).returncode == 2
    assert tree(home) == was


def test_incremental_tells_what_is_new_and_what_is_resolved(home: Path, run: Run) -> None:
    run()
    in_step(home)
    at = opened(home)
    at.refresh()
    add(at, "K9", "A,B,C,D")
    at.close()
    ran = run("--mode", "incremental")
    assert "Since run 1: 1 new, 2 resolved, 0 still open." in ran.stdout
    assert [row["System"] for row in rows(home / "reports/run-2/diff_missing_from_system.csv")] == ["E"]


def test_incremental_summary_counts_what_is_still_open(home: Path, run: Run) -> None:
    at = opened(home)
    at.refresh()
    add(at, "k1")
    at.close()
    run()
    run("--mode", "incremental")
    totals = [
        {row["Metric"]: row["Value"] for row in rows(home / f"reports/run-{n}/reconciliation_summary.csv")}
        for n in (1, 2)
    ]
    assert totals[0]["Total Duplicate Groups"] == totals[1]["Total Duplicate Groups"] == "5"


def test_incremental_without_a_run_before_is_a_full_one(run: Run) -> None:
    ran = run("--mode", "incremental")
    assert ran.returncode == 1
    assert "Since run" not in ran.stdout


@pytest.mark.parametrize("error", [ZeroDivisionError("1/0"), PanicException("out of bounds")], ids=["bug", "panic"])
def test_unexpected_error_is_told_without_a_traceback(
    run: Run, monkeypatch: pytest.MonkeyPatch, error: BaseException
) -> None:
    def fails(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr(recording, "run", fails)
    ran = run()
    assert ran.returncode == 70
    assert str(error) in ran.stderr
    assert "Traceback" not in ran.stderr


# As a process

IMPORTED = """
import sys
from keysync_shell import cli
from keysync_shell.headless import main
code = main(sys.argv[1:])
print(code, *sorted({name.partition(".")[0] for name in sys.modules} & {"cmd2", "prompt_toolkit", "rich"}))
"""


def test_it_imports_no_shell(home: Path) -> None:
    ran = subprocess.run(
        [sys.executable, "-c", IMPORTED, "--home", str(home)], capture_output=True, text=True, check=True, timeout=200
    )
    assert ran.stdout.splitlines()[-1] == "1"


def test_program_exits_with_what_it_found(home: Path) -> None:
    program = Path(sys.executable).with_name("keysync")
    environment = {**os.environ, "KEYSYNC_HOME": str(home)}
    ran = subprocess.run([program], env=environment, capture_output=True, text=True, check=False, timeout=200)
    assert ran.returncode == 1
    assert "2 discrepancies" in ran.stdout


def test_help_and_version_need_nothing() -> None:
    code = "import sys; from keysync_shell.headless import main; print(main([sys.argv[1]]), 'polars' in sys.modules)"
    for option in ("--help", "--version"):
        ran = subprocess.run(
            [sys.executable, "-c", code, option], capture_output=True, text=True, check=True, timeout=200
        )
        assert ran.stdout.splitlines()[-1] == "0 False"
