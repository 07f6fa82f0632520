"""Readers: from a question and passages to the words that may answer it.

The sentence reader proposes whole sentences: by their embedding's similarity to the question, and
by how many of the question's words they hold. It trains nothing of its own but a handful of
weights, fitted by `python -m rag.training.sentences`.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources import files
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from rag.embedding import Embedder
from rag.matching import content_terms
from rag.types import Evidence, Passage, Reading

FEATURES = ("similarity", "coverage", "passage_similarity", "passage_coverage", "rank")


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
    """Scores every sentence of the passages; a span's score is the logit of it being right."""

    name = "reader"

    def __init__(self, embedder: Embedder, weights: SentenceWeights) -> None:
        self._embedder = embedder
        self._weights = weights

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
        sentences = [
            passage.text[start - passage.start : end - passage.start]
            for passage in passages
            for start, end in passage.sentences
        ]
        if not sentences:
            return np.zeros((0, len(FEATURES)))
        vectors = self._embedder.embed_sentences([question, *sentences])
        similarities = vectors[1:] @ vectors[0]
        wanted = frozenset(content_terms(question))
        rows = []
        following = iter(zip(sentences, similarities, strict=True))
        for rank, passage in enumerate(passages):
            around = _coverage(wanted, passage.text)
            for _ in passage.sentences:
                sentence, similarity = next(following)
                rows.append(
                    (
                        similarity,
                        _coverage(wanted, sentence),
                        passage.dense_score or 0.0,
                        around,
                        1 / (1 + rank),
                    )
                )
        return np.array(rows, dtype=np.float64)


def _coverage(wanted: frozenset[str], text: str) -> float:
    """The share of the question's content words that a text holds, 0 to 1."""
    return len(wanted.intersection(content_terms(text))) / len(wanted) if wanted else 0.0
