"""What words of the command line mean: KEYS… with files and standard input, and the options of a policy."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import polars as pl

from keysync_shell.commands import foreign
from keysync_shell.commands.catalogue.arguments import KeyFile, PolicyOptions
from keysync_shell.commands.session import Session
from keysync_shell.core.findings.index import Index
from keysync_shell.core.model import table
from keysync_shell.core.model.keys import check_key
from keysync_shell.core.planning.policy import Policy
from keysync_shell.core.selecting.keysets import LAST, is_last
from keysync_shell.core.selecting.selectors import EVERYTHING, KeyQuery, nothing_before
from keysync_shell.errors import BadFile
from keysync_shell.storage.foreign_csv import Reading


def looked_up(session: Session, words: Sequence[str], args: KeyFile | None = None) -> KeyQuery:
    """What the words select among the keys that are there; no words mean all of them.

    A command puts the query `on` the index of the state that it is about; a change does so inside its decision, where
    that is the newest state.
    """
    return _query(session, words, args, look_up=True) if words else EVERYTHING


def named(session: Session, words: Sequence[str], args: KeyFile | None = None) -> KeyQuery:
    """The keys that the words name outright. Raises KeySyncError for a key that may not be written."""
    query = _query(session, words, args, look_up=False)
    for key in (*query.literals, *(r.longest for r in query.ranges)):
        check_key(key, session.sandbox.config.limits)
    return query


def policy(session: Session, args: PolicyOptions, index: Index) -> Policy:
    """The policy of the configuration, with what the command line says otherwise.

    A decision about keys that nobody holds is warned of, and no error: what it was about may be done by now.
    """
    named = {"strategy": args.strategy, "prefix": args.prefix, **(args.decisions or {})}
    given: dict[str, Any] = {name: value for name, value in named.items() if value is not None}
    overrides: dict[str, str] = {}
    for words, decision in args.decide:
        keys = looked_up(session, [words]).on(index).matches(index.rows["key"])
        chosen = index.rows.filter(pl.col("key").is_in(keys.implode()))["canonical"]
        overrides |= dict.fromkeys(chosen, decision)
        nobody = f"--decide {words} {decision}: no system holds such a key"
        if len(chosen) == 0 and nobody not in session.sandbox.warnings:  # a change decides again if others were quicker
            session.sandbox.warnings.append(nobody)
    return session.sandbox.config.policy.but({**given, "overrides": overrides})


def _query(session: Session, words: Sequence[str], args: KeyFile | None, *, look_up: bool) -> KeyQuery:
    plain, literals = [], list[str]()
    for word in words:
        if word == "-":
            reading = foreign.read(session, session.read_stdin(), foreign.STDIN, args, list_of_keys=True)
            literals += _keys(reading, look_up=look_up)
        elif word == LAST and not look_up:
            literals += table.distinct(_last(session)).to_list()
        elif look_up and is_last(word):
            plain.append(word)
        elif word.startswith("@"):
            failing = "the file of keys cannot be read"
            reading = foreign.read_file(session, word[1:], args, list_of_keys=True, failing=failing)
            literals += _keys(reading, look_up=look_up)
        else:
            plain.append(word)
    return KeyQuery.parse(
        plain, session.sandbox.config.limits, look_up=look_up, literals=literals, last=lambda: _last(session)
    )


def _last(session: Session) -> pl.Series:
    return nothing_before() if session.last is None else session.last.shown_keys


def _keys(reading: Reading, *, look_up: bool) -> list[str]:
    """The keys of a file, each once. Raises BadFile for rows without a key where they are to be made."""
    if reading.empty and not look_up:
        rows = "1 row has" if reading.empty == 1 else f"{reading.empty:,} rows have"
        raise BadFile([f"{reading.source}: {rows} no key"], hint="Fill them in, or remove those rows.")
    return reading.rows[table.KEY].unique(maintain_order=True).to_list()
