"""Errors as RFC 9457 has them, with what a person may do next and whether anything was changed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from keysync_shell.dialogue import BUG, unexpected
from keysync_shell.errors import AnotherBase, Conflict, Declined, KeySyncError, LockTimeout, ReadOnlyHome
from keysync_shell.sandbox.conditions import NotApproved

MEDIA_TYPE = "application/problem+json"
TITLES = {
    400: "That cannot be read",
    401: "The token is missing or wrong",
    403: "That may not be done here",
    404: "There is no such thing",
    405: "That cannot be done with this",
    406: "There is no such form of it",
    409: "The systems have moved",
    410: "That is no longer kept",
    412: "The systems have moved",
    413: "That is too large",
    415: "That is no JSON",
    421: "This server is called otherwise",
    422: "That cannot be done as it was asked",
    429: "Too much at once",
    500: "Something went wrong",
    503: "Not now",
}


@dataclass(eq=False)
class Problem(Exception):
    """What went wrong, for programs and for people. `more` are further members, `headers` go with it."""

    status: int
    kind: str
    detail: str
    hint: str = ""
    committed: bool | None = False
    more: Mapping[str, Any] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)

    def as_data(self) -> dict[str, Any]:
        return {
            "type": f"urn:keysync:problem:{self.kind}",
            "title": TITLES.get(self.status, "Something went wrong"),
            "status": self.status,
            "detail": self.detail,
            "hint": self.hint,
            "committed": self.committed,
            **self.more,
        }


def problem(error: BaseException, preview: Mapping[str, Any] | None = None) -> Problem:
    """Any error; `preview` is what a change would do that nobody approved yet."""
    match error:
        case Problem():
            return error
        case LockTimeout():
            hint = "Another process is at work in the sandbox; try again in a moment."
            return Problem(503, "busy", error.message, hint, error.committed, headers={"Retry-After": "1"})
        case Conflict():
            keys = [{"key": key, "operation": number, "user": user} for key, number, user in error.keys]
            return Problem(409, "conflict", error.message, error.hint, error.committed, {"conflicts": keys})
        case NotApproved():
            return Problem(409, "not-approved", error.message, error.hint, error.committed, {"preview": preview})
        case AnotherBase():
            return Problem(412, "another-base", error.message, error.hint, error.committed)
        case Declined():
            hint = 'Send it again with the digest of the preview as "approved", or with "yes": true.'
            return Problem(409, "approval-needed", "this would lose rows", hint, False, {"preview": preview})
        case ReadOnlyHome():
            return Problem(403, "read-only", error.message, error.hint, error.committed)
        case KeySyncError():
            status = 422 if error.committed is False and error.code != BUG else 500
            return Problem(
                status, "refused" if status == 422 else "trouble", error.message, error.hint, error.committed
            )
    return problem(unexpected(error))
