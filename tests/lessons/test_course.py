"""The course of a learner: come to, left, gone on with, skipped, reset; what it keeps and what it leaves alone."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import pytest

from keysync_shell.errors import KeySyncError
from keysync_shell.lessons import model, progress, shelf
from keysync_shell.lessons.progress import Mark
from keysync_shell.lessons.shelf import Numbered
from keysync_shell.sandbox import Sandbox
from keysync_shell.scenarios.loading import BadScenario
from keysync_shell.scenarios.locating import Source
from tests.building import files
from tests.lessons.learning import at, course, learned


def test_it_begins_with_the_first_lesson_and_goes_on_where_it_was_left() -> None:
    assert course().current().number == 1
    at("travel")
    assert course().current().name == "travel"


def test_a_lesson_that_is_left_is_as_it_was(tmp_path: Path) -> None:
    learned("break", ["remove-key CUST-00001 --systems D"], tmp_path)
    made, one = at("break")
    assert Sandbox(made.home(one)).home.root.is_dir()
    assert b"CUST-00001," not in files(made.home(one))["D.csv"]


def test_a_lesson_can_be_skipped_and_is_come_back_to_at_the_end() -> None:
    made, one = at("look")
    made.skip(one)
    assert made.progress.of("look").mark is Mark.SKIPPED
    following = made.following(shelf.lessons()[-1])
    assert following is not None
    assert following.name == "look"


def test_a_lesson_that_is_reset_is_new(tmp_path: Path) -> None:
    learned("look", ["answer 7", "hint"], tmp_path)
    made, one = at("look")
    assert made.progress.of("look").mark is Mark.DONE
    made.reset(one)
    assert made.progress.of("look") == progress.Step(Mark.BEGUN)
    assert made.check(one).missing


def test_a_goal_that_was_reached_stays_reached(tmp_path: Path) -> None:
    learned("choose", ["remove-key 'gap:D & gap:E'", "undo"], tmp_path)
    assert course().progress.of("choose").mark is not Mark.DONE  # it was never looked at in between
    checked, _ = learned("choose", ["redo"], tmp_path)
    assert checked.judged.news
    learned("choose", ["undo"], tmp_path)
    assert course().progress.of("choose").mark is Mark.DONE


def test_a_lesson_that_was_done_is_gone_on_from_whatever_was_done_afterwards(tmp_path: Path) -> None:
    learned("look", ["answer 7", "remove-key CUST-00001 --systems D", "next"], tmp_path)
    assert course().current().name == "break"


def test_hints_come_one_after_the_other_and_the_last_one_stays() -> None:
    made, one = at("look")
    assert [made.hint(one)[0] for _ in range(4)] == [1, 2, 3, 3]


def test_an_answer_is_about_the_sandbox_as_it_is_now(tmp_path: Path) -> None:
    checked, _ = learned("look", ["remove-key CUST-00001 --systems D", "answer 7"], tmp_path)
    assert checked.judged.missing
    checked, _ = learned("look", ["answer 8"], tmp_path)
    assert checked.judged.reached


def test_the_prepared_sandbox_is_the_same_on_every_machine(state: Path, tmp_path: Path) -> None:
    made, one = at("find")
    other = dataclasses.replace(made, folder=tmp_path / "elsewhere")
    other.begin(one)
    assert files(made.home(one)) == files(other.home(one))


def test_a_lesson_that_cannot_be_prepared_leaves_nothing(state: Path) -> None:
    one = shelf.named("look")
    steps = model.load(Source(Path("l.yaml"), "l.yaml", TEXT.replace("init", "no-such-command"))).steps
    broken = Numbered(1, one.lesson.model_copy(update={"steps": steps}))
    with pytest.raises(KeySyncError, match=r"l\.yaml:5:15"):
        course().begin(broken)
    assert list(state.iterdir()) == []


@pytest.mark.parametrize(
    "text", ["", "{", "[]", '{"current": 1}', '{"current": "look", "steps": {"look": {"mark": "?"}}}']
)
def test_spoilt_progress_is_no_trouble(state: Path, text: str) -> None:
    state.mkdir(parents=True)
    (state / progress.FILE).write_text(text)
    assert course().current().number == 1


def test_progress_of_lessons_that_another_version_has_is_kept(state: Path) -> None:
    state.mkdir(parents=True)
    steps = {"gone": {"mark": "done", "hints": 1, "answered": False}}
    (state / progress.FILE).write_text(json.dumps({"current": "gone", "steps": steps}))
    made, _ = at("look")
    assert made.progress.of("gone").mark is Mark.DONE


@pytest.mark.parametrize(("given", "wanted"), [("", ".local/state"), ("not/absolute", ".local/state")])
def test_without_a_state_folder_it_is_the_usual_one(
    given: str, wanted: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_STATE_HOME", given)
    assert progress.folder() == tmp_path / wanted / "keysync-shell" / "tutorial"


def test_a_state_folder_that_cannot_be_written_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "file"))
    with pytest.raises(KeySyncError, match=r"cannot be made: .*Not a directory"):
        at("look")


TEXT = """\
name: x
title: X
text: X.
goal: X.
steps: [{run: init}]
hints: [a, b, c]
solution: [status]
near: [[status]]
"""


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (("solution:", "solutoin:"), "l.yaml:7:1: unknown field 'solutoin'; did you mean 'solution'?"),
        (("[a, b, c]", "[a, b]"), "l.yaml:6:8"),
        (("near:", "answer: {}\nnear:"), "l.yaml:8:9: an answer is either a number or keys"),
        (("goal: X.\n", ""), "'goal' is missing"),
    ],
)
def test_what_is_wrong_with_a_lesson_has_its_place(change: tuple[str, str], told: str) -> None:
    with pytest.raises(BadScenario) as error:
        model.load(Source(Path("l.yaml"), "l.yaml", TEXT.replace(*change)))
    assert told in error.value.message
