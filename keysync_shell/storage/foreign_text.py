"""Bytes that people bring along → UTF-8 text with our line ends, or the reason why they are no text."""

from __future__ import annotations

import codecs
import re

from keysync_shell.core.model.keys import safe
from keysync_shell.errors import BadFile, KeySyncError
from keysync_shell.storage.forms import LINES, Choice, Form, Unclear
from keysync_shell.storage.separated import bare_return, line_of, not_utf8, unmarked

UTF8 = "utf-8"
WESTERN = ("cp1252", "latin-1")
MARKS = (
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
UNPACK = "Unpack it first, and take the file that is inside."
SAVE_AS = "Open it where it was made and save it as CSV UTF-8."
CONTAINERS = (
    (b"\xd0\xcf\x11\xe0", "an old Excel workbook (xls)", SAVE_AS),
    (b"\x1f\x8b", "compressed (gzip)", UNPACK),
    (b"BZh", "compressed (bzip2)", UNPACK),
    (b"\xfd7zXZ", "compressed (xz)", UNPACK),
    (b"\x28\xb5\x2f\xfd", "compressed (zstd)", UNPACK),
    (b"7z\xbc\xaf", "a 7z archive", UNPACK),
    (b"PAR1", "a Parquet file", SAVE_AS),
    (b"SQLite format 3", "an SQLite database", SAVE_AS),
    (b"%PDF", "a PDF", SAVE_AS),
)
MARKUP = re.compile(rb"\s*<(?:!doctype|html|table|\?xml)", re.IGNORECASE)
JSON = re.compile(rb'\s*(?:\[\s*[\[{"]|\{\s*")')
BINARY = re.compile(rb"[\x00-\x08\x0e-\x1a]")


def as_utf8(data: bytes, source: str, form: Form) -> tuple[bytes, str]:
    """The text in UTF-8 without a byte order mark, and the encoding that it was in.

    Raises BadFile for what is no text; Unclear where another encoding has to be named.
    """
    _refuse_containers(data, source)
    if form.encoding:
        encoding = codecs.lookup(checked(form.encoding)).name
    else:
        encoding = next((name for mark, name in MARKS if data.startswith(mark)), UTF8)
    text = unmarked(data) if encoding == UTF8 else _decoded(data, source, encoding).encode()
    if (at := text.find(b"\0")) >= 0:
        raise _nul(text, source, at)
    if not text.isascii():
        _check_utf8(text, source)
    if form.delimiter != LINES:
        _refuse_markup(text, source)
    return _with_line_feeds(text, source), encoding


def checked(encoding: str) -> str:
    """The encoding itself. Raises KeySyncError if Python has none of that name, or it is none of texts."""
    try:
        " ".encode(encoding)
    except LookupError:
        hint = f"Such as {UTF8}, utf-16, {', '.join(WESTERN)}."
        raise KeySyncError(f"there is no encoding {safe(encoding)!r}", hint=hint) from None
    return encoding


def _refuse_containers(data: bytes, source: str) -> None:
    for magic, what, hint in (*_zips(data), *CONTAINERS):
        if data.startswith(magic) and not (magic.isascii() and b"\0" not in data):  # a key may begin so, too
            raise BadFile([f"{source}:1: this is {what}, not a text file"], hint=hint)


def _zips(data: bytes) -> tuple[tuple[bytes, str, str], ...]:
    """What a zip is depends on what is inside."""
    magic = b"PK\x03\x04"
    if not data.startswith(magic):
        return ()
    if b"xl/workbook" in data or b"[Content_Types].xml" in data[:100]:
        return ((magic, "an Excel workbook (xlsx)", SAVE_AS),)
    if b"opendocument.spreadsheet" in data[:100]:
        return ((magic, "an OpenDocument spreadsheet (ods)", SAVE_AS),)
    if b"manifest.json" in data:
        return ((magic, "a zip, perhaps a snapshot", "A snapshot is taken in by: import-state FILE.zip"),)
    return ((magic, "a zip", UNPACK),)


def _refuse_markup(text: bytes, source: str) -> None:
    for expression, what in ((MARKUP, "a web page or XML"), (JSON, "JSON")):
        if expression.match(text):
            raise BadFile([f"{source}:1: this is {what}, not CSV"], hint="Get the data as CSV.")


def _decoded(data: bytes, source: str, encoding: str) -> str:
    try:
        return data.decode(encoding).removeprefix("\ufeff")
    except UnicodeDecodeError as error:
        place = f"{source}:{line_of(data, error.start)}"
        byte = data[error.start] if error.start < len(data) else 0
        raise BadFile([f"{place}: byte 0x{byte:02x} is not {encoding}"], hint="Name another encoding.") from None


def _check_utf8(text: bytes, source: str) -> None:
    try:
        text.decode()
    except UnicodeDecodeError as error:
        if BINARY.search(text):
            raise BadFile(not_utf8(text, source).findings, hint="This is not a text file, or it is damaged.") from None
        start = text.rfind(b"\n", 0, error.start) + 1
        line = text[start:].partition(b"\n")[0][:80]
        encoding = next(name for name in WESTERN if _decodes(text, name))
        reads = f"; as {encoding} that line reads {safe(line.decode(encoding).rstrip())!r}"
        [finding] = not_utf8(text, source).findings
        raise Unclear(finding + reads, [Choice(Form(encoding=encoding))]) from None


def _decodes(data: bytes, encoding: str) -> bool:
    try:
        data.decode(encoding)
    except UnicodeDecodeError:
        return False
    return True


def _nul(text: bytes, source: str, at: int) -> BadFile:
    """In UTF-16 without a mark nearly every second byte is NUL, and none of the others."""
    start = text[:200]
    for encoding, zeros, others in (("utf-16-le", start[1::2], start[::2]), ("utf-16-be", start[::2], start[1::2])):
        if zeros.count(0) > 0.7 * len(zeros) and 0 not in others:
            return Unclear(f"{source}:1: this looks like {encoding} without a mark", [Choice(Form(encoding=encoding))])
    return BadFile([f"{source}:{line_of(text, at)}: NUL byte"], hint="This is not a text file, or it is damaged.")


def _with_line_feeds(text: bytes, source: str) -> bytes:
    """Old programs end lines with a carriage return alone; a mixture is damage."""
    at = bare_return(text)
    if at is None:
        return text
    if b"\n" not in text:
        return text.replace(b"\r", b"\n")
    place = f"{source}:{line_of(text, at)}"
    raise BadFile([f"{place}: carriage return without a line feed"], hint="Save it with LF line ends.")
