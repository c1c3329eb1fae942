"""Scenarios run on a stage: what is played, what is told, and what stays as it was."""

from __future__ import annotations

from pathlib import Path

import pytest

from keysync_shell.errors import KeySyncError
from keysync_shell.interpreter import executor
from keysync_shell.sandbox import Sandbox
from keysync_shell.scenarios.journal import Started
from keysync_shell.scenarios.loading import BadScenario
from keysync_shell.scenarios.playing import Result
from keysync_shell.scenarios.reporting import Verdict
from keysync_shell.scenarios.running import CONTINUE, PAUSE, Order, Running, Then, Watcher
from tests.scenarios.playing import begun, bytes_of, prepared, ran, runs

APART = "- run: init --keys 10\n- run: remove-key CUST-00001..CUST-00003 --systems D\n"


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A home with a key in A that no other system has."""
    execute = executor(Sandbox(tmp_path))
    assert execute("init --keys 3 --yes").code == 0
    assert execute("add-key HOME-1 --systems A").code == 0
    return tmp_path


def test_a_scenario_begins_empty_and_leaves_the_home_as_it_is(home: Path) -> None:
    before = bytes_of(home)
    report = ran(APART + "- checkpoint: apart\n  expect: [gaps.D == 3, keys == 10]\n", home)
    assert report.verdict is Verdict.PASSED
    assert bytes_of(home) == before
    assert Sandbox(home).newest is None  # nobody looked yet


def test_given_now_is_a_copy_with_its_history(home: Path) -> None:
    text = "name: x\ngiven: now\nsteps:\n- checkpoint: copied\n  expect: [gaps == 4]\n- run: undo\n"
    report = ran(text + "- checkpoint: undone\n  expect: [gaps == 0, log.operations == 3]\n", home)
    assert report.verdict is Verdict.PASSED, report.played


def test_given_a_snapshot(home: Path) -> None:
    executor(Sandbox(home))("save-state friday")
    text = "name: x\ngiven: snapshot:friday\nsteps:\n- checkpoint: friday\n  expect: [gaps == 4]\n"
    assert ran(text, home).verdict is Verdict.PASSED
    with pytest.raises(KeySyncError, match="cannot begin with snapshot monday"):
        ran(text.replace("friday", "monday"), home)


def test_a_failure_names_expected_actual_keys_and_place(home: Path) -> None:
    steps = "- checkpoint: apart\n  expect: [gaps.D == 2]\n  keys: {gap:D: [CUST-00001, CUST-00009]}\n"
    [*_, last] = ran(APART + steps, home).played
    numbers, keys = last.mismatches
    assert (last.result, str(numbers.place), numbers.actual) == (Result.FAILED, "x.yaml:6:12", "gaps.D is 3")
    assert (str(keys.place), keys.missing, keys.surplus) == (
        *("x.yaml:7:18", ("CUST-00009",), ("CUST-00002", "CUST-00003")),
    )


def test_a_failure_stops_the_run_unless_it_shall_continue(home: Path) -> None:
    steps = "- run: init --keys 3\n- checkpoint: wrong\n  expect: [gaps == 1]\n- note: behind\n"
    assert [one.word for one in ran(steps, home).played] == ["run", "checkpoint"]
    report = ran(steps, home, Order({}, on_fail=CONTINUE))
    assert ([one.word for one in report.played][-1], report.verdict) == ("note", Verdict.FAILED)


@pytest.mark.parametrize(
    ("step", "reason"),
    [
        ("- run: remove-key NONE", "exit 2: no key in A, B, C, D, E matches NONE"),
        ("- run: init --keys 3\n  exit: 2", "exit 0, but 2 was expected"),
        ("- run: remove-key NONE\n  exit: 2\n  error: other words", "the error does not contain 'other words'"),
        ("- run: nonsense", "exit 127: there is no command 'nonsense'"),
        ("- run: shell ls", "need a shell"),
        ("- run: list > out.txt", "need a shell"),
        ("- run: export-state s out.zip", "not allowed here"),
        ("- run: status --home /tmp", "not allowed here"),
        ("- run: scenario run undo-maze", "cannot be run from here"),
    ],
)
def test_a_line_that_nobody_expected_to_fail_is_trouble(home: Path, step: str, reason: str) -> None:
    report = ran(f"- run: init --keys 2\n{step}\n", home)
    assert report.verdict is Verdict.TROUBLE
    assert reason in report.played[-1].reason


def test_failing_can_be_the_point_and_an_answer_is_no_failure(home: Path) -> None:
    steps = "- run: remove-key NONE\n  exit: 2\n  error: NONE\n- run: discrepancies\n- run: diff A D\n"
    assert ran(APART + steps, home).verdict is Verdict.PASSED


def test_was_is_the_number_at_the_checkpoint_before(home: Path) -> None:
    first = "- checkpoint: one\n- run: remove-key CUST-00009 --systems D\n"
    steps = first + "- checkpoint: two\n  expect: [gaps.D == was + 1, gaps.D == 4]\n"
    assert ran(APART + steps, home).verdict is Verdict.PASSED
    report = ran("- run: init --keys 1\n- checkpoint: one\n  expect: [gaps == was]\n", home)
    assert "no checkpoint before" in report.played[-1].reason


def test_marks_compare_bytes(home: Path) -> None:
    steps = "- run: init --keys 2\n- mark: m\n- run: add-key X\n- run: undo\n- same-as: m\n- run: redo\n- same-as: m\n"
    assert [one.result for one in ran(steps, home).played if one.word == "same-as"] == [Result.PASSED, Result.FAILED]


def test_branches_are_taken_as_the_numbers_say(home: Path) -> None:
    steps = "- when: gaps.D > 2\n  then: [run: apply]\n  otherwise: [run: init --keys 1]\n"
    report = ran(APART + steps + "- checkpoint: mended\n  expect: [gaps == 0, keys == 10]\n", home)
    assert report.verdict is Verdict.PASSED


def test_conditions_are_checked_before_anything_is_run(home: Path) -> None:
    with pytest.raises(BadScenario) as caught:
        prepared(
            "- checkpoint: a\n  expect: [gap.Q == 1, pln.add == 1, pattern.AZ == 1]\n- when: x\n  then: []\n", home
        )
    places = [finding.partition(": ")[0] for finding in caught.value.findings]
    assert places == ["x.yaml:4:12", "x.yaml:4:24", "x.yaml:4:38", "x.yaml:5:9"]


def test_settings_of_a_scenario_are_those_of_its_stage(home: Path) -> None:
    text = """\
