"""Normalization: from the spelling in a file to the canonical key that all systems share.

The rules and their order are those of the existing KeySync Mini: trim, upper-case, collapse delimiters,
drop the rest, pad numbers (there on, here off unless asked). What dropping leaves is trimmed and collapsed once more,
so that the canonical form of a canonical key is the key itself.

Letters and digits are ASCII, as there, unless the rules say unicode: then those of every alphabet count, with their
accents and vowel signs, and the ways in which Unicode writes one letter are one (NFC).
"""

from __future__ import annotations

from collections.abc import Callable

import polars as pl

from keysync_shell.core.model.rules import UNICODE, Rules

# A spelling of this form maps to itself under every rule but padding: most keys, and they skip the regexes.
PLAIN = r"^[A-Z0-9]+(?:-[A-Z0-9]+)*$"

TIDYING = ("trim", "letters", "uppercase", "collapse_delimiters")
TIDYING_AGAIN = ("trim", "letters", "collapse_delimiters")  # what dropping characters from between others can call for

# Letters, the marks that belong to them, and digits; without those that nobody sees, such as variation selectors.
EVERY_ALPHABET = r"[\p{L}\p{M}\p{N}--\p{Default_Ignorable_Code_Point}]"
BEYOND_ASCII = rf"[{EVERY_ALPHABET}--\x00-\x7f]"


def canonical(keys: pl.Series, rules: Rules) -> pl.DataFrame:
    """Columns `key, canonical, plain, malformed` for a series of spellings, in its order.

    `canonical` is empty where nothing was left. `plain`: the rules change nothing but the padding of numbers.
    `malformed`: characters were thrown away or nothing was left.
    """
    plain = keys.str.contains(PLAIN)
    pays = ~plain
    if rules.pad_numbers > 1:  # of plain ones only those with a number that is shorter
        pays |= keys.str.contains(rf"(?:^|-)[0-9]{{1,{rules.pad_numbers - 1}}}(?:-|$)")
    odd = pays.arg_true()
    changed = _normalize(keys.gather(odd), rules)
    return pl.DataFrame(
        {
            "key": keys,
            "canonical": _placed(keys, odd, changed["canonical"]),
            "plain": _placed(plain, odd, changed["plain"]),
            "malformed": _placed(pl.repeat(False, len(keys), eager=True), odd, changed["malformed"]),
        }
    )


def loses_letters(keys: pl.Series, rules: Rules) -> pl.Series:
    """Which spellings hold letters or digits that the rules drop: other keys may have the same canonical key."""
    if not rules.strip_other or rules.letters == UNICODE:
        return pl.repeat(False, len(keys), eager=True)
    return pl.select(_tidied(pl.lit(keys), rules).str.contains(BEYOND_ASCII)).to_series()


def steps(key: str, rules: Rules) -> list[tuple[str, str]]:
    """What each rule in force makes of a key, in order: name of the rule and the key after it."""
    made = [("as it is", key)]
    for name in (name for name in STEPS if _in_force(name, rules)):
        after = pl.DataFrame({"key": [made[-1][1]]}).select(STEPS[name](pl.col("key"), rules)).item()
        made.append((name, str(after)))
    return made


def _normalize(keys: pl.Series, rules: Rules) -> pl.DataFrame:
    tidy = pl.DataFrame({"key": keys}).with_columns(tidy=_tidied(pl.col("key"), rules))
    rest = tidy.with_columns(rest=_dropped(pl.col("tidy"), rules))
    lost = rest["rest"] != rest["tidy"]
    again = rest.filter(lost).select(_tidied(pl.col("rest"), rules, TIDYING_AGAIN)).to_series()
    return rest.with_columns(stripped=_placed(rest["rest"], lost.arg_true(), again), lost=lost).select(
        canonical=_padded(pl.col("stripped"), rules),
        plain=(pl.col("stripped") == pl.col("key")) & (pl.col("stripped") != ""),
        malformed=pl.col("lost") | (pl.col("stripped") == ""),
    )


def _placed(series: pl.Series, at: pl.Series, values: pl.Series) -> pl.Series:
    """The series with other values at some places; `scatter` alone would write into the series itself."""
    return series.clone().scatter(at, values) if len(at) else series


def _tidied(key: pl.Expr, rules: Rules, names: tuple[str, ...] = TIDYING) -> pl.Expr:
    """The key after those of these rules that are in force: nothing is dropped yet but spaces at the ends."""
    for name in names:
        if _in_force(name, rules):
            key = STEPS[name](key, rules)
    return key


def _dropped(key: pl.Expr, rules: Rules) -> pl.Expr:
    """The key without characters that no canonical key holds: one that differs from it afterwards is malformed."""
    if not rules.strip_other:
        return key
    ascii_ones = "A-Z0-9" if rules.uppercase else "A-Za-z0-9"
    letters = EVERY_ALPHABET if rules.letters == UNICODE else ascii_ones
    delimiters = "-" if rules.collapse_delimiters else r"\s_-"
    return key.str.replace_all(f"[^{letters}{delimiters}]", "")


def _padded(stripped: pl.Expr, rules: Rules) -> pl.Expr:
    """The stripped key after its number parts (runs of digits on their own) are padded with zeros."""
    end = r"\b" if rules.letters == UNICODE else r"(?-u:\b)"
    for digits in range(1, rules.pad_numbers):
        zeros = "0" * (rules.pad_numbers - digits)
        stripped = stripped.str.replace_all(rf"{end}([0-9]{{{digits}}}){end}", zeros + "${1}")
    return stripped


def _uppercased(key: pl.Expr, rules: Rules) -> pl.Expr:
    upper = key.str.to_uppercase()
    return _composed(upper, rules) if rules.letters == UNICODE else upper  # some small letters have no capital as one


def _composed(key: pl.Expr, _: Rules) -> pl.Expr:
    return key.str.normalize("NFC")


def _in_force(name: str, rules: Rules) -> bool:
    return rules.letters == UNICODE if name == "letters" else bool(getattr(rules, name))


# The rules in their order; each is applied only if it is in force, `letters` only for all alphabets.
STEPS: dict[str, Callable[[pl.Expr, Rules], pl.Expr]] = {
    "trim": lambda key, _: key.str.strip_chars(),
    "letters": _composed,
    "uppercase": _uppercased,
    "collapse_delimiters": lambda key, _: key.str.replace_all(r"[\s_-]+", "-"),
    "strip_other": lambda key, rules: _tidied(_dropped(key, rules), rules, TIDYING_AGAIN),
    "pad_numbers": _padded,
}
