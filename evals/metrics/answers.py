"""Short answers against accepted ones (SQuAD's exact match and F1), long ones against facts.

After the official evaluation script (Rajpurkar et al. 2016, 2018): lower case, without
punctuation, articles and repeated white space.
"""

from __future__ import annotations

import re
import string
from collections import Counter
from collections.abc import Sequence

LONGEST = 12  # words of a short answer that may contain an accepted one

_ARTICLES = re.compile(r"\b(a|an|the)\b", re.UNICODE)
_PLAIN = str.maketrans("\u2018\u2019\u201c\u201d\u2013\u2014", "''\"\"--")
_PUNCTUATION = str.maketrans("", "", string.punctuation)


def normalize(text: str) -> str:
    """An answer as it is compared."""
    return " ".join(_ARTICLES.sub(" ", text.lower().translate(_PUNCTUATION)).split())


def exact_match(answer: str, accepted: Sequence[str]) -> float:
    """1 where the answer is one of the accepted, else 0; without accepted ones it has to be ''."""
    return float(normalize(answer) in {normalize(one) for one in accepted or [""]})


def f1(answer: str, accepted: Sequence[str]) -> float:
    """The best F1 (0 to 1) over shared tokens with an accepted answer."""
    return max(_f1(normalize(answer).split(), normalize(one).split()) for one in accepted or [""])


def is_right(short: str, accepted: Sequence[str]) -> bool:
    """Whether a short answer would pass with a person: F1 of 0.5 or more, or an accepted answer
    within at most LONGEST words. Typographic quotes and dashes count as plain ones, which SQuAD's
    script, made for plain text, does not do."""
    short, accepted = short.translate(_PLAIN), [one.translate(_PLAIN) for one in accepted]
    if f1(short, accepted) >= 0.5:
        return True
    words = f" {normalize(short)} "
    return len(short.split()) <= LONGEST and any(
        f" {normalize(one)} " in words for one in accepted if normalize(one)
    )


def _f1(found: Sequence[str], wanted: Sequence[str]) -> float:
    if not found or not wanted:
        return float(found == wanted)
    shared = (Counter(found) & Counter(wanted)).total()
    return 2 * shared / (len(found) + len(wanted))


def fact_recall(text: str, facts: Sequence[Sequence[str]]) -> float:
    """The share (0 to 1) of the facts of which the text has a wording.

    Raises:
        ValueError: there are no facts.
    """
    if not facts:
        raise ValueError("there is no recall of no facts")
    return sum(says(text, wordings) for wordings in facts) / len(facts)


def says(text: str, wordings: Sequence[str]) -> bool:
    """Whether the text has any of the wordings, as whole words, in lower case and without
    punctuation; words that a hyphen joins count as two."""
    words = f" {_spaced(text)} "
    return any(f" {wanted} " in words for one in wordings if (wanted := _spaced(one)))


def _spaced(text: str) -> str:
    return normalize(text.translate(_PLAIN).replace("-", " "))
