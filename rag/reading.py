"""Readers: from a question and passages to the words that may answer it.

The sentence reader proposes whole sentences: by their embedding's similarity to the question, and
by how many of the question's words they hold. It trains nothing of its own but a handful of
weights, fitted by `python -m rag.training.sentences`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from importlib.resources import files
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from rag.embedding import Embedder
from rag.matching import content_terms
from rag.types import Evidence, Passage, Reading

FEATURES = (
    "similarity",  # cosine of question and sentence
    "coverage",  # share of the question's words in the sentence
    "passage_similarity",  # cosine of question and the passage's best chunk
    "passage_coverage",  # share of the question's words in the passage
    "seen",  # share of the question's words in any of the passages
    "kind",  # whether the sentence has what the question word asks for: a name, a number, a time
    "rank",  # 1 for the first passage, 1/2 for the second, ...
)
STEM = 5  # letters that two forms of a word share


class Reader(Protocol):
    """What every reader offers."""

    name: str

    def read(self, question: str, passages: Sequence[Passage]) -> list[Reading]:
        """One reading a passage, in the passages' order."""


@dataclass(frozen=True, slots=True)
class SentenceWeights:
    """A logistic model over FEATURES: `bias` and one weight each; the sum is a logit."""

    bias: float
    weights: tuple[float, ...]

    @classmethod
    def load(cls) -> SentenceWeights:
        """The weights that ship with the package."""
        model = json.loads(files("rag.models").joinpath("sentences.json").read_text())
        return cls(model["bias"], tuple(model["weights"][name] for name in FEATURES))


class SentenceReader:
    """Scores every sentence of the passages; a span's score is the logit of it being right.

    A sentence above the encoder's limit (256 tokens) is compared by its beginning and by all of
    its words.
    """

    name = "reader"

    def __init__(self, embedder: Embedder) -> None:
        self._embedder = embedder

    @cached_property
    def _weights(self) -> SentenceWeights:
        return SentenceWeights.load()

    def read(self, question: str, passages: Sequence[Passage]) -> list[Reading]:
        """Sentences of each passage, best first. `no_answer_score` is 0: even odds."""
        rows = self.features(question, passages)
        logits = rows @ np.array(self._weights.weights) + self._weights.bias
        readings, first = [], 0
        for passage in passages:
            scored = zip(passage.sentences, logits[first:], strict=False)
            first += len(passage.sentences)
            spans = sorted(
                (
                    Evidence(
                        start,
                        end,
                        passage.text[start - passage.start : end - passage.start],
                        float(logit),
                    )
                    for (start, end), logit in scored
                ),
                key=lambda span: -span.span_score,
            )
            readings.append(Reading(passage, tuple(spans), no_answer_score=0.0))
        return readings

    def features(self, question: str, passages: Sequence[Passage]) -> NDArray[np.float64]:
        """FEATURES of every sentence of every passage, in order: shape (sentences, features)."""
        sentences = [sentence for passage in passages for sentence in _sentences(passage)]
        if not sentences:
            return np.zeros((0, len(FEATURES)))
        vectors = self._embedder.embed([question, *sentences])
        similarities = iter(vectors[1:] @ vectors[0])
        wanted = _stems(question)
        seen = _share(wanted, _stems(" ".join(passage.text for passage in passages)))
        rows = [
            (
                next(similarities),
                _share(wanted, _stems(sentence)),
                passage.dense_score or 0.0,
                _share(wanted, _stems(passage.text)),
                seen,
                _has_kind(question, sentence),
                1 / (1 + rank),
            )
            for rank, passage in enumerate(passages)
            for sentence in _sentences(passage)
        ]
        return np.array(rows, dtype=np.float64)


def _sentences(passage: Passage) -> list[str]:
    return [
        passage.text[start - passage.start : end - passage.start]
        for start, end in passage.sentences
    ]


def _stems(text: str) -> frozenset[str]:
    """The content words of a text, cut to what their forms share."""
    return frozenset(term[:STEM] for term in content_terms(text))


def _share(wanted: frozenset[str], found: frozenset[str]) -> float:
    return len(wanted & found) / len(wanted) if wanted else 0.0


_KINDS = (
    (re.compile(r"\b(who|whom|whose)\b", re.I), re.compile(r"(?<!^)\b[A-Z][\w.]+ [A-Z]\w+")),
    (
        re.compile(r"\bhow (many|much|long|old|far|often)\b", re.I),
        re.compile(
            r"\d|\b(one|two|three|"
            r"four|five|six|seven|eight|nine|ten|dozen|hundred|thousand|million|billion)\b",
            re.I,
        ),
    ),
    (
        re.compile(r"\b(when|what (year|date|day|month))\b", re.I),
        re.compile(
            r"\d|(day|week|month|"
            r"year|century|January|February|March|April|May|June|July|August|September|October|"
            r"November|December)s?\b"
        ),
    ),
    (
        re.compile(r"\bwhere\b", re.I),
        re.compile(r"\b([Ii]n|[Aa]t|[Nn]ear|[Ff]rom|[Tt]o) (the )?[A-Z]"),
    ),
)


def _has_kind(question: str, sentence: str) -> float:
    """1 where the sentence has a name, number, time or place as the question asks for, else 0;
    one half where the question asks for something else."""
    for asks, has in _KINDS:
        if asks.search(question):
            return 1.0 if has.search(sentence) else 0.0
    return 0.5
