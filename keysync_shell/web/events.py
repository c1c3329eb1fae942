"""What readers of the stream are told: every operation, and what goes on meanwhile.

Nothing waits for a reader. Each has its place in what was told; one that is far behind is told the newest number only,
so a reader that does not read costs nothing.
"""

from __future__ import annotations

import asyncio
import json
from collections import deque
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

REMEMBERED = 500  # operations; older ones come from the log
MOST_AT_ONCE = 100  # operations told one by one; past that a reader should look anew
QUIET_SECONDS = 15.0
BYE = "bye"


@dataclass(frozen=True)
class Told:
    """One event. `number` is that of the operation, for `Last-Event-ID`; None for what passes."""

    kind: str
    data: Mapping[str, Any]
    number: int | None = None

    def encoded(self) -> bytes:
        """As `text/event-stream` has it. JSON in ASCII has no line break."""
        head = "" if self.number is None else f"id: {self.number}\n"
        return f"{head}event: {self.kind}\ndata: {json.dumps(self.data)}\n\n".encode()


@dataclass
class Hub:
    """Where events come together; everything but `told` belongs to the thread of the loop.

    `older` reads operations after a number from the log, for readers that were away for long.
    """

    loop: asyncio.AbstractEventLoop
    older: Callable[[int], list[Told]]
    operations: deque[Told] = field(default_factory=lambda: deque(maxlen=REMEMBERED))
    passing: dict[str, tuple[int, Told]] = field(default_factory=dict)  # the newest of each kind, with its turn
    turn: int = 0
    closed: bool = False
    _waiting: set[asyncio.Event] = field(default_factory=set)

    def told(self, event: Told) -> None:
        """Take an event, from any thread."""
        if not self.loop.is_closed():
            self.loop.call_soon_threadsafe(self._take, event)

    def close(self) -> None:
        """End every stream."""
        self.closed = True
        self._wake()

    @property
    def newest(self) -> int:
        """The number of the newest operation that was told."""
        return self.operations[-1].number or 0 if self.operations else 0

    async def stream(self, last: int | None) -> AsyncIterator[bytes]:
        """Events after the operation `last` (None: from now on), until the server ends or the reader leaves."""
        place, turn, wake = self.newest if last is None else last, self.turn, asyncio.Event()
        self._waiting.add(wake)
        try:
            yield b": keysync\n\n"
            while True:
                wake.clear()
                for event in await self._after(place):
                    place = event.number or place
                    yield event.encoded()
                passing, turn = [event for at, event in self.passing.values() if at > turn], self.turn
                for event in passing:
                    yield event.encoded()
                if self.closed:
                    yield Told(BYE, {}).encoded()
                    return
                try:
                    await asyncio.wait_for(wake.wait(), QUIET_SECONDS)
                except TimeoutError:
                    yield b": still here\n\n"
        finally:
            self._waiting.discard(wake)

    async def _after(self, place: int) -> list[Told]:
        if place >= self.newest:
            return []
        kept = [event for event in self.operations if (event.number or 0) > place]
        if kept[0].number != place + 1:
            kept = await asyncio.to_thread(self.older, place)
        return kept if len(kept) <= MOST_AT_ONCE else [coalesced(kept)]

    def _take(self, event: Told) -> None:
        if event.number is not None:
            if event.number > self.newest:
                self.operations.append(event)
        else:
            self.turn += 1
            self.passing[event.kind] = (self.turn, event)
        self._wake()

    def _wake(self) -> None:
        for wake in self._waiting:
            wake.set()


def coalesced(events: list[Told]) -> Told:
    """Many operations as one: the newest, and that keys are not told."""
    newest = events[-1]
    return Told(newest.kind, {**newest.data, "keys": None, "coalesced": len(events)}, newest.number)
