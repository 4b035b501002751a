"""Text of a file, whatever its encoding."""

import codecs

from bayescale.errors import InputError

_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_CONTROLS = frozenset(map(chr, (*range(9), *range(14, 32), *range(127, 160))))


def decode(content: bytes) -> tuple[str, tuple[str, ...]]:
    """Return the text of a file, and a note where its encoding had to be guessed.

    A byte-order mark decides; else UTF-8 where it decodes, UTF-16 where every other byte is nil,
    and Latin-1 with the signs of Windows.
    """
    for mark, encoding in _MARKS:
        if content.startswith(mark):
            return _decoded(content, encoding), ()
    half = _half_of_nils(content)
    if half is not None:
        return _decoded(content, half), ("The text is read as UTF-16.",)
    try:
        return content.decode("utf-8"), ()
    except UnicodeDecodeError:
        text = _decoded(content, "cp1252", "latin-1")
        return text, ("The text is no UTF-8, and read as Latin-1.",)


def is_text(text: str) -> bool:
    """Return whether a text holds no control characters."""
    return _CONTROLS.isdisjoint(text)


def _decoded(content: bytes, *encodings: str) -> str:
    for encoding in encodings:
        try:
            return content.decode(encoding)
        except UnicodeDecodeError:
            continue
    return content.decode(encodings[-1], errors="replace")


def _half_of_nils(content: bytes) -> str | None:
    """Return which UTF-16 a text without a mark is in: ASCII has a nil in every other byte."""
    start = content[:400]
    if len(start) < 4 or len(start) % 2:
        start = start[: len(start) // 2 * 2]
    if start and not any(start[1::2]) and all(start[::2]):
        return "utf-16-le"
    if start and not any(start[::2]) and all(start[1::2]):
        return "utf-16-be"
    return None


def refuse_binary(text: str, name: str) -> None:
    """Refuse what is no text.

    Raises
    ------
    InputError
        Where the text holds control characters.
    """
    if not is_text(text):
        raise InputError(
            f"{name} is not a table that can be read: neither text nor Excel, Parquet or JSON; "
            f"save it as CSV in UTF-8."
        )
