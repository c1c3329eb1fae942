"""Who may: only somebody who has the token, from our own page or from no page at all, and not too much at once."""

from __future__ import annotations

import hmac
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from keysync_shell.web.problems import MEDIA_TYPE, Problem

API = "/api/v1"
OPEN = frozenset({f"{API}/openapi.json", f"{API}/reference"})  # what they say stands in the README as well
OWN_SITE = ("same-origin", "none")
SAFE = ("GET", "HEAD", "OPTIONS")
JSON_BYTES = 8 << 20
UPLOAD_BYTES = 64 << 20
JSON, UPLOADS = "application/json", ("text/csv", "application/zip")
BURST, PER_SECOND = 2_000, 200  # requests of one address
GUESSES, GUESSES_PER_SECOND = 20, 0.2  # wrong tokens of one address
MOST_CLIENTS = 1_000  # addresses whose requests are counted
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
HEADERS = {
    "content-security-policy": POLICY,
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
}


class Buckets:
    """So many at once and so many a second, for each client."""

    def __init__(self, size: float, per_second: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._size, self._per_second, self._clock = size, per_second, clock
        self._left: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def take(self, client: str, amount: float = 1.0) -> bool:
        """Whether there is room for one more; takes it."""
        now = self._clock()
        left, then = self._left.pop(client, (self._size, now))
        left = min(self._size, left + (now - then) * self._per_second)
        enough = left >= 1.0
        self._left[client] = (left - amount if enough else left, now)
        if len(self._left) > MOST_CLIENTS:
            self._left.popitem(last=False)
        return enough


@dataclass
class Guard:
    """ASGI: lets through what may pass, answers the rest, and puts the headers of safety on everything.

    `authority` is the host and port that we are called by; another name is a page that has our address (DNS rebinding).
    """

    app: ASGIApp
    authority: str
    token: str
    requests: Buckets = field(default_factory=lambda: Buckets(BURST, PER_SECOND))
    guesses: Buckets = field(default_factory=lambda: Buckets(GUESSES, GUESSES_PER_SECOND))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        try:
            self._admit(scope)
            limited = _Limited(receive, _limit(Headers(scope=scope)))
            await self.app(scope, limited, _with_headers(send))
        except Problem as problem:
            await answer(problem, _with_headers(send))

    def _admit(self, scope: Scope) -> None:
        """Raise Problem for what may not pass; in this order, so that a stranger learns nothing."""
        headers, client = Headers(scope=scope), str((scope.get("client") or ("", 0))[0])
        if headers.getlist("host") != [self.authority]:
            hint = f"Open http://{self.authority}/ instead."
            raise Problem(421, "wrong-host", "this server is not called that", hint)
        if headers.get("origin") not in (None, f"http://{self.authority}"):
            raise Problem(403, "foreign-origin", "another page may not use this", "Use its own page, or no browser.")
        if headers.get("sec-fetch-site") not in (None, *OWN_SITE):
            raise Problem(403, "foreign-origin", "another page may not use this", "Use its own page, or no browser.")
        if not self.requests.take(client):
            raise Problem(429, "too-fast", "too many requests", "Wait a moment.", headers={"Retry-After": "1"})
        if scope["path"].startswith(f"{API}/") and scope["path"] not in OPEN:
            self._know(headers, client)
            _check_body(scope["method"], headers)

    def _know(self, headers: Mapping[str, str], client: str) -> None:
        scheme, _, given = headers.get("authorization", "").partition(" ")
        known = hmac.compare_digest(given.strip().encode(), self.token.encode())
        if scheme.lower() == "bearer" and known:
            return
        hint = "Open the address that `keysync-shell serve` printed, or send: Authorization: Bearer TOKEN"
        if given and not self.guesses.take(client):
            raise Problem(429, "too-fast", "too many wrong tokens", hint, headers={"Retry-After": "5"})
        raise Problem(401, "no-token", "there is no right token", hint, headers={"WWW-Authenticate": "Bearer"})


class _Limited:
    """Receives no more of a body than its limit. Raises Problem."""

    def __init__(self, receive: Receive, limit: int) -> None:
        self._receive, self._limit, self._had = receive, limit, 0

    async def __call__(self) -> Message:
        message = await self._receive()
        self._had += len(message.get("body", b"")) if message["type"] == "http.request" else 0
        if self._had > self._limit:
            raise too_large(self._limit)
        return message


def too_large(limit: int) -> Problem:
    return Problem(413, "too-large", f"a body has at most {limit:,} bytes", "Send less at once, or use the shell.")


def _check_body(method: str, headers: Mapping[str, str]) -> None:
    """A form or a text can be sent by any page without asking first; JSON and uploads cannot."""
    length = headers.get("content-length", "")
    sends = length not in ("", "0") or "transfer-encoding" in headers
    if length.isdecimal() and int(length) > _limit(headers):
        raise too_large(_limit(headers))
    kind = headers.get("content-type", "").partition(";")[0].strip().lower()
    if method not in SAFE and sends and kind not in (JSON, *UPLOADS):
        raise Problem(415, "no-json", f"a body is {JSON}", f"Send Content-Type: {JSON}.")


def _limit(headers: Mapping[str, str]) -> int:
    kind = headers.get("content-type", "").partition(";")[0].strip().lower()
    return UPLOAD_BYTES if kind in UPLOADS else JSON_BYTES


def _with_headers(send: Send) -> Send:
    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            given = {name.lower() for name, _ in message["headers"]}
            more = [(name.encode(), value.encode()) for name, value in HEADERS.items() if name.encode() not in given]
            more += [] if b"cache-control" in given else [(b"cache-control", b"no-store")]
            message = {**message, "headers": [*message["headers"], *more]}
        await send(message)

    return sending


async def answer(problem: Problem, send: Send) -> None:
    """Send a problem."""
    import json

    body = json.dumps(problem.as_data()).encode()
    headers = {"content-type": MEDIA_TYPE, "content-length": str(len(body)), **problem.headers}
    encoded = [(name.lower().encode(), value.encode()) for name, value in headers.items()]
    await send({"type": "http.response.start", "status": problem.status, "headers": encoded})
    await send({"type": "http.response.body", "body": body})
