"""The bytes of a text file to its text, newlines untouched, guesses named."""

from __future__ import annotations

import codecs
import re
import string
import unicodedata

from rag.errors import LoadError

_BOMS = (  # UTF-32 first: its little-endian mark begins with the one of UTF-16
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)

_BINARY_STARTS = (
    *(b"%PDF-", b"PK\x03\x04", b"\x7fELF", b"\x89PNG", b"\xff\xd8\xff", b"GIF89a"),
    *(b"\x1f\x8b", b"\xd0\xcf\x11\xe0", b"Rar!\x1a", b"7z\xbc\xaf"),
)
"""First bytes of common formats; a pdf, for one, need not hold a single control character."""

_CONTROL = re.compile(r"[\x00-\x07\x0e-\x1a\x1c-\x1f]")
"""Control characters that text has no use for."""

_LIKELY_ENCODINGS = (
    *("cp1252", "cp1250", "cp1251", "cp1253", "cp1254", "cp1255", "cp1256", "cp1257"),
    *("iso8859_2", "koi8_r", "cp866", "cp850", "mac_roman"),
    *("cp932", "euc_jp", "gb18030", "big5", "cp949"),
)
"""What people have. Left to all of its encodings, charset-normalizer reads "café" as Farsi."""

_SAMPLE = 100_000
"""Bytes or characters that a guess is made from."""

_FEW = 32  # characters that are not ASCII
_ASCII = bytes(range(128))


def decoded(data: bytes, declared: str | None = None) -> tuple[str, tuple[str, ...]]:
    """The text of `data` without its byte order mark, and warnings; newlines stay as they are.

    A byte order mark decides, then whether the bytes are UTF-8, then the `declared` encoding, and
    after that it is a guess, which a warning names.

    Raises:
        LoadError: the bytes look binary, or no encoding fits.
    """
    if data.startswith(_BINARY_STARTS):
        raise _binary()
    for mark, encoding in _BOMS:
        if data.startswith(mark):
            return _checked(_attempt(data[len(mark) :], encoding)), ()
    if (text := _attempt(data, "utf-8")) is not None and "\0" not in text:
        return _checked(text), ()
    if declared is not None and (text := _attempt(data, declared)) is not None:
        return _checked(text), ()
    encoding = _utf16_variant(data) if b"\0" in data else _guess(_head(data))
    warning = f"The encoding is not marked in the file and was guessed as {encoding}."
    return _checked(_attempt(data, encoding)), (warning,)


def _attempt(data: bytes, encoding: str) -> str | None:
    try:
        return data.decode(encoding)
    except UnicodeDecodeError:
        return None


def _checked(text: str | None) -> str:
    if text is None:
        raise _unknown_encoding()
    if "\0" in text or _is_full_of_controls(text):
        raise _binary()
    return text


def _is_full_of_controls(text: str) -> bool:
    return 20 * len(_CONTROL.findall(text)) > len(text)


def _unknown_encoding() -> LoadError:
    return LoadError(
        "The encoding of the file cannot be told, or the file is damaged.",
        hint="Save it as UTF-8.",
    )


def _binary() -> LoadError:
    return LoadError("The file looks binary, not like text.", hint="Is its suffix right?")


def _utf16_variant(data: bytes) -> str:
    """The byte order of UTF-16 without a mark; `LoadError` where neither gives plausible text."""
    candidates = []
    for encoding in ("utf-16-le", "utf-16-be"):
        text = _attempt(data, encoding)
        if text is not None and "\0" not in text and _is_plausible(text[:_SAMPLE]):
            # The wrong order turns a space or a line end into a rare character.
            spaces = sum(text.count(space) for space in " \n\r\t")
            candidates.append((spaces, sum(map(str.isascii, text[:_SAMPLE])), encoding))
    if not candidates:
        raise _binary()
    return max(candidates)[2]


def _is_plausible(text: str) -> bool:
    unlikely = {"Cn", "Co", "Cs"}  # unassigned, private, surrogate
    return not any(unicodedata.category(c) in unlikely for c in text)


def _guess(sample: bytes) -> str:
    """The likeliest 8-bit or East Asian encoding of `sample`, which is not UTF-8.

    Where few characters of a Latin script are at stake, cp1252 is likelier than what statistics
    over so few say; it wins ties too. `LoadError` where no encoding fits.
    """
    from charset_normalizer import from_bytes

    if _is_full_of_controls(sample.decode("latin-1")):
        raise _binary()
    high = len(sample.translate(None, _ASCII))
    letters = len(sample) - len(sample.translate(None, string.ascii_letters.encode()))
    share = high / max(1, high + letters)
    western = _attempt(sample, "cp1252")
    if western is not None and (share < 0.05 or (share < 0.4 and high < _FEW)):
        return "cp1252"
    matches = from_bytes(sample, cp_isolation=list(_LIKELY_ENCODINGS))
    best = matches.best()
    if best is None:
        raise _unknown_encoding()
    ties = {m.encoding for m in matches if m.chaos <= best.chaos + 0.02}  # chaos: 0 (clean) to 1
    return "cp1252" if "cp1252" in ties or western == str(best) else str(best.encoding)


def _head(data: bytes) -> bytes:
    """The first bytes of `data`, cut at a white space so that no character is torn."""
    if len(data) <= _SAMPLE:
        return data
    head = data[:_SAMPLE]
    return head[: max(head.rfind(b" "), head.rfind(b"\n")) + 1] or head


_META_CHARSET = re.compile(rb"<meta[^>]{0,200}?charset\s*=\s*[\"']?\s*([\w.:-]{2,40})", re.I)
_XML_ENCODING = re.compile(rb"^\s*<\?xml[^>]{0,100}?encoding\s*=\s*[\"']([\w.:-]{2,40})", re.I)


def declared_encoding(data: bytes) -> str | None:
    """The encoding that an html file names in its first kilobyte, if it is one for 8-bit text."""
    match = _META_CHARSET.search(data[:1024]) or _XML_ENCODING.search(data[:1024])
    if match is None:
        return None
    try:
        name = codecs.lookup(match[1].decode("ascii")).name
    except (LookupError, UnicodeDecodeError):
        return None
    if name in ("iso8859-1", "ascii"):
        return "cp1252"  # what browsers take them for
    name = {"gb2312": "gb18030", "gbk": "gb18030", "shift_jis": "cp932"}.get(name, name)
    known = name.startswith("iso8859") or name.replace("-", "_") in _LIKELY_ENCODINGS
    return name if known else None
