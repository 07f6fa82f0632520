"""One line to show for a document, and to read before its passages."""

from __future__ import annotations

import re

_TITLE_LENGTH = 200
_HEADLINE_LENGTH = 120
_BEGINNING_LENGTH = 80
_CLOSING = "\"'\u201d\u2019\u00bb)]"  # quotes and brackets that may follow a full stop
_MARKDOWN_HEADING = re.compile(r"#{1,6}[ \t]+(.*?)[ \t]*#*$")
_MARKDOWN_MARKS = re.compile(r"!?\[([^\]]*)\]\([^)]*\)|[*_`]{1,3}(?=\S)|(?<=\S)[*_`]{1,3}")


def title_of(kind: str, own: str, text: str) -> str:
    """One line to show for the document: what it says of itself, a headline, or its beginning.

    "" where none of these has a character that prints.
    """
    title = own
    if kind == "markdown":
        title = _markdown_heading(text)
    return (
        _cut(_one_line(title), _TITLE_LENGTH)
        or _headline(text)
        or _cut(_one_line(text[:1000]), _BEGINNING_LENGTH)
    )


def title_before(title: str, text: str) -> str:
    """What is read of a document's title before a stretch of its text: nothing where that has it
    already."""
    title = title.rstrip("\u2026")  # of one that was cut
    return "" if title in " ".join(text.split()) else title


def _markdown_heading(text: str) -> str:
    """The first "# heading" outside code, without marks, or ""."""
    fenced = False
    for line in text[:20_000].splitlines():
        if line.startswith(("```", "~~~")):
            fenced = not fenced
        elif not fenced and (match := _MARKDOWN_HEADING.match(line)):
            return _MARKDOWN_MARKS.sub(lambda mark: mark[1] or "", match[1])
    return ""


def _headline(text: str) -> str:
    """The first of the first three lines with text that reads like a headline, or ""."""
    lines = (_one_line(line) for line in text[:4000].splitlines())
    return next(filter(_is_headline, [line for line in lines if line][:3]), "")


def _is_headline(line: str) -> bool:
    return (
        4 <= len(line.split()) <= 20
        and len(line) <= _HEADLINE_LENGTH
        and not line.startswith("By ")
        and not line.rstrip(_CLOSING).endswith((".", "!", "?", "…", ":", ";", ","))
    )


def _one_line(text: str) -> str:
    """`text` on one line, without characters that do not print."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())


def _cut(text: str, length: int) -> str:
    """`text` in at most `length` characters, cut at a word."""
    if len(text) <= length:
        return text
    head = text[:length].rpartition(" ")[0] or text[: length - 1]
    return head.rstrip(" ,;:") + "…"
