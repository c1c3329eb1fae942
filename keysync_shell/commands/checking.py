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
from keysync_shell.storage import programs
from keysync_shell.storage.files import explained
from keysync_shell.storage.operations import OperationKind


@dataclass(frozen=True)
class Checked(CheckingResult):
    """The problems that were found."""

    problems: tuple[Problem, ...]
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


Results = Checked | Repaired | Finished


def check(session: Session, args: asked.Check) -> Checked:
    problems = tuple(session.sandbox.check())
    return Checked(problems, exit_code=int(bool(problems) and not args.exit_zero))


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
        raise KeySyncError("lock needs a program to run", hint="Say it like: lock -- cp -r systems backup")
    with sandbox.exclusively() as shared, explained(f"{safe(argv[0])} cannot be run"):
        code = programs.run(argv, shared)
    sandbox.look()
    return Finished(argv, code if code >= 0 else 128 - code)


def _question(plan: Replacement) -> str:
    aside = f" The broken file is kept as {plan.broken.name}." if plan.broken else ""
    return f"{safe(plan.reason)}\nPut {plan.rows:,} rows in its place?{aside}"
