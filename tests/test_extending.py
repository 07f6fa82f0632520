"""A span becomes the words that a person would give, and stays inside its text."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.extending import extend


@pytest.mark.parametrize(
    ("text", "span", "wanted"),
    [
        ("the U.S. Commerce Secretary Howard Lutnick told", "Lutnick", None),
        ("said Mr. Trump on Monday", "Trump", "Mr. Trump"),
        ("It was Scott Bessent who", "Scott Bessent", "Scott Bessent"),
        ("about US$ 3 billion in aid", "3", "US$ 3 billion"),
        ("by 55 per cent this year", "55", "55 per cent"),
        ("cut to 10%, he said", "10", "10%"),
        ("within 90 days of it", "90", "90 days"),
        ("a 200-year-old mansion", "200", "200-year-old"),
        ("begins at 9 a.m. on Monday", "9", "9 a.m."),
        ("unhappiness grew", "happi", "unhappiness"),
        ("(the Great Wall)", "(the Great Wall", "the Great Wall"),
        ("In London the talks", "London", "London"),
        ("The Trump plan", "Trump", "Trump"),
        ("word-7 of it", "7", "7"),
    ],
)
def test_names_numbers_and_words_are_whole(text: str, span: str, wanted: str | None) -> None:
    start = text.index(span)
    first, last = extend(text, start, start + len(span))
    assert text[first:last] == (wanted or "U.S. Commerce Secretary Howard Lutnick")


@given(st.data(), st.text(alphabet="aB1 .$%-—é\n“”()年", min_size=1, max_size=60))
def test_a_span_is_never_lost_and_stays_inside(data: st.DataObject, text: str) -> None:
    start = data.draw(st.integers(0, len(text) - 1))
    end = data.draw(st.integers(start + 1, len(text)))
    first, last = extend(text, start, end)
    assert 0 <= first < last <= len(text)
