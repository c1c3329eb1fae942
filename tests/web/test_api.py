"""What the API promises those who change things at the same time as others."""

from __future__ import annotations

import itertools
import threading
import time
import zipfile
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest

from tests.building import files
from tests.web.serving import Server, events, held, serving


def numbers(server: Server) -> list[int]:
    return [one["number"] for one in server.get("/operations", limit=100)["operations"]]


# Who was first


def test_keys_that_moved_since_are_a_conflict_that_names_key_operation_and_user(server: Server) -> None:
    server.say("remove-key", "CUST-00005", "--systems", "B", "--yes")
    answer = server.client.request(
        "DELETE", "/keys", json={"keys": ["CUST-00005"], "systems": "B", "seen": 3, "yes": True}
    )
    assert answer.status_code == 409
    [conflict] = answer.json()["conflicts"]
    assert (conflict["key"], conflict["operation"]) == ("CUST-00005", 4)
    assert conflict["user"]
    assert "@4" in answer.json()["detail"]
    assert numbers(server)[0] == 4


def test_other_keys_than_those_that_moved_land(server: Server) -> None:
    server.say("remove-key", "CUST-00005", "--systems", "B", "--yes")
    told = server.post("/values", system="B", key="CUST-00006", column="status", value="x", seen=3)
    assert told["operation"] == 5


def test_if_match_is_about_everything(server: Server) -> None:
    old = {"If-Match": '"2"'}
    assert server.client.post("/keys", json={"keys": ["X"]}, headers=old).status_code == 412
    assert server.client.post("/keys", json={"keys": ["X"]}, headers={"If-Match": '"3"'}).status_code == 200


def test_an_etag_saves_the_answer(server: Server) -> None:
    tag = server.client.get("/state").headers["etag"]
    for path in ("/state", "/keys", "/findings", "/matrix", "/plan", "/operations"):
        again = server.client.get(path, headers={"If-None-Match": tag})
        assert (again.status_code, again.content) == (304, b""), path
    server.post("/keys", keys=["X"])
    assert server.client.get("/state", headers={"If-None-Match": tag}).status_code == 200


def test_what_was_approved_is_carried_out_and_nothing_else(server: Server) -> None:
    asked = {"keys": ["CUST-0000*"], "systems": "E"}
    seen = server.post("/commands/remove-key", **asked, dry_run=True)
    assert seen["counts"]["E"]["removed"] == 9
    server.say("remove-key", "CUST-00001", "--systems", "E", "--yes")
    refused = server.client.post("/commands/remove-key", json={**asked, "approved": seen["digest"]})
    assert refused.status_code == 409
    preview = refused.json()["preview"]["data"]
    assert preview["counts"]["E"]["removed"] == 8
    done = server.post("/commands/remove-key", **asked, approved=preview["digest"])
    assert done["counts"]["E"]["removed"] == 8


def test_an_approval_holds_later_as_well(server: Server) -> None:
    """New rows carry the time at which they are made: that does not make it another change."""
    seen = server.post("/keys", keys=["X"], dry_run=True)
    begun = time.time()
    while int(time.time()) == int(begun):
        time.sleep(0.05)
    assert server.post("/keys", keys=["X"], approved=seen["digest"])["operation"] == 4


def test_what_loses_rows_is_previewed_first(server: Server) -> None:
    answer = server.client.post("/commands/reset", json={"empty": True})
    assert (answer.status_code, answer.json()["committed"]) == (409, False)
    assert answer.json()["preview"]["data"]["lost"]["A"] == 20
    assert numbers(server)[0] == 3


# Once


def test_a_request_is_carried_out_once(server: Server) -> None:
    send = {"json": {"keys": ["X"]}, "headers": {"Idempotency-Key": "one"}}
    first, again = (server.client.post("/keys", **send).json() for _ in range(2))  # type: ignore[arg-type]
    assert first == again
    assert numbers(server)[0] == 4
    other = server.client.post("/keys", json={"keys": ["Y"]}, headers={"Idempotency-Key": "one"})
    assert (other.status_code, other.json()["committed"]) == (422, False)


def test_a_retry_after_a_kill_finds_its_outcome(tmp_path: Path) -> None:
    send: dict[str, Any] = {"json": {"keys": ["X"], "systems": "B,C"}, "headers": {"Idempotency-Key": "one"}}
    with serving(tmp_path, "init --keys 2") as server:
        first = server.client.post("/keys", **send).json()
        server.process.kill()
    with serving(tmp_path) as server:
        assert server.client.post("/keys", **send).json() == first
        assert numbers(server) == [2, 1]


