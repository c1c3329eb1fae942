"""What the API says of itself is true: schemathesis asks whatever the description allows, and more."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import content_type_conformance, response_schema_conformance

from keysync_shell.commands.catalogue import COMMANDS
from keysync_shell.web import calls
from keysync_shell.web.description import openapi, reference
from keysync_shell.web.guard import API
from tests.web.serving import Server


@schemathesis.serializer("application/zip", "text/csv")
def as_it_is(_context: object, value: object) -> bytes:
    """An upload, as the strategies make it."""
    return value if isinstance(value, bytes) else str(value).encode()


DESCRIBED = schemathesis.openapi.from_dict(openapi())
CHECKS = [not_a_server_error, content_type_conformance, response_schema_conformance]
SLOW = ("/events", "/scenario-runs")  # a stream does not end; runs take their time: they have tests of their own
REACHED: Counter[str] = Counter()


@DESCRIBED.include(func=lambda context: not context.operation.path.startswith(SLOW)).parametrize()
@settings(max_examples=3, deadline=None, suppress_health_check=list(HealthCheck))
def test_every_operation_answers_as_described(case: Any, asking: Server) -> None:
    headers = {"Authorization": f"Bearer {asking.token}"}
    response = case.call(base_url=f"{asking.origin}{API}", headers=headers, timeout=60)
    case.validate_response(response, checks=CHECKS)
    REACHED[case.operation.label] += 1


@pytest.fixture(scope="module")
def asking(shared: Server) -> Server:
    return shared


def test_every_command_is_described_but_those_that_run_programs() -> None:
    described = {path.removeprefix("/commands/") for path in openapi()["paths"] if path.startswith("/commands/")}
    assert described == {one.name.replace(" ", "-") for one in COMMANDS} - calls.NEVER


def test_the_reference_is_told_from_the_same() -> None:
    text = reference()
    assert all(f"<code>{path}</code>" in text for path in openapi()["paths"])
    assert "<script" not in text


def test_the_description_needs_no_token(shared: Server) -> None:
    shared.client.headers.pop("Authorization")
    try:
        assert shared.client.get("/openapi.json").json() == openapi()
        assert shared.client.get("/reference").text == reference()
    finally:
        shared.client.headers["Authorization"] = f"Bearer {shared.token}"
