"""What the API is, for programs (OpenAPI 3.1) and for people: made of the registry of commands and the table."""

from __future__ import annotations

import html
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from keysync_shell import __version__
from keysync_shell.commands.arguments import Parameter
from keysync_shell.commands.catalogue import COMMANDS
from keysync_shell.commands.declaring import Command
from keysync_shell.web.calls import BESIDE, CONDITIONS, NO_OPERATION, PATHS, WRITES_FILES, reachable
from keysync_shell.web.resources import RESOURCES, Resource
from keysync_shell.web.windows import MOST_ROWS

API = "/api/v1"
CONDITION = {
    "seen": {
        "type": "integer",
        "minimum": 0,
        "description": "409 if its keys changed after that operation",
    },
    "approved": {"type": "string", "description": "the digest of a dry run: that very change, or 409 with the new one"},
}
PROBLEM = {
    "type": "object",
    "required": ["type", "title", "status", "detail", "hint", "committed"],
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "hint": {"type": "string"},
        "committed": {"type": ["boolean", "null"], "description": "whether the change is on disk; null: unknown"},
    },
}
ENVELOPE = {
    "type": "object",
    "required": ["schema", "command", "data", "warnings"],
    "properties": {
        "schema": {"const": "keysync/1"},
        "command": {"type": "string"},
        "data": {"type": "object"},
        "warnings": {"type": "array", "items": {"type": "string"}},
        "line": {"type": "string", "description": "what a person could have typed instead"},
        "next": {"type": ["string", "null"], "description": "the cursor of the next page"},
    },
}
SCALARS = {int: "integer", float: "number", bool: "boolean", str: "string"}


def openapi() -> dict[str, Any]:
    """The whole API as OpenAPI has it."""
    paths: dict[str, dict[str, Any]] = {}
    for path, method, operation in _operations():
        paths.setdefault(path, {})[method.lower()] = operation
    return {
        "openapi": "3.1.0",
        "info": {"title": "KeySync Shell", "version": __version__},
        "servers": [{"url": API}],
        "security": [{"token": []}],
        "paths": paths,
        "components": {
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
            "schemas": {"Envelope": ENVELOPE, "Problem": PROBLEM},
        },
    }


def reference() -> str:
    """The same for people, as a page without a script."""
    rows = "".join(_section(path, method, operation) for path, method, operation in _operations())
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8"><title>KeySync Shell: API</title>'
        '<meta name="viewport" content="width=device-width"><link rel="stylesheet" href="/static/reference.css"></head>'
        f"<body><main><h1>API {html.escape(__version__)}</h1><p>Every path begins with <code>{API}</code>. Send "
        "<code>Authorization: Bearer TOKEN</code>; bodies are JSON. "
        f'<a href="{API}/openapi.json">openapi.json</a></p>{rows}</main></body></html>'
    )


