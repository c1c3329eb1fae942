"""What `serve` can be told. Imports the standard library only."""

from __future__ import annotations

from typing import Annotated

from keysync_shell.commands.arguments import Argument, Arguments
from keysync_shell.commands.catalogue.arguments import at_least

SERVE = "serve"
PORT = 8765
EXAMPLES = ("serve", "serve --port 0 --no-browser")


class Serve(Arguments):
    """Serve a page and a REST API on the sandbox, to this machine only."""

    port: Annotated[int, Argument("--port", "the port; 0: any free one", metavar="N", read=at_least(0, 65535))] = PORT
    host: Annotated[
        str, Argument("--host", "the address of this machine to listen at; another is open to others", metavar="NAME")
    ] = "127.0.0.1"
    no_browser: Annotated[bool, Argument("--no-browser", "do not open the page in a browser")] = False
    home: Annotated[
        str | None, Argument("--home", "the sandbox folder (default: $KEYSYNC_HOME or this one)", metavar="DIR")
    ] = None
