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
from keysync_shell.config import path_of
from keysync_shell.core.edits.edit import Edit
from keysync_shell.core.findings import losses
from keysync_shell.core.findings.index import Index
from keysync_shell.core.model.state import State
from keysync_shell.core.planning.actions import PROPOSE, REMOVE, Plan, as_edit
from keysync_shell.core.planning.plan import plan as planned
from keysync_shell.core.planning.policy import Policy
from keysync_shell.errors import KeySyncError
from keysync_shell.reconcile import comparing, engine, recording, reports
from keysync_shell.reconcile.comparing import Since, touched_by
from keysync_shell.reconcile.engine import Prediction, registered, taken
from keysync_shell.reconcile.recorded import Recorded, as_it_was
from keysync_shell.reconcile.recording import Order, Reconciled
from keysync_shell.sandbox import Outcome, Sandbox
from keysync_shell.sandbox.memory import Memory
from keysync_shell.storage import files, outputs
from keysync_shell.storage.files import explained
from keysync_shell.storage.operations import OperationKind
from keysync_shell.storage.registry import ACTIVE, DEPRECATED, PROPOSED, Event, MasterKey, Registry, Run

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
    changed: int
    verb: str


@dataclass(frozen=True)
class RunList(ReconcilingResult):
    runs: tuple[Run, ...]


Results = Planned | Predicted | Reconciliation | Compared | MasterKeys | RunList


def plan(session: Session, args: asked.Plan) -> Planned:
    sandbox = session.sandbox
    if args.save:
        outputs.check(path_of(args.save), sandbox.home, force=args.yes)
    with sandbox.registry() as registry:
        memory = sandbox.moment(None)
        policy = words.policy(session, args, memory.index)
        made = planned(memory.state, memory.index, policy, taken(registry.names(), memory.rules))
        digest = sandbox.digest() if args.save else ""
    if args.save:
        outputs.write(path_of(args.save), _as_file(made, digest), sandbox.home, force=args.yes)
    sandbox.warnings.extend(losses.warnings(memory.index))
    left = memory.summary().discrepancies.total
    wrong = made.changes_anything and not args.exit_zero
    cap = Cap(args.all, args.limit, rest="" if args.limit else f"{session.line} --all")
    return Planned(made, left, sandbox.systems.authority, args.detail, cap, args.save, int(wrong))


def predict(session: Session, args: asked.Predict) -> Predicted:
    with session.sandbox.registry() as registry:
        memory = session.sandbox.moment(None)
        policy = words.policy(session, args, memory.index)
        _, prediction = engine.predict(memory.state, memory.index, policy, registry.master_keys())
    session.sandbox.warnings.extend(losses.warnings(memory.index))
    return Predicted(prediction)


def reconcile(session: Session, args: asked.Reconcile) -> Reconciliation:
    sandbox = session.sandbox
    with sandbox.registry() as registry:
        memory = sandbox.moment(None)
        order = Order(
            mode=args.mode,
            dry_run=args.dry_run,
            auto_approve=args.auto_approve,
            line=session.line,
            user=sandbox.author(),
            time=sandbox.now(),
            operation=memory.newest.number if memory.newest else 0,
            folder=lambda number: path_of(args.output_dir) if args.output_dir else _folder(sandbox, number),
        )
        since = _since(sandbox, registry, memory) if args.mode == "incremental" else None
        policy = words.policy(session, args, memory.index)
        done = recording.carry_out(order, registry, memory.state, memory.index, policy, since)
    sandbox.warnings.extend(done.warnings)
    return Reconciliation(replace(done, next=NEXT))


def apply(session: Session, args: asked.Apply) -> Outcome:
    sandbox = session.sandbox
    saved = _saved(path_of(args.plan)) if args.plan else None
    wanted = sandbox.systems.find(args.system) if args.system else None
    proposals: list[MasterKey] = []
    loses = False

    def decide(state: State) -> Edit:
        nonlocal loses
        index, known = sandbox.index, sandbox.master_keys()
        policy = saved.policy if saved else words.policy(session, args, index)
        if saved and saved.digest != sandbox.digest():
            raise KeySyncError(
                f"{args.plan} was made on other content than the systems hold now", hint="Make a new one: plan --output"
            )
        if saved and saved.actions != _binding(planned(state, index, policy, registered(known, index.rules))):
            raise KeySyncError(
                f"{args.plan} was edited, or made by another version", hint="Make a new one: plan --output"
            )
        made = planned(state, index, policy, registered(known, index.rules), only=args.only or None, system=wanted)
        loses = REMOVE in made.counts()
        proposals[:] = engine.proposals(made, index, None, sandbox.now(), False, 0)
        return as_edit(state, made)

    request = session.request(OperationKind.APPLY, args, destroys=True)
    if approve := request.approve:
        request = replace(request, approve=lambda outcome: not loses or approve(outcome))
    outcome = sandbox.edit(decide, request)
    if proposals and not args.dry_run:
        with sandbox.registry() as registry:
            registry.propose(proposals, _proposed(proposals, sandbox.now()))
        noted = f"{len(proposals):,} master keys proposed; `registry` lists them"
        outcome = replace(outcome, notes=(*outcome.notes, noted))
    return outcome


