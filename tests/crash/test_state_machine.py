"""Two handles on one folder against a model: after each step files = model = memory of both."""

from __future__ import annotations

import csv
import io
import shutil
import tempfile
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from random import Random
from typing import ClassVar

import polars as pl
import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from keysync_shell.commands import snapshots
from keysync_shell.commands.catalogue.snapshots import LoadState, SaveState
from keysync_shell.commands.session import Session, nobody
from keysync_shell.core.edits import replacing
from keysync_shell.core.edits.edit import Edit
from keysync_shell.core.findings.index import Index
from keysync_shell.core.model import table
from keysync_shell.core.model.state import State
from keysync_shell.errors import KeySyncError
from keysync_shell.sandbox import Outcome, Request, Sandbox
from keysync_shell.storage import system_csv
from keysync_shell.storage.operations import OperationKind
from tests.building import FIVE, files, opened
from tests.crash.conftest import IN_MEMORY
from tests.crash.report import tried
from tests.strategies import edits_of, names, spellings, states

handles = st.integers(0, 1)
counts = st.integers(1, 3)
line_ends = st.sampled_from(["\n", "\r\n"])


@dataclass(frozen=True)
class World:
    """What there should be: the state, and the bytes of every file."""

    state: State
    bytes: Mapping[str, bytes]

    def changed(self, edit: Edit) -> World:
        """After one of our edits: the files of the systems that change are in our form."""
        state = self.state.apply(edit.change)
        ours = {name: system_csv.serialize(state.tables[name]) for name in edit.change.parts}
        return World(state, {**self.bytes, **ours})

    def back_in(self, then: World, changed: list[str]) -> World:
        """With some systems as they were then."""
        return World(
            replace(self.state, tables={**self.state.tables, **{name: then.state.tables[name] for name in changed}}),
            {**self.bytes, **{name: then.bytes[name] for name in changed}},
        )


@dataclass
class Model:
    """The world now, and the stacks: what changed, and the world before it."""

    now: World
    undo: list[tuple[list[str], World]] = field(default_factory=list)
    redo: list[tuple[list[str], World]] = field(default_factory=list)
    snapshots: dict[str, State] = field(default_factory=dict)
    operations: int = 0

    def edit(self, edit: Edit) -> None:
        if edit.change:
            self._become(list(edit.change.parts), self.now.changed(edit))

    def outside(self, name: str, rows: pl.DataFrame, data: bytes) -> None:
        after = World(
            replace(self.now.state, tables={**self.now.state.tables, name: rows}), {**self.now.bytes, name: data}
        )
        if data == self.now.bytes[name]:
            return
        if rows.equals(self.now.state.tables[name]):  # the same rows in another form: an operation, but nothing to undo
            self.now, self.operations = after, self.operations + 1
        else:
            self._become([name], after)

    def travel(self, source: list[tuple[list[str], World]], target: list[tuple[list[str], World]]) -> None:
        changed, then = source.pop()
        target.append((changed, self.now))
        self.now, self.operations = self.now.back_in(then, changed), self.operations + 1

    def _become(self, changed: list[str], after: World) -> None:
        self.undo.append((changed, self.now))
        self.redo.clear()
        self.now, self.operations = after, self.operations + 1


