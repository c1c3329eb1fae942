"""The arguments of a command, declared once: on the fields of a frozen class. Imports the standard library only.

    class CopyKey(Changes):
        "Copy the rows of keys from one system to others."

        keys: Annotated[tuple[str, ...], KEYS]
        source: Annotated[str, Argument("--from", metavar="SYSTEM", help="where they are", complete="systems")]

A field without a default is required. The command line, the help, the check of what a program hands over and its
schema all derive from these fields.
"""

from __future__ import annotations

import argparse
import math
import types
import typing
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import MISSING, Field, dataclass, fields
from typing import Any, ClassVar, NamedTuple, Self, dataclass_transform

from keysync_shell.commands.meanings import near
from keysync_shell.errors import KeySyncError

COMMAS = ","
LARGEST = 1 << 62  # twice as many is one too many for SQLite and Polars


class Misread(argparse.ArgumentTypeError):
    """A word that is no value of an argument; `hint` is what to write instead."""

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint


class OneOf:
    """Arguments of which only one may be given; if `required`, one must be."""

    def __init__(self, *, required: bool = False) -> None:
        self.required = required


class Argument(NamedTuple):
    """How a field is given on a command line: by its flags, or by its place if it has none.

    `read` makes the value of a word and raises Misread. `complete` names what a prompt may offer: keys,
    systems, snapshots, files, folders, … `words` is argparse's nargs where the type of the field does not say it;
    COMMAS if one word holds several items, such as 12,15. `options` are the names of a mapping, each a flag of its own
    with its choices. `hidden` flags are taken, too, and stand in no help.
    """

    flags: str = ""
    help: str = ""
    metavar: str | tuple[str, ...] | None = None
    read: Callable[[str], Any] | None = None
    choices: tuple[str, ...] | None = None
    complete: str | None = None
    words: str = ""
    within: OneOf | str | None = None
    options: Mapping[str, tuple[str, ...]] | None = None
    hidden: str = ""

    def saying(self, help: str) -> Argument:
        """The same argument with another text."""
        return self._replace(help=help)


class Parameter(NamedTuple):
    """A field of a class of arguments, with all that is declared about it. `default` is MISSING if it is required."""

    name: str
    type: Any
    default: Any
    argument: Argument

    @property
    def required(self) -> bool:
        return self.default is MISSING

    @property
    def many(self) -> bool:
        """Whether the value is a tuple of any length."""
        return typing.get_origin(self.type) is tuple and typing.get_args(self.type)[-1] is Ellipsis

    @property
    def item(self) -> Any:
        """The type of the value, or of each item of it."""
        return typing.get_args(self.type)[0] if self.many else self.type

    @property
    def pair(self) -> bool:
        """Whether each item takes several words, such as OLD NEW."""
        return typing.get_origin(self.item) is tuple

    @property
    def help(self) -> str:
        silent = self.required or self.default in (None, (), "") or self.default is False
        return self.argument.help if silent else f"{self.argument.help} (default: {self.default})"

    def reading(self) -> Callable[[str], Any] | None:
        """What makes a value of a word; None if the word is the value."""
        if (choices := self.argument.choices) is not None:
            return lambda word: chosen(word, choices)
        return self.argument.read or READERS.get(self.item)

    def given(self, value: object) -> Any:
        """The value of the field from what JSON holds. Raises KeySyncError."""
        if self.argument.options is not None:
            return self._chosen(value)
        if self.many:
            if not isinstance(value, list | tuple):
                raise self._wrong("a list", value)
            return tuple(self._one(item) for item in value)
        return self._one(value)

    def _one(self, value: object) -> Any:
        if self.pair:
            if not isinstance(value, list | tuple) or len(value) != len(typing.get_args(self.item)):
                raise self._wrong("two texts", value)
            return tuple(_text(self, item) for item in value)
        if self.item is bool:
            if not isinstance(value, bool):
                raise self._wrong("true or false", value)
            return value
        if self.item is str:
            _text(self, value)
        if isinstance(value, bool) or not isinstance(value, str | int | float):
            raise self._wrong("a number or text", value)
        try:
            return read(str(value)) if (read := self.reading()) else value
        except Misread as error:
            raise KeySyncError(f"{self.name}: {error}", hint=error.hint or self.help) from None

    def _chosen(self, value: object) -> dict[str, str]:
        options = self.argument.options or {}
        if not isinstance(value, Mapping) or any(choice not in options.get(name, ()) for name, choice in value.items()):
            raise self._wrong("; ".join(f"{name}: {', '.join(choices)}" for name, choices in options.items()), value)
        return dict(value)

    def _wrong(self, wanted: str, value: object) -> KeySyncError:
        return KeySyncError(f"{self.name} takes {wanted}, not {value!r}", hint=self.help)


