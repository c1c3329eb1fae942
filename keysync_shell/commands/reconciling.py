"""Commands of reconciliation."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import polars as pl

from keysync_shell.commands import words
from keysync_shell.commands.catalogue import reconciling as asked
from keysync_shell.commands.looking import Cap
from keysync_shell.commands.results import ReconcilingResult
from keysync_shell.commands.session import Session
from keysync_shell.core.edits.edit import Edit
from keysync_shell.core.findings import losses
from keysync_shell.core.findings.index import Index
from keysync_shell.core.model.change import Change, changes
from keysync_shell.core.model.limits import Limits
from keysync_shell.core.model.master_keys import ACTIVE, DEPRECATED, PROPOSED, MasterKey, by_number, next_id
from keysync_shell.core.model.state import State
from keysync_shell.core.planning.actions import PROPOSE, Plan, as_edit
from keysync_shell.core.planning.plan import plan as planned
from keysync_shell.core.planning.policy import Policy
from keysync_shell.errors import KeySyncError
from keysync_shell.reconcile import comparing, engine, recording, reports
from keysync_shell.reconcile.comparing import touched_by
from keysync_shell.reconcile.engine import Prediction, registered
from keysync_shell.reconcile.recorded import Recorded, as_it_was
from keysync_shell.reconcile.recording import Order, Reconciled
from keysync_shell.sandbox import Outcome, Request
from keysync_shell.sandbox.memory import Memory
from keysync_shell.storage import files, outputs
from keysync_shell.storage.files import explained
from keysync_shell.storage.operations import OperationKind
from keysync_shell.storage.registry import Run

PLAN_SCHEMA = "keysync-plan/1"
NEXT = "plan · apply · compare"


@dataclass(frozen=True)
class Planned(ReconcilingResult):
    """A plan; `left` is how many discrepancies there are now, acted upon or not."""

    plan: Plan
    left: int
    authority: str
    detail: bool
    cap: Cap
    saved: str | None
    exit_code: int

    @property
    def shown_keys(self) -> pl.Series:
        return self.plan.actions["key"]


@dataclass(frozen=True)
class Predicted(ReconcilingResult):
    prediction: Prediction


@dataclass(frozen=True)
class Reconciliation(ReconcilingResult):
    """A run that was made, or that is told of again."""

    done: Reconciled

    @property
    def committed(self) -> bool:
        return self.done.committed


@dataclass(frozen=True)
class Compared(ReconcilingResult):
    run: Run
    rows: pl.DataFrame
    cap: Cap
    exit_code: int


@dataclass(frozen=True)
class MasterKeys(ReconcilingResult):
    keys: tuple[MasterKey, ...]


@dataclass(frozen=True)
class RunList(ReconcilingResult):
    runs: tuple[Run, ...]


Results = Planned | Predicted | Reconciliation | Compared | MasterKeys | RunList


def plan(session: Session, args: asked.Plan) -> Planned:
    sandbox = session.sandbox
    if args.save is not None:
        outputs.check(session.file(args.save), sandbox.home, force=args.yes)
    memory = sandbox.moment(None)
    policy = words.policy(session, args, memory.index)
    made = planned(memory.state, memory.index, policy, registered(memory.state.master_keys, memory.rules))
    sandbox.warnings.extend(losses.warnings(memory.index))
    if args.save is not None:
        outputs.write(session.file(args.save), _as_file(made, sandbox.digest()), sandbox.home, force=args.yes)
    left = memory.summary().discrepancies.total
    wrong = made.changes_anything and not args.exit_zero
    cap = Cap(args.all, args.limit, rest="" if args.limit else f"{session.line} --all")
    return Planned(made, left, sandbox.systems.authority, args.detail, cap, args.save, int(wrong))


def predict(session: Session, args: asked.Predict) -> Predicted:
    memory = session.sandbox.moment(None)
    _, prediction = engine.predict(memory.state, memory.index, words.policy(session, args, memory.index))
    session.sandbox.warnings.extend(losses.warnings(memory.index))
    return Predicted(prediction)


def reconcile(session: Session, args: asked.Reconcile) -> Reconciliation:
    sandbox = session.sandbox
    order = Order(
        mode=args.mode,
        auto_approve=args.auto_approve,
        policy=lambda index: words.policy(session, args, index),
        folder=lambda number: (
            session.file(args.output_dir) if args.output_dir is not None else _folder(session, number)
        ),
    )
    if args.dry_run:
        sandbox.refresh()
        return Reconciliation(replace(recording.look(sandbox, order), next=NEXT))
    done = recording.run(sandbox, order, Request(OperationKind.RECONCILE, session.line, session.source))
    sandbox.warnings.extend(done.warnings)
    return Reconciliation(replace(done, next=NEXT))


def apply(session: Session, args: asked.Apply) -> Outcome:
    sandbox = session.sandbox
    saved = _saved(session.file(args.plan), sandbox.config.limits) if args.plan is not None else None
    wanted = sandbox.systems.parse(args.systems)

    def decide(state: State) -> Edit:
        index = sandbox.index
        policy, known = saved.policy if saved else words.policy(session, args, index), state.master_keys
        if saved and saved.digest != sandbox.digest():
            raise KeySyncError(
                f"{args.plan} was made for other content than the systems hold now",
                hint="Make a new one: plan --output",
            )
        if saved and saved.actions != _binding(planned(state, index, policy, registered(known, index.rules))):
            raise KeySyncError(
                f"{args.plan} was edited, or made by another version", hint="Make a new one: plan --output"
            )
        made = planned(state, index, policy, registered(known, index.rules), only=args.only or None, systems=wanted)
        proposals = engine.proposals(made, index, None, sandbox.now(), False, next_id(known))
        edit = as_edit(state, made)
        return replace(edit, change=changes(edit.change.parts, engine.added(proposals)))

    return sandbox.edit(decide, session.request(OperationKind.APPLY, args))


def compare(session: Session, args: asked.Compare) -> Compared:
    sandbox = session.sandbox
    memory = sandbox.moment(None)
    with sandbox.records() as registry:
        run = recording.chosen(registry, args.run)
        past = recording.recorded(registry, run, sandbox.systems)
    touched = touched_by(sandbox.changes_since(run.operation), past.rules)
    rows = comparing.compare(past, _seen_by(past, memory), touched)
    differs = rows["status"].is_in(comparing.DIFFERENT).any()
    cap = Cap(args.all, args.limit, rest="" if args.limit else f"{session.line} --all")
    return Compared(run, rows, cap, int(bool(differs) and not args.exit_zero))


def registry(session: Session, args: asked.Registry) -> MasterKeys | Outcome:
    sandbox = session.sandbox
    if args.action == "list":
        return MasterKeys(by_number(sandbox.moment(None).state.master_keys))
    approves = args.action == "approve"
    status = ACTIVE if approves else DEPRECATED

    def decide(state: State) -> Edit:
        chosen = [key for key in _picked(by_number(state.master_keys), args.ids) if _may(key, status)]
        return Edit(Change(master_keys=engine.moved(chosen, status, sandbox.now()))) if chosen else Edit(Change())

    return sandbox.edit(decide, session.request(OperationKind.APPROVE if approves else OperationKind.DEPRECATE, args))


def runs(session: Session, _args: asked.Runs) -> RunList:
    session.sandbox.refresh()
    with session.sandbox.records() as registry:
        return RunList(tuple(registry.runs()))


def report(session: Session, args: asked.Report) -> Reconciliation:
    sandbox = session.sandbox
    memory = sandbox.moment(None)
    with sandbox.records() as registry:
        run = recording.chosen(registry, args.run)
        past = recording.recorded(registry, run, sandbox.systems)
        audit = registry.events(run.number)
    result = as_it_was(run, past, memory.state.master_keys)
    folder = session.file(args.output_dir) if args.output_dir is not None else None
    if folder:
        with explained("the reports were not written"):
            reports.write(folder, result, audit, sandbox.home)
    told = Reconciled(result, folder or Path(run.folder), {}, None, committed=True, next=NEXT)
    return Reconciliation(told)


@dataclass(frozen=True)
class _SavedPlan:
    policy: Policy
    digest: str
    actions: list[dict[str, Any]]


def _as_file(made: Plan, digest: str) -> bytes:
    data: dict[str, Any] = {"schema": PLAN_SCHEMA, "digest": digest, "policy": made.policy.as_data()}
    data["actions"] = _binding(made)
    return f"{json.dumps(data, indent=2)}\n".encode()


def _binding(made: Plan) -> list[dict[str, Any]]:
    """The actions that a saved plan is held to; what was proposed meanwhile needs no proposal any more."""
    return made.actions.filter(pl.col("sign") != PROPOSE).to_dicts()


def _saved(path: Path, limits: Limits) -> _SavedPlan:
    with explained("the plan cannot be read"):
        content, _ = files.read(path, limits)
    try:
        data = json.loads(content)
        if data["schema"] != PLAN_SCHEMA:
            raise ValueError("another schema")
        return _SavedPlan(Policy.of(data["policy"]), str(data["digest"]), list(data["actions"]))
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise KeySyncError(
            f"{path} is not a saved plan: {error}", hint="Make one with: plan --output P.json"
        ) from error


def _folder(session: Session, number: int) -> Path:
    """Where the reports of a run go unless another folder is named. Raises KeySyncError if that is out of reach."""
    folder = session.sandbox.home.root / "reports" / f"run-{number}"
    session.reach.check(folder)
    return folder


def _seen_by(past: Recorded, memory: Memory) -> Index:
    """The systems now as the run would see them: the systems that it compared, by the rules that it had."""
    if (past.systems, past.rules) == (memory.state.systems, memory.rules):
        return memory.index
    if gone := [name for name in past.systems.names if name not in memory.state.tables]:
        raise KeySyncError(
            f"run {past.run} compared {', '.join(gone)}, which is no longer a system here",
            hint="Look at it with: report",
        )
    tables = {name: memory.state.tables[name] for name in past.systems.names}
    return Index.build(State(past.systems, tables), past.rules)


def _picked(known: tuple[MasterKey, ...], wanted: Sequence[str]) -> Sequence[MasterKey]:
    if not wanted:
        raise KeySyncError("which master keys?", hint="Name them by number or key, or say all.")
    if list(wanted) == ["all"]:
        return known
    picked: list[MasterKey] = []
    for word in wanted:
        found = [key for key in known if word in (str(key.id), key.master_key, key.canonical)]
        if not found:
            raise KeySyncError(f"there is no master key {word!r}", hint="`registry` lists them.")
        picked += found
    return picked


def _may(key: MasterKey, status: str) -> bool:
    """Only proposed keys become active; any may be deprecated."""
    return key.status != status and (status == DEPRECATED or key.status == PROPOSED)
