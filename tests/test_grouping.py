"""Spans that mean the same become one candidate; different answers stay apart."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.grouping import Member, group, same
from rag.types import Evidence, Passage


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Howard Lutnick", "US Commerce Secretary Howard Lutnick"),
        ("$3bn", "3 billion dollars"),
        ("3.5 million", "3,500,000"),
        ("55 per cent", "55%"),
        ("June 9", "9th of June"),
        ("ten", "10"),
        ("first", "1st"),
        ("Café Müller", "cafe muller"),
        ("the United Kingdom", "United Kingdom"),
    ],
)
def test_forms_of_one_answer_are_the_same(one: str, other: str) -> None:
    assert same(one, other)
    assert same(other, one)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Trump", "Xi"),
        ("9 June", "10 June"),
        ("55%", "10%"),
        ("3 million", "3 billion"),
        ("…", "?"),
    ],
)
def test_different_answers_are_not(one: str, other: str) -> None:
    assert not same(one, other)


def member(text: str, probability: float) -> Member:
    passage = Passage("a.txt", 0, len(text), text, fused_score=1.0)
    return Member(Evidence(0, len(text), text, 0.0), passage, probability)


def test_a_group_is_led_by_its_most_probable_span() -> None:
    found = group(
        [member("Lutnick", 0.2), member("Xi Jinping", 0.3), member("Howard Lutnick", 0.4)]
    )
    texts = [[one.span.text for one in each.members] for each in found]
    assert texts == [["Howard Lutnick", "Lutnick"], ["Xi Jinping"]]


@given(st.lists(st.tuples(st.text(max_size=20), st.floats(0, 1)), max_size=12))
def test_no_span_is_lost_or_doubled(spans: list[tuple[str, float]]) -> None:
    members = [member(text, probability) for text, probability in spans]
    grouped = [one for each in group(members) for one in each.members]
    assert sorted(map(id, grouped)) == sorted(map(id, members))


def test_the_best_worded_of_the_surest_passage_comes_first() -> None:
    near, far = member("head", 0.5), member("head of research", 0.4)
    passage = near.passage
    near = Member(near.span, passage, 0.5, place=1)
    whole = Member(far.span, passage, 0.3, place=0)
    elsewhere = Member(far.span, far.passage, 0.4, place=0)
    [found] = group([near, whole, elsewhere])
    assert found.members == (whole, near, elsewhere)
