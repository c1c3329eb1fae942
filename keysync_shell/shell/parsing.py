"""cmd2's parser with our way of taking lines apart (see commands/lines.py).

Its own splits `--note="a b"`, knows no backslash and no trailing comment, and drops what follows `;`.
"""

from __future__ import annotations

from cmd2 import Cmd2ArgumentParser, constants
from cmd2.exceptions import Cmd2ShlexError
from cmd2.parsing import Statement, StatementParser

from keysync_shell import process
from keysync_shell.commands.lines import raw_tokens, unquoted

PUNCTUATION = frozenset(constants.REDIRECTION_CHARS)


class Parser(process.Parser, Cmd2ArgumentParser):
    """A parser of the prompt."""


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