@dataclass_transform(frozen_default=True, kw_only_default=True)
class Arguments:
    """The arguments of a command, or a part of them that several share.

    A class is made a frozen dataclass when it is first used: making all of them would cost every start 30 ms.
    """

    __dataclass_fields__: ClassVar[dict[str, Field[Any]]]

    def __new__(cls, **_given: Any) -> Self:
        _make(cls)
        return super().__new__(cls)

    def __post_init__(self) -> None:
        """Raise KeySyncError unless at most one of several was given, and one where one is required."""
        parameters = list(self.parameters())
        for group in {item.argument.within for item in parameters}:
            if isinstance(group, OneOf):
                alternatives = [item for item in parameters if item.argument.within is group]
                given = [item.name for item in alternatives if getattr(self, item.name) != item.default]
                if len(given) > 1:
                    raise KeySyncError(f"{' and '.join(given)} cannot be given together", hint="Leave one out.")
                if group.required and not given:
                    names = ", ".join(item.name for item in alternatives)
                    raise KeySyncError(f"one of {names} is missing", hint="Give one of them.")

    @classmethod
    def parameters(cls) -> Iterator[Parameter]:
        """The fields in the order of the help: those of the class itself, then those that it shares."""
        _make(cls)
        hints, defaults = typing.get_type_hints(cls, include_extras=True), {item.name: item for item in fields(cls)}
        for owner in cls.__mro__[:-1]:
            for name in (name for name in owner.__annotations__ if name in defaults):
                hint, argument = typing.get_args(hints[name])
                yield Parameter(name, _without_none(hint), defaults.pop(name).default, argument)

    @classmethod
    def flags(cls) -> frozenset[str]:
        """Every flag of the command line."""
        arguments = [item.argument for item in cls.parameters()]
        return frozenset(flag for argument in arguments for flag in f"{argument.flags} {argument.hidden}".split())

    @classmethod
    def from_namespace(cls, namespace: argparse.Namespace) -> Self:
        """The arguments as argparse read them."""
        given = {item.name: getattr(namespace, item.name, None) for item in cls.parameters()}
        return cls(**{name: _frozen(value) for name, value in given.items() if value is not None})

    @classmethod
    def from_mapping(cls, data: Mapping[str, object]) -> Self:
        """The arguments as a program hands them over, checked as those of a command line. Raises KeySyncError."""
        parameters = {item.name: item for item in cls.parameters()}
        given = {name: value for name, value in data.items() if value is not None}
        if strange := sorted(given.keys() - parameters.keys()):
            guess = near(strange[0], parameters)
            hint = f"Did you mean {guess}?" if guess else f"It takes {', '.join(parameters)}."
            raise KeySyncError(f"unknown argument {strange[0]!r}", hint=hint)
        if missing := [name for name, item in parameters.items() if item.required and name not in given]:
            raise KeySyncError(f"{missing[0]} is missing", hint=parameters[missing[0]].help)
        return cls(**{name: parameters[name].given(value) for name, value in given.items()})


def declare(
    arguments: type[Arguments],
    parser: argparse.ArgumentParser,
    completers: Mapping[str, Any] | None,
    taken: frozenset[str] = frozenset(),
) -> None:
    """Put the arguments on a parser, but for flags that are taken.

    `completers` is what the parser takes as `completer` for each kind of completion.
    """
    containers: dict[OneOf | str | None, argparse._ActionsContainer] = {None: parser}
    for item in arguments.parameters():
        within = item.argument.within
        if within not in containers:
            containers[within] = (
                parser.add_mutually_exclusive_group(required=within.required)
                if isinstance(within, OneOf)
                else parser.add_argument_group(within)
            )
        for flags, options in _declared(item):
            if taken & set(flags):
                continue
            if item.argument.complete and completers is not None:
                options["completer"] = completers[item.argument.complete]
            containers[within].add_argument(*flags, **options)


