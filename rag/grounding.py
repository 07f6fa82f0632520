"""How well a sentence that a language model wrote is supported by the lines that it rests on.

Nothing that the model says of its sources is believed: the sentence is compared with their text. A
number, a date or an address that stands nowhere in it, a name that stands neither in it nor just
before it, or a word that says the opposite is a problem whatever the rest; the rest becomes a
probability by a logistic model over FEATURES, fitted by `python -m rag.training.grounding`.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from rag.embedding import Embedder
from rag.particulars import (
    addresses,
    content,
    contradictions,
    dates,
    names,
    numbers,
    same_name,
    words,
)
from rag.replies import Written
from rag.types import Claim, Line

FEATURES = (
    "coverage",  # share of the sentence's content words that the text has
    "run",  # the longest row of content words that it has not, as a share of the sentence's
    "new",  # number of content words that it has not, logarithm of one more
    "pairs",  # share of neighbouring content words that are near each other in the text
    "similarity",  # cosine of the sentence and the line, the best where there are several
)
NEAR = 6  # content words from one to another that belong together
TOGETHER = 3  # lines that one sentence may rest on
OTHERS = 2  # lines that are tried where the model's own do not support the sentence


@dataclass(frozen=True, slots=True)
class Ground:
    """A line that sentences may rest on.

    `before` is what stands before it in its document, in which "he" has a name; `vector` its
    embedding, normalised.
    """

    line: Line
    before: str
    vector: NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Weights:
    """A logistic model over FEATURES, and the least probability that counts as supported."""

    bias: float
    weights: tuple[float, ...]
    threshold: float

    @classmethod
    @cache
    def load(cls) -> Weights:
        """The weights that ship with the package."""
        model = json.loads(files("rag.models").joinpath("grounding.json").read_text())
        weights = tuple(model["weights"][name] for name in FEATURES)
        return cls(model["bias"], weights, model["threshold"])

    def probability(self, features: Sequence[float]) -> float:
        """That a sentence with these FEATURES is supported, 0 to 1."""
        logit = self.bias + sum(w * x for w, x in zip(self.weights, features, strict=True))
        return 1 / (1 + math.exp(-max(-30.0, min(30.0, logit))))


class Grounder:
    """Checks sentences against the lines that the model was given."""

    def __init__(self, embedder: Embedder, weights: Weights | None = None) -> None:
        """`weights` in place of those that ship with the package."""
        self._embedder = embedder
        self._weights = weights or Weights.load()

    def check(self, sentences: Sequence[Written], grounds: Sequence[Ground]) -> list[Claim]:
        """Each sentence with the lines that support it, the model's own before others."""
        if not sentences:
            return []
        vectors = self._embedder.embed([sentence.text for sentence in sentences])
        pairs = zip(sentences, vectors, strict=True)
        return [_claim(*pair, grounds, self._weights) for pair in pairs]


def _claim(
    sentence: Written, vector: NDArray[np.float32], grounds: Sequence[Ground], weights: Weights
) -> Claim:
    tried = []
    for chosen in _choices(sentence, vector, grounds):
        text = " ".join(ground.line.text for ground in chosen)
        before = " ".join(ground.before for ground in chosen)
        similarity = max(float(vector @ ground.vector) for ground in chosen)
        found = tuple(problems(sentence.text, text, before))
        support = weights.probability(compare(sentence.text, text, similarity))
        if not content(sentence.text):  # "Yes."
            support = 0.0
        supported = not found and support >= weights.threshold
        lines = tuple(ground.line for ground in chosen)
        claim = Claim(sentence.text, sentence.keys, supported, support, lines, found)
        if supported:
            return claim
        tried.append(claim)
    return max(tried, key=lambda claim: (-len(claim.problems), claim.support))


def _choices(
    sentence: Written, vector: NDArray[np.float32], grounds: Sequence[Ground]
) -> Iterator[list[Ground]]:
    """Lines that the sentence may rest on: those it names, one of these, then the most similar."""
    nearest = sorted(grounds, key=lambda ground: -float(vector @ ground.vector))
    named = [ground for ground in nearest if ground.line.key in sentence.keys][:TOGETHER]
    if named:
        yield named
    if len(named) > 1:
        yield from ([ground] for ground in named)
    yield from ([ground] for ground in nearest[:OTHERS] if ground not in named)
    yield nearest[:OTHERS]


def problems(sentence: str, text: str, before: str = "") -> list[str]:
    """What in a sentence the text does not have or says otherwise, in words; empty for nothing.

    `before` is what precedes the text in its document: only names may come from it.
    """
    known = frozenset(words(f"{text} {before}"))
    return [
        *(f"number {value}" for value in sorted(numbers(sentence) - numbers(text))),
        *(f"date {value}" for value in sorted(dates(sentence) - dates(text))),
        *(f"address {one}" for one in addresses(sentence) if one not in text),
        *(f"name {name}" for name in names(sentence) if not same_name(name, known)),
        *contradictions(sentence, text),
    ]


def compare(sentence: str, text: str, similarity: float) -> tuple[float, ...]:
    """FEATURES of a sentence and the text that it rests on."""
    mine, theirs = content(sentence), content(text)
    known, said = frozenset(theirs), frozenset(words(text))
    hits = [word in known or same_name(word, said) for word in mine]
    run = longest = 0
    for hit in hits:
        run = 0 if hit else run + 1
        longest = max(longest, run)
    places: dict[str, list[int]] = {}
    for place, word in enumerate(theirs):
        places.setdefault(word, []).append(place)
    near = [
        any(abs(i - j) <= NEAR for i in places.get(one, ()) for j in places.get(other, ()))
        for one, other in pairwise(mine)
    ]
    count = max(1, len(mine))
    return (
        sum(hits) / count,
        longest / count,
        math.log1p(hits.count(False)),
        sum(near) / len(near) if near else 1.0,
        similarity,
    )
