"""Where a text stands in a scenario file, carried along so that every message can name the place."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from pydantic import GetCoreSchemaHandler
from pydantic_core import CoreSchema, PydanticCustomError, core_schema


@dataclass(frozen=True)
class Place:
    """A stretch of a file: line and column count from 1, `start` and `end` are offsets in characters."""

    file: str
    line: int
    column: int
    start: int = 0
    end: int = 0

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}"


class Text(str):
    """A scalar of a scenario file. It is what stands in the file: `007`, `NO` and `1:30` are not read as anything."""

    __slots__ = ("place",)

    place: Place

    def __new__(cls, text: str, place: Place) -> Text:
        made = super().__new__(cls, text)
        made.place = place
        return made

    @classmethod
    def __get_pydantic_core_schema__(cls, _source: Any, _handler: GetCoreSchemaHandler) -> CoreSchema:
        schema = core_schema.str_schema()
        return core_schema.no_info_plain_validator_function(
            cls._taken, json_schema_input_schema=schema, serialization=core_schema.to_string_ser_schema()
        )

    @classmethod
    def _taken(cls, value: object) -> Text:
        """A blank text says nothing anywhere in a scenario, so it is a fault wherever it stands."""
        if not isinstance(value, cls):
            raise PydanticCustomError("text", "a text is wanted here")
        if not value.strip():
            raise PydanticCustomError("text", "nothing is written here")
        return value
