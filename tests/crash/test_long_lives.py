"""Shells that live long, with others at work: commands of other processes, edits by hand, lost caches, restarts, and
more operations than the history keeps. Nobody's edit is overwritten, and undo leads to what was there or says why not.
"""

from __future__ import annotations

import contextlib
import random
import shutil
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from keysync_shell.core.edits import removing
from keysync_shell.errors import KeySyncError
from keysync_shell.sandbox import Request, Sandbox
from keysync_shell.storage.operations import OperationKind
from tests.building import FIVE, add, opened, query, sandbox
from tests.crash.report import tried

SHELLS = 3
Keys = dict[str, frozenset[str]]
WEIGHTS = {
    "adds": 5,
    "removes": 2,
    "undoes": 3,
    "undoes much": 1,
    "edits by hand": 3,
    "loses the cache": 1,
    "loses all but the log": 1,
    "restarts": 1,
    "idles": 1,
}


@dataclass
class Life:
    """Shells on one sandbox, and what it must hold: `before` are the states that undo leads back to, the last first."""

    root: Path
    dice: random.Random
    crowd: int  # how many commands others give while a shell idles
    now: Keys
    shells: list[Sandbox]
    before: list[Keys] = field(default_factory=list)
    pending: Keys | None = None  # what was there before edits by hand that no command has taken in yet
    done: Counter[str] = field(default_factory=Counter)
    number: int = 0

    def step(self) -> None:
        action = self.dice.choices(list(WEIGHTS), list(WEIGHTS.values()))[0]
        getattr(self, f"_{action.replace(' ', '_')}")(self.dice.randrange(SHELLS))
        self.done[action] += 1
        self.look(self.dice.randrange(SHELLS))

    def look(self, who: int) -> None:
        """The files hold what they must, and so does the memory of a shell."""
        self._take_in()
        shell = self.shells[who]
        shell.refresh()
        assert {name: frozenset(shell.state.keys(name)) for name in FIVE.names} == self.now
        assert {name: self._on_disk(name) for name in FIVE.names} == self.now
        if shell.newest and shell.newest.unknown and self.before:
            self.before.clear()  # nobody may undo this, and `undo` has to say so
            self.done["edits of which nothing tells what was there"] += 1

    def _adds(self, who: int) -> None:
        self._take_in()
        names = self.dice.sample(FIVE.names, self.dice.randint(1, 5))
        key = self._new("shell")
        assert add(self.shells[who], key, ",".join(names)).committed
        self._commit({name: held | {key} if name in names else held for name, held in self.now.items()})

    def _removes(self, who: int) -> None:
        self._take_in()
        name = self.dice.choice(FIVE.names)
        if len(self.now[name]) < 2:
            return
        key = self.dice.choice(sorted(self.now[name]))
        request = Request(OperationKind.REMOVE, f"remove-key {key}", "test")
        self.shells[who].edit(lambda state: removing.remove(state, query(f"key:{key}"), (name,)), request)
        self._commit({**self.now, name: self.now[name] - {key}})

    def _undoes(self, who: int) -> None:
        self._take_in()
        with contextlib.suppress(KeySyncError):  # it is refused where that is no longer kept, or unknown
            self.shells[who].undo(Request(OperationKind.UNDO, "undo", "test"))
            assert self.before, "it was undone, though nothing tells what was there"
            self.now = self.before.pop()
            self.done["steps back"] += 1

    def _undoes_much(self, who: int) -> None:
        for _ in range(self.dice.randrange(20)):
            self._undoes(who)

    def _edits_by_hand(self, _: int) -> None:
        name = self.dice.choice(FIVE.names)
        kept = {key for key in self.now[name] if self.dice.random() < 0.9}
        self.pending = self.pending or self.now
        self.now = {**self.now, name: frozenset({*kept, self._new("hand")})}
        self._file(name).write_text("".join(f"{line}\n" for line in ("key", *sorted(self.now[name]))))

    def _loses_the_cache(self, _: int) -> None:
        shutil.rmtree(self.root / ".keysync" / "cache", ignore_errors=True)

    def _loses_all_but_the_log(self, who: int) -> None:
        """While nobody is at work, and files are edited by hand."""
        for shell in range(SHELLS):
            self._restarts(shell)
        self._loses_the_cache(who)
        self._edits_by_hand(who)

    def _restarts(self, who: int) -> None:
        self.shells[who].close()
        self.shells[who] = opened(self.root)

    def _idles(self, who: int) -> None:
        """While others give more commands than the history keeps; then the shell goes on."""
        others = [shell for shell in range(SHELLS) if shell != who]
        for _ in range(self.crowd):
            self._adds(self.dice.choice(others))
        self._adds(who)

    def _take_in(self) -> None:
        """Edits by hand become one operation before the next command."""
        if self.pending is not None:
            self.before.append(self.pending)
            self.pending = None

    def _commit(self, after: Keys) -> None:
        self.before.append(self.now)
        self.now = after

    def _new(self, whose: str) -> str:
        self.number += 1
        return f"{whose}-{self.number}"

    def _file(self, name: str) -> Path:
        return self.root / "systems" / f"{name}.csv"

    def _on_disk(self, name: str) -> frozenset[str]:
        return frozenset(line.partition(",")[0] for line in self._file(name).read_text().splitlines()[1:])


@pytest.mark.parametrize(
    ("lives", "steps", "kept"),
    [(3, 60, 12), pytest.param(20, 120, 12, marks=[pytest.mark.nightly, pytest.mark.timeout(7200)])],
)
def test_shells_that_live_long_lose_nothing_of_others(quick: Path, lives: int, steps: int, kept: int) -> None:
    done: Counter[str] = Counter()
    for seed in range(lives):
        life = begun(quick / str(seed), random.Random(seed), kept)
        for _ in range(steps):
            life.step()
        ended(life)
        done += life.done
    tried("long-lived shells", f"{lives} lives of {steps} steps beside each other: {dict(done)}: 0 edits lost")


@pytest.mark.nightly
@pytest.mark.timeout(7200)
def test_more_operations_than_are_kept_beside_an_idle_shell(quick: Path) -> None:
    """With the settings as they are: 1,000 are kept."""
    life = begun(quick / "home", random.Random(1), kept=None)
    for _ in range(2):
        life._idles(0)
        life.look(0)
        life._edits_by_hand(0)
        life.look(1)
    ended(life)
    tried("long-lived shells", f"2 × {life.crowd:,} operations of others beside an idle shell: it goes on, 0 lost")


def begun(root: Path, dice: random.Random, kept: int | None) -> Life:
    made = sandbox(root, **dict.fromkeys(FIVE.names, "K1 K2 K3"))
    made.close()
    if kept:
        (root / "keysync.toml").write_text(f"[history]\noperations = {kept}\n")
    held = dict.fromkeys(FIVE.names, frozenset({"K1", "K2", "K3"}))
    nothing: Keys = dict.fromkeys(FIVE.names, frozenset())
    shells = [opened(root) for _ in range(SHELLS)]
    return Life(root, dice, kept + 3 if kept else 1100, held, shells, [nothing])


def ended(life: Life) -> None:
    for who in range(SHELLS):
        life.look(who)
    assert life.shells[0].check() == []
    for shell in life.shells:
        shell.close()