def _operations() -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Path, method and description of everything."""
    for resource in RESOURCES:
        yield resource.path, resource.method, _of_resource(resource)
    yield from OTHERS
    for command in COMMANDS:
        if reachable(command.name):
            yield f"/commands/{command.name.replace(' ', '-')}", "POST", _of_command(command)


def parameters(command: Command) -> list[Parameter]:
    """The arguments that a program may give: none that name files or write them."""
    return [
        item
        for item in command.arguments.parameters()
        if item.argument.complete not in PATHS and not (command.name == "scenario run" and item.name in WRITES_FILES)
    ]


def schema(item: Parameter) -> dict[str, Any]:
    """The JSON Schema of an argument."""
    argument = item.argument
    if argument.options is not None:
        options = {name: {"enum": list(choices)} for name, choices in argument.options.items()}
        return {"type": "object", "properties": options, "additionalProperties": False}
    if item.pair:
        one: dict[str, Any] = {"type": "array", "items": {"type": "string"}, "minItems": 2, "maxItems": 2}
    elif argument.choices:
        one = {"enum": list(argument.choices)}
    else:
        one = {"type": SCALARS.get(item.item, "string")}
    whole = {"type": "array", "items": one} if item.many else one
    said = {"description": argument.help.format(name="KIND") if "{name}" in argument.help else argument.help}
    return {
        **whole,
        **said,
        **({} if item.required or item.many or item.default is None else {"default": item.default}),
    }


def _of_command(command: Command) -> dict[str, Any]:
    items = parameters(command)
    status = 202 if command.name in BESIDE - {"scenario abort"} else 200
    return _operation(command, f"call-{command.name}", _body(command, items), (), status, _keyed(command))


def _of_resource(resource: Resource) -> dict[str, Any]:
    command, in_path = resource.declared, resource.in_path
    items = [item for item in parameters(command) if item.name not in (*in_path, *resource.fixed)]
    known = {item.name: item for item in command.arguments.parameters()}
    places = [_parameter("path", name, schema(known[name]), required=True) for name in in_path]
    name = f"{resource.method.lower()}{resource.path.replace('/', '-').replace('{', '').replace('}', '')}"
    if resource.upload:
        content = {resource.upload: {"schema": {"type": "string", "format": "binary"}}}
        places += [_parameter("query", item.name, schema(item)) for item in items if item.argument.options is None]
        body: dict[str, Any] | None = {"required": True, "content": content}
    elif resource.method == "GET":
        places += [_parameter("query", item.name, schema(item), required=item.required) for item in items]
        places += [_parameter("query", "cursor", {"type": "string"})] if _paged(command) else []
        body = None
    else:
        body = _body(command, items)
    operation = _operation(command, name, body, places, resource.status, _keyed(command))
    if resource.tagged:
        operation["parameters"].append(_parameter("header", "If-None-Match", {"type": "string"}))
        operation["responses"]["304"] = {"description": "it is as it was"}
    return operation


def _operation(
    command: Command,
    name: str,
    body: Mapping[str, Any] | None,
    places: Iterable[Mapping[str, Any]],
    status: int,
    keyed: bool,
) -> dict[str, Any]:
    more = [_parameter("header", "If-Match", {"type": "string"})] if command.changes else []
    more += [_parameter("header", "Idempotency-Key", {"type": "string"})] if keyed else []
    said = {"operationId": name.replace(" ", "-"), "summary": command.help, "tags": [command.group]}
    answer = {
        "description": "done",
        "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Envelope"}}},
    }
    return {
        **said,
        "parameters": [*places, *more],
        **({"requestBody": body} if body is not None else {}),
        "responses": {str(status): answer, **_problems()},
    }


def _problems() -> dict[str, Any]:
    content = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
    return {"default": {"description": "a problem, as RFC 9457 has them", "content": content}}


def _body(command: Command, items: list[Parameter]) -> dict[str, Any]:
    conditions = {name: CONDITION[name] for name in CONDITIONS} if command.changes else {}
    needed = [item.name for item in items if item.required]
    content = {
        "type": "object",
        "properties": {**{item.name: schema(item) for item in items}, **conditions},
        "additionalProperties": False,
        **({"required": needed} if needed else {}),
    }
    return {"required": bool(needed), "content": {"application/json": {"schema": content}}}


def _keyed(command: Command) -> bool:
    return command.changes and command.name not in NO_OPERATION


def _paged(command: Command) -> bool:
    return any(item.name == "limit" for item in command.arguments.parameters()) and command.name != "log"


def _parameter(place: str, name: str, of: Mapping[str, Any], *, required: bool = False) -> dict[str, Any]:
    return {"in": place, "name": name, "required": required or place == "path", "schema": dict(of)}


def _told(summary: str, name: str, places: list[dict[str, Any]], kind: str, of: Mapping[str, Any]) -> dict[str, Any]:
    answer = {"description": "it", "content": {kind: {"schema": dict(of)}}}
    said = {"operationId": name, "summary": summary, "tags": ["Look"], "parameters": places}
    return {**said, "responses": {"200": answer, **_problems()}}


TEXT = {"type": "string"}
WORDS = {"type": "array", "items": TEXT}
WINDOW = [
    _parameter("query", "keys", {**WORDS, "description": "as the shell's KEYS: CUST-0*, gap:D, re:…"}),
    _parameter("query", "kinds", {**WORDS, "description": "keys with findings of these kinds"}),
    _parameter("query", "systems", {**TEXT, "description": "such as B,C"}),
    _parameter("query", "pattern", {**TEXT, "description": "such as AB..E"}),
    _parameter("query", "limit", {"type": "integer", "minimum": 1, "maximum": MOST_ROWS}),
    _parameter("query", "cursor", {**TEXT, "description": "`next` of the page before"}),
    _parameter("query", "around", {**TEXT, "description": "a key that shall be in the middle"}),
    _parameter("query", "offset", {"type": "integer", "minimum": 0}),
    _parameter("query", "at", {"type": "integer", "minimum": 0, "description": "as it was after that operation"}),
]
ENVELOPED = {"$ref": "#/components/schemas/Envelope"}
OTHERS: list[tuple[str, str, dict[str, Any]]] = [
    ("/keys", "GET", _told("A window of keys.", "window", WINDOW, "application/json", ENVELOPED)),
    (
        "/rows",
        "GET",
        _told(
            "Every row of a key.",
            "rows",
            [_parameter("query", "key", TEXT, required=True)],
            "application/json",
            ENVELOPED,
        ),
    ),
    ("/travel", "GET", _told("What undo and redo would do.", "travel", [], "application/json", ENVELOPED)),
    (
        "/systems/{system}",
        "GET",
        _told("A system's file.", "system", [_parameter("path", "system", TEXT)], "text/csv", TEXT),
    ),
    (
        "/snapshots/{name}",
        "GET",
        _told("A snapshot, to share it.", "archive", [_parameter("path", "name", TEXT)], "application/zip", TEXT),
    ),
    (
        "/operations/{number}",
        "GET",
        _told(
            "One operation in full.",
            "operation",
            [_parameter("path", "number", {"type": "integer", "minimum": 0})],
            "application/json",
            ENVELOPED,
        ),
    ),
    (
        "/scenario-runs/{run}/pause",
        "POST",
        _told(
            "Pause before the next step.",
            "pause",
            [_parameter("path", "run", {"type": "integer", "minimum": 1})],
            "application/json",
            {"type": "object"},
        ),
    ),
    ("/events", "GET", _told("Events, as they happen.", "events", [], "text/event-stream", TEXT)),
]


def _section(path: str, method: str, operation: Mapping[str, Any]) -> str:
    fields = [(one["name"], one["in"], one["schema"], one["required"]) for one in operation["parameters"]]
    content = operation.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema", {})
    needed = content.get("required", ())
    fields += [(name, "body", of, name in needed) for name, of in content.get("properties", {}).items()]
    rows = "".join(
        f"<tr><td><code>{html.escape(name)}</code></td><td>{place}{'' if not required else ', required'}</td>"
        f"<td>{html.escape(str(of.get('description', '')))}</td></tr>"
        for name, place, of, required in fields
    )
    table = f"<table><tbody>{rows}</tbody></table>" if rows else ""
    title = f"<h2><b>{method}</b> <code>{html.escape(path)}</code></h2>"
    return f"<section>{title}<p>{html.escape(operation['summary'])}</p>{table}</section>"
