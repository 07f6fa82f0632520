"""From readings to a decision: which answer, and how likely it is right.

Spans that mean the same are one candidate. Candidates are ordered by the probability that their
spans carry, summed over passages, where a passage counts by how well it was retrieved and is
less likely to have an answer than those that were learnt from, and by what a second reading of the
first ones' sentences says (`rag.rereading`); to tell of a topic, first by how much of it their text
names. The probability that one is right comes from a logistic model over FEATURES, fitted by
`python -m rag.training.calibration` on questions that trained nothing else; from one of its own for
telling of a topic, where the passage's naming it counts more than the span in it.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib.resources import files
from typing import Literal

from rag.grouping import Group, Member, group
from rag.kinds import Query
from rag.matching import STOP_WORDS, share, stem_pairs, stems
from rag.particulars import place_of
from rag.rereading import Read, reread
from rag.types import Reading

RETRIEVAL_POWER = 4.0  # how much the order of retrieval counts among passages
NONE_ODDS = 4.0  # the odds of no answer in a retrieved passage, relative to one to learn from
SECOND_POWER = 0.15  # how much the second reading counts beside the first
FEATURES = (
    "share",  # the candidate's share of all candidates' summed probability
    "margin",  # logarithm of its best span's odds against no answer in that passage
    "similarity",  # cosine of the question and the best span's passage
    "near_coverage",  # share of the question's words within NEAR characters of the span
    "names",  # share of the question's names and numbers in that passage, also in other forms
    # ("China" for "Chinese"), 1 where it has none
    "pairs",  # share of the question's neighbouring words that are neighbours in that passage;
    # of its words, where it has only one
    "wants_more",  # 1 where more than a phrase is wanted, else 0
    "together",  # logarithm of its odds against no answer, read with the other candidates
)
NEAR = 150  # characters to either side of a span
Model = Literal["about", "other"]  # for telling of a topic, and for every question

_NAME = re.compile(r"(?:[A-Z]\.){2,}|(?<!^)\b[A-Z]\w*|\b\d+")
_NUMBER = re.compile(r"\b\d+")
_WORD = re.compile(r"(?:[A-Z]\.){2,}|\w+")


@dataclass(frozen=True, slots=True)
class Candidate:
    """An answer that the passages may give, its spans the most probable first; `confidence` is the
    probability (0 to 1) that it is right."""

    members: tuple[Member, ...]
    confidence: float


@dataclass(frozen=True, slots=True)
class Calibration:
    """A logistic model: `bias` and one weight for each of FEATURES; the sum is a logit."""

    bias: float
    weights: tuple[float, ...]

    @classmethod
    @cache
    def load(cls, name: Model) -> Calibration:
        """One of the models that ship with the package."""
        model = json.loads(files("rag.models").joinpath("calibration.json").read_text())[name]
        return cls(model["bias"], tuple(model["weights"][feature] for feature in FEATURES))

    def confidence(self, features: Sequence[float]) -> float:
        """The probability for one candidate's FEATURES."""
        logit = self.bias + sum(w * x for w, x in zip(self.weights, features, strict=True))
        return 1 / (1 + math.exp(-max(-30.0, min(30.0, logit))))


def model_of(query: Query) -> Model:
    """Which calibration a question has."""
    return "about" if query.wants == "topic" else "other"


def decide(query: Query, readings: Sequence[Reading], read: Read) -> list[Candidate]:
    """The answers that the readings propose, the best first; empty where there are no spans.

    `read` is the reader's, for the second reading.
    """
    calibration = Calibration.load(model_of(query))
    return [
        Candidate(found.members, calibration.confidence(features))
        for found, _, features in rank(query, readings, read)
    ]


