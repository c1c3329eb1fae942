"""What a lesson says: a scenario whose steps prepare a sandbox, with a goal that the learner has to bring about."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from keysync_shell.scenarios import loading
from keysync_shell.scenarios.locating import Source
from keysync_shell.scenarios.model import Name, Scenario, Strict
from keysync_shell.scenarios.places import Text


class Answer(Strict):
    """What has to be answered: a number, or the keys that a selector finds, as they are when the learner answers."""

    number: Annotated[Text | None, Field(description="a metric such as gaps.D")] = None
    keys: Annotated[Text | None, Field(description="a selector such as gap:D")] = None

    @model_validator(mode="after")
    def _one(self) -> Answer:
        if (self.number is None) == (self.keys is None):
            raise PydanticCustomError("answer", "an answer is either a number or keys")
        return self


class Lesson(Scenario):
    """A scenario that somebody learns from. The goal is a state: however they bring it about, it counts."""

    title: Annotated[Text, Field(description="what is learnt, in a few words")]
    text: Annotated[Text, Field(description="what they have to know, and the commands to try")]
    goal: Annotated[Text, Field(description="what they are to bring about or to find out")]
    condition: Annotated[tuple[Text, ...], Field(description="numbers that must hold at the goal")] = ()
    keys: Annotated[
        Mapping[Text, tuple[Text, ...]], Field(description="selectors, and exactly the keys that they must find")
    ] = {}
    answer: Annotated[Answer | None, Field(description="what they are to find out by looking")] = None
    snapshot: Annotated[Name | None, Field(description="a snapshot that must hold what the systems hold")] = None
    forgets: Annotated[
        Text | None,
        Field(description="a system that a broken `apply` forgets; a scenario of theirs must pass, and fail there"),
    ] = None
    script: Annotated[
        Text | None, Field(description="a file of theirs that must exit 0 in sync, and 1 where D misses a key")
    ] = None
    hints: Annotated[tuple[Text, Text, Text], Field(description="three hints, each telling more")]
    solution: Annotated[tuple[Text, ...], Field(min_length=1, description="lines that lead to the goal")]
    ways: Annotated[tuple[tuple[Text, ...], ...], Field(description="other lines that do")] = ()
    near: Annotated[tuple[tuple[Text, ...], ...], Field(min_length=1, description="lines that almost do")]


def load(source: Source) -> Lesson:
    """The lesson in a file. Raises BadScenario with every fault."""
    return loading.load_as(Lesson, source.text, source.file)
