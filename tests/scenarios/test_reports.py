"""Reports of scenarios for other programs: JUnit, TAP, GitHub."""

from __future__ import annotations

from dataclasses import replace
from xml.etree import ElementTree

from keysync_shell.scenarios.github import summary, workflow_commands
from keysync_shell.scenarios.junit import junit
from keysync_shell.scenarios.places import Place
from keysync_shell.scenarios.playing import Mismatch, Played, Result
from keysync_shell.scenarios.reporting import Report, Verdict, exit_code, judged
from keysync_shell.scenarios.tap import tap

HOSTILE = "::error ::x\x00\ud800\n# SKIP % | ]]> \x1b[31m"
PLACE = Place("s/net.yaml", 12, 9)
GOOD = Played(1, 0, 1, "checkpoint", "in sync", PLACE, "", Result.PASSED)
MISMATCH = Mismatch(PLACE, "gaps.D == 40", "gaps.D is 38", missing=("NET-1", HOSTILE))
BAD = replace(GOOD, text=HOSTILE, trail="round 2 of 3", result=Result.FAILED, mismatches=(MISMATCH,))
BROKEN = replace(GOOD, word="run", text="remove-key X", result=Result.TROUBLE, reason="exit 2: no key X")


def report(*played: Played, reason: str = "") -> Report:
    verdict = Verdict.TROUBLE if reason else judged(played, over=True)
    return Report("net", "s/net.yaml", verdict, played, 1.5, reason=reason)


def test_junit_has_the_scenario_as_class_and_the_checkpoint_as_name() -> None:
    root = ElementTree.fromstring(junit([report(GOOD, BAD, BROKEN)]))
    cases = list(root.iter("testcase"))
    assert [(case.get("classname"), case.get("name")) for case in cases[::2]] == [
        ("net", "in sync"),
        ("net", "run remove-key X"),
    ]
    assert [[child.tag for child in case] for case in cases] == [[], ["failure"], ["error"]]
    assert (root.get("tests"), root.get("failures"), root.get("errors")) == ("3", "1", "1")


def test_junit_tells_of_a_scenario_that_could_not_be_run_and_of_one_without_checkpoints() -> None:
    root = ElementTree.fromstring(junit([report(reason=f"bad {HOSTILE}"), report()]))
    assert [case.get("name") for case in root.iter("testcase")] == ["it can be run", "it runs to its end"]
    assert len(list(root.iter("error"))) == 1


def test_tap_escapes_what_would_be_a_directive() -> None:
    lines = tap([report(GOOD, BAD), report(reason="no such file"), report()]).splitlines()
    assert lines[:3] == ["TAP version 14", "1..4", "ok 1 - net: in sync"]
    assert lines[3].startswith("not ok 2 - net: ::error ::x\\\\x00")
    assert "\\# SKIP" in lines[3]
    assert any('"s/net.yaml:12:9: expected gaps.D == 40"' in line for line in lines)


def test_annotations_name_the_place_and_no_key_is_a_command() -> None:
    lines = workflow_commands([report(GOOD, BAD, BROKEN), report(reason=HOSTILE)]).splitlines()
    assert [line.partition("::net: ")[0] for line in lines] == [
        "::error file=s/net.yaml,line=12,col=9",
        "::error file=s/net.yaml,line=12,col=9",
        "::error file=s/net.yaml",
    ]


def test_the_summary_is_a_table_that_hostile_names_do_not_break() -> None:
    text = summary([report(GOOD, BAD), replace(report(GOOD), name="a|b<script>")])
    assert "| ❌ | net | 1 of 2 | 1.5 |" in text
    assert "| ✅ | a\\|b&lt;script> | 1 of 1 | 1.5 |" in text
    assert "gaps.D is 38" in text


def test_trouble_beats_failures_and_nothing_run_is_trouble() -> None:
    assert [exit_code(reports) for reports in ([], [report(GOOD)], [report(BAD)], [report(BROKEN), report(BAD)])] == [
        *(2, 0, 1, 2)
    ]
    assert judged([GOOD], over=False) is Verdict.PAUSED