def rank(
    query: Query, readings: Sequence[Reading], read: Read
) -> list[tuple[Group, float, tuple[float, ...]]]:
    """Groups of spans with their mass, the greatest first, and their FEATURES. To tell of a
    topic, those come first whose text names most of it: no span is the answer."""
    masses = weigh(readings)
    if not masses:
        return []
    margins = {(r.passage.source, r.passage.start): r.no_answer_score for r in readings}
    seconds, none = reread(query.text, [found for found, _ in masses], read)
    total = sum(mass for _, mass in masses)
    ranked: list[tuple[Group, float, tuple[float, ...]]] = []
    for (found, mass), second in zip(masses, seconds, strict=True):
        leader = found.members[0]
        without = margins[leader.passage.source, leader.passage.start]
        features = (
            mass / total,
            max(m.span.span_score for m in found.members if m.passage is leader.passage) - without,
            leader.passage.dense_score or 0.0,
            *_words(query, leader),
            float(query.in_sentences or query.several),
            second - none,
        )
        ranked.append((found, mass * math.exp(SECOND_POWER * second), features))
    if query.wants == "topic":
        return sorted(ranked, key=lambda one: (-_named(one[2]), -one[1]))
    return sorted(ranked, key=lambda one: -one[1])


def weigh(readings: Sequence[Reading]) -> list[tuple[Group, float]]:
    """Groups of spans that mean the same with their mass, the probability that their spans carry,
    the greatest first."""
    best = max((reading.passage.fused_score for reading in readings), default=0.0)
    members = []
    for reading in readings:
        passage = reading.passage
        weight = (passage.fused_score / best) ** RETRIEVAL_POWER if best > 0 else 1.0
        weight /= 1 + (NONE_ODDS - 1) * math.exp(reading.no_answer_score)  # Bayes' rule
        members += [
            Member(span, passage, weight * math.exp(span.span_score), place)
            for place, span in enumerate(reading.spans)
        ]
    return sorted(((found, _mass(found)) for found in group(members)), key=lambda pair: -pair[1])


def _named(features: Sequence[float]) -> float:
    """How much of a topic stands near a span and in its passage (0 to 3)."""
    found = dict(zip(FEATURES, features, strict=True))
    return found["near_coverage"] + found["names"] + found["pairs"]


def _mass(found: Group) -> float:
    """The probability of a group: of several of its spans in a passage only the best counts,
    since they are readings of the same words."""
    by_passage: dict[tuple[str, int], float] = {}
    for member in found.members:
        place = (member.passage.source, member.passage.start)
        by_passage[place] = max(by_passage.get(place, 0.0), member.probability)
    return max(sum(by_passage.values()), 1e-9)


def _words(query: Query, member: Member) -> tuple[float, ...]:
    """`near_coverage`, `names` and `pairs` of a span."""
    wanted = stems(query.text)
    passage, span = member.passage, member.span
    said, said_pairs, known = _said(passage.text)
    start, end = span.start - passage.start, span.end - passage.start
    near = passage.text[max(0, start - NEAR) : end + NEAR]
    names = _names(query)
    named = [name in known or place_of(name.lower()) in known for name in names]
    pairs = stem_pairs(query.text)
    return (
        share(wanted, stems(near)),
        sum(named) / len(names) if names else 1.0,
        share(pairs, said_pairs) if pairs else share(wanted, said),
    )


def _names(query: Query) -> set[str]:
    """The names and numbers of a question; only its numbers where all of it is in capitals or Every
    Word Has One, which tells no name. "Who" after another sentence is none."""
    told = any(word.islower() for word in query.asked.split())
    found = (_NAME if told else _NUMBER).findall(query.text)
    return {name.replace(".", "") for name in found if name.lower() not in STOP_WORDS}


@lru_cache(maxsize=64)  # several candidates stand in one passage
def _said(text: str) -> tuple[frozenset[str], frozenset[tuple[str, str]], frozenset[str | None]]:
    """Stems of a passage's words and of neighbours among them, and the words themselves with the
    places that they name."""
    known = {word.replace(".", "") for word in _WORD.findall(text)}
    places = {place_of(word.lower()) for word in known - {"us"}} - {None}
    return stems(text), stem_pairs(text), frozenset(known | places)
