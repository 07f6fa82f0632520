"""Sentence boundaries: offsets hold for any text; a line ends a sentence only where it should."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.sentences import split_sentences

# Marks, line ends and scripts that decide something in the splitter, among any Unicode at all.
TEXTS = st.one_of(
    st.text(max_size=120),
    st.text(alphabet="ab .!?\n\r\t-|#\u2028\x85\x0c“”’é\u0301\U0001f600字", max_size=120),
)


def sentences(text: str) -> list[str]:
    return [text[start:end] for start, end in split_sentences(text)]


@given(TEXTS)
def test_every_visible_character_is_in_exactly_one_sentence(text: str) -> None:
    spans = split_sentences(text)
    covered = [place for start, end in spans for place in range(start, end)]
    assert len(covered) == len(set(covered))
    assert covered == sorted(covered)
    assert {place for place, c in enumerate(text) if not c.isspace()} <= set(covered)
    assert all(text[start:end] == text[start:end].strip() != "" for start, end in spans)


@pytest.mark.parametrize("text", ["", " ", "\r\n \t\u2028\n"])
def test_white_space_has_no_sentences(text: str) -> None:
    assert split_sentences(text) == []


def test_closing_quotes_stay_with_their_sentence() -> None:
    assert sentences("He said, “We go.” She left.") == ["He said, “We go.”", "She left."]


def test_abbreviations_do_not_end_a_sentence() -> None:
    text = "U.S. Commerce Secretary Howard Lutnick met Dr. Smith. They talked."
    assert len(sentences(text)) == 2


def test_one_paragraph_a_line() -> None:
    text = "Markets fall on tariff news\nShares fell on Monday, traders said.\r\nMore is to come."
    assert sentences(text) == [
        "Markets fall on tariff news",
        "Shares fell on Monday, traders said.",
        "More is to come.",
    ]


def test_markdown_marks_and_table_rows_are_their_own() -> None:
    text = "# Costs\n- first item\n- second item\nyear | cost\n2019 | 12\n1. a numbered one\n"
    assert sentences(text) == text.splitlines()


def test_hard_wrapped_text_is_joined_over_its_lines() -> None:
    text = (
        "The company must say exactly how the changes in its\n"
        "accounts were made, and when. It does so in the spring\n"
        "of every year, for all of its parts.\n"
        "\n"
        "Who asks gets the report by mail.\n"
    )
    assert sentences(text) == [
        "The company must say exactly how the changes in its\naccounts were made, and when.",
        "It does so in the spring\nof every year, for all of its parts.",
        "Who asks gets the report by mail.",
    ]


def test_a_short_line_in_hard_wrapped_text_ends_its_paragraph() -> None:
    text = (
        "SUMMARY\n"
        "The company must say exactly how the changes in its\n"
        "accounts were made, and why they were made at all in\n"
        "the spring of that year\n"
        "Answers\n"
        "All of it was said in the report that was sent out to\n"
        "everyone."
    )
    assert sentences(text)[0] == "SUMMARY"
    assert "Answers" in sentences(text)


def test_a_word_broken_at_the_line_end_is_one_sentence_also_where_lines_are_paragraphs() -> None:
    text = "A headline\nFirms must dis-\nclose exactly what they did.\nThe end came soon after it."
    assert sentences(text)[1] == "Firms must dis-\nclose exactly what they did."


@pytest.mark.parametrize(
    "text",
    ["word " * 100_000, "x" * 500_000, "!" * 50_000 + " x", "a\n" * 10_000, " " * 500_000],
)
def test_long_odd_texts_take_linear_time(text: str) -> None:
    split_sentences("Load the parameters. Once.")
    started = time.perf_counter()
    split_sentences(text)
    assert time.perf_counter() - started < 5