def test_undo_and_redo_are_carried_out_once_as_well(server: Server) -> None:
    once = {"Idempotency-Key": "u"}
    first, again = (server.client.post("/undo", json={}, headers=once).json()["data"] for _ in range(2))
    assert first == again
    assert first["way"] == "undo"
    several = server.client.post("/undo", json={"count": 2}, headers={"Idempotency-Key": "v"})
    assert several.status_code == 422


def test_what_makes_no_operation_cannot_be_kept(server: Server) -> None:
    answer = server.client.post("/snapshots", json={"name": "s"}, headers={"Idempotency-Key": "one"})
    assert answer.status_code == 422


# The lock


def test_reads_do_not_wait_for_the_lock_and_changes_say_when_to_come_back(tmp_path: Path) -> None:
    with serving(tmp_path, "init --keys 20", patience=3) as server, held(tmp_path) as release:
        answers: list[int] = []
        waiting = threading.Thread(
            target=lambda: answers.append(server.client.post("/keys", json={"keys": ["X"]}).status_code)
        )
        waiting.start()
        looks = ("/state", "/keys", "/findings", "/matrix", "/plan", "/operations", "/operations/1", "/runs")
        for path in (*looks, "/diff?left=A&right=B", "/explanation?key=CUST-00001", "/state?at=1", "/prediction"):
            assert server.client.get(path).status_code == 200, path
        waiting.join()
        assert answers == [503]
        release()
        assert server.post("/keys", keys=["X"])["operation"] == 2


# Windows of rows


def test_pages_do_not_jump_when_rows_come_in(server: Server) -> None:
    first = server.client.get("/keys", params={"limit": 5}).json()["data"]
    server.post("/keys", keys=["CUST-00000", "CUST-00002-B", "ZZZ"])
    second = server.client.get("/keys", params={"limit": 5, "cursor": first["next"]}).json()["data"]
    assert [row["key"] for row in second["keys"]] == [f"CUST-{n:05}" for n in range(6, 11)]
    assert second["total"] == 21, "it is the list as the first page had it"


def test_a_window_around_a_key(shared: Server) -> None:
    data = shared.get("/keys", around="CUST-00010", limit=4)
    assert [row["key"] for row in data["keys"]] == [f"CUST-{n:05}" for n in range(8, 12)]
    assert (data["offset"], data["row"]) == (7, 9)


def test_rows_tell_what_is_wrong_with_them(shared: Server) -> None:
    rows = {row["key"]: row for row in shared.get("/keys", limit=500)["keys"]}
    assert rows["CUST-00003"]["findings"] == {"gap": ["D"]}
    assert rows["UNAUTH-001"]["systems"] == ["B", "C"]
    assert [row["key"] for row in shared.get("/keys", kinds="gap")["keys"]] == ["CUST-00003"]
    assert [row["key"] for row in shared.get("/keys", pattern=".BC..")["keys"]] == ["UNAUTH-001"]
    assert shared.get("/keys", keys="CUST-0001*")["total"] == 10


def test_every_page_of_a_list_is_reached(shared: Server) -> None:
    told, path = list[tuple[str, str, str]](), "/diff?left=@1&right=now&limit=1"
    while path:
        whole = shared.client.get(path).json()
        told += [(one["sign"], one["system"], one["key"]) for one in whole["data"]["differences"]]
        path = whole["next"] and f"/diff?left=@1&right=now&limit=1&cursor={whole['next']}"
    assert told == [("+", "B", "UNAUTH-001"), ("+", "C", "UNAUTH-001"), ("-", "D", "CUST-00003")]


@pytest.mark.parametrize(
    "query", ["cursor=x", "cursor=WzFd", "limit=501", "limit=0", "kinds=nonsense", "at=@99", "wrong=1"]
)
def test_windows_that_cannot_be(shared: Server, query: str) -> None:
    assert shared.client.get(f"/keys?{query}").status_code in (410, 422)


# Files


def test_a_system_comes_and_goes_as_csv_and_json(server: Server) -> None:
    content = server.client.get("/systems/A").content
    assert content == (server.home / "systems" / "A.csv").read_bytes()
    csv = {"Content-Type": "text/csv"}
    assert server.client.put("/systems/E", content=b"key\nK1\n", headers=csv).status_code == 409, "it would lose rows"
    assert server.client.put("/systems/E?yes=true", content=b"key\nK1\n", headers=csv).status_code == 200
    assert server.client.get("/systems/E").text == "key\nK1\n"
    rows = {"rows": [{"key": "K2", "note": "a,b"}, {"key": "K3", "note": ""}]}
    assert server.client.put("/systems/D?yes=true", json=rows).status_code == 200
    assert server.client.get("/systems/D").text == 'key,note\nK2,"a,b"\nK3,\n'
    assert server.client.get("/systems/F").status_code == 422


