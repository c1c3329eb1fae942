"""Commands of reconciliation: look, predict, run, apply, compare."""

from __future__ import annotations

import argparse

from keysync_shell.commands.catalogue.editing import at_least
from keysync_shell.commands.catalogue.looking import capped, kind
from keysync_shell.commands.declaring import Arguments, Command
from keysync_shell.core.planning.policy import DECISIONS, STRATEGIES

GROUP = "Reconcile"

SETTING = "NAME=VALUE"


def policy(arguments: Arguments) -> None:
    group = arguments.group("policy (defaults: [policy] in keysync.toml)")
    for name, decisions in DECISIONS.items():
        group.add(f"--{name}", choices=decisions, help=f"what to do about {name} findings")
    group.add("--strategy", choices=STRATEGIES, help="what a proposed master key looks like")
    group.add("--prefix", metavar="TEXT", help="the prefix of namespaced master keys")
    text = "another decision for some keys; may be given several times"
    group.add("--decide", nargs=2, action="append", default=[], metavar=("KEYS", "DECISION"), help=text)


def setting(text: str) -> tuple[str, str]:
    """`uppercase=off`, for argparse."""
    name, equals, value = text.partition("=")
    if not equals:
        raise argparse.ArgumentTypeError(f"{text!r} is no setting; write it like uppercase=off")
    return name, value


def _explain(arguments: Arguments) -> None:
    arguments.add("key", metavar="KEY", help="a key in any spelling", complete="keys")
    policy(arguments)


def _matrix(arguments: Arguments) -> None:
    arguments.add("row", nargs="?", type=at_least(1), metavar="N", help="list the keys of that row")
    arguments.add("--inclusive", action="store_true", help="count keys in at least these systems")
    capped(arguments)


def _plan(arguments: Arguments) -> None:
    arguments.add("--detail", action="store_true", help="every action, not the summary")
    arguments.add("--output", dest="save", metavar="P.json", help="save the plan for apply", complete="files")
    arguments.add("--force", action="store_true", help="with --output: replace a file that is there")
    policy(arguments)
    capped(arguments)


def _reconcile(arguments: Arguments) -> None:
    arguments.add("-n", "--dry-run", action="store_true", help="write nothing at all")
    arguments.add("--auto-approve", action="store_true", help="proposed master keys become active at once")
    text = "full, or what changed since the last run (default: full)"
    arguments.add("-m", "--mode", choices=("full", "incremental"), default="full", help=text)
    text = "where the reports go (default: reports/run-N in the sandbox)"
    arguments.add("--output-dir", metavar="DIR", help=text, complete="folders")
    policy(arguments)


def _apply(arguments: Arguments) -> None:
    arguments.add("plan", nargs="?", metavar="P.json", help="a saved plan (default: plan anew)", complete="files")
    arguments.add("--only", type=kind, action="append", default=[], metavar="KIND", help="only findings of this kind")
    arguments.add("-s", "--system", metavar="SYSTEM", help="only this system", complete="systems")
    policy(arguments)


def _run(arguments: Arguments) -> None:
    arguments.add("run", nargs="?", type=at_least(1), metavar="RUN", help="the number of a run (default: the last)")


def _compare(arguments: Arguments) -> None:
    _run(arguments)
    capped(arguments)


def _registry(arguments: Arguments) -> None:
    arguments.add("action", nargs="?", choices=("list", "approve", "deprecate"), default="list", help="default: list")
    arguments.add("ids", nargs="*", metavar="ID|KEY", help="which master keys, by number or key; all: every one")


def _report(arguments: Arguments) -> None:
    _run(arguments)
    text = "write the report files there (default: only say what the run found)"
    arguments.add("--output-dir", metavar="DIR", help=text, complete="folders")


def _whatif(arguments: Arguments) -> None:
    arguments.add("what", choices=("normalize",), metavar="normalize", help="other normalization rules")
    arguments.add("settings", nargs="+", type=setting, metavar=SETTING, help="such as uppercase=off pad_numbers=6")


COMMANDS = (
    Command(
        "explain",
        GROUP,
        "Tell all about one key: spellings, rules, pattern, findings, history, plan.",
        "explaining:explain",
        ("explain CUST-00042",),
        _explain,
    ),
    Command(
        "matrix",
        GROUP,
        "Show which systems hold how many keys together.",
        "explaining:matrix",
        ("matrix", "matrix 3", "matrix --inclusive"),
        _matrix,
    ),
    Command(
        "plan",
        GROUP,
        "Show what a reconciliation would do; exit 1 if it would do anything.",
        "reconciling:plan",
        ("plan", "plan --detail", "plan --variant respell --output p.json", "plan --decide 'TEST-*' ignore"),
        _plan,
        asks=True,
        own_output=True,
    ),
    Command(
        "predict",
        GROUP,
        "Predict what a run will find, propose and change, before it runs.",
        "reconciling:predict",
        ("predict", "predict --format json"),
        policy,
    ),
    Command(
        "reconcile",
        GROUP,
        "Run: compare, propose master keys, write reports. The systems stay as they are.",
        "reconciling:reconcile",
        ("reconcile", "reconcile --dry-run", "reconcile --mode incremental --output-dir out"),
        _reconcile,
        leaves=True,
    ),
    Command(
        "apply",
        GROUP,
        "Carry the plan out on the systems, as one change that can be undone.",
        "reconciling:apply",
        ("apply", "apply p.json", "apply --only gap --system D"),
        _apply,
        changes=True,
    ),
    Command(
        "compare",
        GROUP,
        "Say what became of the findings of a run; exit 1 if something is new or went another way than planned.",
        "reconciling:compare",
        ("compare", "compare 2"),
        _compare,
        asks=True,
    ),
    Command(
        "registry",
        GROUP,
        "List master keys, approve or deprecate them.",
        "reconciling:registry",
        ("registry", "registry approve 3 UNAUTH-001", "registry deprecate all"),
        _registry,
    ),
    Command("runs", GROUP, "List the runs.", "reconciling:runs", ("runs",)),
    Command(
        "report",
        GROUP,
        "Show what a run found, or write its reports again.",
        "reconciling:report",
        ("report", "report 2 --output-dir out"),
        _report,
        leaves=True,
    ),
    Command("rules", GROUP, "Show the normalization rules in force.", "explaining:rules", ("rules",)),
    Command(
        "whatif",
        GROUP,
        "Show how the findings would change under other rules; nothing is touched.",
        "explaining:whatif",
        ("whatif normalize uppercase=off", "whatif normalize pad_numbers=6"),
        _whatif,
    ),
)
