"""Commands for scenarios: scripts of steps and checkpoints that say by themselves whether all went as expected."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from keysync_shell.commands.arguments import Argument, Arguments, Misread
from keysync_shell.commands.catalogue.arguments import at_least, operation, rate
from keysync_shell.commands.declaring import YES, Asks, Later, command

if TYPE_CHECKING:
    from keysync_shell.commands import scenarios
else:
    scenarios = Later("scenarios")

GROUP = "Scenarios"

# Those of scenarios.running, written out likewise.
ON_FAIL = ("stop", "continue", "pause")
NAME = Argument(help="a scenario's name, or a file", metavar="NAME|FILE", complete="scenarios")
NAMES = Argument(help="names, files or folders of scenarios", metavar="NAME|FILE|DIR", complete="scenarios")
NUMBER = Argument(help="the number of a run", metavar="RUN", read=at_least(1), complete="scenario-runs")
REPORT = "reports for other programs"


def param(text: str) -> str:
    """NAME=VALUE."""
    name, equals, _ = text.partition("=")
    if not equals or not name:
        raise Misread(f"{text!r} is not NAME=VALUE, such as keys=500")
    return text


def operations(text: str) -> str:
    """`@30..@41`, or one operation, in its full form."""
    low, dots, high = text.partition("..")
    first, last = operation(low), operation(high if dots else low)
    if not 0 < first <= last:
        raise Misread(f"{text!r} is no range of operations; write it like @30..@41")
    return f"@{first}..@{last}"


class ScenarioList(Arguments):
    """List the scenarios: those of the sandbox's own folder, and the library."""

    tags: Annotated[tuple[str, ...], Argument("--tag", "only those with this tag", metavar="TAG")] = ()


class ScenarioShow(Arguments):
    """Show the text of a scenario."""

    name: Annotated[str, NAME]


class ScenarioNew(Arguments):
    """Write a scenario to begin with into the sandbox's own folder."""

    name: Annotated[str, Argument(help="its name", metavar="NAME")]


class ScenarioLint(Arguments):
    """Check scenario files without running them; every fault is told with its place."""

    names: Annotated[tuple[str, ...], NAMES]
    params: Annotated[tuple[str, ...], Argument("--param", "a value to check with", metavar="K=V", read=param)] = ()


class ScenarioSchema(Arguments):
    """Print the JSON Schema of a scenario file, for editors."""


class ScenarioRecord(Arguments):
    """Write what was done as a scenario, with checkpoints of what the totals were."""

    name: Annotated[str, Argument(help="its name", metavar="NAME")]
    numbers: Annotated[
        str | None,
        Argument(
            help="which operations (default: those of this shell, or all)", metavar="@N..@M", read=operations, words="?"
        ),
    ] = None
    yaml: Annotated[bool, Argument("--yaml", "as YAML; else it is JSON")] = False


class ScenarioRun(Arguments):
    """Run scenarios on a copy of the sandbox that is thrown away; exit 1 if a checkpoint failed, 2 in trouble."""

    names: Annotated[tuple[str, ...], NAMES] = ()
    all: Annotated[bool, Argument("--all", "every scenario that has a name")] = False
    tags: Annotated[tuple[str, ...], Argument("--tag", "every scenario with this tag", metavar="TAG")] = ()
    params: Annotated[
        tuple[str, ...], Argument("--param", "the value of a param, such as keys=500", metavar="K=V", read=param)
    ] = ()
    step: Annotated[bool, Argument("--step", "pause after every step")] = False
    on_fail: Annotated[
        str, Argument("--on-fail", "what to do when something fails: stop, continue or pause", choices=ON_FAIL)
    ] = "stop"
    keep: Annotated[
        bool, Argument("--keep", "bring the result into the sandbox, as one operation that can be undone")
    ] = False
    accept: Annotated[
        bool, Argument("--accept", "put the numbers that were measured into the files, where others were expected")
    ] = False
    junit: Annotated[
        str | None, Argument("--junit", "write JUnit XML", metavar="FILE", complete="files", within=REPORT)
    ] = None
    tap: Annotated[bool, Argument("--tap", "print TAP instead of a table", within=REPORT)] = False
    github: Annotated[
        bool, Argument("--github", "annotate files on GitHub, and write the summary of the job", within=REPORT)
    ] = False
    yes: Annotated[bool, YES.saying("with --junit or --output: replace an existing file")] = False


class ScenarioResume(Arguments):
    """Go on with a run that is paused or was killed."""

    run: Annotated[int | None, NUMBER.saying("the number of a run (default: the only one that is open)")] = None


class ScenarioAbort(Arguments):
    """Give a run up that is paused or was killed."""

    run: Annotated[int | None, NUMBER.saying("the number of a run (default: the only one that is open)")] = None


class ScenarioRuns(Arguments):
    """List past runs of scenarios, or show every step of one."""

    run: Annotated[int | None, NUMBER] = None


class ScenarioCoverage(Asks):
    """Which kinds of findings in which systems, and which patterns, checkpoints assert; exit 1 below --least."""

    names: Annotated[tuple[str, ...], NAMES.saying("scenarios (default: all that have a name)")] = ()
    least: Annotated[
        float | None, Argument("--least", "the share that must be covered, such as 95%", metavar="R", read=rate)
    ] = None


COMMANDS = (
    command(
        "scenario list",
        GROUP,
        ScenarioList,
        scenarios.listing,
        ("scenario list", "scenario list --tag failure"),
        looks=True,
    ),
    command("scenario show", GROUP, ScenarioShow, scenarios.show, ("scenario show network-partition",), looks=True),
    command("scenario new", GROUP, ScenarioNew, scenarios.new, ("scenario new late-orders",)),
    command(
        "scenario lint", GROUP, ScenarioLint, scenarios.lint, ("scenario lint late-orders tests/scenarios",), looks=True
    ),
    command(
        "scenario schema",
        GROUP,
        ScenarioSchema,
        scenarios.schema,
        ("scenario schema --output scenario.json",),
        looks=True,
    ),
    command(
        "scenario record",
        GROUP,
        ScenarioRecord,
        scenarios.record,
        ("scenario record bug-417", "scenario record late-orders @30..@41 --yaml"),
    ),
    command(
        "scenario run",
        GROUP,
        ScenarioRun,
        scenarios.run,
        (
            "scenario run network-partition",
            "scenario run network-partition --param keys=500 --step",
            "scenario run --all --junit results.xml",
        ),
    ),
    command("scenario resume", GROUP, ScenarioResume, scenarios.resume, ("scenario resume", "scenario resume 3")),
    command("scenario abort", GROUP, ScenarioAbort, scenarios.abort, ("scenario abort 3",)),
    command("scenario runs", GROUP, ScenarioRuns, scenarios.runs, ("scenario runs", "scenario runs 3"), looks=True),
    command(
        "scenario coverage",
        GROUP,
        ScenarioCoverage,
        scenarios.coverage,
        ("scenario coverage", "scenario coverage tests/scenarios --least 90%"),
    ),
)
