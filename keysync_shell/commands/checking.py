"""Commands that look after the sandbox itself."""

from __future__ import annotations

from dataclasses import dataclass

from keysync_shell.commands.catalogue import checking as asked
from keysync_shell.commands.results import CheckingResult
from keysync_shell.commands.session import Session
from keysync_shell.commands.words import looked_up
from keysync_shell.core.edits import removing
from keysync_shell.core.model.keys import safe
from keysync_shell.errors import KeySyncError
from keysync_shell.sandbox import Outcome
from keysync_shell.sandbox.checking import Problem
from keysync_shell.sandbox.repairing import Replacement
from keysync_shell.scenarios import measuring
from keysync_shell.scenarios.measuring import Measure
from keysync_shell.storage import programs
from keysync_shell.storage.files import explained
from keysync_shell.storage.operations import OperationKind


@dataclass(frozen=True)
class Checked(CheckingResult):
    """The problems that were found."""

    problems: tuple[Problem, ...]
    exit_code: int


@dataclass(frozen=True)
class Expectation:
    """A condition with the numbers on both of its sides; `required` if it is not only warned of."""

    condition: str
    holds: bool
    required: bool
    number: str
    actual: int
    expected: int


@dataclass(frozen=True)
class Expected(CheckingResult):
    """What became of conditions."""

    expectations: tuple[Expectation, ...]
    exit_code: int


@dataclass(frozen=True)
class Repaired(CheckingResult):
    """A system that holds what was put in place of a broken file."""

    by: Replacement

    @property
    def committed(self) -> bool:
        return self.by.committed


@dataclass(frozen=True)
class Finished(CheckingResult):
    """A program that ran under the lock."""

    argv: tuple[str, ...]
    exit_code: int


Results = Checked | Expected | Repaired | Finished


def check(session: Session, args: asked.Check) -> Checked:
    problems = tuple(session.sandbox.check())
    return Checked(problems, exit_code=int(bool(problems) and not args.exit_zero))


def expect(session: Session, args: asked.Expect) -> Expected:
    if not (args.conditions or args.warn):
        raise KeySyncError("nothing is expected", hint="Say it like: expect 'gaps.D <= 5' 'duplicates == 0'")
    given = [(text, True) for text in args.conditions] + [(text, False) for text in args.warn]
    checked = [(measuring.of_now(text, session.sandbox.systems), text, required) for text, required in given]
    session.sandbox.refresh()
    measure = Measure(session.sandbox)
    told = tuple(
        Expectation(
            text,
            comparison.holds(measure),
            required,
            str(comparison.left),
            measure(comparison.left),
            comparison.expected(measure),
        )
        for comparison, text, required in checked
    )
    failed = any(one.required and not one.holds for one in told)
    return Expected(told, exit_code=int(failed and not args.exit_zero))


def repair(session: Session, args: asked.Repair) -> Repaired | Outcome:
    sandbox = session.sandbox
    system = sandbox.systems.find(args.system)
    if args.repeats is not None:
        query = looked_up(session, args.repeats)
        return sandbox.edit(
            lambda state: removing.without_repeats(state, query.on(sandbox.index), (system,)),
            session.request(OperationKind.REPAIR, args, destroys=True),
        )
    request = session.request(OperationKind.REPAIR, args)
    return Repaired(
        sandbox.repair(request, system, args.drop_lines, lambda plan: session.confirm(_question(plan), args))
    )


def lock(session: Session, args: asked.Lock) -> Finished:
    sandbox = session.sandbox
    sandbox.require_no_batch("lock")
    argv = args.argv[1:] if args.argv[:1] == ("--",) else args.argv
    if not argv:
        raise KeySyncError("lock needs a program to run", hint="For example: lock -- cp -r systems backup")
    with sandbox.exclusively() as shared, explained(f"{safe(argv[0])} cannot be run"):
        code = programs.run(argv, shared)
    sandbox.look()
    return Finished(argv, code if code >= 0 else 128 - code)


def _question(plan: Replacement) -> str:
    aside = f" The broken file is kept as {plan.broken.name}." if plan.broken else ""
    return f"{safe(plan.reason)}\nPut {plan.rows:,} rows in its place?{aside}"
