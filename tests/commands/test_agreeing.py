"""A plan, a prediction, the preview and what was done tell the same numbers of rows, and the files agree."""

from __future__ import annotations

import csv
import itertools
import json
import random
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from keysync_shell.core.edits import replacing
from keysync_shell.sandbox import Request
from keysync_shell.storage.operations import OperationKind
from tests.building import FIVE, rows
from tests.strategies import AWKWARD
from tests.talking import Talk

CHOICES = {
    "gap": ("propagate", "ignore"),
    "unauthorized": ("propose", "adopt", "remove", "ignore"),
    "variant": ("report", "respell"),
    "duplicate": ("report", "keep-first", "canonical"),
    "malformed": ("report", "remove"),
}
EVERY_POLICY = list(itertools.product(*CHOICES.values()))
Rows = dict[str, Counter[tuple[str, ...]]]


@pytest.fixture
def talk(tmp_path: Path) -> Iterator[Talk]:
    made = Talk(tmp_path)
    yield made
    made.shell.sandbox.close()


def test_numbers_agree_for_every_policy(talk: Talk, tmp_path: Path) -> None:
    for seed, policy in enumerate(random.Random(1).sample(EVERY_POLICY, 16)):
        check(talk, tmp_path, seed, policy)


@pytest.mark.nightly
@pytest.mark.parametrize("part", range(8))
def test_numbers_agree_for_every_policy_on_many_states(talk: Talk, tmp_path: Path, part: int) -> None:
    for seed, policy in enumerate(EVERY_POLICY * 4):
        if seed % 8 == part:
            check(talk, tmp_path, 1000 + seed, policy)


def check(talk: Talk, home: Path, seed: int, policy: tuple[str, ...]) -> None:
    """All five tell the same of a random state under a policy: the files in rows that went and rows that came."""
    fill(talk, random.Random(seed))
    options = " ".join(f"--{kind} {decision}" for kind, decision in zip(CHOICES, policy, strict=True))
    before, planned = content(home), told(talk, f"plan --exit-zero {options}")["rows"]
    predicted = told(talk, f"predict {options}")["systems"]
    previewed = told(talk, f"apply --dry-run {options}")["counts"]
    done = told(talk, f"apply --yes {options}")["counts"]
    assert planned == predicted == previewed == done, (seed, options)
    after = content(home)
    for name in FIVE.names:
        counts = done.get(name, {"added": 0, "removed": 0, "altered": 0})
        assert (before[name] - after[name]).total() == counts["removed"] + counts["altered"], (seed, options)
        assert (after[name] - before[name]).total() == counts["added"] + counts["altered"], (seed, options)


def fill(talk: Talk, chance: random.Random) -> None:
    """Few keys in many spellings, so that there is everything to decide about."""
    keys = {name: chance.choices(AWKWARD, k=chance.randrange(8)) for name in FIVE.names}
    tables = {name: rows(held, name) for name, held in keys.items()}
    talk.shell.sandbox.edit(
        lambda state: replacing.replace(state, tables), Request(OperationKind.INIT, "", "test", creates=True)
    )


def told(talk: Talk, line: str) -> Any:
    """The data of a command, in the order of its systems."""
    said = talk.say(f"{line} --format json")
    assert said.status == 0, said.text
    data = json.loads(said.text[said.text.index("{") : said.text.rindex("}") + 1])["data"]
    return {key: dict(sorted(value.items())) if isinstance(value, dict) else value for key, value in data.items()}


def content(home: Path) -> Rows:
    """The rows of every file."""
    files = {name: (home / "systems" / f"{name}.csv").open(encoding="utf-8", newline="") for name in FIVE.names}
    return {name: Counter(tuple(row) for row in csv.reader(file)) for name, file in files.items()}
