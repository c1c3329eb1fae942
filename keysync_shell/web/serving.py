"""Bind, say where, read, answer, and end it all in time."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import socket
import sys
import webbrowser
from collections.abc import Callable, Iterator
from functools import partial

import uvicorn

from keysync_shell.errors import KeySyncError
from keysync_shell.render.writing import Writer
from keysync_shell.sandbox import Sandbox
from keysync_shell.web import owner, secret
from keysync_shell.web.app import Api, app
from keysync_shell.web.asked import Serve
from keysync_shell.web.events import Hub
from keysync_shell.web.guard import Guard
from keysync_shell.web.owner import Owner, Telling
from keysync_shell.web.scenario_runs import ScenarioRuns

INTERRUPTED = 130
OURS = "127.0.0.1"
ANY = ("", "0.0.0.0", "::", "*")  # they are refused
GRACE_SECONDS = 0.5
BACKLOG = 2048
KEEP_SECONDS = 75  # a client that pauses does not find its connection cut


def serve(args: Serve, open_it: Callable[[Telling], Sandbox], writer: Writer) -> int:
    """Serve until Ctrl-C or SIGTERM; the exit code. `open_it` opens the sandbox. Raises KeySyncError."""
    progress = Telling()
    token = secret.token(open_it(progress).home)
    with bound(args.host, args.port) as listening:
        authority = _authority(args.host, listening.getsockname()[1])
        url = f"http://{authority}/#token={token}"
        writer.write(f"{url}\n")
        writer.out.flush()
        if args.host != OURS:
            writer.warn([f"others can reach {args.host}, too: whoever has that address may do everything"])
        if not args.no_browser and sys.stdout.isatty():
            webbrowser.open(url)
        return asyncio.run(_serve(listening, authority, token, partial(open_it, progress), progress))


@contextlib.contextmanager
def bound(host: str, port: int) -> Iterator[socket.socket]:
    """A socket that listens. Raises KeySyncError if that cannot be."""
    if host in ANY:
        hint = "Name the address or the name by which others reach this machine, such as --host 192.168.1.5."
        raise KeySyncError(f"--host {host!r} is no address that a browser could be sent to", hint=hint)
    try:
        [family, *_, address] = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        listening = socket.socket(family, socket.SOCK_STREAM)
    except OSError as error:
        hint = "Leave --host out for this machine only."
        raise KeySyncError(f"--host {host}: {error.strerror or error}", hint=hint) from error
    with contextlib.closing(listening):
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listening.bind(address)
            listening.listen(BACKLOG)
        except OSError as error:
            hint = "Another program has it. Take another one with --port, or --port 0 for any that is free."
            raise KeySyncError(f"port {port} of {host}: {error.strerror}", hint=hint) from error
        yield listening


class _Server(uvicorn.Server):
    """Leaves signals to us: its own way of ending waits for streams, and ends in a traceback."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


async def _serve(
    listening: socket.socket, authority: str, token: str, open_it: Callable[[], Sandbox], progress: Telling
) -> int:
    loop, ended = asyncio.get_running_loop(), list[int]()
    hub = Hub(loop, lambda number: owner.operations_told(owning.seen.still, number))
    owning = Owner(open_it, hub.told, progress)
    runs = ScenarioRuns(open_it, hub.told)
    guarded = Guard(app(Api(owning, hub, runs)), authority, token)
    config = uvicorn.Config(
        guarded,
        log_config=None,
        access_log=False,
        lifespan="off",
        timeout_graceful_shutdown=1,
        timeout_keep_alive=KEEP_SECONDS,
        ws="none",
        server_header=False,
        backlog=BACKLOG,
    )
    server = _Server(config)

    def end(number: int) -> None:
        ended.append(number)
        hub.close()
        server.should_exit = True

    for kind in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(kind, end, kind)
    owning.start()
    await server.serve(sockets=[listening])
    await asyncio.to_thread(runs.finish)
    await asyncio.to_thread(owning.finish)
    return INTERRUPTED if signal.SIGINT in ended else 0


def _authority(host: str, port: int) -> str:
    """The host and port as a browser names them."""
    name = f"[{host}]" if ":" in host else host.lower()
    return name if port == 80 else f"{name}:{port}"
