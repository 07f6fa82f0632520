"""Citations: any Unicode text, any span; what does not match is never made."""

from __future__ import annotations

import hashlib
import os
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag import Citation, Document, Page
from rag.citing import cite, is_stale, verify
from rag.sentences import split_sentences

TEXT = st.text(st.characters(exclude_categories=["Cs"]), min_size=1)


def document(text: str, pages: tuple[Page, ...] = (), path: str = "/nowhere") -> Document:
    return Document("a.txt", path, "text", "A", text, hashlib.sha256(b"").hexdigest(), pages)


@given(TEXT, st.data())
def test_any_span_of_any_text_is_cited_exactly(text: str, data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(text) - 1))
    end = data.draw(st.integers(start + 1, len(text)))
    source = document(text)
    citation = cite(source, split_sentences(text), start, end, text[start:end], marker=1)
    assert citation is not None
    assert verify(citation, source)
    assert source.text[citation.start : citation.end] == citation.quote
    assert citation.quote in citation.context


@given(TEXT, st.integers(-5, 50), st.integers(-5, 50), TEXT)
def test_a_citation_is_made_only_for_the_exact_words(
    text: str, start: int, end: int, quote: str
) -> None:
    citation = cite(document(text), split_sentences(text), start, end, quote, marker=1)
    exact = 0 <= start < end <= len(text) and text[start:end] == quote
    assert (citation is not None) == exact


@given(TEXT, st.data())
def test_a_shifted_citation_fails_the_check(text: str, data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(text) - 1))
    end = data.draw(st.integers(start + 1, len(text)))
    shift = data.draw(st.integers(1, len(text)))
    citation = Citation(1, "a.txt", start, end, text[start:end], "")
    shifted = replace(citation, start=start + shift, end=end + shift)
    assert verify(citation, document(text))
    assert verify(shifted, document(text)) == (
        end + shift <= len(text) and text[start + shift : end + shift] == citation.quote
    )


def test_another_source_fails_the_check() -> None:
    assert not verify(Citation(1, "b.txt", 0, 3, "One", ""), document("One."))


def test_the_context_is_the_sentence_around_the_quote() -> None:
    text = "One came. Two left early. Three stayed."
    citation = cite(document(text), split_sentences(text), 10, 13, "Two", marker=1)
    assert citation is not None
    assert citation.context == "Two left early."


def test_the_page_is_the_one_that_the_quote_begins_on() -> None:
    text = "First page.\n\nSecond page."
    pages = (Page(1, 0, 11), Page(2, 13, 25))
    citation = cite(document(text, pages), [(0, 11), (13, 25)], 13, 19, "Second", marker=1)
    assert citation is not None
    assert citation.page == 2


def test_a_file_that_changed_or_went_is_stale(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_bytes(b"One.")
    sha256 = hashlib.sha256(b"One.").hexdigest()
    assert not is_stale(str(path), sha256)
    path.write_bytes(b"Two.")
    assert is_stale(str(path), sha256)
    path.unlink()
    assert is_stale(str(path), sha256)


@pytest.mark.timeout(10)
def test_a_pipe_in_the_files_place_is_stale_and_does_not_block(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    os.mkfifo(path)
    assert is_stale(str(path), "")
