"""Retrieval: recall, success, MRR and nDCG by ir-measures, at passage and at document level.

At passage level the relevant things are the pieces of gold evidence. A ranked passage stands for
those that it holds and no passage before it held, each at a rank of its own, or else for nothing
relevant. At document level the ranking is that of distinct sources.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import ir_measures
from ir_measures import RR, Qrel, R, ScoredDoc, Success, nDCG

from rag import Passage
from rag.gold import Support

PASSAGE_MEASURES = {
    "passage_recall_at_5": R @ 5,
    "passage_recall_at_10": R @ 10,
    "passage_success_at_1": Success @ 1,
    "passage_success_at_5": Success @ 5,
    "passage_mrr": RR @ 10,
    "passage_ndcg_at_10": nDCG @ 10,
}
DOCUMENT_MEASURES = {
    "document_recall_at_5": R @ 5,
    "document_success_at_1": Success @ 1,
    "document_mrr": RR @ 10,
    "document_ndcg_at_10": nDCG @ 10,
}


def retrieval(passages: Sequence[Passage], evidence: Sequence[Support]) -> dict[str, float]:
    """Every measure (0 to 1, higher is better) of one question's ranked passages.

    Args:
        passages: what was retrieved, best first.
        evidence: at least one piece.
    """
    found: list[str] = []
    for place, passage in enumerate(passages):
        new = [
            name
            for number, support in enumerate(evidence)
            if holds(passage, support) and (name := f"evidence-{number}") not in found
        ]
        found += new or [f"passage-{place}"]
    pieces = {f"evidence-{number}": 1 for number in range(len(evidence))}
    sources = list(dict.fromkeys(passage.source for passage in passages))
    return measure(PASSAGE_MEASURES, found, pieces) | measure(
        DOCUMENT_MEASURES, sources, {support.source: 1 for support in evidence}
    )


def holds(passage: Passage, support: Support) -> bool:
    """Whether the passage has at least half of the evidence's characters."""
    shared = min(passage.end, support.end) - max(passage.start, support.start)
    return passage.source == support.source and 2 * shared >= support.end - support.start


def measure(
    measures: Mapping[str, ir_measures.Measure], ranked: Iterable[str], relevance: Mapping[str, int]
) -> dict[str, float]:
    """One question's measures by name.

    Args:
        measures: ir-measures' by the names to give them.
        ranked: distinct names, best first.
        relevance: the grade of each relevant name; all others are 0.
    """
    names = list(ranked)
    qrels = [Qrel("q", name, grade) for name, grade in relevance.items()]
    run = [ScoredDoc("q", name, float(len(names) - place)) for place, name in enumerate(names)]
    values = {
        one.measure: one.value for one in ir_measures.iter_calc(measures.values(), qrels, run)
    }
    return {name: float(values[one]) for name, one in measures.items()}