def compare(session: Session, args: asked.Compare) -> Compared:
    sandbox = session.sandbox
    with sandbox.registry() as registry:
        run = _chosen(registry, args.run)
        past = recording.recorded(registry, run, sandbox.systems)
        index = _seen_by(past, sandbox.moment(None))
        rows = comparing.compare(past, index, touched_by(sandbox.changes_since(run.operation), past.rules))
    differs = rows["status"].is_in(comparing.DIFFERENT).any()
    cap = Cap(args.all, args.limit, rest="" if args.limit else f"{session.line} --all")
    return Compared(run, rows, cap, int(bool(differs) and not args.exit_zero))


def registry(session: Session, args: asked.Registry) -> MasterKeys:
    sandbox = session.sandbox
    with sandbox.registry() as registry:
        known = registry.master_keys()
        if args.action == "list":
            return MasterKeys(tuple(known), 0, "")
        status = ACTIVE if args.action == "approve" else DEPRECATED
        chosen = [key for key in _picked(known, args.ids) if key.status != status and _may(key, status)]
        event = "MASTER_KEY_ACTIVATED" if status == ACTIVE else "MASTER_KEY_DEPRECATED"
        now = sandbox.now()
        events = [
            Event(None, now, event, key.master_key, key.source_system, key.source_key, args.action, "success")
            for key in chosen
        ]
        registry.set_status([key.id for key in chosen], status, now, events)
        return MasterKeys(tuple(registry.master_keys()), len(chosen), args.action)


def runs(session: Session, _args: asked.Runs) -> RunList:
    with session.sandbox.registry() as registry:
        return RunList(tuple(registry.runs()))


def report(session: Session, args: asked.Report) -> Reconciliation:
    sandbox = session.sandbox
    with sandbox.registry() as registry:
        run = _chosen(registry, args.run)
        past = recording.recorded(registry, run, sandbox.systems)
        result = as_it_was(run, past, tuple(registry.master_keys()))
        folder = path_of(args.output_dir) if args.output_dir else None
        if folder:
            with explained("the reports were not written"):
                reports.write(folder, result, registry.events(run.number))
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


def _saved(path: Path) -> _SavedPlan:
    with explained("the plan cannot be read"):
        content, _ = files.read(path, 1 << 30)
    try:
        data = json.loads(content)
        if data["schema"] != PLAN_SCHEMA:
            raise ValueError("another schema")
        return _SavedPlan(Policy.of(data["policy"]), str(data["digest"]), list(data["actions"]))
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise KeySyncError(f"{path} is no saved plan: {error}", hint="Make one with: plan --output P.json") from error


def _folder(sandbox: Sandbox, number: int) -> Path:
    return sandbox.home.root / "reports" / f"run-{number}"


def _since(sandbox: Sandbox, registry: Registry, memory: Memory) -> Since:
    past = recording.recorded(registry, _chosen(registry, None), sandbox.systems)
    return comparing.since(past, memory.index)


def _seen_by(past: Recorded, memory: Memory) -> Index:
    """The systems now as the run would see them: the systems that it compared, by the rules that it had."""
    if (past.systems, past.rules) == (memory.state.systems, memory.rules):
        return memory.index
    if gone := [name for name in past.systems.names if name not in memory.state.tables]:
        raise KeySyncError(
            f"run {past.run} compared {', '.join(gone)}, which is no system here any more",
            hint="Look at it with: report",
        )
    tables = {name: memory.state.tables[name] for name in past.systems.names}
    return Index.build(State(past.systems, tables), past.rules)


def _chosen(registry: Registry, number: int | None) -> Run:
    known = registry.runs()
    for run in known:
        if number is None or run.number == number:
            return run
    if number is None:
        raise KeySyncError("there is no run yet", hint="Make one with: reconcile")
    raise KeySyncError(f"there is no run {number}", hint="`runs` lists those that there are.")


def _picked(known: list[MasterKey], wanted: Sequence[str]) -> list[MasterKey]:
    if not wanted:
        raise KeySyncError("which master keys?", hint="Name them by number or key, or say all.")
    if tuple(wanted) == ("all",):
        return known
    picked = []
    for word in wanted:
        found = [key for key in known if word in (str(key.id), key.master_key, key.canonical)]
        if not found:
            raise KeySyncError(f"there is no master key {word!r}", hint="`registry` lists those that there are.")
        picked += found
    return picked


def _may(key: MasterKey, status: str) -> bool:
    """Only proposed keys become active; any may be deprecated."""
    return status == DEPRECATED or key.status == PROPOSED


def _proposed(proposals: list[MasterKey], now: str) -> list[Event]:
    return [
        Event(None, now, "MASTER_KEY_PROPOSED", key.master_key, key.source_system, key.source_key, "propose", "success")
        for key in proposals
    ]
