"""From readings to a decision: the best span, how likely it is right, and whether to say it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from rag.types import Evidence, Passage, Reading


@dataclass(frozen=True, slots=True)
class Candidate:
    """The span that would be the answer, and the probability (0 to 1) that it is right."""

    evidence: Evidence
    passage: Passage
    confidence: float


def best_candidate(readings: Sequence[Reading]) -> Candidate | None:
    """The span that stands out most from its passage's evidence for no answer; None without spans.

    The margin is a logit that the reader's weights were calibrated on.
    """
    margins = [
        (span.span_score - reading.no_answer_score, span, reading.passage)
        for reading in readings
        for span in reading.spans[:1]
    ]
    if not margins:
        return None
    margin, span, passage = max(margins, key=lambda found: found[0])
    return Candidate(span, passage, 1 / (1 + math.exp(-margin)))
