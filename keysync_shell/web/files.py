"""Files on their way in and out: uploads, systems, snapshots, and those of the page."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import polars as pl
from starlette.requests import Request
from starlette.responses import FileResponse, Response

from keysync_shell.core.model import table
from keysync_shell.errors import KeySyncError
from keysync_shell.sandbox import Sandbox
from keysync_shell.storage import archives, snapshots, system_csv
from keysync_shell.web import reading
from keysync_shell.web.guard import JSON
from keysync_shell.web.owner import Seen
from keysync_shell.web.problems import Problem
from keysync_shell.web.resources import CSV, ZIP, Resource

STATIC = Path(__file__).parent / "static"
TYPES = {".html": "text/html", ".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml"}
NAMES = {CSV: "upload.csv", ZIP: "upload.zip"}


async def received(request: Request, resource: Resource) -> tuple[str, bytes]:
    """The file of a body, with a name of ours. A system may also come as JSON. Raises Problem."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind == JSON and resource.upload == CSV:
        return NAMES[CSV], _as_csv(await reading.body(request))
    if kind != resource.upload:
        raise Problem(
            415, "no-upload", f"the body is to be {resource.upload}", f"Send Content-Type: {resource.upload}."
        )
    return NAMES[kind], await request.body()


@contextlib.contextmanager
def uploaded(file: tuple[str, bytes]) -> Iterator[Path]:
    """The file in a folder of its own, as long as the block lasts."""
    with tempfile.TemporaryDirectory(prefix="keysync-") as folder:
        path = Path(folder) / file[0]
        path.write_bytes(file[1])
        yield path


def system(seen: Seen, name: str) -> Response:
    """The file of a system, as it was seen last. Raises KeySyncError if there is no such system."""
    found = seen.still.systems.find(name)
    headers = {"ETag": f'"{seen.number}"', "Content-Disposition": f'attachment; filename="{found}.csv"'}
    return Response(system_csv.serialize(seen.still.state.tables[found]), media_type=CSV, headers=headers)


def archive(still: Sandbox, name: str) -> Response:
    """A snapshot as one file. Raises KeySyncError if there is none of that name."""
    snapshots.check_name(name)
    snapshot = snapshots.load(still.home.snapshots, name, still.config.limits)
    with tempfile.TemporaryDirectory(prefix="keysync-") as folder:
        path = Path(folder) / f"{name}.zip"
        archives.export(snapshot, path, still.home, still.config.limits, force=False)
        content = path.read_bytes()
    headers = {"Content-Disposition": f'attachment; filename="{name}.zip"'}
    return Response(content, media_type=ZIP, headers=headers)


async def page(_request: Request) -> Response:
    return FileResponse(STATIC / "index.html", media_type="text/html")


async def static(request: Request) -> Response:
    """A file of the page, by its exact name."""
    name = request.path_params["name"]
    if name not in _statics():
        raise Problem(404, "no-resource", "there is no such file")
    return FileResponse(STATIC / name, media_type=TYPES[Path(name).suffix])


@cache
def _statics() -> frozenset[str]:
    return frozenset(path.name for path in STATIC.iterdir() if path.suffix in TYPES)


def _as_csv(given: Mapping[str, Any]) -> bytes:
    """A system's content from JSON: `keys`, or `rows` with columns. Raises KeySyncError."""
    keys, rows = given.get("keys"), given.get("rows")
    if isinstance(keys, list) and rows is None and all(isinstance(key, str) for key in keys):
        return system_csv.serialize(pl.DataFrame({table.KEY: keys}, schema={table.KEY: pl.String}))
    if isinstance(rows, list) and keys is None and rows and all(_is_row(row) for row in rows):
        columns = list(rows[0])
        if all(list(row) == columns for row in rows) and table.KEY in columns:
            return system_csv.serialize(pl.DataFrame(rows, schema=dict.fromkeys(columns, pl.String)))
    hint = 'Send {"keys": ["K1", "K2"]}, or {"rows": [{"key": "K1", …}]} with the same columns in each.'
    raise KeySyncError("the body holds no rows", hint=hint)


def _is_row(row: object) -> bool:
    return isinstance(row, dict) and all(isinstance(value, str) for value in row.values())
