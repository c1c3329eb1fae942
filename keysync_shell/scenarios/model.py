"""What a scenario file may say. The same classes give the JSON Schema that editors complete from."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Any, ClassVar

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Discriminator,
    Field,
    JsonValue,
    Tag,
    ValidationInfo,
    field_validator,
    model_validator,
)
from pydantic_core import PydanticCustomError

from keysync_shell import config
from keysync_shell.core.model.rules import setting
from keysync_shell.errors import KeySyncError
from keysync_shell.scenarios.places import Place, Text

WHOLE = re.compile(r"-?[0-9]{1,15}")
SCALAR: list[JsonValue] = ["string", "integer", "boolean"]  # for editors; here every scalar is the text that it is


def _shape(pattern: str, words: str) -> AfterValidator:
    """A text must be of one shape; `words` say what it looks like."""

    def check(text: str) -> str:
        if not re.fullmatch(pattern, text):
            raise PydanticCustomError("shape", "{text} is not {words}", {"text": repr(str(text)), "words": words})
        return text

    return AfterValidator(check)


def _pattern(pattern: str) -> Any:
    """The shape for the schema: pydantic's own check would tell people a regex."""
    return Field(json_schema_extra={"pattern": f"^({pattern})$"})


NAME = r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}"
PARAM = r"[a-z][a-z0-9_]{0,31}"
GIVEN = rf"empty|now|snapshot:{NAME}"

Name = Annotated[str, _shape(NAME, "a name: letters, digits, '.', '_' and '-', at most 64"), _pattern(NAME)]
ParamName = Annotated[str, _shape(PARAM, "a param's name: small letters, digits and '_'"), _pattern(PARAM)]
Given = Annotated[str, _shape(GIVEN, "empty, now or snapshot:NAME"), _pattern(GIVEN)]


