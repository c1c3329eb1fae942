"""Every step that may take long is told; inside of a step nobody is asked and nothing is shown."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from keysync_shell.commands.catalogue import BY_NAME
from keysync_shell.commands.session import Session
from keysync_shell.process import Parser
from keysync_shell.sandbox import Sandbox
from tests.building import sandbox


class Heard:
    """The steps in their order, and how deep we are in them."""

    def __init__(self) -> None:
        self.steps: list[str] = []
        self.depth = 0

    @contextlib.contextmanager
    def doing(self, what: str) -> Iterator[None]:
        self.steps.append(what)
        self.depth += 1
        yield
        self.depth -= 1

    def outside(self, *_: object) -> None:
        assert self.depth == 0, f"within {self.steps[-1]}"

    def asked(self, _question: str) -> bool:
        self.outside()
        return True


def heard(home: Path, line: str) -> Heard:
    """What a command tells; it is asked for approval, and shows what it reads."""
    steps = Heard()
    at = Sandbox(home, progress=steps)
    name, *words = line.split()
    parser = Parser(prog=name)
    BY_NAME[name].declare(parser)
    session = Session(
        at,
        line,
        "test",
        steps.asked,
        steps.outside,
        lambda: b"K1\n",
        show_reading=steps.outside,
    )
    BY_NAME[name].run(session, BY_NAME[name].arguments.from_namespace(parser.parse_args(words)))
    at.close()
    steps.outside()
    return steps


READING = {"reading A", "reading E", "comparing the systems"}
WRITING = {"working out the change", "writing the history"}


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("status", READING),
        ("init --keys 3", {*READING, *WRITING, "writing A, B, C, D, E"}),
        ("mock --keys 3", {*READING, *WRITING}),
        ("import B keys.csv", {"reading keys.csv", *READING, *WRITING, "writing B"}),
        ("add-key @keys.csv --systems C", {"reading keys.csv", *WRITING, "writing C"}),
        ("remove-key K1 --systems A", {*READING, *WRITING, "writing A"}),
        ("apply", {*READING, *WRITING}),
        ("reconcile", {*READING, "reconciling", "writing the reports"}),
        ("check", {"checking files", "checking replay", "checking snapshots"}),
        ("undo", {*READING, *WRITING}),
    ],
)
def test_steps_are_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, line: str, told: set[str]) -> None:
    sandbox(tmp_path, A="K1 K2", B="K1", C="K3").close()
    monkeypatch.chdir(tmp_path)
    (tmp_path / "keys.csv").write_text("key,n\nK7,1\nK8,2\n")
    steps = heard(tmp_path, line)
    assert told <= set(steps.steps)


def test_nothing_is_told_while_a_program_runs_under_the_lock(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sandbox(tmp_path, A="K1").close()
    steps = Heard()
    at = Sandbox(tmp_path, progress=steps)
    with at.exclusively():
        steps.outside()
    at.close()
