"""Where faults are tried: programs side by side, and what each operation looks like undisturbed."""

from __future__ import annotations

import itertools
import os
import queue
import random
import shutil
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import TracebackType
from typing import TypeVar

from tests.crash import checking, strace
from tests.crash.checking import Expected
from tests.crash.operations import OPERATIONS, Operation, prepared, words
from tests.crash.program import ROOT, Program
from tests.crash.strace import Point
from tests.crash.world import World

Job = TypeVar("Job")
Answer = TypeVar("Answer")


class Bench:
    """As many programs as there are processors, working in folders of their own below `folder`."""

    def __init__(self, folder: Path, package: Path = ROOT, world: World = World()) -> None:  # noqa: B008  # frozen
        self.folder = folder
        self.package = package
        folder.chmod(0o711)  # for other users
        self._numbers = itertools.count()
        self.count = os.cpu_count() or 1
        self._programs: queue.SimpleQueue[Program] = queue.SimpleQueue()
        for _ in range(self.count):
            self._programs.put(Program(package, world=world))
        self._expected: dict[str, Expected] = {}

    def __enter__(self) -> Bench:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for _ in range(self.count):
            self._programs.get().close()

    def each(self, work: Callable[[Program, Path, Job], Answer], jobs: Sequence[Job]) -> list[Answer]:
        """Do the work for each job, with a program and a folder that does not exist yet and is taken away after."""

        def one(job: Job) -> Answer:
            program, folder = self._programs.get(), self.folder / f"{next(self._numbers)}"
            try:
                return work(program, folder, job)
            finally:
                shutil.rmtree(folder, ignore_errors=True)
                self._programs.put(program)

        with ThreadPoolExecutor(self.count) as threads:
            return list(threads.map(one, jobs))

    def expected(self, operations: Sequence[Operation] = OPERATIONS) -> list[Expected]:
        """What these operations lead to; found out once."""
        missing = [operation for operation in operations if operation.name not in self._expected]
        if not missing:
            return [self._expected[operation.name] for operation in operations]
        begun = self.folder / "begun"
        if not begun.exists():
            self.each(lambda program, _, operation: prepared(program, operation, begun), OPERATIONS[:1])

        def expect(program: Program, _: Path, operation: Operation) -> Expected:
            return checking.expect(program, operation, self.folder / operation.name, begun)

        self._expected |= {one.operation.name: one for one in self.each(expect, missing)}
        return self.expected(operations)

    def points(self, expected: Sequence[Expected], options: Sequence[str] = ()) -> list[list[Point]]:
        """The calls of each of these operations, under strace with these options."""
        return self.each(
            lambda program, folder, one: calls(program, folder, one.before, one.operation.words, options), expected
        )


def calls(
    program: Program,
    folder: Path,
    before: Path,
    command: tuple[str, ...],
    options: Sequence[str] = (),
    *,
    alone: bool = False,
) -> list[Point]:
    """The calls of a command on a copy of that folder."""
    trace = folder.with_suffix(".trace")
    try:
        run = program.alone if alone else program.traced
        ended = run(checking.copied(before, folder), words(command), options, str(trace))
        assert ended.status == 0, ended.err
        return strace.points(trace)
    finally:
        trace.unlink()
        shutil.rmtree(folder)


def sampled(points: Sequence[Job], count: int | None, seed: int) -> list[Job]:
    """That many of the points, one by chance from each of as many equal stretches; all for None."""
    if count is None or count >= len(points):
        return list(points)
    step = len(points) / count
    dice = random.Random(seed)
    return [points[int(step * (i + dice.random()))] for i in range(count)]


def complaints(results: Sequence[str], fine: Sequence[str]) -> str:
    """What is not fine: how many, and the first of them."""
    bad = [result for result in results if result not in fine]
    return "\n".join([f"{len(bad)} of {len(results)}", *bad[:20]]) if bad else ""
