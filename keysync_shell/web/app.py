"""Routes, and what HTTP makes of calls and answers."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from keysync_shell.commands.catalogue.arguments import operation
from keysync_shell.sandbox import Sandbox
from keysync_shell.web import calls, description, files, looking, reading
from keysync_shell.web.calls import BESIDE, Answer, Call
from keysync_shell.web.events import Hub
from keysync_shell.web.guard import API
from keysync_shell.web.owner import Owner
from keysync_shell.web.problems import MEDIA_TYPE, Problem, problem
from keysync_shell.web.resources import RESOURCES, Resource
from keysync_shell.web.scenario_runs import ScenarioRuns

STREAMS_OF_ONE, STREAMS = 8, 64
Handler = Callable[[Request], Awaitable[Response]]


@dataclass
class Api:
    """What answers requests: the owner of the sandbox for changes, what it saw last for everything else."""

    owner: Owner
    hub: Hub
    runs: ScenarioRuns
    streams: Counter[str] = field(default_factory=Counter)

    def routes(self) -> list[Route]:
        """The command and the table; then what is no command."""
        others: list[tuple[str, str, Handler]] = [
            ("GET", "/keys", self.window),
            ("GET", "/rows", self.rows),
            ("GET", "/travel", self.travel),
            ("GET", "/systems/{system}", self.system),
            ("GET", "/snapshots/{name}", self.archive),
            ("GET", "/operations/{number}", self.operation),
            ("POST", "/scenario-runs/{run}/pause", self.pause),
            ("GET", "/events", self.events),
            ("GET", "/openapi.json", self.openapi),
            ("GET", "/reference", self.reference),
            ("POST", "/commands/{name}", self.command),
        ]
        table: list[tuple[str, str, Handler]] = [
            (one.method, one.path, partial(self.resource, one)) for one in RESOURCES
        ]
        by_path: dict[str, dict[str, Handler]] = {}
        for method, path, handler in [*others, *table]:
            by_path.setdefault(path, {})[method] = handler
        return [Route(f"{API}{path}", _chosen(by), methods=list(by)) for path, by in by_path.items()]

    # Commands

    async def command(self, request: Request) -> Response:
        """Any command by its name; one of two words is joined by `-`."""
        name = request.path_params["name"]
        name = next((one for one in BESIDE | calls.OF_TWO_WORDS if one.replace(" ", "-") == name), name)
        given = await reading.body(request)
        asked = calls.call(name, given, base=reading.base(request), key=reading.key(request))
        return await self._answered(request, asked, 202 if name in BESIDE - {"scenario abort"} else 200)

    async def resource(self, resource: Resource, request: Request) -> Response:
        """A line of the table."""
        given, base, key = {**resource.fixed}, reading.base(request), reading.key(request)
        given |= reading.path(request, resource.declared)
        if resource.method in ("GET", "DELETE") or resource.upload:
            given |= reading.query(request, resource.declared)
        if resource.tagged and "at" not in given and reading.unchanged(request, self.owner.seen.number):
            return Response(status_code=304, headers={"ETag": f'"{self.owner.seen.number}"'})
        if resource.method != "GET" and not resource.upload:
            given |= await reading.body(request)
        if resource.upload:
            with files.uploaded(await files.received(request, resource)) as path:
                asked = calls.call(resource.command, given, base=base, key=key, uploaded=path)
                return await self._answered(request, asked, resource.status)
        asked = calls.call(resource.command, given, base=base, key=key)
        return await self._answered(request, asked, resource.status, step=resource.path.endswith("/step"))

    async def _answered(self, request: Request, asked: Call, status: int, *, step: bool = False) -> Response:
        if asked.command.name in BESIDE - {"scenario abort"}:
            number = await asyncio.wrap_future(self.runs.begin(asked, step=step))
            data = {"schema": "keysync/1", "command": asked.command.name, "data": {"run": number}, "warnings": []}
            return JSONResponse({**data, "line": asked.line}, status)
        asked = replace(asked, told=request.headers.get("prefer") == "return=text")
        if asked.command.looks:
            page = reading.page(request, asked.command)
            answer = await asyncio.to_thread(looking.answer, self.owner.seen.still, asked, page)
        else:
            self._check_base(asked)
            answer = await self._owned(partial(calls.answer, asked=asked))
        return JSONResponse(answer.data, status, headers={"ETag": f'"{answer.number}"'})

    async def _owned(self, work: Callable[[Sandbox], Answer]) -> Answer:
        return await asyncio.wrap_future(self.owner.do(work))

    def _check_base(self, asked: Call) -> None:
        """Of what makes no operation; what makes one is checked under the lock."""
        base, newest = asked.conditions.base, self.owner.seen.number if asked.conditions.base is not None else 0
        if base is not None and base != newest and asked.once is None:
            raise Problem(412, "another-base", f"the newest operation is @{newest}, not @{base}", "Look again.")

    # What is no command

    async def window(self, request: Request) -> Response:
        if "at" not in request.query_params and reading.unchanged(request, self.owner.seen.number):
            return Response(status_code=304, headers={"ETag": f'"{self.owner.seen.number}"'})
        wanted, place, at = reading.window(request)
        data, number = await asyncio.to_thread(looking.window, self.owner.seen.still, wanted, place, at)
        return _enveloped("list", data, number)

    async def rows(self, request: Request) -> Response:
        seen = self.owner.seen
        data = await asyncio.to_thread(looking.rows, seen.still, request.query_params.get("key", ""))
        return _enveloped("list", data, seen.number)

    async def travel(self, _request: Request) -> Response:
        seen = self.owner.seen
        return _enveloped("undo", await asyncio.to_thread(looking.travel, seen.still), seen.number)

    async def system(self, request: Request) -> Response:
        return await asyncio.to_thread(files.system, self.owner.seen, request.path_params["system"])

    async def archive(self, request: Request) -> Response:
        return await asyncio.to_thread(files.archive, self.owner.seen.still, request.path_params["name"])

    async def operation(self, request: Request) -> Response:
        number = reading.number(request.path_params["number"], operation)
        asked = calls.call("log", {"words": ["show", f"@{number}"]})
        answer = await asyncio.to_thread(looking.answer, self.owner.seen.still, asked, None)
        return JSONResponse(answer.data, headers={"ETag": f'"{answer.number}"'})

    async def pause(self, request: Request) -> Response:
        number = reading.number(request.path_params["run"])
        self.runs.pause(number)
        return JSONResponse({"run": number}, 202)

    async def events(self, request: Request) -> Response:
        """A stream; what came before `Last-Event-ID` is not told again."""
        last = request.headers.get("last-event-id")
        after = None if last is None else reading.number(last)
        client = request.headers.get("x-client-id") or (request.client.host if request.client else "")
        if self.streams[client] >= STREAMS_OF_ONE or self.streams.total() >= STREAMS:
            hint = "Close one that nobody reads any more."
            raise Problem(429, "too-many-streams", "too many streams are open", hint, headers={"Retry-After": "5"})
        return StreamingResponse(self._counted(client, after), media_type="text/event-stream")

    async def _counted(self, client: str, after: int | None) -> AsyncIterator[bytes]:
        self.streams[client] += 1
        try:
            async for event in self.hub.stream(after):
                yield event
        finally:
            self.streams[client] -= 1
            if self.streams[client] <= 0:
                del self.streams[client]

    async def openapi(self, _request: Request) -> Response:
        return JSONResponse(description.openapi())

    async def reference(self, _request: Request) -> Response:
        return HTMLResponse(description.reference())


def app(api: Api) -> Starlette:
    """The whole application, without its guard."""
    statics = [Route("/", files.page), Route("/static/{name}", files.static)]
    handlers = {HTTPException: _http, Exception: _failed, Problem: _failed}
    return Starlette(routes=[*statics, *api.routes()], exception_handlers=handlers)  # type: ignore[arg-type]


def _chosen(by_method: dict[str, Handler]) -> Handler:
    async def handler(request: Request) -> Response:
        method = "GET" if request.method == "HEAD" else request.method
        try:
            return await by_method[method](request)
        except Problem:
            raise
        except Exception as error:
            raise problem(error) from error

    return handler


def _enveloped(command: str, data: dict[str, Any], number: int) -> Response:
    whole = {"schema": "keysync/1", "command": command, "data": data, "warnings": []}
    return JSONResponse(whole, headers={"ETag": f'"{number}"'})


async def _http(_request: Request, error: HTTPException) -> Response:
    kinds = {404: "no-resource", 405: "no-method"}
    hint = f"{API}/reference lists everything."
    found = Problem(error.status_code, kinds.get(error.status_code, "refused"), error.detail, hint)
    return _failed_with(found, dict(error.headers or {}))


async def _failed(_request: Request, error: Exception) -> Response:
    return _failed_with(problem(error))


def _failed_with(found: Problem, more: dict[str, str] | None = None) -> Response:
    headers = {**found.headers, **(more or {})}
    return JSONResponse(found.as_data(), found.status, headers=headers, media_type=MEDIA_TYPE)
