"""Scenario files: every fault with its place, all at once, and never a traceback."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from keysync_shell.scenarios.loading import BadScenario, load
from keysync_shell.scenarios.model import Checkpoint, Run, When, schema

GOOD = """\
name: partition
description: D misses what the others got.
params:
  keys: {default: 1000, min: 200}
steps:
  - run: init --keys $keys
  - checkpoint: apart
    expect: [gaps.D == 40, unauthorized > 0]
    keys: {gap:D: [NET-001..NET-040]}
  - when: gaps.D > 0
    then:
      - note: mended
"""


def faults(text: str, file: str = "bad.yaml") -> list[str]:
    with pytest.raises(BadScenario) as caught:
        load(text, file)
    return caught.value.findings


def test_a_good_file_says_what_is_written_in_it() -> None:
    scenario = load(GOOD, "good.yaml")
    run, checkpoint, when = scenario.steps
    assert isinstance(run, Run)
    assert isinstance(checkpoint, Checkpoint)
    assert isinstance(when, When)
    assert run.run == "init --keys $keys"
    assert checkpoint.expect == ("gaps.D == 40", "unauthorized > 0")
    assert checkpoint.keys == {"gap:D": ("NET-001..NET-040",)}
    assert str(when.then[0].place) == "good.yaml:12:15"


def test_every_text_carries_its_place_to_the_character() -> None:
    checkpoint = load(GOOD, "good.yaml").steps[1]
    assert isinstance(checkpoint, Checkpoint)
    place = checkpoint.expect[0].place
    assert (place.line, place.column, GOOD[place.start : place.end]) == (8, 14, "gaps.D == 40")


def _findings(text: str, file: str) -> list[str]:
    try:
        load(text, file)
    except BadScenario as bad:
        return bad.findings
    return []


@pytest.mark.parametrize("word", ["007", "NO", "1:30", "1e5", "~", "0x1F", "2024-01-01", "null"])
def test_scalars_stay_what_they_are(word: str) -> None:
    step = load(f"name: x\nsteps:\n  - checkpoint: {word}\n", "x.yaml").steps[0]
    assert isinstance(step, Checkpoint)
    assert step.checkpoint == word


def test_all_faults_are_told_at_once_in_order_and_with_what_was_probably_meant() -> None:
    text = """\
name: bad
descripton: x
given: nowhere
params:
  keys: {default: 10, min: 20, mix: 3}
  n: {default: 10, min: 20}
steps:
  - run: init
    exitt: 3
  - chekpoint: a
  - when: x
    then:
      - run: ""
        exit: NO
"""
    assert faults(text) == [
        "bad.yaml:2:1: unknown field 'descripton'; did you mean 'description'?",
        "bad.yaml:3:8: 'nowhere' is not empty, now or snapshot:NAME",
        "bad.yaml:5:32: unknown field 'mix'; did you mean 'min'?",
        "bad.yaml:6:6: the default 10 is less than 20",
        "bad.yaml:9:5: unknown field 'exitt'; did you mean 'exit'?",
        "bad.yaml:10:5: this is not a step; it needs one of run, checkpoint, when, repeat, include, note, pause, mark, "
        "same-as; did you mean 'checkpoint'?",
        "bad.yaml:13:14: nothing is written here",
        "bad.yaml:14:15: 'NO' is not a whole number",
    ]


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("name: x\nname: y\nsteps: [note: n]", "2:1: 'name' stands here twice"),
        ("name: x\nsteps:\n  - run: a\n    run: b", "4:5: 'run' stands here twice"),
        ("name: x\n\tsteps: []", "2:1: a tab cannot indent; use spaces"),
        ("name: &n x\nsteps: [note: *n]", "1:7: aliases and anchors are not taken; write it out, or use repeat"),
        ("name: !!python/object:os.system x", "1:7: the tag tag:yaml.org,2002:python/object:os.system is not taken"),
        ("na\0me: x", "1:3: the character U+0000 may not be here"),
        ('name: "\\ud800"\nsteps: [note: n]', "1:7: half of a surrogate pair is no character"),
        ("[" * 5000, "1:41: nested deeper than 40"),
        ("{a: " * 5000, "nested deeper than 40"),
        ("", "1:1: the file is empty"),
        ("- note: n", "1:1: a scenario is a mapping that begins with its name"),
        ("name: x", "1:1: 'steps' is missing"),
        ("name: x\nsteps: []", "2:8: 'steps' has nothing in it"),
        ("name: x\nsteps: [1, note: n]", "2:9: this is not a step"),
        ("name: [x]\nsteps: [note: n]", "1:7: a text is wanted here"),
        ("name: x\nsteps: {a: b}", "2:8: a list is wanted here"),
        ("name: x\nparams: {n: 3}\nsteps: [note: n]", "2:13: fields with values are wanted here"),
        ("name: x\nconfig: {normalize: {upper: on}}\nsteps: [note: n]", "2:21: there is no rule 'upper'"),
        ("name: x\nconfig: {policy: {gap: 3}}\nsteps: [note: n]", "2:18: policy for gap: '3' is not one of"),
        ('name: "x\\0"\nsteps: [note: n]', "1:7: the character U+0000 may not be here"),
        ("name: ../x\nsteps: [note: n]", "1:7: '../x' is not a name"),
        ("? [a]\n: b\n", "1:3: a field's name is a text"),
        ("name: 'x", "1:9: found unexpected end of stream"),
    ],
)
def test_a_fault_is_named_with_its_place(text: str, fault: str) -> None:
    assert any(fault in line for line in faults(text)), faults(text)


def test_json_is_read_by_the_same_loader_tabs_and_pairs_of_escapes_included() -> None:
    text = json.dumps({"name": "x", "$schema": "s.json", "steps": [{"note": "\U0001f600"}]}, indent="\t")
    assert load(text, "x.json").steps[0].model_dump() == {"note": "\U0001f600"}


def test_json_with_a_fault_names_its_place() -> None:
    assert faults('{"name": "x",\n "steps": [}', "x.json") == ["x.json:2:12: this is no JSON: Expecting value"]
    assert "nested deeper than 40" in faults("[" * 100_000, "x.json")[0]


@given(st.text(alphabet="ab:-[]{}\"'&*!|> \n\t#,\ud800\0é", max_size=60))
@settings(max_examples=300, deadline=None)
def test_no_text_gives_anything_but_a_scenario_or_faults_with_places(text: str) -> None:
    for file in ("x.yaml", "x.json"):
        assert all(line.startswith(f"{file}:") for line in _findings(text, file))


def test_the_schema_names_every_step_and_describes_every_field() -> None:
    made = schema()
    assert {"Run", "Checkpoint", "When", "Repeat", "Include", "Note", "Pause", "Mark", "SameAs"} <= set(made["$defs"])
    assert "same-as" in made["$defs"]["SameAs"]["properties"]
    assert made["properties"]["$schema"]
