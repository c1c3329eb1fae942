"""Split command lines as a POSIX shell does.

cmd2's own parser splits `--note="a b"`, knows no backslash and no trailing comment, and drops what follows `;`.
"""

from __future__ import annotations

import shlex
from typing import NoReturn

from cmd2 import Cmd2ArgumentParser, constants
from cmd2.exceptions import Cmd2ShlexError
from cmd2.parsing import PartialStatement, Statement, StatementParser

from keysync_shell.core.model.keys import safe

PUNCTUATION = frozenset(constants.REDIRECTION_CHARS)


class Parser(Cmd2ArgumentParser):
    """Repeats no word of the command line that a terminal would obey."""

    def error(self, message: str) -> NoReturn:
        super().error(safe_lines(message))


def safe_lines(text: str) -> str:
    """The text as a terminal may see it, with its line ends."""
    return "\n".join(map(safe, text.split("\n")))


def raw_tokens(line: str, punctuation: frozenset[str] = frozenset()) -> list[str]:
    """The words of a line with their quotes and backslashes; runs of one punctuation character are words.

    Raises ValueError for a quote that is never closed or a backslash at the end.
    """
    words: list[str] = []
    word, quote, i = "", "", 0
    while i < len(line):
        letter, i = line[i], i + 1
        if letter == "\\" and quote != "'":
            if i == len(line):
                raise ValueError("no character after the backslash")
            word, i = word + letter + line[i], i + 1
        elif quote:
            word += letter
            quote = "" if letter == quote else quote
        elif letter in "'\"":
            word, quote = word + letter, letter
        elif letter == "#" and not word:
            break
        elif letter.isspace() or letter in punctuation:
            words += [word] if word else []
            word = ""
            if letter in punctuation:
                start = i - 1
                while line[i : i + 1] == letter:
                    i += 1
                words.append(line[start:i])
        else:
            word += letter
    if quote:
        raise ValueError(f"no closing {quote}")
    return [*words, word] if word else words


def unquoted(token: str) -> str:
    """A word without its quotes and backslashes."""
    return "".join(shlex.split(token)) if set(token) & set("\"'\\") else token


def commands_in(text: str) -> list[str]:
    """The commands of `-c`: lines, and what unquoted `;` separate."""
    commands = []
    for line in text.splitlines():
        words: list[str] = []
        try:
            tokens = raw_tokens(line, frozenset(";"))
        except ValueError:
            tokens = [line]  # the parser names the fault when the line runs
        for token in tokens:
            if set(token) == {";"}:
                commands.append(" ".join(words))
                words = []
            else:
                words.append(token)
        commands.append(" ".join(words))
    return commands


class PosixStatementParser(StatementParser):
    """cmd2's parser with our words."""

    def tokenize(self, line: str) -> list[str]:
        try:
            return raw_tokens(self._expand(line), PUNCTUATION)
        except ValueError as error:
            raise Cmd2ShlexError(str(error)) from None

    def split_on_punctuation(self, tokens: list[str]) -> list[str]:
        """Ours are split already."""
        return [piece for token in tokens for piece in self._split(token)]

    def get_command_arg_list(
        self, command_name: str, to_parse: Statement | str, preserve_quotes: bool
    ) -> tuple[Statement, list[str]]:
        """The arguments of a command, each unquoted exactly once."""
        statement = to_parse if isinstance(to_parse, Statement) else self.parse(f"{command_name} {to_parse}")
        words = raw_tokens(statement.args)
        return statement, words if preserve_quotes else [unquoted(word) for word in words]

    @staticmethod
    def _split(token: str) -> list[str]:
        try:
            return raw_tokens(token, PUNCTUATION) or [token]
        except ValueError:
            return [token]


__all__ = ["Parser", "PartialStatement", "PosixStatementParser", "commands_in", "raw_tokens", "safe_lines", "unquoted"]
