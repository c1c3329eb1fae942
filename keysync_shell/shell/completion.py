"""The menu: what may stand where the cursor is, put in so that the line can be read, with quotes only if need be."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import cmd2
from cmd2 import Cmd2ArgumentParser, CompletionItem, Completions
from cmd2.exceptions import CompletionError
from prompt_toolkit.buffer import Buffer
from prompt_toolkit.completion import CompleteEvent, Completer, Completion
from prompt_toolkit.document import Document

from keysync_shell.commands import helping, lines
from keysync_shell.commands.lines import SEPARATOR, raw_tokens, spans, unquoted
from keysync_shell.errors import KeySyncError
from keysync_shell.shell.offers import OFFERS, AtHand
from keysync_shell.shell.parsing import PUNCTUATION
from keysync_shell.shell.paths import Offer

SPECIAL = re.compile("[\\s'\"\\\\;|>]|^#|^$")  # what a word cannot hold without quotes
REDIRECTED, HELP = ">", "help"
OPTION = re.compile("(--[a-z-]+=)(.*)", re.DOTALL)


class Holding(Protocol):
    """A shell with what is at hand."""

    @property
    def at_hand(self) -> AtHand:
        """As of the last command."""


def _completer(name: str) -> Callable[[Holding, str, str, int, int], Completions]:
    """What cmd2's parsers call for an argument. `open` offers go on, so nothing is put behind any of them."""

    def complete(shell: Holding, text: str, _line: str, _begin: int, _end: int) -> Completions:
        offers = OFFERS[name](shell.at_hand, text)
        items = [CompletionItem(one.text, display=one.looks or one.text, display_meta=one.about) for one in offers]
        return Completions(items, is_sorted=True, allow_finalization=not any(one.open for one in offers))

    return complete


COMPLETERS: dict[str, Any] = {name: _completer(name) for name in OFFERS}


@dataclass(frozen=True)
class Place:
    """The word at the end of a line: where it begins, what it says so far, the quote that it is in, and what is before.

    `behind` is the `|` or `>` that stands before it.
    """

    start: int
    text: str
    quote: str
    words: tuple[str, ...]
    behind: str = ""

    @classmethod
    def at_end(cls, line: str) -> Place | None:
        """None behind a backslash or in a remark, where nothing can be offered."""
        for quote in ("", "'", '"'):
            try:
                words = spans(line + quote, PUNCTUATION | SEPARATOR)
            except ValueError:
                continue
            return cls._of(line, words, quote)
        return None

    @classmethod
    def _of(cls, line: str, places: list[tuple[int, int]], quote: str) -> Place | None:
        whole = line + quote
        end = places[-1][1] if places else 0
        if whole[end:].strip():  # a remark
            return None
        tokens = [whole[begin:stop] for begin, stop in places]
        signs = [i for i, token in enumerate(tokens) if set(token) <= PUNCTUATION | SEPARATOR]
        last = signs[-1] if signs else -1
        behind = tokens[last][0] if signs and tokens[last][0] != ";" else ""
        words = [unquoted(token) for token in tokens[last + 1 :]]
        if words and end == len(whole):
            *words, text = words
            return cls(places[-1][0], text, quote, tuple(words), behind)
        return cls(len(line), "", quote, tuple(words), behind)

    def spelled(self, text: str) -> str:
        """The text as the word, with the option that it belongs to and quotes if it needs them."""
        if option := OPTION.fullmatch(text):
            return option[1] + spelled(option[2], self.quote)
        return spelled(text, self.quote)


NOWHERE = Place(0, "", "", ())


def spelled(text: str, quote: str = "") -> str:
    """A word that means the text; in this kind of quotes, if that is possible."""
    if not quote and not SPECIAL.search(text):
        return text
    if quote != '"' and "'" not in text:
        return f"'{text}'"
    return '"' + re.sub(r'(["\\])', r"\\\1", text) + '"'


