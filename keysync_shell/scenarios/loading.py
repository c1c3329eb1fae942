"""Read a scenario file: YAML or JSON, one loader. Every fault of the file is told at once, each with its place.

The text is composed into nodes, which know where they stand, and nothing is constructed from tags: scalars stay the
texts that they are. Aliases are refused, so that a small file is a small scenario.
"""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ValidationError
from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from keysync_shell.core.model.keys import safe
from keysync_shell.errors import BadFile
from keysync_shell.scenarios.model import STEPS, Checkpoint, Param, Scenario, Settings
from keysync_shell.scenarios.places import Place, Text

MOST_CHARACTERS = 1 << 20
DEEPEST = 40
MOST_FAULTS = 20
HINT = "`scenario schema` prints all that a scenario may say; nothing was run."
STEP_LISTS = ("steps", "then", "otherwise")
S = TypeVar("S", bound=Scenario)
JSON_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|[^"]+', re.DOTALL)


@dataclass(frozen=True)
class Fault:
    """Something that is wrong with a file, and where."""

    place: Place
    reason: str

    def __str__(self) -> str:
        return f"{self.place}: {self.reason}"


class BadScenario(BadFile):
    """A scenario file that cannot be run; `faults` say where and why."""

    def __init__(self, faults: Sequence[Fault], *, hint: str = HINT) -> None:
        self.faults = tuple(sorted(faults, key=lambda fault: (fault.place.file, fault.place.line, fault.place.column)))
        super().__init__([safe(str(fault)) for fault in self.faults[:MOST_FAULTS]], hint=hint)


def load(text: str, file: str) -> Scenario:
    """The scenario in a text; `file` is its name in messages, and says by its suffix whether it is JSON.

    Raises BadScenario with every fault.
    """
    return load_as(Scenario, text, file)


def load_as(model: type[S], text: str, file: str) -> S:
    """As `load`, for what is a scenario and says more."""
    root = _composed(text, file)
    faults = list(_faults_of_nodes(root, file))
    if not isinstance(root, MappingNode):
        raise BadScenario([Fault(_place(root, file), "a scenario is a mapping that begins with its name")])
    try:
        scenario = model.model_validate(_data(root, file))
    except ValidationError as error:
        raise BadScenario([*faults, *_faults_of_model(root, file, error, model)]) from None
    if faults:
        raise BadScenario(faults)
    return scenario


def _composed(text: str, file: str) -> Node:
    """The nodes of the text. Raises BadScenario for what is no YAML or JSON at all."""
    start = Place(file, 1, 1)
    if len(text) > MOST_CHARACTERS:
        raise BadScenario(
            [Fault(start, f"a scenario of {len(text):,} characters is too long; {MOST_CHARACTERS:,} fit")]
        )
    if file.endswith(".json"):
        text = _json(text, file)
    try:
        _check_depth(text, file)
        root = yaml.compose(text, yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = Place(file, mark.line + 1, mark.column + 1) if mark else start
        raise BadScenario([Fault(place, _syntax(error))]) from None
    except yaml.reader.ReaderError as error:
        place = _at(text, error.position, file)
        raise BadScenario([Fault(place, f"the character U+{ord(text[error.position]):04X} may not be here")]) from None
    if root is None:
        raise BadScenario([Fault(start, "the file is empty")])
    return root


def _json(text: str, file: str) -> str:
    """JSON as the YAML loader takes it: tabs between tokens are spaces, which moves nothing."""
    try:
        json.loads(text)
    except json.JSONDecodeError as error:
        raise BadScenario([Fault(Place(file, error.lineno, error.colno), f"this is no JSON: {error.msg}")]) from None
    except RecursionError:
        raise BadScenario([Fault(Place(file, 1, 1), f"nested deeper than {DEEPEST}")]) from None
    return "".join(token if token.startswith('"') else token.replace("\t", " ") for token in JSON_TOKEN.findall(text))


def _check_depth(text: str, file: str) -> None:
    """Refuse, before anything recurses, what is nested too deep, and aliases, which can make a bomb of a small file."""
    depth = 0
    for event in yaml.parse(text, yaml.SafeLoader):
        mark: Any = event.start_mark
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
            reason = "aliases and anchors are not taken; write it out, or use repeat and include"
            raise BadScenario([Fault(Place(file, mark.line + 1, mark.column + 1), reason)])
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if depth > DEEPEST:
            raise BadScenario([Fault(Place(file, mark.line + 1, mark.column + 1), f"nested deeper than {DEEPEST}")])


def _syntax(error: yaml.MarkedYAMLError) -> str:
    problem = error.problem or "this is no YAML"
    if "'\\t'" in problem:
        return "a tab cannot indent; use spaces"
    return f"{problem} ({error.context})" if error.context else problem


def _faults_of_nodes(node: Node, file: str) -> Iterator[Fault]:
    """What is wrong with a file whatever it says: fields twice, tags, characters that are halves."""
    if not node.tag.startswith("tag:yaml.org,2002:") or "python" in node.tag:
        yield Fault(_place(node, file), f"the tag {node.tag} is not taken")
    if isinstance(node, ScalarNode) and any("\ud800" <= letter <= "\udfff" for letter in _whole(node.value)):
        yield Fault(_place(node, file), "half of a surrogate pair is no character")
    if isinstance(node, ScalarNode) and "\0" in node.value:
        yield Fault(_place(node, file), "the character U+0000 may not be here")
    if isinstance(node, SequenceNode):
        for item in node.value:
            yield from _faults_of_nodes(item, file)
    if isinstance(node, MappingNode):
        seen = set()
        for key, value in node.value:
            if not isinstance(key, ScalarNode):
                yield Fault(_place(key, file), "a field's name is a text")
                continue
            if key.value in seen:
                yield Fault(_place(key, file), f"'{key.value}' stands here twice")
            seen.add(key.value)
            yield from _faults_of_nodes(key, file)
            yield from _faults_of_nodes(value, file)


def _data(node: Node, file: str) -> Any:
    """Mappings, lists and texts with their places."""
    if isinstance(node, MappingNode):
        return {Text(_whole(str(key.value)), _place(key, file)): _data(value, file) for key, value in node.value}
    if isinstance(node, SequenceNode):
        return [_data(item, file) for item in node.value]
    return Text(_whole(node.value), _place(node, file))


def _whole(text: str) -> str:
    """JSON writes a character beyond U+FFFF as a pair of escapes, which YAML reads as two characters."""
    if not any("\ud800" <= letter <= "\udfff" for letter in text):
        return text
    try:
        return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le")
    except UnicodeDecodeError:
        return text


def _faults_of_model(root: Node, file: str, error: ValidationError, model: type[Scenario]) -> Iterator[Fault]:
    """What the model finds wrong, each at the node that it is about."""
    for item in error.errors(include_url=False):
        path = _path(item["loc"])
        missing, unknown = item["type"] == "missing", item["type"] == "extra_forbidden"
        node = _node(root, path[:-1] if missing else path, as_key=unknown)
        if item["type"] == "too_short" and node.value:
            continue  # there are steps, but none of them is a good one: that is told of each
        yield Fault(_place(node, file), _reason(item, path, model))


def _reason(item: Mapping[str, Any], path: Sequence[str | int], model: type[Scenario]) -> str:
    name = str(path[-1]) if path else ""
    match item["type"]:
        case "extra_forbidden":
            near = difflib.get_close_matches(name, _fields(item["loc"], model), n=1, cutoff=0.6)
            return f"unknown field {name!r}" + (f"; did you mean {near[0]!r}?" if near else "")
        case "missing":
            return f"{name!r} is missing"
        case "step":
            near = [match for word in item["input"] for match in difflib.get_close_matches(word, STEPS, n=1)]
            return str(item["msg"]) + (f"; did you mean {near[0]!r}?" if near else "")
        case "too_short":
            return f"{name!r} has nothing in it"
        case "dict_type" | "model_type" | "mapping_type":
            return "fields with values are wanted here, such as name: value"
        case "tuple_type" | "list_type":
            return "a list is wanted here, such as [one, two]"
        case "string_type":
            return "a text is wanted here"
        case "int_parsing" | "int_type":
            return f"{str(item['input'])!r} is not a whole number"
        case _:
            return str(item["msg"])[:1].lower() + str(item["msg"])[1:]


def _fields(loc: Sequence[str | int], model: type[Scenario]) -> list[str]:
    """The fields that may stand where a fault is."""
    steps = [i for i, part in enumerate(loc[:-1]) if isinstance(part, int) and loc[i - 1] in STEP_LISTS]
    if steps:
        tag = str(loc[steps[-1] + 1])
        return _names(STEPS.get(tag, Checkpoint))
    parents: Mapping[str, type[BaseModel]] = {"params": Param, "config": Settings}
    return _names(parents.get(str(loc[0]), model) if len(loc) > 1 else model)


def _names(model: type[BaseModel]) -> list[str]:
    return [field.alias or name for name, field in model.model_fields.items()]


def _path(loc: Sequence[str | int]) -> list[str | int]:
    """The way to a node: a list of steps names the kind of each step as well, which is not in the file."""
    path: list[str | int] = []
    for i, part in enumerate(loc):
        in_list = i >= 2 and isinstance(loc[i - 1], int) and loc[i - 2] in STEP_LISTS
        if not (in_list and isinstance(part, str)):
            path.append(part)
    return path


def _node(node: Node, path: Sequence[str | int], *, as_key: bool) -> Node:
    """The node at the end of a way, as far as the way goes."""
    for i, part in enumerate(path):
        if isinstance(node, SequenceNode) and isinstance(part, int) and part < len(node.value):
            node = node.value[part]
            continue
        pairs = node.value if isinstance(node, MappingNode) else []
        pair = next((pair for pair in pairs if pair[0].value == part), None)
        if pair is None:
            return node
        node = pair[0] if as_key and i == len(path) - 1 else pair[1]
    return node


def _place(node: Node, file: str) -> Place:
    start, end = node.start_mark, node.end_mark
    return Place(file, start.line + 1, start.column + 1, start.index, end.index)


def _at(text: str, position: int, file: str) -> Place:
    line = text.count("\n", 0, position) + 1
    return Place(file, line, position - text.rfind("\n", 0, position), position, position + 1)
