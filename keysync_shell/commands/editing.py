"""Commands that change keys."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from keysync_shell.commands import foreign
from keysync_shell.commands.catalogue import editing as asked
from keysync_shell.commands.session import Session
from keysync_shell.commands.words import looked_up, named
from keysync_shell.core.edits import adding, carrying, corrupting, removing, replacing, respelling, spelling, valuing
from keysync_shell.core.edits.edit import Edit
from keysync_shell.core.edits.mock import Mock
from keysync_shell.core.edits.spelling import Spell
from keysync_shell.core.model import table
from keysync_shell.core.model.keys import KeyFormat, check_key, check_value, writable
from keysync_shell.core.model.state import State
from keysync_shell.core.selecting.selectors import KeyQuery
from keysync_shell.errors import KeySyncError
from keysync_shell.sandbox import Outcome
from keysync_shell.storage.operations import OperationKind

Carry = Callable[[State, KeyQuery, str, tuple[str, ...]], Edit]


def init(session: Session, args: asked.Init) -> Outcome:
    sandbox = session.sandbox
    sandbox.config.limits.check("keys_per_system", args.keys, "keys")
    keys = KeyFormat.parse(args.key_format)
    check_key(keys.keys(1)[0], sandbox.config.limits)
    now = sandbox.now()
    details: dict[str, str | int] = {"keys": args.keys, "key_format": args.key_format, "at": now}
    return sandbox.edit(
        lambda state: replacing.renew(state, replacing.filled(state, keys.keys(args.keys), now=now), details),
        session.request(OperationKind.INIT, args, destroys=True, creates=True),
    )


def mock(session: Session, args: asked.Mock) -> Outcome:
    sandbox = session.sandbox
    sandbox.config.limits.check("keys_per_system", args.keys, "keys")
    mocked, now = Mock(args.scenario, args.keys, args.seed, args.cover), sandbox.now()
    return sandbox.edit(
        lambda state: replacing.renew(state, mocked.tables(state.systems, now), vars(mocked)),
        session.request(OperationKind.MOCK, args, destroys=True, creates=True),
    )


def add_key(session: Session, args: asked.AddKey) -> Outcome:
    sandbox = session.sandbox
    keys, systems = named(session, args.keys, args).named(), sandbox.systems.parse(args.systems)
    return sandbox.edit(
        lambda state: adding.add(state, keys, systems, now=sandbox.now()),
        session.request(OperationKind.ADD, args, creates=False),
    )


def remove_key(session: Session, args: asked.RemoveKey) -> Outcome:
    query, systems = looked_up(session, args.keys, args), session.sandbox.systems.parse(args.systems)
    return session.sandbox.edit(
        lambda state: removing.remove(state, query.on(session.sandbox.index), systems),
        session.request(OperationKind.REMOVE, args, destroys=True),
    )


def modify_key(session: Session, args: asked.ModifyKey) -> Outcome:
    query, systems = looked_up(session, args.keys, args), session.sandbox.systems.parse(args.systems)
    spell = _checked(_spell(args), session)
    return session.sandbox.edit(
        lambda state: respelling.respell(state, query.on(session.sandbox.index), systems, spell, merge=args.merge),
        session.request(OperationKind.MODIFY, args),
    )


def corrupt(session: Session, args: asked.Corrupt) -> Outcome:
    query, systems = looked_up(session, args.keys, args), session.sandbox.systems.parse(args.systems)
    how_many, limits = _how_many(args), session.sandbox.config.limits
    fits = partial(writable, limits=limits)
    return session.sandbox.edit(
        lambda state: corrupting.corrupt(
            state, args.kind, query.on(session.sandbox.index), systems, how_many=how_many, seed=args.seed, fits=fits
        ),
        session.request(OperationKind.CORRUPT, args),
    )


def copy_key(session: Session, args: asked.CopyKey) -> Outcome:
    return _carry(session, args, OperationKind.COPY, carrying.copy)


def move_key(session: Session, args: asked.MoveKey) -> Outcome:
    return _carry(session, args, OperationKind.MOVE, carrying.move)


def set_value(session: Session, args: asked.SetValue) -> Outcome:
    sandbox = session.sandbox
    system, value = sandbox.systems.find(args.system), check_value(args.value, sandbox.config.limits, "value")
    query = KeyQuery(literals=(args.key.removeprefix("key:"),))
    return sandbox.edit(
        lambda state: valuing.set_value(state, query, system, args.column, value),
        session.request(OperationKind.SET, args),
    )


def import_file(session: Session, args: asked.Import) -> Outcome:
    sandbox = session.sandbox
    system, failing = sandbox.systems.find(args.system), f"{args.file} cannot be imported"
    reading = foreign.read_file(session, args.file, args, list_of_keys=False, failing=failing)
    return sandbox.edit(
        lambda state: replacing.replace(state, {system: reading.rows}, notes=foreign.notes(reading)),
        session.request(OperationKind.IMPORT, args, destroys=True, creates=True),
    )


def reset(session: Session, args: asked.Reset) -> Outcome:
    sandbox = session.sandbox

    def decide(state: State) -> Edit:
        if args.empty:
            return replacing.renew(state, {name: table.empty() for name in state.systems.names})
        last = sandbox.last_init()
        if last is None or not {"keys", "key_format", "at"} <= last.details.keys():
            raise KeySyncError(
                "the history has no `init` whose keys could come back",
                hint="Choose: `init` for new keys, `reset --empty` for none, `restore @N` for an earlier state "
                "(see `log`), or `load-state NAME` for a snapshot (see `states`).",
            )
        keys = KeyFormat.parse(last.details["key_format"]).keys(last.details["keys"])
        return replacing.renew(state, replacing.filled(state, keys, now=last.details["at"]))

    return sandbox.edit(decide, session.request(OperationKind.RESET, args, destroys=True, creates=args.empty))


def _carry(session: Session, args: asked.CopyKey | asked.MoveKey, kind: OperationKind, carry: Carry) -> Outcome:
    systems = session.sandbox.systems
    query, source, targets = looked_up(session, args.keys, args), systems.find(args.source), systems.parse(args.targets)
    return session.sandbox.edit(
        lambda state: carry(state, query.on(session.sandbox.index), source, targets), session.request(kind, args)
    )


def _spell(args: asked.ModifyKey) -> Spell:
    if args.to is not None:
        return lambda _: str(args.to)
    if args.case:
        return spelling.CASES[args.case]
    if args.space:
        return spelling.spaced(args.space)
    if args.delimiter is not None:
        return spelling.delimited(args.delimiter)
    if args.pad:
        return spelling.padded(args.pad)
    assert args.replace  # one of these is required
    return spelling.replaced(*args.replace)


def _checked(spell: Spell, session: Session) -> Spell:
    limits = session.sandbox.config.limits
    return lambda key: new if (new := spell(key)) == key else check_key(new, limits)


def _how_many(args: asked.Corrupt) -> Callable[[int], int]:
    if (rate := args.rate) is not None:
        return lambda candidates: round(rate * candidates)
    if (count := args.count) is not None:
        return lambda _: count
    return lambda candidates: candidates if args.keys else min(1, candidates)
