"""Sandboxes that older versions wrote are opened, read and undone as if this version had."""

from __future__ import annotations

import tarfile
from pathlib import Path

import pytest

from keysync_shell.core.model.master_keys import by_number
from keysync_shell.sandbox import Request
from keysync_shell.storage import schema, snapshots
from keysync_shell.storage.operations import OperationKind
from keysync_shell.storage.oplog import Wanted
from keysync_shell.storage.registry import Registry
from tests.building import add, files, opened

HOMES = Path(__file__).parents[1] / "homes"
UNDO = Request(OperationKind.UNDO, "undo", "test")


@pytest.fixture
def edited(tmp_path: Path) -> Path:
    return home(tmp_path, "0.1-edited")


def home(root: Path, name: str) -> Path:
    """The sandbox of an archive."""
    with tarfile.open(HOMES / f"{name}.tar.xz") as archive:
        archive.extractall(root, filter="data")
    return root


def first(root: Path) -> dict[str, bytes]:
    """The system files as they were before the first command."""
    return {path.name: path.read_bytes() for path in sorted((root / "first").iterdir())}


def test_log_of_an_old_home_is_shown(edited: Path) -> None:
    made = opened(edited)
    kinds = [operation.kind for operation in reversed(made.operations(Wanted(99)))]
    assert kinds == ["add", "remove", "corrupt", "undo", "redo", "undo", "undo", "external", "modify", "move", "undo"]
    assert made.warnings == []


def test_old_home_is_undone_to_its_first_bytes(edited: Path) -> None:
    made = opened(edited)
    made.refresh()
    while made.undoable():
        made.undo(UNDO)
    assert files(edited) == first(edited)


def test_every_moment_of_an_old_home_can_be_visited(edited: Path) -> None:
    made = opened(edited)
    rows = [
        sum(made.moment(operation.number).state.rows(name) for name in "ABCDE") for operation in made.every_operation()
    ]
    assert rows == [27, 31, 30, 32, 30, 32, 30, 31, 32, 32, 31, 32]


def test_runs_and_master_keys_of_an_old_home_are_read(edited: Path) -> None:
    made = opened(edited)
    made.refresh()
    with made.records() as registry:
        assert [(run.number, run.operation) for run in registry.runs()] == [(2, 11), (1, 7)]
        assert [len(rows) for rows in registry.tables(2)] == [12, 10]
        assert [key.status for key in by_number(made.state.master_keys)] == [
            "active",
            "proposed",
            "proposed",
            "proposed",
        ]
        assert registry.events(1)


def test_snapshot_of_an_old_home_is_read(edited: Path) -> None:
    made = opened(edited)
    loaded = snapshots.load(edited / "snapshots", "before", made.config.limits)
    assert sum(map(len, loaded.tables(made.config.limits).values())) == 31


def test_old_home_goes_on(edited: Path) -> None:
    made = opened(edited)
    before = files(edited)
    add(made, "K9")
    again = opened(edited)
    assert [operation.number for operation in again.operations(Wanted(2))] == [12, 11]
    again.undo(UNDO)
    assert files(edited) == before
    assert again.check() == []


def test_change_that_an_old_version_did_not_know_is_marked(tmp_path: Path) -> None:
    made = opened(home(tmp_path, "0.1-unknown"))
    assert [operation.unknown for operation in made.every_operation()] == [(), (), ("A",), ()]


def test_old_home_is_looked_at_without_a_byte_written(edited: Path) -> None:
    database = edited / ".keysync" / "history.db"
    before = database.read_bytes()
    connection = schema.opened_for_reading(database)
    assert [run.number for run in Registry(connection).runs()] == [2, 1]
    assert len(Registry(connection).tables(1)[0]) == 6
    connection.close()
    assert (database.read_bytes(), sorted(path.name for path in database.parent.iterdir())) == (
        before,
        ["cache", "history.db"],
    )
