"""Numbers, dates, names and denials of a sentence."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.particulars import (
    addresses,
    content,
    contradictions,
    dates,
    names,
    numbers,
    same_name,
    stem,
    words,
)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("39,000 bottles and 145%", {"39000", "145"}),
        ("two of the ninety-five days", {"2", "95"}),
        ("a 90-day truce, June 9-10", {"90", "9", "10"}),
        ("3.5 million, two hundred", {"3500000", "200"}),
        ("the first of three", {"1", "3"}),
        ("half of it, a dozen", {"0.5", "12"}),
        ("one that had been", set()),
        ("version 1.2.3", {"1.2.3"}),
        ("account 12345678901234567", {"12345678901234567"}),
        ("1,45 and 1,450.50", {"1,45", "1450.5"}),
        ("the eleventh of dozens", {"11", "dozens"}),
        ("\u00bd of 3\u200b90", {"1", "2", "390"}),
        ("twenty or five", {"20", "5"}),
    ],
)
def test_numbers(text: str, found: set[str]) -> None:
    assert numbers(text) == found


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("on Tuesday in May", {"tuesday", "may"}),
        ("it may march on", set()),
        ("last month, the previous week", {"last month", "last week"}),
        ("two years later", set()),
        ("Yesterday it rained", {"yesterday"}),
        ("on friday, or FRIDAY, at noon in winter", {"friday", "noon", "winter"}),
    ],
)
def test_dates(text: str, found: set[str]) -> None:
    assert dates(text) == found


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("The minister met Ada Berg in Paris.", ["Ada", "Berg", "Paris"]),
        ("Bessent spoke. Foreign firms listened.", ["Bessent"]),
        ("The U.S. and China\u2019s team", ["US", "China"]),
        ("He said: \u201cNow we go,\u201d on Monday.", []),
        ("I think so", []),
        ("the minister \u5f35\u5049 went", ["\u5f35\u5049"]),
    ],
)
def test_names(text: str, found: list[str]) -> None:
    assert names(text) == found


@pytest.mark.parametrize(
    ("name", "text", "same"),
    [
        ("Chinese", "China", True),
        ("US", "the United States", True),
        ("American", "U.S.", True),
        ("British", "Britain", True),
        ("Minister", "the commerce minister", True),
        ("Bessent", "Bessent's", True),
        ("Xiaomi", "Xinhua", False),
        ("Japan", "China", False),
        ("Berlin", "Berg", False),
        ("Austrian", "Australia", False),
        ("Levi", "Levin", False),
        ("Christian", "Christine", False),
        ("America", "he told us", False),
        ("Norwegians", "Norway", True),
    ],
)
def test_forms_of_one_name(name: str, text: str, *, same: bool) -> None:
    assert same_name(name, frozenset(words(text))) is same


def test_addresses() -> None:
    text = "Write (to a.berg@norway.no), see https://x.y/z, www.x.y or evil.example. The U.S. did."
    found = ["a.berg@norway.no", "https://x.y/z", "www.x.y", "evil.example"]
    assert addresses(text) == found


@pytest.mark.parametrize(
    ("sentence", "text"),
    [
        ("Stocks fell.", "Stocks experienced a rise."),
        ("He did not go.", "He goes."),
        ("He went.", "He didn\u2019t go."),
        ("They never agreed.", "They agreed."),
        ("They disagreed.", "They agreed."),
        ("The terms were disclosed.", "The terms remain undisclosed."),
        ("He denied it was so.", "He said it was so."),
        ("The bank upgraded its forecast.", "The bank downgraded its forecast."),
        ("They ended without a deal.", "They ended with a deal."),
        ("It was rejected.", "It was approved."),
    ],
)
def test_contradictions(sentence: str, text: str) -> None:
    assert contradictions(sentence, text)


@pytest.mark.parametrize(
    ("sentence", "text"),
    [
        ("The terms were not disclosed.", "The terms remain undisclosed."),
        ("They did not agree.", "They disagreed."),
        ("It is not only red.", "It is red and blue."),
        ("Certain measures will go.", "Measures will go. He did not specify the measures."),
        ("Stocks rose.", "Stocks experienced a rise."),
        ("He refused to go.", "He refused."),
        ("They reached an agreement.", "They reached an agreement after disagreements."),
    ],
)
def test_no_contradictions(sentence: str, text: str) -> None:
    assert contradictions(sentence, text) == []


def test_forms_of_a_word_share_a_stem() -> None:
    for forms in ("raise raised raising raises", "deny denied denies", "fell fall", "agree agreed"):
        assert len({stem(form) for form in forms.split()}) == 1


@given(st.text(max_size=200))
def test_a_text_never_contradicts_itself(text: str) -> None:
    assert contradictions(text, text) == []
    assert all(same_name(name, frozenset(words(text))) for name in names(text))
    assert content(text) == content(text)
    assert numbers(text) <= numbers(text)
