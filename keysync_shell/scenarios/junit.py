"""Reports of scenarios as JUnit XML: a scenario is a suite, a checkpoint a test case."""

from __future__ import annotations

from collections.abc import Sequence

from junitparser import Error, Failure, JUnitXml, TestCase, TestSuite

from keysync_shell.core.model.keys import safe
from keysync_shell.scenarios.playing import Played, Result
from keysync_shell.scenarios.reporting import Report, explained


def junit(reports: Sequence[Report]) -> str:
    """The XML. Characters that XML forbids are escaped as they are everywhere else."""
    document = JUnitXml("keysync scenarios")
    for report in reports:
        suite = TestSuite(safe(report.name))
        suite.add_testcases(_cases(report))
        document.add_testsuite(suite)
    document.update_statistics()  # type: ignore[no-untyped-call]  # the library has no types for these two
    text: bytes = document.tostring()  # type: ignore[no-untyped-call]
    return text.decode()


def _cases(report: Report) -> list[TestCase]:
    cases = [_case(report, one) for one in report.cases]
    if report.reason:
        broken = TestCase("it can be run", classname=safe(report.name))
        broken.result = [_told(Error, [report.reason])]
        cases.append(broken)
    if not cases and not report.reason:
        cases.append(TestCase("it runs to its end", classname=safe(report.name)))
    cases[0].time = report.seconds  # the parts are not timed; the suite's sum is right
    return cases


def _case(report: Report, one: Played) -> TestCase:
    case = TestCase(safe(_name(one)), classname=safe(report.name))
    if one.result is Result.FAILED:
        case.result = [_told(Failure, explained(one))]
    if one.result is Result.TROUBLE:
        case.result = [_told(Error, [f"{one.place}: {one.text}", *explained(one)])]
    return case


def _name(one: Played) -> str:
    name = one.text if one.word == "checkpoint" else f"{one.word} {one.text}"
    return f"{name} ({one.trail})" if one.trail else name


def _told(kind: type[Error] | type[Failure], lines: list[str]) -> Error | Failure:
    shown = [safe(line) for line in lines]
    told = kind(shown[0] if shown else "", kind.__name__)
    told.text = "\n".join(shown)
    return told
