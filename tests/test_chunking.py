"""Chunks: disjoint, within the token budget, and together all of the text."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.chunking import SIZE, chunk_document, chunk_spans
from rag.sentences import split_sentences

TEXTS = st.one_of(
    st.text(max_size=400),
    st.text(alphabet="ab .\n\r\u0301é\U0001f600字", max_size=400),
    st.lists(st.sampled_from(["word", "Other.", "x" * 90, "\n\n"]), max_size=80).map(" ".join),
)


def by_characters(texts: Sequence[str]) -> list[int]:
    """A tokenizer's count: a token for every three characters, white space included."""
    return [-(-len(text) // 3) for text in texts]


@given(TEXTS, st.integers(1, 120), st.integers(1, 40))
def test_chunks_are_disjoint_complete_and_within_the_budget(
    text: str, size: int, max_tokens: int
) -> None:
    chunks = chunk_spans(
        text, split_sentences(text), by_characters, size=size, max_tokens=max_tokens
    )
    covered = [place for start, end in chunks for place in range(start, end)]
    assert covered == sorted(set(covered))
    assert {place for place, c in enumerate(text) if not c.isspace()} <= set(covered)
    for start, end in chunks:
        assert text[start:end].strip()
        assert by_characters([text[start:end]])[0] <= max_tokens
        assert end - start <= 3 * size


def test_sentences_are_packed_whole() -> None:
    text = "One is here. Two is here. Three is here."
    chunks = chunk_spans(text, split_sentences(text), by_characters, size=26, max_tokens=99)
    assert [text[a:b] for a, b in chunks] == ["One is here. Two is here.", "Three is here."]


def test_a_long_sentence_is_cut_at_white_space_into_even_pieces() -> None:
    text = "word " * 100
    chunks = chunk_spans(text, split_sentences(text), by_characters, size=100, max_tokens=99)
    pieces = [text[a:b] for a, b in chunks]
    assert " ".join(pieces) == text.strip()
    assert all(60 <= len(piece) <= 110 for piece in pieces)


def test_a_word_without_end_is_cut_inside() -> None:
    text = "x" * 10_000
    chunks = chunk_spans(text, [(0, 10_000)], by_characters, size=450, max_tokens=254)
    assert "".join(text[a:b] for a, b in chunks) == text
    assert max(b - a for a, b in chunks) <= 460


def test_a_line_of_megabytes_is_tokenized_a_few_times_at_most() -> None:
    counted = 0

    def count(texts: Sequence[str]) -> list[int]:
        nonlocal counted
        counted += sum(map(len, texts))
        return [len(text) for text in texts]  # a script with a token for each character

    text = "字" * 2_000_000
    chunks = chunk_spans(text, [(0, len(text))], count, size=SIZE, max_tokens=254)
    assert sum(b - a for a, b in chunks) == len(text)
    assert counted < 3 * len(text)


def test_a_document_has_sentences_and_chunks() -> None:
    text = "One is here. Two is here."
    sentences, chunks = chunk_document(text, by_characters, 254)
    assert sentences == [(0, 12), (13, 25)]
    assert chunks == [(0, 25)]


@pytest.mark.parametrize(("size", "max_tokens"), [(0, 10), (10, 0)])
def test_sizes_that_make_no_sense_are_refused(size: int, max_tokens: int) -> None:
    with pytest.raises(ValueError, match="positive"):
        chunk_spans("x", [(0, 1)], by_characters, size=size, max_tokens=max_tokens)
