"""What is kept in history.db, by this version and others."""

from __future__ import annotations

import json
import sqlite3
from dataclasses import asdict, replace
from pathlib import Path

import pytest

from keysync_shell.config import Retention
from keysync_shell.core.model.change import Change, SystemChange
from keysync_shell.core.model.counts import Counts
from keysync_shell.errors import KeySyncError
from keysync_shell.storage import records, schema
from keysync_shell.storage.files import Signature
from keysync_shell.storage.operations import Operation
from keysync_shell.storage.oplog import OperationLog
from keysync_shell.storage.records import Damaged
from tests.building import NOW, rows

DONE = Operation(
    7,
    NOW,
    "add",
    "add-key K2",
    "ada",
    "lab",
    "test",
    undo_top=7,
    before={"A": "0" * 64},
    after={"A": "1" * 64},
    signatures={"A": Signature(1, 2, 3)},
    counts={"A": Counts(1, 0, 0)},
    discrepancies=({"gaps": 1}, {"gaps": 2}),
    unknown=("B",),
)
PART = SystemChange(rows("K1"), rows("K1 K2"))


def stored(**columns: object) -> Operation:
    """The operation above as it is read where some columns hold something else."""
    row = dict(zip(records.OPERATION_COLUMNS, records.operation_row(DONE), strict=True)) | columns
    return records.operation(tuple(row.values()))


def test_operation_comes_back() -> None:
    assert records.operation(records.operation_row(DONE)) == DONE


def test_field_more_is_passed_over() -> None:
    signature = asdict(DONE.signatures["A"]) | {"colour": "red"}
    counts = {"A": {"added": 1, "removed": 0, "altered": 0, "moved": 5}}
    assert stored(signatures=json.dumps({"A": signature}), counts=json.dumps(counts)) == DONE


@pytest.mark.parametrize("column", ["signatures", "counts", "after", "discrepancies", "unknown"])
@pytest.mark.parametrize("text", ['{"A": ', "3", "null", "\0"])
def test_damaged_column_is_named_and_the_rest_is_read(column: str, text: str) -> None:
    read = stored(**{column: text})
    assert read.damaged == (column,)
    assert replace(read, **{column: getattr(DONE, column), "damaged": ()}) == DONE


def test_change_comes_back() -> None:
    row = dict(zip(records.CHANGE_COLUMNS, records.change_row(7, "A", PART), strict=True))
    part = records.change(7, "A", row["before"], row["after"], row["checksum"])
    assert part.before.equals(PART.before)
    assert part.after.equals(PART.after)


@pytest.mark.parametrize("at", range(0, 400, 13))
def test_each_flipped_bit_of_a_change_is_noticed(at: int) -> None:
    row = dict(zip(records.CHANGE_COLUMNS, records.change_row(7, "A", PART), strict=True))
    flipped = bytearray(row["after"])
    flipped[at] ^= 4
    with pytest.raises(Damaged, match="what @7 changed in A is damaged"):
        records.change(7, "A", row["before"], bytes(flipped), row["checksum"])


@pytest.mark.parametrize("blob", [b"", b"?", b"\xff" * 500, records.packed(rows("K1"))[:-60]])
def test_damage_that_no_checksum_was_written_for_is_an_error_too(blob: bytes) -> None:
    with pytest.raises(Damaged, match="what @7 changed in A is damaged"):
        records.change(7, "A", blob, blob, None)


def test_new_database_has_the_newest_format(tmp_path: Path) -> None:
    log = OperationLog(tmp_path / "history.db", 5, Retention())
    assert log.newest() is None
    with sqlite3.connect(tmp_path / "history.db") as connection:
        assert connection.execute("PRAGMA user_version").fetchone() == (schema.VERSION,)


def test_database_of_a_newer_version_is_refused(tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "history.db") as connection:
        connection.execute(f"PRAGMA user_version = {schema.VERSION + 1}")
    with pytest.raises(KeySyncError, match="written by a newer version"):
        OperationLog(tmp_path / "history.db", 5, Retention()).newest()


def test_column_more_is_passed_over(tmp_path: Path) -> None:
    log = OperationLog(tmp_path / "history.db", 5, Retention())
    assert log.newest() is None
    log.close()
    with sqlite3.connect(tmp_path / "history.db") as connection:
        for table in ("operations", "changes", "runs", "master_keys", "audit"):
            connection.execute(f"ALTER TABLE {table} ADD COLUMN later TEXT")
    done = replace(DONE, number=1, unknown=())
    log.append(done, "t", Change({"A": PART}))
    assert log.newest() == done
    assert log.change(1).parts["A"].after.equals(PART.after)
