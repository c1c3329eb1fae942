"""Recorded scenarios: they pass when they are run, whatever a session did."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from tests.talking import Talk

LINES = (
    "add-key NEW-{n} -s B,C",
    "add-key 'a$b {n}' \"it's {n}\" -s E",
    "remove-key CUST-0000{d} -s D --yes",
    "modify-key CUST-0001{d} --case lower -s C",
    "corrupt repeat --count 2 --seed {n}",
    "corrupt junk --count 1 --seed {n} -s B",
    "corrupt empty --count 1 --seed {n} -s A",
    "mock --keys 30 --seed {n} --yes",
    "apply --yes",
    "reconcile",
    "undo",
    "redo",
    "restore @2 --yes",
    "save-state s{n}; load-state s{n} --yes",
    "add-key @keys.txt -s A",
    "reset --yes",
)


def session(talk: Talk, home: Path, seed: int) -> None:
    """Something that a person may do, also in an editor."""
    dice = random.Random(seed)
    (home / "keys.txt").write_text("FILE-1\nFILE-2\n")
    talk.say("init --keys 20")
    for number in range(12):
        talk.say(dice.choice(LINES).format(n=number, d=dice.randint(1, 9)))
        if dice.random() < 0.2:
            with (home / "systems" / "E.csv").open("a") as file:
                file.write(f"BY-HAND-{number},2026-01-01T00:00:00Z,E,active\n")


@pytest.fixture
def talk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Talk:
    monkeypatch.chdir(tmp_path)
    return Talk(tmp_path)


@pytest.mark.parametrize("seed", [1, 2, *(pytest.param(seed, marks=pytest.mark.nightly) for seed in range(3, 30))])
def test_what_was_recorded_passes(seed: int, talk: Talk, tmp_path: Path) -> None:
    session(talk, tmp_path, seed)
    for words in ("whole", "some @3..@7 --yaml"):
        assert talk.say(f"scenario record {words}").status == 0
    assert talk.say("scenario run whole some").status == 0


def test_a_recorded_checkpoint_can_fail(talk: Talk, tmp_path: Path) -> None:
    talk.say("init --keys 5; remove-key CUST-00001 -s D --yes")
    assert talk.say("scenario record one").status == 0
    path = tmp_path / "sandbox_scenarios" / "one.json"
    path.write_text(path.read_text().replace("gaps.D == 1", "gaps.D == 2"))
    assert talk.say("scenario run one").status == 1


def test_settings_go_along(talk: Talk, tmp_path: Path) -> None:
    (tmp_path / "keysync.toml").write_text('[systems]\nnames = ["L", "R"]\n[normalize]\nuppercase = false\n')
    told = Talk(tmp_path)
    told.say("init --keys 3; add-key cust-00001 -s R")
    assert told.say("scenario record two --yaml").status == 0
    assert "unauthorized.R == 1" in (tmp_path / "sandbox_scenarios" / "two.yaml").read_text()


def test_names_and_numbers_that_make_no_sense_are_refused(talk: Talk) -> None:
    assert "there is no sandbox" in talk.say("scenario record x").text
    talk.say("init --keys 3")
    assert "no operation @9" in talk.say("scenario record x @1..@9").text
    assert "is no range of operations" in talk.say("scenario record x @2..@1").text
    assert "is called undo-maze already" in talk.say("scenario record undo-maze").text
    assert "is not a name" in talk.say("scenario record ../x").text
