"""Resources: method + path → command + fields. A table; what a command does is told by the command alone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from keysync_shell.commands.catalogue import BY_NAME
from keysync_shell.commands.declaring import Command


@dataclass(frozen=True)
class Resource:
    """One method of one path.

    Fields of the path, the query and the body are arguments of the command; `fixed` ones are given here. `upload` is
    the type of a body that is a file of the user's. `tagged`: the answer depends on the newest operation only, which
    is its ETag. `status` 202: it takes its time, and is told of by events.
    """

    method: str
    path: str
    command: str
    fixed: Mapping[str, object] = field(default_factory=dict)
    upload: str = ""
    tagged: bool = False
    status: int = 200

    @property
    def declared(self) -> Command:
        return BY_NAME[self.command]

    @property
    def in_path(self) -> tuple[str, ...]:
        """The arguments that stand in the path."""
        return tuple(part[1:-1] for part in self.path.split("/") if part.startswith("{"))


CSV, ZIP = "text/csv", "application/zip"

RESOURCES = (
    Resource("GET", "/state", "status", tagged=True),
    Resource("POST", "/keys", "add-key"),
    Resource("PATCH", "/keys", "modify-key"),
    Resource("DELETE", "/keys", "remove-key"),
    Resource("POST", "/values", "set-value"),
    Resource("POST", "/moves", "move-key"),
    Resource("POST", "/copies", "copy-key"),
    Resource("POST", "/corruptions", "corrupt"),
    Resource("POST", "/undo", "undo"),
    Resource("POST", "/redo", "redo"),
    Resource("PUT", "/systems/{system}", "import", upload=CSV),
    Resource("GET", "/findings", "discrepancies", tagged=True),
    Resource("GET", "/matrix", "matrix", tagged=True),
    Resource("GET", "/diff", "diff"),
    Resource("GET", "/explanation", "explain", tagged=True),
    Resource("GET", "/snapshots", "states"),
    Resource("POST", "/snapshots", "save-state"),
    Resource("DELETE", "/snapshots/{name}", "delete-state"),
    Resource("PUT", "/snapshots/{name}", "import-state", upload=ZIP),
    Resource("POST", "/snapshots/{name}/load", "load-state"),
    Resource("GET", "/operations", "log", tagged=True),
    Resource("POST", "/operations/{number}/revert", "revert"),
    Resource("POST", "/operations/{number}/restore", "restore"),
    Resource("GET", "/plan", "plan", {"detail": True}, tagged=True),
    Resource("GET", "/prediction", "predict", tagged=True),
    Resource("POST", "/apply", "apply"),
    Resource("GET", "/runs", "runs"),
    Resource("POST", "/runs", "reconcile"),
    Resource("GET", "/runs/{run}", "report"),
    Resource("GET", "/runs/{run}/comparison", "compare"),
    Resource("GET", "/scenarios", "scenario list"),
    Resource("GET", "/scenarios/{name}", "scenario show"),
    Resource("POST", "/scenario-runs", "scenario run", status=202),
    Resource("GET", "/scenario-runs", "scenario runs"),
    Resource("GET", "/scenario-runs/{run}", "scenario runs"),
    Resource("POST", "/scenario-runs/{run}/resume", "scenario resume", status=202),
    Resource("POST", "/scenario-runs/{run}/step", "scenario resume", status=202),
    Resource("POST", "/scenario-runs/{run}/abort", "scenario abort"),
)