class TwoHandles(RuleBasedStateMachine):
    """Random work on one folder."""

    steps: ClassVar[Counter[str]] = Counter()

    def __init__(self) -> None:
        super().__init__()
        self.root = Path(tempfile.mkdtemp(dir=IN_MEMORY if IN_MEMORY.is_dir() else None))
        self.handles: list[Sandbox] = []

    @initialize(state=states(), end=line_ends, quoted=st.booleans())
    def begin(self, state: State, end: str, quoted: bool) -> None:
        """Five files that were there before anything else."""
        self.handles = [opened(self.root), opened(self.root)]
        self.first = {
            name: written(rows.columns, [list(line) for line in rows.rows()], end, quoted=quoted, mark=False)
            for name, rows in state.tables.items()
        }
        self.handles[0].home.systems.mkdir()
        for name, data in self.first.items():
            self.handles[0].home.system_file(name).write_bytes(data)
        self.model = Model(World(state, self.first))

    @rule(handle=handles, data=st.data(), dry_run=st.sampled_from([False, False, False, True]))
    def edit(self, handle: int, data: st.DataObject, dry_run: bool) -> None:
        edit = data.draw(edits_of(self.model.now.state))
        outcome = self.handles[handle].edit(lambda _: edit, replace(request(OperationKind.MODIFY), dry_run=dry_run))
        if not dry_run:
            self.model.edit(edit)
        self.check(outcome, "dry run" if dry_run else "edit", committed=bool(edit.change) and not dry_run)

    @rule(handle=handles, data=st.data(), fails=st.booleans())
    def atomic_script(self, handle: int, data: st.DataObject, fails: bool) -> None:
        """Two edits are one operation, or none."""
        sandbox = self.handles[handle]
        first = data.draw(edits_of(self.model.now.state))
        second = data.draw(edits_of(self.model.now.state.apply(first.change)))
        try:
            with sandbox.atomically(request(OperationKind.SCRIPT)) as outcomes:
                sandbox.edit(lambda _: first, request(OperationKind.MODIFY))
                sandbox.edit(lambda _: second, request(OperationKind.MODIFY))
                if fails:
                    raise KeySyncError("a line failed")
        except KeySyncError:
            assert fails
            self.steps["rolled back"] += 1
            return
        both = Edit(first.change.then(second.change))
        self.model.edit(both)
        self.check(outcomes[0], "atomic", committed=bool(both.change))

    @precondition(lambda self: self.model.undo)
    @rule(handle=handles, count=counts)
    def undo(self, handle: int, count: int) -> None:
        count = min(count, len(self.model.undo))
        self.handles[handle].undo(request(OperationKind.UNDO), count)
        for _ in range(count):
            self.model.travel(self.model.undo, self.model.redo)
        self.steps["undo"] += count

    @precondition(lambda self: self.model.redo)
    @rule(handle=handles, count=counts)
    def redo(self, handle: int, count: int) -> None:
        count = min(count, len(self.model.redo))
        self.handles[handle].redo(request(OperationKind.REDO), count)
        for _ in range(count):
            self.model.travel(self.model.redo, self.model.undo)
        self.steps["redo"] += count

    @precondition(lambda self: self.model.undo)
    @rule(handle=handles, count=counts)
    def there_and_back(self, handle: int, count: int) -> None:
        count = min(count, len(self.model.undo))
        self.undo(handle, count)
        self.redo(1 - handle, count)

    @rule(handle=handles)
    def too_far(self, handle: int) -> None:
        for travel, stack in ((Sandbox.undo, self.model.undo), (Sandbox.redo, self.model.redo)):
            with pytest.raises(KeySyncError, match=r"there is nothing to|there (is|are) only"):
                travel(self.handles[handle], request(OperationKind.UNDO), len(stack) + 1)
        self.steps["too far"] += 1

    @rule(handle=handles, forget=st.booleans())
    def restart(self, handle: int, forget: bool) -> None:
        self.handles[handle].close()
        if forget:
            shutil.rmtree(self.root / ".keysync" / "cache", ignore_errors=True)
        self.handles[handle] = opened(self.root)
        self.steps["restart"] += 1

    @rule(
        name=names,
        key=spellings,
        drop=st.integers(0, 3),
        end=line_ends,
        mark=st.booleans(),
        quoted=st.booleans(),
        column=st.sampled_from(["", "", "note", "Größe, cm"]),
        order=st.randoms(use_true_random=False),
    )
    def outside_edit(  # the shapes that spreadsheets leave
        self, name: str, key: str, drop: int, end: str, mark: bool, quoted: bool, column: str, order: Random
    ) -> None:
        """Add a row, drop some, and save it as a spreadsheet would: unsorted, quoted, CRLF, with another column."""
        rows = self.model.now.state.tables[name]
        columns = [*rows.columns, *([column] if column and column not in rows.columns else [])]
        lines = [[*line, *[""] * (len(columns) - len(line))] for line in rows.rows()]
        lines = [*lines[drop:], [key if column == table.KEY else "x" for column in columns]]
        order.shuffle(lines)
        data = written(columns, lines, end, quoted=quoted, mark=mark)
        after = table.ordered(pl.DataFrame(lines, schema=dict.fromkeys(columns, pl.String), orient="row"))
        self.handles[0].home.system_file(name).write_bytes(data)
        self.model.outside(name, after, data)
        self.steps["outside edit"] += 1

    @rule(name=names, end=line_ends)
    def other_line_ends(self, name: str, end: str) -> None:
        """The same rows in another form."""
        rows = self.model.now.state.tables[name]
        data = written(rows.columns, [list(line) for line in rows.rows()], end, quoted=True, mark=False)
        self.handles[0].home.system_file(name).write_bytes(data)
        if not any(name in changed for changed, _ in self.model.undo):
            self.first = {**self.first, name: data}
        self.model.outside(name, rows, data)
        self.steps["other form"] += 1

    @rule(handle=handles, name=names, data=st.sampled_from([b"", b"key\n", b"key\n\xff\n", None]))
    def ruined(self, handle: int, name: str, data: bytes | None) -> None:
        """A file that vanished, lost all its rows or is no CSV: nothing is taken in, and it can be put back."""
        path = self.handles[0].home.system_file(name)
        if data == b"key\n" and not self.model.now.state.rows(name):
            return
        path.unlink() if data is None else path.write_bytes(data)
        with pytest.raises(KeySyncError, match=path.name):
            self.handles[handle].refresh()
        path.write_bytes(self.model.now.bytes[name])
        self.steps["ruined"] += 1

    @rule(handle=handles, name=st.sampled_from(["one", "two"]))
    def save(self, handle: int, name: str) -> None:
        snapshots.save_state(session(self.handles[handle]), SaveState(name=name, yes=True))
        self.model.snapshots[name] = self.model.now.state
        self.steps["save-state"] += 1

    @precondition(lambda self: self.model.snapshots)
    @rule(handle=handles, data=st.data())
    def load(self, handle: int, data: st.DataObject) -> None:
        name = data.draw(st.sampled_from(sorted(self.model.snapshots)))
        saved = replacing.replace(self.model.now.state, self.model.snapshots[name].tables)
        outcome = snapshots.load_state(session(self.handles[handle]), LoadState(name=name, yes=True))
        self.model.edit(saved)
        self.check(outcome, "load-state", committed=bool(saved.change))

    @invariant()
    def files_are_the_model_is_memory(self) -> None:
        for handle in self.handles:
            handle.refresh()
            assert handle.state == self.model.now.state
            assert handle.newest
            assert handle.newest.number == self.model.operations
        if self.handles:
            found = files(self.root)
            assert found == {f"{name}.csv": data for name, data in self.model.now.bytes.items()}
            assert {name: rows_in(found[f"{name}.csv"]) for name in FIVE.names} == {
                name: sorted(rows.rows()) for name, rows in self.model.now.state.tables.items()
            }

    def teardown(self) -> None:
        try:
            if self.handles:
                self.back_to_the_first()
        finally:
            for handle in self.handles:
                handle.close()
            shutil.rmtree(self.root)

    def back_to_the_first(self) -> None:
        sandbox = self.handles[0]
        for handle in self.handles:
            assert handle.index.rows.equals(Index.build(handle.state, handle.config.rules).rows)
        numbers = [operation.number for operation in sandbox.every_operation()]
        assert numbers == list(range(self.model.operations + 1))
        if self.model.undo:
            sandbox.undo(request(OperationKind.UNDO), len(self.model.undo))
        assert files(self.root) == {f"{name}.csv": data for name, data in self.first.items()}
        self.steps["examples"] += 1

    def check(self, outcome: Outcome, what: str, *, committed: bool) -> None:
        assert outcome.committed == committed
        assert outcome.kept == ()
        self.steps[what] += 1


