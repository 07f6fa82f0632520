"""Follow-up questions made to stand alone."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag import Answer, Rag
from rag.following import stand_alone


def answered(question: str, short: str | None) -> Answer:
    status = "answered" if short else "abstained"
    return Answer(question, status, "reader", short, short or "Nothing.", 0.9)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("question", "short", "follow", "meant"),
    [
        # A person
        ("Who is the Commerce Secretary?", "Howard Lutnick", "What did he say?",
         "What did Howard Lutnick say?"),
        ("Who is the Commerce Secretary?", "Howard Lutnick", "And who was with him?",
         "Who was with Howard Lutnick?"),
        ("Who chairs the board?", "Ada Berg", "Who is her deputy?", "Who is Ada Berg's deputy?"),
        ("Who chairs the board?", "Ada Berg", "Who was with her?", "Who was with Ada Berg?"),
        ("When did Ada Berg resign?", "in May", "Why did she resign?", "Why did Ada Berg resign?"),
        # A thing
        ("When did the trade talks end?", "on Tuesday", "Where did they take place?",
         "Where did the trade talks take place?"),
        ("When was the bridge opened?", "in 1932", "How long is it?", "How long is the bridge?"),
        ("When was the bridge opened?", "in 1932", "Describe it.", "Describe the bridge."),
        ("What is the ship called?", "Aurora", "When was it built?", "When was Aurora built?"),
        ("When was the bridge opened?", "in 1932", "Who was its engineer?",
         "Who was the bridge's engineer?"),
        # A place
        ("Where were the talks?", "London", "Who was there?", "Who was in London?"),
        # What is left out
        ("When did the talks end?", "on Tuesday", "Why?", "Why did the talks end?"),
        ("When did the talks end?", "on Tuesday", "And where?", "Where did the talks end?"),
        ("Who is the Commerce Secretary?", "Howard Lutnick", "And the Treasury Secretary?",
         "Who is the Treasury Secretary?"),
        ("Who is the Commerce Secretary?", "Howard Lutnick", "What about the premier?",
         "Who is the premier?"),
        ("What did Lutnick say in London?", "much", "And in Geneva?",
         "What did Lutnick say in Geneva?"),
        ("What did Howard Lutnick say?", "much", "And Scott Bessent?",
         "What did Scott Bessent say?"),
    ],
)  # fmt: skip
def test_a_follow_up_is_understood(question: str, short: str, follow: str, meant: str) -> None:
    assert stand_alone(follow, answered(question, short)) == meant


@pytest.mark.parametrize(
    "question",
    [
        "Where did the talks take place?",
        "When did Xi Jinping say that he agrees?",
        "Is it true that the talks ended?",
        "How long does it take to get to Mars?",
        "List the countries.",
        "Then there were none",
        "",
        "???",
    ],
)
def test_a_question_that_stands_alone_is_left_as_it_is(question: str) -> None:
    assert stand_alone(question, answered("Who is the premier?", "Li Qiang")) == question


def test_an_abstention_is_followed_by_its_question() -> None:
    before = answered("How tall is the lighthouse?", None)
    assert stand_alone("Who built it?", before) == "Who built the lighthouse?"


@given(st.text(max_size=80), st.text(max_size=80), st.none() | st.text(max_size=40))
def test_anything_can_follow_anything(question: str, earlier: str, short: str | None) -> None:
    meant = stand_alone(question, answered(earlier, short))
    assert len(meant) <= len(question) * 45 + len(earlier) + 45
    if not earlier.strip() and not short:
        return
    assert bool(meant.strip()) >= bool(question.strip())


def test_the_facade_answers_what_was_meant(seeded: Rag) -> None:
    first = seeded.ask("Who is the US Commerce Secretary?")
    then = seeded.ask("And who was with him?", after=first)
    assert then.question == "Who was with Howard Lutnick?"
    assert seeded.ask("And who was with him?").question == "And who was with him?"
