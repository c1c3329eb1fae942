"""Power loss at every moment of a command: whatever a weak file system may have kept, before or after is found."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.crash import strace
from tests.crash.bench import Bench, complaints, sampled
from tests.crash.checking import Expected, copied, found
from tests.crash.disk_states import RECORD, Crash, Event, Recorder, Told, crashes, fingerprint, put, rebuilt
from tests.crash.operations import BY_NAME, LATER, words
from tests.crash.program import Program
from tests.crash.report import tally
from tests.crash.strace import injected

COMMANDS = ("add", "undo", "replace-state", "init-fresh", "outside-edit")
NIGHTLY = (pytest.mark.nightly, pytest.mark.timeout(7200))
IN_THE_MIDDLE = ("fsync", "renameat2", "unlink", "mkdir")


@dataclass(frozen=True)
class Recording:
    """What one command did, or two; `start` is the event with which the second begins, and with it the danger."""

    expected: Expected
    recorder: Recorder
    start: int | None = None

    def states(self, count: int | None, seed: int) -> list[tuple[Recording, Crash]]:
        """One crash for each disk state among so many, told apart also by what had been acknowledged."""
        distinct: dict[tuple[object, bytes], Crash] = {}
        for crash in sampled(list(crashes(self.recorder.events, self.start or 0)), count, seed):
            tree = rebuilt(self.recorder.start, self.recorder.events, crash)
            distinct.setdefault((self.acknowledged(crash), fingerprint(tree)), crash)
        return [(self, crash) for crash in distinct.values()]

    def acknowledged(self, crash: Crash) -> tuple[str, ...]:
        """The commands of which it was said that they are done; the killed one comes first."""
        return tuple(
            "op" if self.start is None or i < self.start else "later"
            for i, event in enumerate(self.recorder.events[: crash.after])
            if isinstance(event, Told) and event.line.startswith("✓")
        )


@pytest.mark.parametrize("each", [50, pytest.param(None, marks=NIGHTLY)])
@pytest.mark.parametrize("name", COMMANDS)
def test_a_power_loss_leaves_before_or_after(bench: Bench, name: str, each: int | None) -> None:
    [recording] = bench.each(record, bench.expected([BY_NAME[name]]))
    results = bench.each(lose_power, recording.states(each, seed=5))
    assert complaints(results, ("", "op")) == ""
    tally("power loss", len(results), "disk states tried: 0 bad")
    tally("power loss", results.count("op"), "of them after the command")


@pytest.mark.parametrize(("kills", "each"), [(2, 6), pytest.param(4, 1000, marks=NIGHTLY)])
@pytest.mark.parametrize("call", IN_THE_MIDDLE)
@pytest.mark.parametrize("name", ["add", "init-fresh"])
def test_a_power_loss_after_a_kill_and_another_command(
    bench: Bench, name: str, call: str, kills: int, each: int
) -> None:
    """What a killed process left unsynced, the next one must not build on."""
    [expected] = bench.expected([BY_NAME[name]])
    recordings = bench.each(_record_killed, [(expected, call, nth) for nth in range(1, kills + 1)])
    states = [state for recording in recordings for state in recording.states(each, seed=6)]
    assert complaints(bench.each(lose_power, states), ("", "op", "later", "op later")) == ""
    tally("power loss after a kill", len(recordings), "kills")
    tally("power loss after a kill", len(states), "disk states tried: 0 bad")


def record(program: Program, folder: Path, expected: Expected) -> Recording:
    recorder = Recorder(copied(expected.before, folder))
    _run(program, folder, recorder, expected.operation.words, [])
    return Recording(expected, recorder)


def _record_killed(program: Program, folder: Path, job: tuple[Expected, str, int]) -> Recording:
    """A command that is killed, and another one after it."""
    expected, name, nth = job
    recorder = Recorder(copied(expected.before, folder))
    _run(program, folder, recorder, expected.operation.words, injected(strace.Point(name, nth, ""), "signal=KILL")[2:])
    start = len(recorder.events)
    _run(program, folder, recorder, LATER, [])
    return Recording(expected, recorder, start)


def _run(program: Program, folder: Path, recorder: Recorder, command: tuple[str, ...], options: list[str]) -> None:
    trace = folder.with_suffix(".trace")
    try:
        program.traced(folder, words(command), [*RECORD, *options], str(trace))
        recorder.add(trace)
    finally:
        trace.unlink()


def lose_power(program: Program, folder: Path, state: tuple[Recording, Crash]) -> str:
    """Rebuild the disk, give the next command, and see what is found."""
    recording, crash = state
    events = recording.recorder.events
    put(rebuilt(recording.recorder.start, events, crash), folder)
    name, complaint = found(program, recording.expected, folder)
    missing = [command for command in recording.acknowledged(crash) if command not in name.split()]
    if missing and not complaint:
        complaint = f"{missing} was acknowledged, but {name!r} is found"
    if not complaint:
        return name
    lost = [_short(events[i]) for i in range(crash.after) if i not in crash.kept and not isinstance(events[i], Told)]
    last = _short(events[crash.after - 1]) if crash.after else ""
    return f"{recording.expected.operation.name} after {last}, without {lost}, {crash.damage}: {complaint}"


def _short(event: Event) -> str:
    return str(event)[:80]
