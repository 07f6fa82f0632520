"""A span becomes the words that a person would give, and stays inside its text."""

from __future__ import annotations

from time import perf_counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.extending import extend, series


def widened(text: str, span: str, *, several: bool = False) -> str:
    """The words that a span of a text, where it first stands in it, is widened to."""
    start = text.index(span)
    first, last = extend(text, start, start + len(span), several=several)
    return text[first:last]


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
    assert widened(text, span) == (wanted or "U.S. Commerce Secretary Howard Lutnick")


@given(st.data(), st.text(alphabet="aB1 .$%-—é\n“”()年", min_size=1, max_size=60))
def test_a_span_is_never_lost_and_stays_inside(data: st.DataObject, text: str) -> None:
    start = data.draw(st.integers(0, len(text) - 1))
    end = data.draw(st.integers(start + 1, len(text)))
    first, last = extend(text, start, end)
    assert 0 <= first < last <= len(text)


@pytest.mark.parametrize(
    ("text", "span", "wanted"),
    [
        (
            "with Lutnick, Treasury Secretary Scott Bessent, and Envoy Jamieson Greer at a house",
            "Jamieson Greer",
            "Lutnick, Treasury Secretary Scott Bessent, and Envoy Jamieson Greer",
        ),
        ("by Mr. Ek, Minister of Trade Ada Berg and Cy", "Mr. Ek", None),
        ("NATO invited Finland and Sweden to join", "Finland", "Finland and Sweden"),
        ("On Monday, Ada Berg and Bo Ek met", "Bo Ek", "Ada Berg and Bo Ek"),
        ("They said in London, Berg and Ek would", "Ek", "Berg and Ek"),
        ("It was Ada Berg. Bo Ek and Cy Dahl came", "Ada Berg", "Ada Berg"),
        ("It was Ada Berg. Bo Ek and Cy Dahl came", "Cy Dahl", "Bo Ek and Cy Dahl"),
        ("on cars, chips and aircraft", "chips", "chips"),
        ("It was Ada Berg who spoke", "Ada Berg", "Ada Berg"),
    ],
)
def test_a_name_has_those_beside_it(text: str, span: str, wanted: str | None) -> None:
    assert widened(text, span, several=True) == (
        wanted or "Mr. Ek, Minister of Trade Ada Berg and Cy"
    )


@given(st.data(), st.text(alphabet="aB ,.\nand", min_size=1, max_size=60))
def test_a_row_of_names_has_the_one_it_is_of(data: st.DataObject, text: str) -> None:
    start = data.draw(st.integers(0, len(text) - 1))
    end = data.draw(st.integers(start + 1, len(text)))
    first, last = series(text, start, end)
    assert 0 <= first <= start < end <= last <= len(text)


def test_a_page_of_names_is_read_in_no_time() -> None:
    text = "Ada Berg, " * 20_000
    began = perf_counter()
    first, last = series(text, 100_000, 100_008)
    assert last - first > 100
    assert perf_counter() - began < 1
