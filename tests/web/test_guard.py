"""Who may: strangers are refused with the right status, and nothing is changed."""

from __future__ import annotations

import http.client
import json
from collections.abc import Mapping

import httpx
import pytest

from tests.web.serving import Server


def asked(
    server: Server,
    headers: Mapping[str, str] = {},  # nobody changes it
    method: str = "GET",
    path: str = "/api/v1/state",
    body: bytes = b"",
) -> int:
    """The status of a request with exactly these headers."""
    connection = http.client.HTTPConnection(*server.address, timeout=60)
    connection.putrequest(method, path, skip_host=True, skip_accept_encoding=True)
    given = {"Host": f"127.0.0.1:{server.port}", "Authorization": f"Bearer {server.token}"}
    for name, value in {**given, **headers}.items():
        if value:
            connection.putheader(name, value)
    if body:
        connection.putheader("Content-Length", str(len(body)))
    connection.endheaders(body)
    return connection.getresponse().status


JSON = "application/json"


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 200),
        ({"Host": "evil.example"}, 421),
        ({"Host": "localhost"}, 421),
        ({"Host": "127.0.0.1:1"}, 421),
        ({"Host": ""}, 400),  # that is no HTTP/1.1
        ({"Authorization": ""}, 401),
        ({"Authorization": "Bearer wrong"}, 401),
        ({"Origin": "http://evil.example"}, 403),
        ({"Origin": "http://127.0.0.1:1"}, 403),
        ({"Origin": "null"}, 403),
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Sec-Fetch-Site": "same-site"}, 403),
        ({"Sec-Fetch-Site": "same-origin"}, 200),
    ],
)
def test_strangers(shared: Server, headers: dict[str, str], status: int) -> None:
    assert asked(shared, headers) == status


def test_two_hosts_are_none(shared: Server) -> None:
    connection = http.client.HTTPConnection(*shared.address, timeout=60)
    connection.putrequest("GET", "/", skip_host=True)
    connection.putheader("Host", f"127.0.0.1:{shared.port}")
    connection.putheader("Host", "evil.example")
    connection.endheaders()
    assert connection.getresponse().status in (400, 421)


@pytest.mark.parametrize(
    ("kind", "body", "status"),
    [
        ("text/plain", b'{"keys": ["X"]}', 415),
        ("application/x-www-form-urlencoded", b"keys=X", 415),
        (JSON, b"[" * 100_000, 400),
        (JSON, b'{"keys": ' + b"[" * 100_000, 400),
        (JSON, b'{"keys": ' + b"9" * 10_000 + b"}", 400),
        (JSON, b'["X"]', 400),
        (JSON, b'{"keys": ["\\ud800"]}', 400),
        (JSON, b'{"keys": ["a\\u0000b"]}', 422),
        (JSON, b'{"keys": ["@/etc/passwd"]}', 422),
        (JSON, b'{"keys": ["-"]}', 422),
        (JSON, b'{"keys": ["@last"]}', 422),
        (JSON, b'{"keys": ["X"], "home": "/tmp"}', 422),
        (JSON, b'{"keys": ["X"], "output": "/tmp/x"}', 422),
        (JSON, b'{"keys": "X"}', 422),
        (JSON, b'{"keys": ["X"], "seen": "4"}', 422),
    ],
)
def test_bodies_that_are_refused(shared: Server, kind: str, body: bytes, status: int) -> None:
    before = shared.get("/operations")
    assert asked(shared, {"Content-Type": kind}, "POST", "/api/v1/keys", body) == status
    assert shared.get("/operations") == before


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("lock", {"argv": ["id"]}, 403),
        ("import", {"system": "A", "file": "/etc/passwd"}, 422),
        ("import-state", {"file": "/etc/passwd"}, 422),
        ("export-state", {"name": "x", "file": "/tmp/x.zip"}, 422),
        ("apply", {"plan": "/etc/passwd"}, 422),
        ("plan", {"save": "/tmp/plan.json"}, 422),
        ("reconcile", {"output_dir": "/tmp/out"}, 422),
        ("report", {"output_dir": "/tmp/out"}, 422),
        ("scenario-run", {"names": ["network-partition"], "junit": "/tmp/j.xml"}, 422),
        ("scenario-run", {"names": ["network-partition"], "github": True}, 422),
        ("scenario-run", {"names": ["/etc/passwd"]}, 422),
        ("scenario-show", {"name": "../../etc/passwd"}, 422),
        ("list", {"keys": ["@/etc/passwd"]}, 422),
        ("plan", {"decide": [["@/etc/passwd", "ignore"]]}, 422),
        ("repair", {"system": "A", "repeats": ["@/etc/passwd"]}, 422),
        ("scenario-run", {"names": ["network-partition"], "params": [""]}, 422),
        ("nothing", {}, 404),
    ],
)
def test_nothing_reaches_files_or_programs(shared: Server, path: str, body: dict[str, object], status: int) -> None:
    before = shared.get("/operations")
    answer = shared.client.post(f"/commands/{path}", json=body)
    assert (answer.status_code, answer.json()["committed"]) == (status, False), answer.text
    assert shared.get("/operations") == before


def test_a_body_of_100_mb_is_refused_before_it_is_sent(shared: Server) -> None:
    connection = http.client.HTTPConnection(*shared.address, timeout=60)
    connection.putrequest("PUT", "/api/v1/systems/A")
    connection.putheader("Authorization", f"Bearer {shared.token}")
    connection.putheader("Content-Type", "text/csv")
    connection.putheader("Content-Length", str(100 << 20))
    connection.endheaders()
    assert connection.getresponse().status == 413


def test_a_body_without_a_length_is_refused_when_it_is_too_long(shared: Server) -> None:
    chunks = (b" " * (1 << 20) for _ in range(9))
    answer = shared.client.post("/keys", content=chunks, headers={"Content-Type": JSON})
    assert answer.status_code == 413


def test_wrong_tokens_are_refused_sooner_and_sooner(server: Server) -> None:
    wrong = {"Authorization": "Bearer guess"}
    statuses = [httpx.get(f"{server.origin}/api/v1/state", headers=wrong).status_code for _ in range(25)]
    assert statuses[0] == 401
    assert statuses[-1] == 429
    assert server.get("/state"), "who has the token still may"


def test_problems_are_problems(shared: Server) -> None:
    answer = shared.client.get("/nothing")
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["status"] == answer.status_code == 404
    assert {"type", "title", "detail", "hint", "committed"} <= set(answer.json())


@pytest.mark.parametrize("path", ["/", "/api/v1/state", "/api/v1/reference", "/nothing", "/api/v1/nothing"])
def test_every_answer_has_the_headers_of_safety(shared: Server, path: str) -> None:
    headers = shared.client.get(f"{shared.origin}{path}").headers
    assert headers["content-security-policy"].startswith("default-src 'none'; script-src 'self'; style-src 'self';")
    assert "unsafe" not in headers["content-security-policy"]
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"
    assert "set-cookie" not in headers
    assert "access-control-allow-origin" not in headers


@pytest.mark.parametrize("name", ["../app.py", "..%2fapp.py", "%2e%2e/app.py", "nothing.js", "__init__.py"])
def test_only_files_of_the_page_are_served(shared: Server, name: str) -> None:
    assert asked(shared, {"Authorization": ""}, path=f"/static/{name}") == 404


def test_json_is_what_the_shell_writes(shared: Server) -> None:
    told = json.loads(shared.say("status", "--format", "json"))
    assert shared.client.get("/state").json()["data"] == told["data"]
