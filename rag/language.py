"""Tells when a text is plainly in another language than English, or in another script.

The identifier of languages is a naive Bayes model inside the py3langid package; it reads nothing
else and takes up to a second to load, once per process.
"""

from __future__ import annotations

import functools
import unicodedata
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from py3langid.langid import LanguageIdentifier

_WINDOW = 1_000
"""Characters of each of the three windows (start, middle, end) that are looked at."""

_MIN_LETTERS = 40
"""Below this, names and loan words outweigh the language."""

_MIN_PROBABILITY = 0.8
"""Of the best language, after normalising over all of them (0 to 1)."""

_NEAR_ENGLISH = frozenset({"en", "pcm", "sco", "zxx"})
"""Labels that English text gets now and then: English, Nigerian Pidgin, Scots, no language."""


def foreign_language(text: str) -> str | None:
    """The ISO 639 code of the language other than English that `text` is plainly in, else None."""
    sample = _sample(text)
    if sum(map(str.isalpha, sample)) < _MIN_LETTERS:
        return None
    language, probability = _identifier().classify(sample)
    is_foreign = probability >= _MIN_PROBABILITY and language not in _NEAR_ENGLISH
    return str(language) if is_foreign else None


def other_script(text: str) -> bool:
    """Whether most letters of `text` are of another script than Latin."""
    letters = [char for char in text if char.isalpha()]
    latin = sum(unicodedata.name(char, "").startswith("LATIN") for char in letters)
    return 2 * latin < len(letters)


def _sample(text: str) -> str:
    if len(text) <= 3 * _WINDOW:
        return text
    middle = (len(text) - _WINDOW) // 2
    return "\n".join((text[:_WINDOW], text[middle : middle + _WINDOW], text[-_WINDOW:]))


@functools.cache
def _identifier() -> LanguageIdentifier:
    from py3langid.langid import MODEL_FILE, LanguageIdentifier

    # The module's own classify() gives unnormalised scores, which say nothing about certainty.
    return LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
