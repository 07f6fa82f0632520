"""A span widened to the words that a person would give, never beyond its text.

Whole words; a number with its currency, scale and unit; a family name with the names and titles
before it; where several are asked for, a name with those beside it ("Ada Berg, Bo Ek and Cy Dahl").
"""

from __future__ import annotations

import re

from rag.types import Span

BEFORE = 200  # characters before a name in which those that stand in a row with it are looked for

_WORD = r"[^\W_]"
_BEFORE_NUMBER = re.compile(r"(?:US|A|C|HK)?[$€£¥]\s?\Z|[-+]\Z")
_AFTER_NUMBER = re.compile(
    r"""(?:\s?%|[\s-]per\s?cent\b|[\s-](?:percentage\s)?points?\b)
      | (?:[\s-](?:hundred|thousand|million|billion|trillion|bn|mn|tn))+
        (?:\s(?:dollars|euros|pounds|yuan|people|tons|tonnes))?\b
      | [\s-](?:seconds?|minutes?|hours?|days?|weeks?|months?|years?(?:[\s-]old)?|decades?|centuries
        |miles?|feet|inches|kilometers|kilometres|km|meters|metres|m|kg|kilograms|pounds|tons|tonnes|degrees
        |dollars|cents|euros|yuan)\b
      | \s?(?:a\.m\.|p\.m\.|am\b|pm\b)""",
    re.VERBOSE,
)
_NAME = re.compile(
    rf"(?:(?:[A-Z]{_WORD}*[.'\u2019-]?)+\s(?:(?:de|da|von|van|bin|al|of)\s)?)+\Z",
)
_ONE_NAME = re.compile(rf"[A-Z]{_WORD}+(?:['\u2019-]{_WORD}+)*\Z")
# Names in a row: "Treasury Secretary Scott Bessent, Wang Wentao and U.S. Senator J. Doe".
_CAPITAL = r"(?:(?:[A-Z]\.)+|(?:Mr|Mrs|Ms|Dr|St|Sen|Rep|Gov|Gen)\.|[A-Z][\w'\u2019-]*)"
_ITEM = rf"(?:{_CAPITAL}[^\S\n](?:(?:of|for|the|de|da|von|van|bin|al)[^\S\n])*)*[A-Z][\w'\u2019-]*"
_AND = r"(?:\s?,)?\s(?:and\s|as\swell\sas\s)|\s?,\s"
_ITEMS = re.compile(rf"{_ITEM}(?:(?:{_AND}){_ITEM})*\Z")
_MORE = re.compile(rf"(?:(?:{_AND}){_ITEM})+")
_LESS = re.compile(rf"(?<![\w.-])(?:{_ITEM}(?:{_AND}))+(?:{_CAPITAL}[^\S\n])*\Z")
_PLACED = r"(?:[Ii]n|[Oo]n|[Aa]t|[Aa]fter|[Bb]efore|[Ss]ince|[Ff]rom|[Nn]ear)\s"
_TIME_OR_PLACE = re.compile(rf"{_PLACED}{_ITEM}\s?,\s")  # "On Monday, Ada and Bo"
_SENTENCE_START = re.compile(r"(?:^|[.!?:;][\"'\u201d\u2019)]*\s+|\n\s*|[\"“]\s*)\Z")


def extend(text: str, start: int, end: int, *, several: bool = False) -> Span:
    """The widened span of `text[start:end]`, which must not be empty; of a name with its `series`
    where `several` things are asked for."""
    start, end = _whole_words(text, *_trimmed(text, start, end))
    start, end = _with_unit(text, start, end)
    start = _with_first_names(text, start, end)
    return series(text, start, end) if several else (start, end)


def series(text: str, start: int, end: int) -> Span:
    """Of names `text[start:end]` with all those that stand in a row with them; else as it is."""
    if not _ITEMS.match(text[start:end]):
        return start, end
    if found := _MORE.match(text, end):
        end = found.end()
    before = max(0, start - BEFORE)
    if found := _LESS.search(text[before:start]):
        first = before + found.start()
        placed = _TIME_OR_PLACE.search(text, max(0, first - len("before ")), start)
        start = placed.end() if placed and placed.end() > first else first
    return start, end


def _trimmed(text: str, start: int, end: int) -> Span:
    """Without white space, quotation marks and brackets that are open to one side only."""
    span = text[start:end]
    left, right = len(span) - len(span.lstrip(" \t\n\r,;:")), len(span.rstrip(" \t\n\r,;:"))
    if left >= right:
        return start, end
    start, end = start + left, start + right
    for opening, closing in (("(", ")"), ("“", "”"), ("[", "]")):
        inside = text[start:end]
        if inside.startswith(opening) and closing not in inside and len(inside) > 1:
            start += 1
        elif inside.endswith(closing) and opening not in inside and len(inside) > 1:
            end -= 1
    return start, end


def _whole_words(text: str, start: int, end: int) -> Span:
    while start > 0 and text[start - 1].isalnum() and text[start].isalnum():
        start -= 1
    while end < len(text) and text[end].isalnum() and text[end - 1].isalnum():
        end += 1
    return start, end


def _with_unit(text: str, start: int, end: int) -> Span:
    found = _BEFORE_NUMBER.search(text, max(0, start - 6), start)
    if found and text[start].isdigit() and not _joins(text, found.start()):
        start = found.start()
    last = text[start:end].split()[-1:]
    if any(c.isdigit() for c in "".join(last)) and (found := _AFTER_NUMBER.match(text, end)):
        end = found.end()
    return start, end


def _joins(text: str, place: int) -> bool:
    """Whether a hyphen holds a word and a number together ("Covid-19"), and is no minus."""
    return text[place] in "-+" and place > 0 and not text[place - 1].isspace()


def _with_first_names(text: str, start: int, end: int) -> int:
    """Where the name begins whose last word alone is the span."""
    if not _ONE_NAME.match(text[start:end]):
        return start
    before = max(0, start - 60)
    found = _NAME.search(text[before:start])
    if not found:
        return start
    first = before + found.start()
    # A capital at a sentence's start says nothing of the word.
    if _SENTENCE_START.search(text[max(0, first - 4) : first]):
        words = text[first:start].split(" ", 1)
        rest = first + len(words[0]) + 1
        return rest if rest < start else start
    return first
