"""Lexical matching: what the full-text index stores of a chunk, and how a question is put to it.

Both sides go through the same normalisation, so that flaws of real text do not hide a word:
words broken at a line's end ("dis-\\nclose"), hyphens doubled or left over inside a word
("frame--work", "big-gest"), a lost space ("rareearth"), curly quotes, accents, full-width forms.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from itertools import pairwise
from typing import TypeVar

T = TypeVar("T")

# FTS5's tokenizer for what `indexed_terms` returns: it stems, and splits at the spaces.
TERMS = "terms/1"  # part of an index's fingerprint: a new number where terms change
TOKENIZER = "porter unicode61 remove_diacritics 2"

STEM = 5  # letters that two forms of a word share

# Words that say nothing about a question's subject; the index keeps them. "one" is here because
# Porter's stemmer makes it "on", which half of all English chunks contain.
_LISTED = """
    a about after all also am an and any are aren as at be been before being both but by can
    could couldn d did didn do does doesn doing don during each for from further had hadn has hasn
    have haven having he her here hers him his how i if in into is isn it its itself ll m many me
    more most much my no nor not of off on once one only or other our out over own re s same she
    should shouldn so some such t than that the their them then there these they this those through
    to too under until up ve very was wasn we were weren what when where which while who whom why
    will with would wouldn you your
"""
STOP_WORDS = frozenset(_LISTED.split())

# Abbreviations ("U.S."), numbers ("1,250"), words, words held together by one or two hyphens,
# where a line may end after the hyphen.
_TERM = re.compile(
    r"""(?<![^\W_]) (?: (?P<letters> [^\W\d_] (?:\.[^\W\d_])+ (?![^\W_]) )
                      | (?P<number> \d{1,3} (?:,\d{3})+ (?![^\W_]) ) )
      | (?P<word> [^\W_]+ (?: (?: [-\u2010\u2011]{1,2} (?:[^\S\n]*\n\s*)? | \u00ad )
                              [^\W_]+ )* )""",
    re.VERBOSE,
)
_PART = re.compile(r"[^\W_]+")


def indexed_terms(text: str) -> str:
    """What the full-text index stores of a chunk: its words, hyphened ones also as one word."""
    return " ".join(_terms(text))


def content_terms(text: str) -> list[str]:
    """The distinct words of a text in order, without those that say nothing of its subject."""
    return [term for term in dict.fromkeys(_terms(text)) if term not in STOP_WORDS]


def stems(text: str) -> frozenset[str]:
    """The content words of a text, cut to what their forms share."""
    return frozenset(term[:STEM] for term in content_terms(text))


def stem_pairs(text: str) -> frozenset[tuple[str, str]]:
    """Neighbours among the content words of a text: ("comme", "secre") of "Commerce Secretary"."""
    words = [term[:STEM] for term in _terms(text) if term not in STOP_WORDS]
    return frozenset(pairwise(words))


def share(wanted: frozenset[T], found: frozenset[T]) -> float:
    """The share (0 to 1) of what is wanted that is found; 0 where nothing is wanted."""
    return len(wanted & found) / len(wanted) if wanted else 0.0


def joined_words(text: str) -> list[str]:
    """A text's words in order, hyphened ones as one word."""
    words = (match.group() for match in _TERM.finditer(_plain(text)))
    return [word if word.isalnum() else "".join(_PART.findall(word)) for word in words]


def match_expression(question: str) -> str | None:
    """A question as an FTS5 MATCH expression (any of its words), None when no word is left.

    Neighbouring words also match written as one. Safe for any input: every term is letters and
    digits between double quotes.
    """
    words = list(_terms(question))
    content = content_terms(question) or words
    joined = [a + b for a, b in pairwise(words) if a in content and b in content]
    return " OR ".join(f'"{term}"' for term in dict.fromkeys([*content, *joined])) or None


def _terms(text: str) -> Iterator[str]:
    """Lower-case words without accents; after the parts of a hyphened word, the whole of it."""
    for match in _TERM.finditer(_plain(text)):
        parts = _PART.findall(match.group())
        if match.lastgroup == "word":
            yield from parts
        if match.lastgroup != "word" or len(parts) > 1:
            yield "".join(parts)


def _plain(text: str) -> str:
    if text.isascii():
        return text.lower()
    # Compatibility forms also turn ligatures ("ﬁ") and full-width letters into plain ones.
    decomposed = unicodedata.normalize("NFKD", text)
    return "".join(c for c in decomposed if not unicodedata.combining(c)).lower()
