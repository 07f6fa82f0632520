"""Ranking: scores keep their meaning, passages never overlap and are at most k."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from rag.ranking import CHARACTERS_PER_PASSAGE, Chunk, build_passages, fuse

WIDTH = 100


def chunk(source: str, ordinal: int, content: str = "", width: int = WIDTH) -> Chunk:
    start = ordinal * (width + 1)
    return Chunk(source, ordinal, start, start + width, (content or f"{source}{ordinal}").encode())


CHUNKS = st.builds(
    chunk,
    st.sampled_from("ab"),
    st.integers(0, 12),
)
HITS = st.dictionaries(CHUNKS, st.floats(-1, 1), max_size=20).map(lambda d: list(d.items()))
WEIGHTS = st.dictionaries(CHUNKS, st.floats(1e-6, 30), max_size=20).map(lambda d: list(d.items()))


@given(HITS, WEIGHTS)
def test_fused_chunks_are_the_union_best_first_with_their_own_scores(
    dense: list[tuple[Chunk, float]], lexical: list[tuple[Chunk, float]]
) -> None:
    ranked = fuse(dense, lexical)
    assert {hit.chunk for hit in ranked} == {hit for hit, _ in (*dense, *lexical)}
    assert len(ranked) == len({hit.chunk for hit in ranked})
    scores = [hit.fused_score for hit in ranked]
    assert scores == sorted(scores, reverse=True)
    assert all(0 <= score <= 1.3 + 1e-9 for score in scores)
    for hit in ranked:
        assert hit.dense_score == dict(dense).get(hit.chunk)
        assert hit.bm25_score == dict(lexical).get(hit.chunk)


@given(HITS, WEIGHTS, st.integers(1, 6))
def test_passages_are_disjoint_whole_chunks_and_at_most_k(
    dense: list[tuple[Chunk, float]], lexical: list[tuple[Chunk, float]], k: int
) -> None:
    ranked = fuse(dense, lexical)
    passages = build_passages(ranked, k)
    assert len(passages) <= k
    assert bool(passages) == bool(ranked)
    chunks = {hit.chunk for hit in ranked}
    for passage in passages:
        assert passage.start in {c.start for c in chunks if c.source == passage.source}
        assert passage.end in {c.end for c in chunks if c.source == passage.source}
    for number, one in enumerate(passages):
        for other in passages[:number]:
            # Neighbours are joined, so passages do not even touch.
            assert one.source != other.source or (
                one.end + 1 < other.start or other.end + 1 < one.start
            )
    taken = [
        c
        for c in chunks
        if any(p.source == c.source and p.start <= c.start < p.end for p in passages)
    ]
    assert len(taken) == 1 or sum(c.end - c.start for c in taken) <= k * CHARACTERS_PER_PASSAGE
    assert [p.fused_score for p in passages] == sorted(
        (p.fused_score for p in passages), reverse=True
    )


@given(HITS, WEIGHTS)
def test_order_of_hits_with_the_same_scores_does_not_matter(
    dense: list[tuple[Chunk, float]], lexical: list[tuple[Chunk, float]]
) -> None:
    ranked = fuse(dense, lexical)
    assert ranked == fuse(dense[::-1], lexical[::-1])


def test_found_by_both_beats_found_by_one() -> None:
    both, one, last = chunk("a", 0), chunk("b", 4), chunk("b", 8)
    ranked = fuse([(one, 0.6), (both, 0.55), (last, 0.1)], [(both, 7.0)])
    assert ranked[0].chunk == both


def test_a_single_hit_has_the_highest_score() -> None:
    only = fuse([(chunk("a", 0), 0.2)], [])[0]
    assert (only.fused_score, only.dense_score, only.bm25_score) == (0.4 + 0.3, 0.2, None)


def test_several_good_chunks_speak_for_their_document() -> None:
    rich = [(chunk("a", 3 * n), 0.5) for n in range(4)]
    ranked = fuse([*rich, (chunk("b", 0), 0.5), (chunk("c", 0), 0.1)], [])
    assert [hit.chunk.source for hit in ranked[:5]] == ["a", "a", "a", "a", "b"]


def test_neighbours_become_one_passage_with_the_best_of_their_scores() -> None:
    dense = [(chunk("a", 1), 0.6), (chunk("a", 2), 0.5), (chunk("z", 0), 0.1)]
    passages = build_passages(fuse(dense, [(chunk("a", 2), 3.0)]), 5)
    first = passages[0]
    assert (first.source, first.start, first.end) == ("a", 101, 302)
    assert (first.dense_score, first.bm25_score) == (0.6, 3.0)


def test_a_chunk_between_two_joins_them() -> None:
    lexical = [(chunk("a", 1), 9.0), (chunk("a", 3), 8.0), (chunk("a", 2), 7.0)]
    passages = build_passages(fuse([], lexical), 2)
    assert [(p.start, p.end) for p in passages] == [(101, 403)]


def test_weak_chunks_are_left_out_and_copies_come_once() -> None:
    lexical = [
        (chunk("a", 0), 9.0),
        (chunk("b", 0, content="a0"), 9.0),
        (chunk("c", 5), 1.0),
    ]
    assert [p.source for p in build_passages(fuse([], lexical), 5)] == ["a"]


def test_other_documents_get_a_turn_before_the_rest_of_one() -> None:
    lexical = [(chunk("a", 3 * n), 9.0) for n in range(4)]
    lexical += [(chunk("b", 3 * n), 8.9) for n in range(4)]
    sources = [p.source for p in build_passages(fuse([], lexical), 3)]
    assert sources == ["a", "b", "a"]


def test_the_best_chunk_is_returned_however_long() -> None:
    long = chunk("a", 0, width=5_000)
    assert build_passages(fuse([(long, 0.5)], []), 1)[0].end == 5_000