name: x
config: {normalize: {uppercase: 'off'}, policy: {gap: ignore}, systems: {names: [L, R]}}
steps:
- run: init --keys 2
- run: add-key cust-00001 --systems R
- run: remove-key CUST-00002 --systems R
- checkpoint: small letters are others
  expect: [unauthorized.R == 1, gaps.R == 1, plan.add == 0]
"""
    assert ran(text, home).verdict is Verdict.PASSED


def test_the_same_file_gives_the_same_bytes_wherever_and_whenever_it_is_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = "- run: mock --keys 50 --seed 3 --cover\n- run: corrupt junk --count 3 --seed 1\n"
    digests = set()
    for zone, name in (("Asia/Kolkata", "a"), ("America/Lima", "b/c")):
        monkeypatch.setenv("TZ", zone)
        monkeypatch.setenv("LOGNAME", name[0])
        (tmp_path / name).mkdir(parents=True)
        digests.add(ran(text, tmp_path / name).digest)
    assert digests == {"413227d6c1b4192ef3eeb3f6664279dbd633fe614935d433e2681cb56446de8d"}


def test_keep_brings_the_result_home_as_one_operation_that_can_be_undone(home: Path) -> None:
    before, kept = bytes_of(home), runs(home)
    text = "name: x\ngiven: now\nsteps:\n- run: apply\n- run: add-key MORE-1\n"
    run = kept.begin(prepared(text, home), Order({}, keep=True))
    run.play(Watcher())
    outcome = kept.keep(run, "scenario run x --keep")
    assert outcome.operation is not None
    assert outcome.after.discrepancies.total == 0
    assert bytes_of(home) != before
    assert executor(Sandbox(home))("undo").code == 0
    assert bytes_of(home) == before


def test_keep_is_refused_if_the_home_moved_meanwhile(home: Path) -> None:
    kept = runs(home)
    run = kept.begin(prepared("name: x\ngiven: now\nsteps:\n- run: apply\n", home), Order({}, keep=True))
    run.play(Watcher())
    executor(Sandbox(home))("add-key MEANWHILE-1")
    with pytest.raises(KeySyncError, match="has moved from @2 to @3"):
        kept.keep(run, "scenario run x --keep")


class Looker(Watcher):
    """Somebody at a terminal, who goes on at once or leaves, and may change the stage."""

    def __init__(self, then: Then, line: str = "") -> None:
        self.whys: list[str] = []
        self._then, self._line = then, line
        self.pause = self._look

    def _look(self, running: Running, why: str) -> Then:
        self.whys.append(why)
        if self._line:
            assert executor(running.stage.sandbox)(self._line).code == 0
        return self._then


def test_a_pause_is_passed_over_where_nobody_can_look(home: Path) -> None:
    assert ran("- pause: look\n- note: behind\n", home).verdict is Verdict.PASSED


def test_every_step_pauses_with_step_but_not_behind_the_last(home: Path) -> None:
    looker = Looker(Then.RESUME)
    assert ran(APART + "- note: last\n", home, Order({}, step=True), looker).verdict is Verdict.PASSED
    assert looker.whys == ["--step", "--step"]


def test_what_is_changed_in_a_pause_counts(home: Path) -> None:
    looker = Looker(Then.RESUME, "remove-key CUST-00009 --systems D")
    report = ran(APART + "- pause: now\n- checkpoint: four\n  expect: [gaps.D == 4]\n", home, None, looker)
    assert (report.verdict, looker.whys) == (Verdict.PASSED, ["now"])


def test_a_run_stays_paused_and_is_resumed_with_the_text_it_began_with(home: Path) -> None:
    text = APART + "- pause: now\n- checkpoint: three\n  expect: [gaps.D == 3]\n"
    run = begun(text, home)
    assert run.play(Looker(Then.LEAVE)).verdict is Verdict.PAUSED
    run.close()
    (home / "x.yaml").write_text("name: other\n")
    assert runs(home).open() == [run.number]
    report = runs(home).resume(run.number).play(Watcher())
    assert (report.verdict, len(report.played)) == (Verdict.PASSED, 4)
    with pytest.raises(KeySyncError, match="has ended"):
        runs(home).resume(run.number)


def test_a_failure_can_pause_and_be_mended(home: Path) -> None:
    looker = Looker(Then.RESUME, "add-key CUST-00001..CUST-00003 --systems D")
    steps = "- checkpoint: none\n  expect: [gaps == 0]\n- checkpoint: again\n  expect: [gaps == 0]\n"
    report = ran(APART + steps, home, Order({}, on_fail=PAUSE), looker)
    assert [one.result for one in report.played[2:]] == [Result.FAILED, Result.PASSED]


def test_a_run_that_was_killed_between_steps_goes_on(home: Path) -> None:
    text = APART + "- mark: m\n- checkpoint: three\n  expect: [gaps.D == 3]\n- same-as: m\n"
    whole, run = ran(text, home), begun(text, home)
    for _ in range(3):
        run._step(Watcher())  # and then it is killed
    run.close()
    report = runs(home).resume(run.number).play(Watcher())
    assert (report.verdict, report.digest, len(report.played)) == (Verdict.PASSED, whole.digest, 5)


def test_a_run_that_was_killed_in_a_step_is_played_again_to_the_same_bytes(home: Path) -> None:
    text = APART + "- run: add-key X-1\n- note: last\n"
    whole, run = ran(text, home), begun(text, home)
    run._step(Watcher())
    run.stage.begin_step(2)
    run.stage.run("add-key CUT --systems A")  # committed on the stage, and killed before the journal knows
    run.close()
    report = runs(home).resume(run.number).play(Watcher())
    assert (report.verdict, report.digest) == (Verdict.PASSED, whole.digest)


def test_a_run_that_was_changed_by_hand_and_then_cut_says_that_nothing_leads_back(home: Path) -> None:
    run = begun(APART + "- pause: now\n- run: add-key X-1\n- note: last\n", home)
    run.play(Looker(Then.LEAVE, "add-key HAND-1"))
    run.resumed()
    run.stage.run("add-key X-1")
    run.close()
    with pytest.raises(KeySyncError, match="killed inside a step, after a pause"):
        runs(home).resume(run.number)


def test_a_run_is_given_up_and_its_stage_is_gone(home: Path) -> None:
    run = begun(APART + "- pause: now\n", home)
    run.play(Looker(Then.LEAVE))
    run.close()
    assert runs(home).abort(run.number).verdict is Verdict.ABORTED
    assert not run.journal.stage.exists()
    assert runs(home).open() == []


def test_a_run_that_another_process_is_at_is_left_alone(home: Path) -> None:
    run = begun(APART + "- pause: now\n", home)
    run.play(Looker(Then.LEAVE))
    assert runs(home).open() == []
    for refused in (runs(home).resume, runs(home).abort):
        with pytest.raises(KeySyncError, match="another process is at run 1"):
            refused(run.number)
    run.close()
    assert runs(home).open() == [1]


def test_a_step_that_was_begun_and_not_done_is_played_again(home: Path) -> None:
    text = APART + "- run: save-state friday\n- run: load-state friday\n"
    whole, run = ran(text, home), begun(text, home)
    run._step(Watcher())
    run._step(Watcher())
    run.journal.append(Started(3))
    run.stage.run("save-state friday")  # no operation tells of it; then the run is killed
    run.close()
    report = runs(home).resume(run.number).play(Watcher())
    assert (report.verdict, report.digest) == (Verdict.PASSED, whole.digest)


def test_a_run_that_was_killed_before_it_began_is_none(home: Path) -> None:
    (home / ".keysync" / "scenarios" / "7").mkdir(parents=True)
    assert runs(home).numbers() == []
    assert begun("- note: n\n", home).number == 8


def test_a_snapshot_that_a_stage_began_with_is_not_loaded_again(home: Path) -> None:
    executor(Sandbox(home))("save-state friday")
    run = begun("name: x\ngiven: snapshot:friday\nsteps:\n- run: add-key MORE\n- checkpoint: c\n", home)
    run._step(Watcher())
    run.close()
    assert "MORE" in runs(home).resume(run.number).stage.find("MORE")


def test_snapshots_that_lie_elsewhere_are_copied_to_the_stage_as_well(home: Path, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    (home / "keysync.toml").write_text(f'[paths]\nsnapshots = "{elsewhere}"\n')
    executor(Sandbox(home))("save-state friday")
    text = "name: x\ngiven: now\nsteps:\n- run: load-state friday\n- run: save-state mine\n"
    assert ran(text, home).verdict is Verdict.PASSED
    assert [path.name for path in elsewhere.iterdir() if not path.name.startswith(".")] == ["friday"]


def test_conditions_of_a_copy_are_about_the_systems_of_its_home(tmp_path: Path) -> None:
    (tmp_path / "keysync.toml").write_text('[systems]\nnames = ["L", "R"]\n')
    executor(Sandbox(tmp_path))("init --keys 3 --yes")
    text = "name: x\ngiven: now\nsteps:\n- checkpoint: c\n  expect: [gaps.R == 0]\n"
    assert ran(text, tmp_path).verdict is Verdict.PASSED


@pytest.mark.parametrize("value", ["it's", "a b", "a;b", "--x", "$(id)", "|x", "$k", "#", "\u202e"])
def test_a_value_is_one_word_whatever_it_is(value: str, home: Path) -> None:
    text = "name: x\nparams: {k: {default: d}}\nsteps:\n- run: init --keys 1\n- run: add-key 'key:V-$k' -s A\n"
    text += "- checkpoint: c\n  keys: {'key:V-$k': ['key:V-$k'], 'A - B': ['key:V-$k']}\n"
    run = runs(home).begin(prepared(text, home, {"k": value}), Order({}))
    assert run.play(Watcher()).verdict is Verdict.PASSED, run.played


def test_files_are_those_of_the_scenarios_folder(home: Path) -> None:
    (home / "keys.txt").write_text("FILE-1\n")
    assert ran("- run: init --keys 1\n- run: add-key @keys.txt\n", home).verdict is Verdict.PASSED
    (home / "link.txt").symlink_to("/etc/hostname")
    for name in ("/etc/hostname", "../x", "link.txt"):
        report = ran(f"- run: init --keys 1\n- run: add-key @{name}\n", home)
        assert "is outside the scenario's folder" in report.played[-1].reason


def test_operations_of_a_stage_are_of_scenarios(home: Path) -> None:
    run = begun(APART, home)
    run.play(Watcher())
    assert {operation.source for operation in run.stage.sandbox.every_operation()} == {"scenario"}


def test_seconds_are_counted(home: Path) -> None:
    assert ran(APART, home).seconds > 0