def _declared(item: Parameter) -> Iterator[tuple[list[str], dict[str, Any]]]:
    """The flags and options of an argument, as `add_argument` takes them."""
    argument, help = item.argument, item.help.replace("%", "%%")
    if argument.options is not None:
        for name, choices in argument.options.items():
            options = {"choices": choices, "const": name, "action": _Into, "help": help.format(name=name)}
            yield [f"--{name}"], {"dest": item.name, "default": None, **options}
        return
    options = {"help": help} | _shape(item)
    options |= {"metavar": argument.metavar} if argument.metavar else {}
    options |= {"choices": argument.choices} if argument.choices else {}
    if not argument.flags:
        yield [item.name], options
        return
    options |= {"dest": item.name, "required": item.required}
    yield argument.flags.split(), options
    if argument.hidden:
        yield argument.hidden.split(), options | {"help": argparse.SUPPRESS}


def _shape(item: Parameter) -> dict[str, Any]:
    if item.type is bool:
        return {"action": "store_true"}
    options: dict[str, Any] = {"default": None if item.required or item.many else item.default}
    options |= {"type": read} if (read := item.reading()) else {}
    if item.argument.words == COMMAS:
        return options | {"type": _separated(item)}
    if item.argument.words:
        return options | {"nargs": item.argument.words}
    if item.many and item.argument.flags:
        options["action"] = "append"
    if item.pair:
        return options | {"nargs": len(typing.get_args(item.item))}
    if not item.argument.flags and (item.many or not item.required):
        options["nargs"] = "?" if not item.many else "+" if item.required else "*"
    return options


def _separated(item: Parameter) -> Callable[[str], tuple[Any, ...]]:
    read = item.reading() or str
    return lambda text: tuple(read(word) for word in text.split(","))


class _Into(argparse.Action):
    """Puts the choice into a mapping, under the name of its flag."""

    def __call__(self, _parser: object, namespace: argparse.Namespace, value: object, _flag: object = None) -> None:
        setattr(namespace, self.dest, {**(getattr(namespace, self.dest) or {}), self.const: value})


def _make(cls: type[Arguments]) -> None:
    for part in reversed(cls.__mro__):
        if issubclass(part, Arguments) and "__dataclass_fields__" not in part.__dict__:
            dataclass(frozen=True, kw_only=True)(part)


def _without_none(hint: Any) -> Any:
    if typing.get_origin(hint) not in (types.UnionType, typing.Union):
        return hint
    [other] = [kind for kind in typing.get_args(hint) if kind is not types.NoneType]
    return other


def _frozen(value: Any) -> Any:
    return tuple(_frozen(item) for item in value) if isinstance(value, list) else value


def chosen(word: str, choices: Collection[str]) -> str:
    """The word, if it is one of the choices. Raises Misread."""
    if word in choices:
        return word
    guess = near(word, choices)
    raise Misread(f"{word!r} is not one of {', '.join(choices)}", hint=f"Did you mean {guess}?" if guess else "")


def whole(word: str) -> int:
    """A whole number that storage can take. Raises Misread."""
    try:
        number = int(word)
    except ValueError:  # also of more than 4,300 digits
        raise Misread(f"{word!r} is not a whole number") from None
    if abs(number) > LARGEST:
        raise Misread(f"{word} is too large a number")
    return number


def seconds(word: str) -> float:
    """How long to wait. Raises Misread."""
    number = _number(word)
    if number < 0:
        raise Misread(f"{word} is less than 0")
    return number


def _number(word: str) -> float:
    try:
        number = float(word)
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        raise Misread(f"{word!r} is not a number")
    return number


READERS: dict[Any, Callable[[str], Any]] = {int: whole, float: _number}


def _text(item: Parameter, value: object) -> str:
    if not isinstance(value, str):
        raise KeySyncError(f"{item.name} takes text, not {value!r}", hint=item.help)
    return value
