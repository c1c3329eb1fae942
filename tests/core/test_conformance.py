"""The figures that came with real input. It is not part of the repository: it lies in `shared` beside it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import pytest

from keysync_shell.core.findings.counting import Summary, summarize
from keysync_shell.core.findings.index import Index
from keysync_shell.core.findings.listing import findings
from keysync_shell.core.model.limits import Limits
from keysync_shell.core.model.rules import Rules
from keysync_shell.core.model.state import State
from keysync_shell.storage import system_csv
from tests.building import FIVE

SAMPLES = Path(__file__).parents[2].parent / "shared" / "samples"
FILES = SAMPLES / "keysync-mini"
LABELS = {"canonical keys": "total"}  # the others are called as the glossary has them

pytestmark = pytest.mark.skipif(not FILES.is_dir(), reason=f"the sample input is not there ({FILES})")


@dataclass(frozen=True)
class Counted:
    index: Index
    summary: Summary


@pytest.fixture(scope="module", params=[0, 6], ids=["unpadded", "padded"])
def counted(request: pytest.FixtureRequest) -> Counted:
    contents = {name: (FILES / f"{name}.csv").read_bytes() for name in FIVE.names}
    state = State(FIVE, {name: system_csv.parse(data, name, Limits()) for name, data in contents.items()})
    index = Index.build(state, Rules(pad_numbers=request.param))
    return Counted(index, summarize(index, state))


@pytest.fixture(scope="module")
def readme() -> str:
    return (SAMPLES / "README.md").read_text(encoding="utf-8")


def test_every_number_of_each_system_is_the_one_in_the_table(counted: Counted, readme: str) -> None:
    lines = re.findall(r"^\| (\w[\w ]*?)(?: \(.*?\))? \|(.*)\|$", readme, re.MULTILINE)
    table = {LABELS.get(label, label): [cell.strip() for cell in cells.split("|")] for label, cells in lines}
    assert len(table) == 9
    for name, cells in table.items():
        ours = [str(system.as_data()[name]) for system in counted.summary.systems]
        assert [mine for mine, theirs in zip(ours, cells, strict=True) if theirs] == [cell for cell in cells if cell]
        assert all(mine == "0" for mine, theirs in zip(ours, cells, strict=True) if not theirs)


def test_every_number_of_all_together_is_the_one_below_it(counted: Counted, readme: str) -> None:
    figures = {what.strip(): int(number) for what, number in re.findall(r"([\w ]+): (\d+)", readme)}
    found, summary = counted.summary.discrepancies, counted.summary
    respelled = findings(counted.index, ["duplicate"])["form"].to_list().count("respelled")
    assert figures == {
        "canonical keys in all": summary.keys,
        "in every system": summary.in_sync,
        "unauthorized": found["unauthorized"],
        "gaps": found["gaps"],
        "duplicates": found["duplicates"],
        "of them respelled": respelled,
        "variants": found["variants"],
        "malformed": found["malformed"],
        "patterns seen": len(summary.patterns),
    }


def test_files_come_back_from_their_rows(counted: Counted) -> None:
    for name in FIVE.names:
        data = (FILES / f"{name}.csv").read_bytes()
        lines = data.replace(b"\r\n", b"\n").splitlines(keepends=True)
        rows = system_csv.parse(data, name, Limits())
        assert sorted(system_csv.serialize(rows).splitlines(keepends=True)) == sorted(lines)
