"""What history.db keeps as JSON or as a blob. It is written in the newest form and read in every form there ever was.

A field that this version does not know is passed over, and one that is missing has its default; so a field more
breaks neither an older nor a newer version. The columns themselves are in `schema`.
"""

from __future__ import annotations

import io
import json
import zlib
from collections.abc import Callable, Mapping
from dataclasses import asdict, fields
from typing import Any, TypeVar

import polars as pl

from keysync_shell.core.model.change import SystemChange
from keysync_shell.core.model.counts import Counts
from keysync_shell.storage.files import Signature
from keysync_shell.storage.operations import Operation, Unavailable

Record = TypeVar("Record")

SEARCHABLE = 1 << 16  # bytes of a change up to which its keys stand in plain sight
OPERATION_COLUMNS = tuple(item.name for item in fields(Operation) if item.name != "damaged")
CHANGE_COLUMNS = ("number", "system", "plain", "bytes", "before", "after", "checksum")


class Damaged(Unavailable):
    """A record that is not what was written."""

    def __init__(self, what: str, why: str) -> None:
        super().__init__(f"{what} is damaged in history.db: {why}", hint="`check` lists what is damaged.")


def dumped(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def loaded(text: str, what: str, kind: type = dict) -> Any:
    """The value of a JSON column, of that kind; `what` names it in the error. Raises Damaged."""
    try:
        value = json.loads(text)
    except ValueError as error:
        raise Damaged(what, str(error)) from None
    if not isinstance(value, kind):
        raise Damaged(what, f"{text[:40]} is not a {kind.__name__}")
    return value


def record(kind: type[Record], values: Mapping[str, Any]) -> Record:
    """A dataclass from the values of its fields that this version knows."""
    names = [item.name for item in fields(kind)]  # type: ignore[arg-type]  # every record is a dataclass
    return kind(**{name: values[name] for name in names if name in values})


def operation_row(operation: Operation) -> tuple[Any, ...]:
    """The values of OPERATION_COLUMNS."""
    row = asdict(operation)
    return tuple(_written(name, row[name]) for name in OPERATION_COLUMNS)


def operation(row: tuple[Any, ...]) -> Operation:
    """The operation with these values of OPERATION_COLUMNS; fields that are damaged are empty, and named as such."""
    values = dict(zip(OPERATION_COLUMNS, row, strict=True))
    unsaid = values["unknown"] is None
    damaged = []
    for name, decoded in DECODED.items():
        try:
            values[name] = decoded(EMPTY[name]() if values[name] is None else loaded(values[name], "", EMPTY[name]))
        except (Damaged, AttributeError, TypeError):
            values[name] = decoded(EMPTY[name]())
            damaged.append(name)
    if unsaid:
        values["unknown"] = _unknown_in_first(values)
    return record(Operation, {**values, "damaged": tuple(damaged)})


def _written(name: str, value: Any) -> Any:
    return value if value is None or name not in DECODED else dumped(value)


def _signatures(values: Mapping[str, Mapping[str, Any]]) -> dict[str, Signature]:
    return {name: record(Signature, of) for name, of in values.items()}


def _counts(values: Mapping[str, Mapping[str, Any]]) -> dict[str, Counts]:
    return {name: record(Counts, of) for name, of in values.items()}


DECODED: Mapping[str, Callable[[Any], Any]] = {
    **dict.fromkeys(("before", "after", "summary", "details", "asked"), dict),
    "signatures": _signatures,
    "counts": _counts,
    "master_keys": lambda values: record(Counts, values) if values else None,
    **dict.fromkeys(("discrepancies", "unknown"), tuple),
}
EMPTY: Mapping[str, type] = {name: list if decoded is tuple else dict for name, decoded in DECODED.items()}


def _unknown_in_first(values: Mapping[str, Any]) -> tuple[str, ...]:
    """The systems whose change is unknown, of an operation in the first format, which did not say so.

    It logged them without a change, as it did files with the same rows in another form; but after those it kept the
    undo stack. Where that was empty they cannot be told apart.
    """
    if not (values["kind"] == "repair" or (values["kind"] == "external" and values["undo_top"] is None)):
        return ()
    before, after = values["before"], values["after"]
    return tuple(name for name in after if after[name] != before.get(name) and name not in values["counts"])


def change_row(number: int, name: str, part: SystemChange) -> tuple[Any, ...]:
    """The values of CHANGE_COLUMNS. A small change is not compressed, so that SQL can search it for a key."""
    plain = part.before.estimated_size() + part.after.estimated_size() <= SEARCHABLE
    before, after = packed(part.before, plain=plain), packed(part.after, plain=plain)
    return number, name, plain, len(before) + len(after), before, after, checksum(before, after)


def change(number: int, name: str, before: bytes, after: bytes, written: int | None) -> SystemChange:
    """The change of a system; `written` is its checksum, None in the first format. Raises Damaged."""
    what = f"what @{number} changed in {name}"
    verify(what, written, before, after)
    return SystemChange(unpacked(before, what), unpacked(after, what))


def packed(rows: pl.DataFrame, *, plain: bool = False) -> bytes:
    out = io.BytesIO()
    rows.write_ipc_stream(out, compression="uncompressed" if plain else "zstd")
    return out.getvalue()


def unpacked(blob: bytes, what: str) -> pl.DataFrame:
    """The rows of a blob; `what` names it in the error. Raises Damaged."""
    try:
        return pl.read_ipc_stream(io.BytesIO(blob))
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException, ValueError, OSError) as error:
        raise Damaged(what, str(error).partition("\n")[0]) from None


def checksum(*blobs: bytes) -> int:
    """Of blobs that belong together."""
    crc = 0
    for blob in blobs:
        crc = zlib.crc32(blob, crc)
    return crc


def intact(written: int | None, *blobs: bytes) -> bool:
    """Whether the blobs have the checksum that was written with them; version 0.1 wrote none."""
    return written is None or written == checksum(*blobs)


def verify(what: str, written: int | None, *blobs: bytes) -> None:
    """Raise Damaged unless the blobs have the checksum that was written with them."""
    if not intact(written, *blobs):
        raise Damaged(what, "it does not match its checksum")