def test_snapshots_go_down_and_up(server: Server) -> None:
    server.post("/snapshots", name="one", note="first")
    archive = server.client.get("/snapshots/one")
    assert "one/manifest.json" in zipfile.ZipFile(BytesIO(archive.content)).namelist() or archive.content[:2] == b"PK"
    zipped = {"Content-Type": "application/zip"}
    assert server.client.put("/snapshots/two", content=archive.content, headers=zipped).status_code == 200
    assert {one["name"] for one in server.get("/snapshots")["snapshots"]} == {"one", "two"}
    assert server.client.put("/snapshots/x", content=b"nonsense", headers=zipped).status_code == 422
    server.post("/keys", keys=["X"])
    assert server.post("/snapshots/two/load", yes=True)["kind"] == "load"
    assert server.client.request("DELETE", "/snapshots/two", json={"yes": True}).status_code == 200


# Events


def test_whoever_changes_something_is_heard(server: Server) -> None:
    stream = events(server)
    assert next(stream)["event"] == "open"
    server.post("/keys", keys=["X"], systems="B")
    by_page = next(event for event in stream if event["event"] == "operation")
    assert (by_page["number"], by_page["source"], by_page["keys"], by_page["changed"]) == (4, "web", ["X"], "B +1")
    server.say("remove-key", "X", "--yes")
    by_shell = next(event for event in stream if event["event"] == "operation")
    assert (by_shell["number"], by_shell["source"], by_shell["line"]) == (5, "one-shot", "remove-key X --yes")
    path = server.home / "systems" / "A.csv"
    path.write_text(path.read_text().replace("CUST-00007,", "CUST-7,"))
    by_hand = [event for event in itertools.islice(stream, 2) if event["event"] in ("changing", "operation")]
    assert [event["event"] for event in by_hand] == ["changing", "operation"]
    assert by_hand[1]["source"] == "external"


def test_last_event_id_replays_from_the_log(server: Server) -> None:
    stream = events(server, after=0)
    assert [event.get("number") for event in itertools.islice(stream, 4)] == [None, 1, 2, 3]


def test_a_file_that_cannot_be_read_is_trouble_until_it_is_mended(server: Server) -> None:
    stream = events(server)
    next(stream)
    path = server.home / "systems" / "A.csv"
    good = path.read_bytes()
    path.write_bytes(b"nonsense\n")
    trouble = next(event for event in stream if event["event"] == "trouble")
    assert "repair A" in trouble["hint"]
    assert server.get("/state")["keys"] == 21, "what was seen last can be looked at all the same"
    path.write_bytes(good)
    server.post("/keys", keys=["X"])
    assert next(event for event in stream if event["event"] == "operation")["keys"] == ["X"]


def test_streams_of_one_client_are_limited(shared: Server) -> None:
    with_id = {"X-Client-Id": "one"}
    streams = [
        shared.client.send(shared.client.build_request("GET", "/events", headers=with_id), stream=True)
        for _ in range(9)
    ]
    try:
        assert [stream.status_code for stream in streams] == [200] * 8 + [429]
    finally:
        for stream in streams:
            stream.close()


# Scenarios


def heard(stream: Any, verdict: str) -> dict[str, Any]:
    return next(one for one in stream if one["event"] == "scenario" and one["verdict"] == verdict)


def test_a_scenario_runs_step_by_step_beside_everything_else(server: Server) -> None:
    before, stream = files(server.home), events(server)
    next(stream)
    run = server.post("/scenario-runs", names=["network-partition"], params=["keys=200"], step=True)["run"]
    assert heard(stream, "over")["report"]["reports"][0]["verdict"] == "paused"
    server.post(f"/scenario-runs/{run}/step")
    assert heard(stream, "over")["report"]["reports"][0]["verdict"] == "paused"
    assert len(server.get(f"/scenario-runs/{run}")["reports"][0]["played"]) == 2
    server.post(f"/scenario-runs/{run}/resume")
    assert heard(stream, "over")["report"]["reports"][0]["verdict"] == "passed"
    assert files(server.home) == before


def test_a_scenario_is_given_up(server: Server) -> None:
    stream = events(server)
    next(stream)
    run = server.post("/scenario-runs", names=["network-partition"], params=["keys=200"], step=True)["run"]
    heard(stream, "over")
    server.post(f"/scenario-runs/{run}/abort")
    assert server.get(f"/scenario-runs/{run}")["reports"][0]["verdict"] == "aborted"
    assert server.client.post(f"/scenario-runs/{run}/pause", json={}).status_code == 409
    assert server.client.post("/scenario-runs", json={"names": ["nothing"]}).status_code == 422
