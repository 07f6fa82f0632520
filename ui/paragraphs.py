"""Where the paragraphs of a text begin and end."""

from __future__ import annotations

import re
from itertools import pairwise

AROUND = 700  # characters of a paragraph that are shown on either side of cited words
UNWRAPPED = 120  # characters a line on average, from which on a line is a paragraph of its own

_EMPTY_LINE = re.compile(r"\r?\n[ \t]*\r?\n")
_NEW_LINE = re.compile(r"\r?\n")
_WRAP = re.compile(r"(?<=[^\n]{50})\r?\n(?=\w)")


def paragraph(text: str, start: int, end: int) -> tuple[int, int]:
    """The range of the paragraph that holds text[start:end], up to AROUND characters either side.

    A longer one is cut between words.
    """
    parting = _break(text)
    before = text[max(0, start - AROUND) : start]
    after = text[end : end + AROUND]
    breaks = list(parting.finditer(before))
    if breaks:
        first = start - len(before) + breaks[-1].end()
    elif start - len(before) > 0 and (space := re.search(r"\s", before)):
        first = start - len(before) + space.end()
    else:
        first = start - len(before)
    if found := parting.search(after):
        last = end + found.start()
    elif end + len(after) < len(text) and (space := re.search(r"\s\S*$", after)):
        last = end + space.start()
    else:
        last = end + len(after)
    return first, last


def _break(text: str) -> re.Pattern[str]:
    """What parts the paragraphs of a text: an empty line where its lines are wrapped."""
    return _NEW_LINE if len(text) > UNWRAPPED * (text.count("\n") + 1) else _EMPTY_LINE


def goes_on_before(text: str, start: int) -> bool:
    """Whether the paragraph of what is shown from `start` on begins earlier."""
    before = len(text[:start].rstrip())
    return bool(before) and not _break(text).search(text, before, start)


def goes_on_after(text: str, end: int) -> bool:
    """Whether the paragraph of what is shown up to `end` ends later."""
    after = len(text) - len(text[end:].lstrip())
    return after < len(text) and not _break(text).search(text, end, after)


def flow(text: str) -> str:
    """Text of the same length, in which lines that were only wrapped run on."""
    return _WRAP.sub(lambda match: " " * len(match[0]), text)


def split(text: str, first: int, last: int) -> list[tuple[int, int]]:
    """The paragraphs of a stretch of text, as ranges that are not blank."""
    edges = [first, *(m.end() for m in _break(text).finditer(text, first, last)), last]
    return [
        (left, left + len(text[left:right].rstrip()))
        for left, right in pairwise(edges)
        if text[left:right].strip()
    ]
