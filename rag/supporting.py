"""Which sentences answer a question that wants more than a span: why, how, what somebody said.

Every sentence is scored with a handful of weights, fitted by `python -m rag.training.sentences`;
the best are chosen for support and against repetition.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from importlib.resources import files
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from rag.embedding import Embedder
from rag.grouping import Member
from rag.kinds import Query
from rag.matching import share, stems
from rag.types import Passage, Reading

FEATURES = (
    "similarity",  # cosine of question and sentence
    "coverage",  # share of the question's words in the sentence
    "passage_similarity",  # cosine of question and the passage's best chunk
    "passage_coverage",  # share of the question's words in the passage
    "seen",  # share of the question's words in any of the passages
    "kind",  # whether the sentence has what the question word asks for: a name, a number, a time
    "rank",  # 1 for the first passage, 1/2 for the second, ...
)
PASSAGES = 5  # that the sentences of an answer are chosen from
MOST = 4  # sentences of an answer
SHARE = 0.5  # of the best sentence's support that another one needs
TOPIC_SHARE = 0.25  # the same for what tells of a topic: several do
SURE = 0.5  # probability of the best candidate's span in its passage; from here on it is enough
REPEATS = 0.8  # cosine of two sentences that say the same


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


@dataclass(frozen=True, slots=True)
class Sentence:
    """A sentence of a passage at document offsets; `probability` (0 to 1) that it answers."""

    passage: Passage
    start: int
    end: int
    probability: float
    vector: NDArray[np.float32]


class SentenceScorer:
    """Says of every sentence of some passages how likely it answers a question.

    By its embedding's similarity to the question and by how many of the question's words it
    holds. A sentence above the encoder's limit (256 tokens) is compared by its beginning and by
    all of its words.
    """

    def __init__(self, embedder: Embedder) -> None:
        self._embedder = embedder

    @cached_property
    def _weights(self) -> SentenceWeights:
        return SentenceWeights.load()

    def score(self, question: str, passages: Sequence[Passage]) -> list[Sentence]:
        """The sentences in the passages' order."""
        rows, vectors = self._compare(question, passages)
        logits = rows @ np.array(self._weights.weights) + self._weights.bias
        places = [(passage, start, end) for passage in passages for start, end in passage.sentences]
        return [
            Sentence(passage, start, end, float(1 / (1 + np.exp(-logit))), vector)
            for (passage, start, end), logit, vector in zip(places, logits, vectors, strict=True)
        ]

    def features(self, question: str, passages: Sequence[Passage]) -> NDArray[np.float64]:
        """FEATURES of every sentence of every passage, in order: shape (sentences, features)."""
        return self._compare(question, passages)[0]

    def _compare(
        self, question: str, passages: Sequence[Passage]
    ) -> tuple[NDArray[np.float64], NDArray[np.float32]]:
        """FEATURES and vectors of every sentence."""
        sentences = [sentence for passage in passages for sentence in _sentences(passage)]
        if not sentences:
            return np.zeros((0, len(FEATURES))), np.zeros((0, 0), np.float32)
        vectors = self._embedder.embed([question, *sentences])
        similarities = iter(vectors[1:] @ vectors[0])
        wanted = stems(question)
        seen = share(wanted, stems(" ".join(passage.text for passage in passages)))
        rows = [
            (
                next(similarities),
                share(wanted, stems(sentence)),
                passage.dense_score or 0.0,
                share(wanted, stems(passage.text)),
                seen,
                _has_kind(question, sentence),
                1 / (1 + rank),
            )
            for rank, passage in enumerate(passages)
            for sentence in _sentences(passage)
        ]
        return np.array(rows, dtype=np.float64), vectors[1:]


def choose(
    query: Query, sentences: Sequence[Sentence], readings: Sequence[Reading], leader: Member
) -> list[Sentence]:
    """At most four sentences, best first: those that support the answer and repeat no other.

    A sentence's support is its own probability and that of the reader's best span in it. The one
    that the best candidate stands in comes first, since the answer's confidence is that
    candidate's; one alone whose words the reader is not SURE of is followed by the next in its
    passage, which often goes on to say why. To tell of a topic, support is a sentence's own alone,
    since no span is the answer.

    Args:
        query: what is asked.
        sentences: of the passages, in their order.
        readings: of the passages.
        leader: the best candidate's first span.
    """
    topic = query.wants == "topic"
    read, share_needed = ((), TOPIC_SHARE) if topic else (readings, SHARE)
    spans = [(r.passage.source, span) for r in read for span in r.spans]

    def support(sentence: Sentence) -> float:
        inside = [
            math.exp(min(0.0, span.span_score))
            for source, span in spans
            if source == sentence.passage.source
            and sentence.start <= span.start
            and span.end <= sentence.end
        ]
        return sentence.probability + max(inside, default=0.0)

    scored = sorted(((support(s), s) for s in sentences), key=lambda pair: -pair[0])
    chosen = [s for s in sentences if not topic and _has(s, leader)][:1]
    for value, sentence in scored:
        if len(chosen) == MOST or (chosen and value < share_needed * scored[0][0]):
            break
        if not _repeats(sentence, chosen):
            chosen.append(sentence)
    if not topic and leader.span.span_score < math.log(SURE) and len(chosen) == 1:
        chosen += [
            after
            for before, after in pairwise(sentences)
            if before is chosen[0]
            and after.passage is before.passage
            and not _repeats(after, chosen)
        ]
    return chosen


def _repeats(sentence: Sentence, others: Sequence[Sentence]) -> bool:
    return any(float(sentence.vector @ other.vector) >= REPEATS for other in others)


def _has(sentence: Sentence, member: Member) -> bool:
    """Whether a span begins in a sentence."""
    return (
        sentence.passage.source == member.passage.source
        and sentence.start <= member.span.start < sentence.end
    )


def _sentences(passage: Passage) -> list[str]:
    return [
        passage.text[start - passage.start : end - passage.start]
        for start, end in passage.sentences
    ]


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
