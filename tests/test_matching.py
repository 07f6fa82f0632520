"""Lexical matching: any question is a safe expression, and flaws of a text do not hide a word."""

from __future__ import annotations

import sqlite3

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.matching import TOKENIZER, content_terms, indexed_terms, match_expression

QUESTIONS = st.one_of(
    st.text(max_size=100),
    st.text(alphabet="abS'\"*():^-+. \n\x00{}é字,19", max_size=60),
    st.lists(st.sampled_from(["NEAR(", "AND", "OR", "NOT", '"', "col:", "x*"])).map(" ".join),
)


def found(chunk: str, question: str) -> bool:
    """Whether an FTS5 index that holds one chunk finds it."""
    db = sqlite3.connect(":memory:")
    db.execute(f"CREATE VIRTUAL TABLE terms USING fts5 (text, tokenize = '{TOKENIZER}')")
    db.execute("INSERT INTO terms VALUES (?)", (indexed_terms(chunk),))
    expression = match_expression(question)
    query = "SELECT count(*) FROM terms WHERE terms MATCH ?"
    hits = bool(expression and db.execute(query, (expression,)).fetchone()[0])
    db.close()
    return hits


@given(QUESTIONS)
def test_any_question_is_valid_and_finds_a_chunk_with_its_own_words(question: str) -> None:
    expression = match_expression(question)
    assert (expression is None) == (indexed_terms(question) == "")
    # SQLite's Unicode tables are older than Python's: of its letters it may know none.
    assert found(question, question) or not question.isascii() or expression is None


@pytest.mark.parametrize("question", ["", " \n", "?!...", "“”", '"" *', "\ud800", "🙂"])
def test_a_question_without_words_has_no_expression(question: str) -> None:
    assert match_expression(question) is None


@pytest.mark.parametrize(
    ("chunk", "question"),
    [
        ("must dis-\nclose the sum", "Who disclosed it?"),
        ("must dis- \r\n close the sum", "Who disclosed it?"),
        ("the frame--work of a deal", "framework"),
        ("the big-gest of all", "biggest"),
        ("soft\u00adhyphen", "softhyphen"),
        ("rareearth exports", "rare earths or rare earth?"),
        ("rare-earth exports", "rareearth"),
        ("a deal on rare earth", "rare-earth"),
        ("Sec’s word", "sec's"),
        ("the U.S. said", "US"),
        ("the US said", "U.S.?"),
        ("Café Zürich", "cafe zurich"),
        ("the oﬃce", "office"),
        ("ＡＢＣ", "abc"),
        ("$1,250 million", "1250"),
        ("Minister Müller", "Mu\u0308ller"),
    ],
)
def test_flaws_of_a_text_do_not_hide_a_word(chunk: str, question: str) -> None:
    assert found(chunk, question)


def test_stop_words_are_dropped_unless_nothing_else_is_left() -> None:
    assert content_terms("Who is the Commerce Secretary?") == ["commerce", "secretary"]
    assert match_expression("Who is it?") == '"who" OR "is" OR "it" OR "whois" OR "isit"'
    assert not found("This is the other one.", "Where is the mine?")
