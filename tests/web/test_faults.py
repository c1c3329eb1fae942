"""What is promised where the server is killed, or many ask at once."""

from __future__ import annotations

import concurrent.futures
import random
import threading
import time
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.building import files
from tests.web.serving import Server, serving

MOMENTS = 5  # on every push
ALL_MOMENTS = 50


def moved_once(home: Path, seed: int) -> None:
    """Kill the server at some moment of a move, start it anew, and send the move again with the same key."""
    send: dict[str, Any] = {
        "json": {"keys": ["CUST-00001"], "source": "B", "targets": "C", "yes": True},
        "headers": {"Idempotency-Key": f"move-{seed}"},
    }
    with serving(home, "init --keys 3", "remove-key CUST-00001 --systems C --yes") as server:
        killing = threading.Timer(random.Random(seed).uniform(0.0, 0.06), server.process.kill)
        killing.start()
        try:
            server.client.post("/moves", **send)
        except httpx.TransportError:
            pass
        finally:
            killing.join()
    with serving(home) as server:
        again = server.client.post("/moves", **send).json()["data"]
        assert again["counts"] == {
            "B": {"added": 0, "removed": 1, "altered": 0},
            "C": {"added": 1, "removed": 0, "altered": 0},
        }
        operations = server.get("/operations")["operations"]
        assert [(one["number"], one["kind"]) for one in operations] == [(3, "move"), (2, "remove"), (1, "init")]
        assert server.get("/keys", keys="CUST-00001")["keys"][0]["systems"] == ["A", "C", "D", "E"]


@pytest.mark.parametrize("seed", range(MOMENTS))
def test_a_move_that_is_cut_and_sent_again_is_one_operation(tmp_path: Path, seed: int) -> None:
    moved_once(tmp_path, seed)


@pytest.mark.nightly
@pytest.mark.parametrize("seed", range(MOMENTS, ALL_MOMENTS))
def test_a_move_that_is_cut_anywhere_is_one_operation(tmp_path: Path, seed: int) -> None:
    moved_once(tmp_path, seed)


def memory(server: Server) -> int:
    """Bytes that the process holds now."""
    text = Path(f"/proc/{server.process.pid}/status").read_text()
    return int(text.partition("VmRSS:")[2].split()[0]) * 1024


def test_silent_readers_and_many_requests_are_all_answered(server: Server) -> None:
    """Fifty streams that nobody reads, and a thousand requests at once, while operations go by."""
    address = f"{server.origin}/api/v1"
    headers = {"Authorization": f"Bearer {server.token}"}
    limits = httpx.Limits(max_connections=200)
    with httpx.Client(headers=headers, timeout=120, limits=limits) as client:
        for number in range(50):
            request = client.build_request("GET", f"{address}/events", headers={"X-Client-Id": str(number)})
            assert client.send(request, stream=True).status_code == 200
        before = memory(server)
        with concurrent.futures.ThreadPoolExecutor(100) as pool:
            answers = list(pool.map(lambda _: client.get(f"{address}/keys").status_code, range(1000)))
        for number in range(20):
            server.post("/keys", keys=[f"X{number}"])
        assert answers == [200] * 1000
        assert memory(server) - before < 50 << 20
        begun = time.monotonic()
        code, said = server.end()
        assert (code, said) == (130, "")
        assert time.monotonic() - begun < 30, "it does not wait for those who do not read"


def test_shell_and_page_take_turns_and_undo_gives_the_first_bytes(server: Server) -> None:
    first, count = files(server.home), 6
    for number in range(count):
        if number % 2:
            server.say("add-key", f"TURN-{number}", "--systems", "B")
        else:
            server.post("/keys", keys=[f"TURN-{number}"], systems="C")
    assert server.get("/operations")["operations"][0]["number"] == 3 + count
    for _ in range(count):
        server.post("/undo")
    assert files(server.home) == first