class Strict(BaseModel):
    """Unknown fields are faults; nothing can be changed after loading."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)


class Param(Strict):
    """A value that whoever runs the scenario may choose. With `min` or `max` it is a whole number."""

    default: Annotated[
        str, Field(description="the value unless --param says otherwise", json_schema_extra={"type": SCALAR})
    ]
    min: Annotated[int | None, Field(description="the least whole number that makes sense")] = None
    max: Annotated[int | None, Field(description="the greatest whole number that makes sense")] = None

    @model_validator(mode="after")
    def _default_fits(self) -> Param:
        if fault := self.fault(self.default):
            raise PydanticCustomError("param", "the default {fault}", {"fault": fault})
        return self

    def fault(self, value: str) -> str:
        """What is wrong with a value; empty if nothing is."""
        if self.min is None and self.max is None:
            return ""
        if not WHOLE.fullmatch(value):
            return f"{value!r} is not a whole number"
        if self.min is not None and int(value) < self.min:
            return f"{int(value):,} is less than {self.min:,}"
        if self.max is not None and int(value) > self.max:
            return f"{int(value):,} is more than {self.max:,}"
        return ""


class Settings(Strict):
    """Settings of the stage, as keysync.toml has them."""

    normalize: Annotated[Mapping[str, str], Field(description="the rules, as under [normalize]")] = {}
    policy: Annotated[Mapping[str, str], Field(description="the decisions, as under [policy]")] = {}
    systems: Annotated[Mapping[str, Any], Field(description="names and authority, as under [systems]")] = {}

    @field_validator("normalize", "policy", "systems")
    @classmethod
    def _makes_sense(cls, table: Mapping[str, Any], info: ValidationInfo) -> Mapping[str, Any]:
        try:
            config.parse(_tables({str(info.field_name): table}))
        except KeySyncError as error:
            fault = f"{error.message}. {error.hint}".rstrip(". ")
            raise PydanticCustomError("setting", "{fault}", {"fault": fault}) from None
        return table

    def tables(self) -> dict[str, dict[str, object]]:
        """The tables of keysync.toml that are not empty."""
        return _tables({name: table for name, table in self if table})


def _tables(tables: Mapping[str, Mapping[str, Any]]) -> dict[str, dict[str, object]]:
    """Tables of texts as those of keysync.toml. Raises KeySyncError for a rule that does not exist."""
    return {name: {key: _value(name, key, value) for key, value in table.items()} for name, table in tables.items()}


def _value(table: str, name: str, value: Any) -> object:
    if isinstance(value, list):
        return [str(item) for item in value]
    return setting(str(name), str(value)) if table == "normalize" else str(value)


class Step(Strict):
    """A step. Its first word says what it does; `WORD` names that field."""

    WORD: ClassVar[str]

    @property
    def place(self) -> Place:
        """Where it stands in the file."""
        text: Text = getattr(self, self.WORD)
        return text.place


class Run(Step):
    """A line of the shell. --yes is implied, and $name is filled in after the line is split into words."""

    WORD: ClassVar[str] = "run"
    run: Annotated[Text, Field(description="any line of the shell, such as: remove-key 'CUST-0*' --systems D")]
    exit: Annotated[
        int | None,
        Field(ge=0, le=255, description="the exit code that is expected; else 0, and 1 where that is an answer"),
    ] = None
    error: Annotated[Text | None, Field(description="what the error must contain, where failing is the point")] = None


class Checkpoint(Step):
    """What must be true at this moment. Totals, listed findings and selectors are compared in any case."""

    WORD: ClassVar[str] = "checkpoint"
    checkpoint: Annotated[Text, Field(description="its name, which reports show")]
    expect: Annotated[tuple[Text, ...], Field(description="conditions such as: gaps.D == 40")] = ()
    keys: Annotated[
        Mapping[Text, tuple[Text, ...]], Field(description="a selector, and exactly the keys that it must find")
    ] = {}


class When(Step):
    """Steps that are done only if a condition holds when they are reached."""

    WORD: ClassVar[str] = "when"
    when: Annotated[Text, Field(description="a condition such as: gaps.D > 0")]
    then: tuple[AnyStep, ...]
    otherwise: tuple[AnyStep, ...] = ()


class Repeat(Step):
    """Steps that are done several times; $round counts from 1."""

    WORD: ClassVar[str] = "repeat"
    repeat: Annotated[
        Text, Field(description="how many times: a whole number, or a $name", json_schema_extra={"type": SCALAR})
    ]
    steps: tuple[AnyStep, ...]


class Include(Step):
    """The steps of another scenario, with the params of this one."""

    WORD: ClassVar[str] = "include"
    include: Annotated[Text, Field(description="a scenario's name, or a file beside this one")]


class Note(Step):
    """A text for whoever watches."""

    WORD: ClassVar[str] = "note"
    note: Text


class Pause(Step):
    """A stop, with a prompt on the stage; passed over where nobody is at a terminal."""

    WORD: ClassVar[str] = "pause"
    pause: Annotated[Text, Field(description="true, or a text to show", json_schema_extra={"type": SCALAR})]


class Mark(Step):
    """Remember what the systems hold, byte for byte."""

    WORD: ClassVar[str] = "mark"
    mark: Text


class SameAs(Step):
    """The systems must hold, byte for byte, what they held at a mark."""

    WORD: ClassVar[str] = "same_as"
    same_as: Annotated[Text, Field(alias="same-as", description="the name of a mark")]


STEPS: Mapping[str, type[Step]] = {
    "run": Run,
    "checkpoint": Checkpoint,
    "when": When,
    "repeat": Repeat,
    "include": Include,
    "note": Note,
    "pause": Pause,
    "mark": Mark,
    "same-as": SameAs,
}


def _word(value: object) -> str | None:
    """The word that says what a step does."""
    if isinstance(value, Mapping):
        return next((word for word in STEPS if word in value), None)
    return next((word for word, step in STEPS.items() if isinstance(value, step)), None)


AnyStep = Annotated[
    Annotated[Run, Tag("run")]
    | Annotated[Checkpoint, Tag("checkpoint")]
    | Annotated[When, Tag("when")]
    | Annotated[Repeat, Tag("repeat")]
    | Annotated[Include, Tag("include")]
    | Annotated[Note, Tag("note")]
    | Annotated[Pause, Tag("pause")]
    | Annotated[Mark, Tag("mark")]
    | Annotated[SameAs, Tag("same-as")],
    Discriminator(
        _word,
        custom_error_type="step",
        custom_error_message=f"this is not a step; it needs one of {', '.join(STEPS)}",
    ),
]


class Scenario(Strict):
    """A script of steps and checkpoints with expected outcomes."""

    json_schema: Annotated[str, Field(alias="$schema", description="where a JSON file names this schema")] = ""
    name: Name
    description: Annotated[str, Field(description="one sentence: what happens here")] = ""
    expected: Annotated[str, Field(description="in prose: what should come of it")] = ""
    tags: Annotated[tuple[str, ...], Field(description="words to choose scenarios by, with --tag")] = ()
    given: Annotated[
        Given, Field(description="what the stage begins with: empty, now (a copy of the sandbox), or snapshot:NAME")
    ] = "empty"
    params: Annotated[Mapping[ParamName, Param], Field(description="values to choose with --param")] = {}
    seed: Annotated[int, Field(description="for the commands that damage or make up keys")] = 0
    config: Settings = Settings()
    steps: Annotated[tuple[AnyStep, ...], Field(min_length=1)]


When.model_rebuild()
Repeat.model_rebuild()
Scenario.model_rebuild()


def schema() -> dict[str, Any]:
    """The JSON Schema of a scenario file."""
    made = Scenario.model_json_schema(by_alias=True)
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "KeySync scenario", **made}
