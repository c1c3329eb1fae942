"""Commands of reconciliation: look, predict, run, apply, compare."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from keysync_shell.commands.arguments import Argument, Arguments
from keysync_shell.commands.catalogue.arguments import EVERY, SYSTEMS, Capped, PolicyOptions, at_least, kind, setting
from keysync_shell.commands.declaring import YES, Asks, Changes, Later, command

if TYPE_CHECKING:
    from keysync_shell.commands import explaining, reconciling
else:
    explaining, reconciling = Later("explaining"), Later("reconciling")

GROUP = "Reconcile"

RUN = Argument(help="the number of a run (default: the last)", metavar="RUN", read=at_least(1), complete="runs")


class Explain(PolicyOptions):
    """Show everything about one key: spellings, rules, pattern, findings, history, plan."""

    key: Annotated[str, Argument(help="a key in any spelling", metavar="KEY", complete="key")]


class Matrix(Capped):
    """Show which systems hold how many keys together."""

    row: Annotated[int | None, Argument(help="list the keys of that row", metavar="N", read=at_least(1))] = None
    inclusive: Annotated[bool, Argument("--inclusive", "count keys in at least these systems")] = False


class Plan(PolicyOptions, Capped, Asks):
    """Show what a reconciliation would do; exit 1 if it would do anything."""

    detail: Annotated[bool, Argument("--detail", "every action, not the summary")] = False
    save: Annotated[str | None, Argument("--output", "save the plan for apply", metavar="P.json", complete="files")] = (
        None
    )
    yes: Annotated[bool, YES.saying("with --output: replace a file of that name")] = False


class Predict(PolicyOptions):
    """Predict what a run will find, propose and change, before it runs."""


class Reconcile(PolicyOptions):
    """Run: compare, propose master keys, write reports. The systems are not changed."""

    dry_run: Annotated[bool, Argument("-n --dry-run", "write nothing at all")] = False
    auto_approve: Annotated[bool, Argument("--auto-approve", "proposed master keys become active at once")] = False
    mode: Annotated[
        str,
        Argument("-m --mode", "full, or what changed since the last run", choices=("full", "incremental")),
    ] = "full"
    output_dir: Annotated[
        str | None,
        Argument(
            "--output-dir",
            "where the reports go (default: reports/run-N in the sandbox)",
            metavar="DIR",
            complete="folders",
        ),
    ] = None


class Apply(PolicyOptions, Changes):
    """Carry out the plan on the systems, as one change that can be undone."""

    plan: Annotated[
        str | None, Argument(help="a saved plan (default: make a new plan)", metavar="P.json", complete="files")
    ] = None
    only: Annotated[
        tuple[str, ...], Argument("--only", "only findings of this kind", metavar="KIND", read=kind, complete="kinds")
    ] = ()
    systems: Annotated[str, SYSTEMS.saying("only these systems, such as B,C")] = EVERY


class Compare(Capped, Asks):
    """Show what became of the findings of a run; exit 1 if anything is new or not as planned."""

    run: Annotated[int | None, RUN] = None


class Registry(Changes):
    """List master keys, approve or deprecate them."""

    action: Annotated[str, Argument(help="what to do", choices=("list", "approve", "deprecate"))] = "list"
    ids: Annotated[
        tuple[str, ...], Argument(help="which master keys, by number or key; all: every one", metavar="ID|KEY")
    ] = ()


class Runs(Arguments):
    """List the runs."""


class Report(Arguments):
    """Show what a run found, or write its reports again."""

    run: Annotated[int | None, RUN] = None
    output_dir: Annotated[
        str | None,
        Argument(
            "--output-dir",
            "write the report files there (default: only say what the run found)",
            metavar="DIR",
            complete="folders",
        ),
    ] = None


class Rules(Arguments):
    """Show the normalization rules in force."""


class Whatif(Arguments):
    """Show how other rules would change the findings; nothing is changed."""

    what: Annotated[str, Argument(help="other normalization rules", metavar="normalize", choices=("normalize",))]
    settings: Annotated[
        tuple[str, ...],
        Argument(help="such as uppercase=off pad_numbers=6", metavar="NAME=VALUE", read=setting, complete="rules"),
    ]


COMMANDS = (
    command("explain", GROUP, Explain, explaining.explain, ("explain CUST-00042",), looks=True),
    command("matrix", GROUP, Matrix, explaining.matrix, ("matrix", "matrix 3", "matrix --inclusive"), looks=True),
    command(
        "plan",
        GROUP,
        Plan,
        reconciling.plan,
        ("plan", "plan --detail", "plan --variant respell --output p.json", "plan --decide 'TEST-*' ignore"),
        looks=True,
    ),
    command("predict", GROUP, Predict, reconciling.predict, ("predict", "predict --format json"), looks=True),
    command(
        "reconcile",
        GROUP,
        Reconcile,
        reconciling.reconcile,
        ("reconcile", "reconcile --dry-run", "reconcile --mode incremental --output-dir out"),
    ),
    command("apply", GROUP, Apply, reconciling.apply, ("apply", "apply p.json", "apply --only gap --systems D")),
    command("compare", GROUP, Compare, reconciling.compare, ("compare", "compare 2"), looks=True),
    command(
        "registry",
        GROUP,
        Registry,
        reconciling.registry,
        ("registry", "registry approve 3 UNAUTH-001", "registry deprecate all"),
    ),
    command("runs", GROUP, Runs, reconciling.runs, ("runs",), looks=True),
    command(
        "report", GROUP, Report, reconciling.report, ("report", "report 2 --output-dir out"), leaves=True, looks=True
    ),
    command("rules", GROUP, Rules, explaining.rules, ("rules",), looks=True),
    command(
        "whatif",
        GROUP,
        Whatif,
        explaining.whatif,
        ("whatif normalize uppercase=off", "whatif normalize pad_numbers=6"),
        looks=True,
    ),
)
