"""The lessons that are shipped: each way leads to the goal, nothing less does, and each is told in full."""

from __future__ import annotations

from pathlib import Path

import pytest

from keysync_shell.lessons import shelf
from keysync_shell.lessons.shelf import Numbered
from keysync_shell.scenarios.model import Settings
from tests.lessons.learning import at, learned

LESSONS = shelf.lessons()


def ways(kind: str) -> list[object]:
    """The ways of each lesson, or its near misses, each with the name of the lesson."""
    return [
        pytest.param(one.name, lines, id=f"{one.label}-{number}")
        for one in LESSONS
        for number, lines in enumerate(one.lesson.near if kind == "near" else (one.lesson.solution, *one.lesson.ways))
    ]


@pytest.mark.parametrize(("name", "lines"), ways("every"))
def test_every_way_leads_to_the_goal(name: str, lines: tuple[str, ...], tmp_path: Path) -> None:
    checked, said = learned(name, lines, tmp_path)
    assert checked.judged.missing == (), said
    assert "error:" not in said


@pytest.mark.parametrize(("name", "lines"), ways("near"))
def test_what_almost_leads_to_the_goal_does_not(name: str, lines: tuple[str, ...], tmp_path: Path) -> None:
    checked, said = learned(name, lines, tmp_path)
    assert checked.judged.missing, said


@pytest.mark.parametrize("one", LESSONS, ids=lambda one: one.label)
def test_a_lesson_begins_before_its_goal(one: Numbered) -> None:
    course, _ = at(one.name)
    assert course.check(one).missing


@pytest.mark.parametrize("one", LESSONS, ids=lambda one: one.label)
def test_a_lesson_is_told_in_full(one: Numbered) -> None:
    lesson = one.lesson
    assert lesson.goal.endswith(".")
    assert lesson.description.endswith(".")
    assert len(lesson.near) >= 3
    assert len(lesson.ways) >= 2
    assert lesson.given == "empty"
    assert lesson.config == Settings()
    assert len(lesson.text) + len(lesson.goal) < 900, "it has to fit on a screen of 80 × 24"


def test_there_are_at_least_seven_and_their_names_are_their_files() -> None:
    assert len(LESSONS) >= 7
    assert [path.stem for path in sorted(shelf.LIBRARY.glob("*.yaml"))] == [one.label for one in LESSONS]