def request(kind: OperationKind, *, creates: bool = False) -> Request:
    return Request(kind, kind, "test", creates=creates)


def session(sandbox: Sandbox) -> Session:
    return Session(sandbox, "", "test", nobody, lambda _: None, lambda: b"")


def written(columns: list[str], lines: list[list[str]], end: str, *, quoted: bool, mark: bool) -> bytes:
    """A CSV file as another program writes it."""
    text = io.StringIO()
    csv.writer(text, lineterminator=end, quoting=csv.QUOTE_ALL if quoted else csv.QUOTE_MINIMAL).writerows(
        [columns, *lines]
    )
    return text.getvalue().encode("utf-8-sig" if mark else "utf-8")


def rows_in(data: bytes) -> list[tuple[str, ...]]:
    """The rows of a CSV file in order, as the csv module reads them."""
    _, *lines = csv.reader(io.StringIO(data.decode("utf-8-sig"), newline=""))
    return sorted(tuple(line) for line in lines)


@pytest.mark.parametrize("patching", [False, True], ids=["whole files", "patched files"])
@pytest.mark.parametrize(
    ("examples", "steps"), [(20, 20), pytest.param(200, 40, marks=[pytest.mark.nightly, pytest.mark.timeout(7200)])]
)
def test_two_handles_agree_with_the_model(
    examples: int, steps: int, patching: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if patching:
        monkeypatch.setattr("keysync_shell.storage.patching.LARGE", 0)
        monkeypatch.setattr("keysync_shell.storage.patching.MOST_SHARE", 1)
    TwoHandles.steps.clear()
    often = settings(
        max_examples=examples,
        stateful_step_count=steps,
        deadline=None,
        database=None,
        derandomize=examples <= 20,
        phases=[Phase.generate],  # to shrink what takes seconds to run would take for ever
        suppress_health_check=list(HealthCheck),
    )
    run_state_machine_as_test(TwoHandles, settings=often)
    done = dict(TwoHandles.steps)
    tried("state machine", f"{'patched' if patching else 'whole'} files: {done.pop('examples')} examples, {done}")
