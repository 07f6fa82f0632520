"""From scored chunks to passages: fuse dense and lexical hits, then join neighbouring chunks.

Pure functions. Small chunks are found, larger passages returned: chunks that follow each other
come back as one, so no character is returned twice. Weak chunks are left out relative to the
best, so that a clear question gets little text and a vague one more.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

# All values were measured on two benchmarks at once (docs/LOG.md), and their optimum is flat.
# Weight of the dense score; the rest is BM25's.
DENSE_WEIGHT = 0.4
# What a chunk gains from the best chunks of its document: right documents have several good ones.
DOCUMENT_WEIGHT = 0.3
DOCUMENT_CHUNKS = 5
# A document's second passage counts this much, its third the square of it: other documents get
# a turn before the rest of a long one.
REPEAT_FACTOR = 0.85
# Chunks below this share of the best fused score are left out.
RELATIVE_FLOOR = 0.45
# Characters for each passage asked for; long and short passages share them.
CHARACTERS_PER_PASSAGE = 800


@dataclass(frozen=True, slots=True)
class Chunk:
    """A chunk by its place: the `ordinal`-th of its document, at [start:end] of the text.

    `content` is a digest of its words: copies of a chunk have the same.
    """

    source: str
    ordinal: int
    start: int
    end: int
    content: bytes


@dataclass(frozen=True, slots=True)
class RankedChunk:
    """A chunk with its scores, higher is better for all.

    dense_score is a cosine (-1 to 1), bm25_score above 0 without an upper bound, each None where
    that search did not return the chunk; fused_score is 0 to 1.3, comparable within one question.
    """

    chunk: Chunk
    dense_score: float | None
    bm25_score: float | None
    fused_score: float


@dataclass(frozen=True, slots=True)
class RankedPassage:
    """Neighbouring chunks as one stretch of text, with the best of its chunks' scores."""

    source: str
    start: int
    end: int
    dense_score: float | None
    bm25_score: float | None
    fused_score: float


def fuse(
    dense: Sequence[tuple[Chunk, float]], lexical: Sequence[tuple[Chunk, float]]
) -> list[RankedChunk]:
    """Rank the chunks that either search returned, best first; either may be empty.

    `dense` has cosines and `lexical` BM25 weights, each of about the best 100: cosines are scaled
    so that the best is 1 and the last one 0, BM25 by its best. To that comes the evidence of
    the chunk's document. Ties go to the first source and place.
    """
    dense_scores, bm25_scores = dict(dense), dict(lexical)
    own = dict.fromkeys((*dense_scores, *bm25_scores), 0.0)
    for chunk, share in _scaled(dense_scores, min(dense_scores.values(), default=0.0)).items():
        own[chunk] += DENSE_WEIGHT * share
    for chunk, share in _scaled(bm25_scores, 0.0).items():
        own[chunk] += (1 - DENSE_WEIGHT) * share
    documents = _document_evidence(own)
    ranked = [
        RankedChunk(
            chunk,
            dense_scores.get(chunk),
            bm25_scores.get(chunk),
            score + DOCUMENT_WEIGHT * documents[chunk.source],
        )
        for chunk, score in own.items()
    ]
    return sorted(ranked, key=lambda r: (-r.fused_score, r.chunk.source, r.chunk.ordinal))


def _scaled(scores: Mapping[Chunk, float], zero: float) -> dict[Chunk, float]:
    """Scores on a line where `zero` is 0 and the best is 1 (also where all are the same)."""
    best = max(scores.values(), default=zero)
    if best <= zero:
        return dict.fromkeys(scores, 1.0)
    return {chunk: (score - zero) / (best - zero) for chunk, score in scores.items()}


def _document_evidence(own: Mapping[Chunk, float]) -> dict[str, float]:
    """For each source the sum of its best chunks' scores, 0 to 1 relative to the best source."""
    by_source: dict[str, list[float]] = {}
    for chunk, score in own.items():
        by_source.setdefault(chunk.source, []).append(score)
    sums = {
        source: sum(sorted(scores, reverse=True)[:DOCUMENT_CHUNKS])
        for source, scores in by_source.items()
    }
    best = max(sums.values(), default=0.0) or 1.0
    return {source: total / best for source, total in sums.items()}


def build_passages(ranked: Sequence[RankedChunk], k: int) -> list[RankedPassage]:
    """Join the best chunks into at most `k` passages, best first, none overlapping.

    `ranked` is best first, as `fuse` returns it; chunks of one source must not overlap. Of chunks
    with the same content only the first counts, and its copies are not returned beside it.
    """
    first_of_content: dict[bytes, RankedChunk] = {}
    for hit in ranked:
        first_of_content.setdefault(hit.chunk.content, hit)
    pool = list(first_of_content.values())
    groups: list[list[RankedChunk]] = []
    budget = k * CHARACTERS_PER_PASSAGE
    while pool:
        places = {(hit.chunk.source, hit.chunk.ordinal) for group in groups for hit in group}
        passages = Counter(group[0].chunk.source for group in groups)
        best, worth = None, RELATIVE_FLOOR * ranked[0].fused_score
        for hit in pool:
            if hit.fused_score < worth:
                break
            value = hit.fused_score
            if not any(place in places for place in _neighbours(hit.chunk)):
                if len(groups) == k:
                    continue
                value *= REPEAT_FACTOR ** passages[hit.chunk.source]
            if value > worth or (best is None and value == worth):
                best, worth = hit, value
        if best is None:
            break
        budget -= best.chunk.end - best.chunk.start
        if budget < 0 and groups:
            break
        pool.remove(best)
        groups = _join(groups, replace(best, fused_score=worth))
    return sorted(map(_passage, groups), key=lambda p: (-p.fused_score, p.source, p.start))


def _neighbours(chunk: Chunk) -> tuple[tuple[str, int], tuple[str, int]]:
    return (chunk.source, chunk.ordinal - 1), (chunk.source, chunk.ordinal + 1)


def _join(groups: Sequence[list[RankedChunk]], hit: RankedChunk) -> list[list[RankedChunk]]:
    """Add a chunk to the groups: to the one or two it touches, or as its own."""
    beside = _neighbours(hit.chunk)
    joined, others = [hit], []
    for group in groups:
        if any((member.chunk.source, member.chunk.ordinal) in beside for member in group):
            joined += group
        else:
            others.append(group)
    return [*others, joined]


def _passage(group: Sequence[RankedChunk]) -> RankedPassage:
    dense = [hit.dense_score for hit in group if hit.dense_score is not None]
    bm25 = [hit.bm25_score for hit in group if hit.bm25_score is not None]
    return RankedPassage(
        group[0].chunk.source,
        min(hit.chunk.start for hit in group),
        max(hit.chunk.end for hit in group),
        max(dense, default=None),
        max(bm25, default=None),
        max(hit.fused_score for hit in group),
    )
