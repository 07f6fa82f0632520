"""Spans that mean the same: one answer in several places and several forms."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from rag.types import Evidence, Passage

_NUMBER_WORDS = """
    zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen
    sixteen seventeen eighteen nineteen twenty
"""
_TENS = "thirty forty fifty sixty seventy eighty ninety"
_ORDINALS = "first second third fourth fifth sixth seventh eighth ninth tenth"
_NUMBERS = (
    {word: number for number, word in enumerate(_NUMBER_WORDS.split())}
    | {word: 10 * number for number, word in enumerate(_TENS.split(), start=3)}
    | {word: number for number, word in enumerate(_ORDINALS.split(), start=1)}
)
_SCALES = {
    "hundred": 100,
    "thousand": 1_000,
    "million": 10**6,
    "mn": 10**6,
    "m": 10**6,
    "billion": 10**9,
    "bn": 10**9,
    "trillion": 10**12,
    "tn": 10**12,
}
_MONTH_NAMES = """
    january february march april june july august sept september october november december
"""
_MONTHS = {name: name[:3] for name in _MONTH_NAMES.split()}
# Words that two forms of one answer may differ by.
_SMALL_WORDS = """
    a an the of in on at by to from for and about around some nearly almost over more than just
    mr mrs ms dr sir his her its their
"""
_DROPPED = frozenset(_SMALL_WORDS.split())
_TOKEN = re.compile(r"\d+(?:[.,]\d+)*|[^\W\d_]+|%")
_NUMBER = re.compile(r"\d")


@dataclass(frozen=True, slots=True)
class Member:
    """A span, the passage it stands in, its probability there (0 to 1), and its place among the
    passage's spans, 0 for the best worded."""

    span: Evidence
    passage: Passage
    probability: float
    place: int = 0


@dataclass(frozen=True, slots=True)
class Group:
    """Spans that say the same: the best worded of the most probable one's passage, then the others
    by their probability."""

    members: tuple[Member, ...]


def group(members: Sequence[Member]) -> list[Group]:
    """Put together what means the same: each span joins the most probable one that it agrees
    with. Groups come in the order of their first members."""
    groups: list[list[Member]] = []
    for member in sorted(members, key=lambda m: -m.probability):
        for found in groups:
            if same(found[0].span.text, member.span.text):
                found.append(member)
                break
        else:
            groups.append([member])
    return [Group(tuple(_best_worded_first(found))) for found in groups]


def _best_worded_first(members: Sequence[Member]) -> list[Member]:
    beside = [member for member in members if member.passage is members[0].passage]
    first = min(beside, key=lambda member: member.place)
    return [first, *(member for member in members if member is not first)]


def same(one: str, other: str) -> bool:
    """Whether two answers are forms of one: equal words, or one's words all in the other."""
    a, b = normal_form(one), normal_form(other)
    if not a or not b:
        return one.strip().lower() == other.strip().lower()
    return a <= b or b <= a


@lru_cache(maxsize=4096)
def normal_form(text: str) -> frozenset[str]:
    """The words of an answer: lower case, numbers as digits, months short, no small words."""
    plain = unicodedata.normalize("NFKD", text).lower()
    plain = "".join(c for c in plain if not unicodedata.combining(c))
    plain = re.sub(r"\b(\d+)(?:st|nd|rd|th)\b", r"\1", re.sub(r"per ?cent\b", "%", plain))
    words: list[str] = []
    for token in _TOKEN.findall(plain):
        if token in _SCALES and words and _NUMBER.match(words[-1]):
            words[-1] = _number(float(words[-1]) * _SCALES[token])
        elif _NUMBER.match(token):
            words.append(_digits(token))
        elif token in _NUMBERS:
            words.append(str(_NUMBERS[token]))
        elif token not in _DROPPED:
            words.append(_MONTHS.get(token, token))
    return frozenset(words)


def _digits(token: str) -> str:
    """A written number without its thousands' commas."""
    try:
        return _number(float(re.sub(r",(?=\d{3})", "", token)))
    except ValueError:
        return token  # "1.2.3"


def _number(value: float) -> str:
    return str(int(value)) if value.is_integer() else repr(value)
