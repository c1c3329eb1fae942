"""Somebody else takes the lock whenever a command is about to: whatever it says then about the change is true."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from keysync_shell.headless import main
from keysync_shell.storage import lock
from tests.building import files, opened, sandbox
from tests.talking import Talk

MOST_LOCKS = 9


def apply(home: Path, capsys: pytest.CaptureFixture[str]) -> str:
    talk = Talk(home)
    said = talk.say("apply").text
    talk.shell.sandbox.close()
    return said


def reconcile(home: Path, capsys: pytest.CaptureFixture[str]) -> str:
    main(["--home", str(home)])
    return capsys.readouterr().err


def generate(home: Path, capsys: pytest.CaptureFixture[str]) -> str:
    main(["--home", str(home), "--generate-data", "--yes", "--keys", "5"])
    return capsys.readouterr().err


@pytest.mark.parametrize("command", [apply, reconcile, generate])
@pytest.mark.parametrize("taken", range(1, MOST_LOCKS + 1))
def test_what_is_said_beside_a_competing_locker_is_true(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    command: Callable[[Path, pytest.CaptureFixture[str]], str],
    taken: int,
) -> None:
    sandbox(tmp_path, A="K1 K2", B="K1 K2 X1", C="K1 K2", D="K1", E="K1 K2").close()
    before, held, count = files(tmp_path), lock.held, 0

    @contextlib.contextmanager
    def competed(*arguments: Any) -> Iterator[None]:
        """The lock, but for the nth time, when others hold it."""
        nonlocal count
        count += 1
        if count == taken:
            with held(*arguments), held(arguments[0], 0.01):
                yield
        with held(*arguments):
            yield

    monkeypatch.setattr(lock, "held", competed)
    said = command(tmp_path, capsys)
    monkeypatch.setattr(lock, "held", held)
    other = opened(tmp_path)
    other.refresh()
    assert other.newest
    changed = other.newest.number > 1 or files(tmp_path) != before
    with other.records() as registry:
        assert bool(registry.runs()) <= changed
    assert ("Nothing was changed" in said) <= (not changed), said
    assert "Unknown whether" not in said