class LineCompleter(Completer):
    """Offers for the word at the cursor. `offers` says what may follow words, and begins with a text."""

    def __init__(self, offers: Callable[[Sequence[str], str], list[Offer]]) -> None:
        self._offers = offers

    def get_completions(self, document: Document, _event: CompleteEvent | None = None) -> Iterator[Completion]:
        place, offers = self.offers_at(document)
        for offer in offers:
            word = place.spelled(offer.text)
            alone = len(offers) == 1 and not offer.open and document.is_cursor_at_the_end
            yield Completion(
                f"{word} " if alone else word,
                start_position=place.start - document.cursor_position,
                display=offer.looks or offer.text,
                display_meta=offer.about,
            )

    def put_in(self, buffer: Buffer) -> bool:
        """Put in the only offer, or what all have in common; whether that is more than stands there."""
        place, offers = self.offers_at(buffer.document)
        common = os.path.commonprefix([offer.text for offer in offers])  # noqa: RUF071  # letter by letter, as it is meant
        before, word = buffer.document.text_before_cursor[place.start :], place.spelled(common)
        if len(offers) == 1:
            [whole] = self.get_completions(buffer.document)
            word = whole.text
        elif len(common) <= len(place.text):
            return False
        elif word[-1:] in ("'", '"'):
            word = word[:-1]  # it goes on
        buffer.delete_before_cursor(len(before))
        buffer.insert_text(word)
        return word != before

    def offers_at(self, document: Document) -> tuple[Place, list[Offer]]:
        """The place of the cursor, and what may stand there."""
        line = document.text_before_cursor
        place = Place.at_end(line)
        if place is None or place.behind == "|" or line.lstrip().startswith("!"):
            return NOWHERE, []
        return place, list(_distinct(self._offers((REDIRECTED,) if place.behind else place.words, place.text)))


def _distinct(offers: Iterable[Offer]) -> Iterator[Offer]:
    seen: set[str] = set()
    for offer in offers:
        if offer.text not in seen:
            seen.add(offer.text)
            yield offer


def offered(shell: cmd2.Cmd, at_hand: AtHand, words: Sequence[str], text: str) -> list[Offer]:
    """What may follow the words of a command, and begins with the text."""
    if not words:
        return _first_words(shell, at_hand, text)
    if words[0] == REDIRECTED:
        return OFFERS["files"](at_hand, text)
    words = [*map(unquoted, raw_tokens(shell.aliases.get(words[0], words[0]))), *words[1:]]
    try:
        name = words[0] if shell.get_command_func(words[0]) else lines.meant(words[0], shell.get_visible_commands())
    except KeySyncError:
        return []
    if name == HELP:
        return _topics(shell, text) if len(words) == 1 else []
    command = shell.get_command_func(name)
    parser = shell.command_parsers.get(command) if command else None
    return _arguments(shell, parser, words[1:], text) if parser else []


def _first_words(shell: cmd2.Cmd, at_hand: AtHand, text: str) -> list[Offer]:
    if text.startswith("@"):
        return [Offer(f"@{one.text}", one.about, one.looks, one.open) for one in OFFERS["files"](at_hand, text[1:])]
    if text.startswith("?"):
        return [Offer(f"?{one.text}", one.about, one.text) for one in _topics(shell, text[1:])]
    return [offer for offer in _commands(shell) if offer.text.startswith(text)]


def _commands(shell: cmd2.Cmd) -> Iterator[Offer]:
    """Every command with the first line of its help; aliases with what they stand for."""
    for name in sorted(shell.get_visible_commands()):
        help = getattr(shell.get_command_func(name), "__doc__", "") or ""
        yield Offer(name, help.strip().partition("\n")[0])
    for name, meaning in shell.aliases.items():
        yield Offer(name, f"alias of {meaning}")


def _topics(shell: cmd2.Cmd, text: str) -> list[Offer]:
    topics = [Offer(name, what) for name, what in helping.topics().items() if name.islower()]
    words = [Offer(name, meaning) for name, meaning in helping.words().items()]
    return [offer for offer in (*_commands(shell), *topics, *words) if offer.text.startswith(text)]


def _arguments(shell: cmd2.Cmd, parser: Cmd2ArgumentParser, words: Sequence[str], text: str) -> list[Offer]:
    """What cmd2 finds on the parser for the argument in that place."""
    before = ""
    if option := OPTION.fullmatch(text):
        before, text = option[1], option[2]
        words = [*words, before[:-1]]
    try:
        completer = parser.completer_class(parser, shell)
        completions = completer.complete(text, text, 0, len(text), [*words, text])
    except CompletionError:  # it would print a hint into the line
        return []
    return [
        Offer(
            before + item.text, item.display_meta.replace("%%", "%"), item.display, not completions.allow_finalization
        )
        for item in completions
    ]
