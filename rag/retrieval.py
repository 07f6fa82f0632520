"""From a question to passages: nearest vectors and BM25, fused, joined into passages."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rag import ranking
from rag.catalog import Catalog, Kept, Located
from rag.index import VectorIndex
from rag.matching import match_expression
from rag.types import Hit, Passage

CANDIDATES = 100  # chunks that each retriever returns


@dataclass(frozen=True, slots=True)
class Retrieval:
    """The passages, best first, and each retriever's own ranking."""

    passages: tuple[Passage, ...]
    dense: tuple[Hit, ...]
    lexical: tuple[Hit, ...]


def search(
    catalog: Catalog,
    vectors: VectorIndex,
    question: str,
    vector: NDArray[np.float32],
    k: int,
    sources: Sequence[str] | None = None,
) -> Retrieval:
    """The best passages for a question and its vector, at most `k`, of `sources` or of all."""
    dense = _dense(catalog, vectors, vector, sources)
    match = match_expression(question)
    lexical = catalog.search(match, CANDIDATES, sources) if match else []
    ranked = ranking.fuse(
        [(_place(found), cosine) for found, cosine in dense],
        [(_place(found), weight) for found, weight in lexical],
    )
    built = ranking.build_passages(ranked, k)
    kept = {found.source: catalog.kept(found.source) for found in built}
    return Retrieval(
        tuple(_passage(kept[found.source], found) for found in built),
        tuple(_hit(*pair) for pair in dense),
        tuple(_hit(*pair) for pair in lexical),
    )


def _dense(
    catalog: Catalog,
    vectors: VectorIndex,
    vector: NDArray[np.float32],
    sources: Sequence[str] | None,
) -> list[tuple[Located, float]]:
    """The nearest listed chunks; vectors that a writer has not listed yet do not count."""
    wanted = CANDIDATES
    while True:
        nearest = vectors.search(vector, wanted, sources)
        located = catalog.locate([id_ for id_, _ in nearest])
        found = [(located[id_], cosine) for id_, cosine in nearest if id_ in located]
        if len(found) >= CANDIDATES or len(nearest) < wanted:
            return found[:CANDIDATES]
        wanted *= 4


def _place(found: Located) -> ranking.Chunk:
    chunk = found.chunk
    return ranking.Chunk(found.source, chunk.ordinal, chunk.start, chunk.end, chunk.content)


def _hit(found: Located, score: float) -> Hit:
    return Hit(found.source, found.chunk.start, found.chunk.end, score)


def _passage(kept: Kept | None, found: ranking.RankedPassage) -> Passage:
    assert kept is not None  # the catalog named it in this same snapshot
    sentences = kept.sentences
    first = bisect_left(sentences, found.start, key=lambda span: span[1] - 1)
    last = bisect_right(sentences, found.end - 1, key=lambda span: span[0])
    return Passage(
        source=found.source,
        start=found.start,
        end=found.end,
        text=kept.document.text[found.start : found.end],
        fused_score=found.fused_score,
        dense_score=found.dense_score,
        bm25_score=found.bm25_score,
        sentences=tuple(
            (max(start, found.start), min(end, found.end)) for start, end in sentences[first:last]
        ),
        title=kept.document.title,
    )
