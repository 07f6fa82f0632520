"""Questions that are made of sentences: natural, and with the words that answer them."""

from __future__ import annotations

import pytest

from ui.questions import questions

WORDS = frozenset(["the", "open", "stop", "viruses"])


@pytest.mark.parametrize(
    ("sentence", "kind", "question", "answer"),
    [
        ("The bridge was opened on 19 March 1932 by the premier.", "when",
         "When was the bridge opened?", "19 March 1932"),
        ("The museum opened its doors in May 1934.", "when",
         "When did the museum open its doors?", "May 1934"),
        ("After the war, the club stopped play in 1919.", "when",
         "When did the club stop play?", "1919"),
        ("The hall will be opened on Friday.", "when", "When will the hall be opened?", "Friday"),
        ("They spoke of the phone call on June 5.", "when", "When was the phone call?", "June 5"),
        ("Viruses were discovered in 1892.", "when", "When were viruses discovered?", "1892"),
        ("The ship was built in Gdansk.", "where", "Where was the ship built?", "Gdansk"),
        ("Two days of talks in London are over.", "where", "Where were the talks?", "London"),
        ("Two weeks of tense talks are over, and five days of talks remain.", "many",
         "How many days did the talks last?", "five"),
        ("The council has nineteen members.", "many",
         "How many members does the council have?", "nineteen"),
        ("The ferry carries 420 passengers.", "many",
         "How many passengers does the ferry carry?", "420"),
        ("The tower is 31 metres tall.", "many", "How tall is the tower?", "31 metres"),
        ("The bridge was designed by Amara Lindqvist.", "who",
         "Who designed the bridge?", "Amara Lindqvist"),
        ("The poem was written by Amara Lindqvist.", "who",
         "Who wrote the poem?", "Amara Lindqvist"),
        ("The mayor of Harwick is Desmond Pyle.", "who",
         "Who is the mayor of Harwick?", "Desmond Pyle"),
        ("The delegation, led by Vice Premier Ada Berg, left.", "who",
         "Who led the delegation?", "Ada Berg"),
        ("Tobias Wren founded the museum in 1934.", "who", "Who founded the museum?",
         "Tobias Wren"),
        ("It was Harbour Minister Ada Berg.", "office", "Who is the Harbour Minister?", "Ada Berg"),
        ("The bridge was closed because its piers had cracked.", "why",
         "Why was the bridge closed?", "its piers had cracked."),
        ("\u201cWe go on,\u201d said Mayor Ada Berg.", "say", "What did Ada Berg say?", "Ada Berg"),
    ],
)  # fmt: skip
def test_a_sentence_becomes_a_question(
    sentence: str, kind: str, question: str, answer: str
) -> None:
    made = [(one.kind, one.question, one.answer) for one in questions(sentence, WORDS)]
    assert (kind, question, answer) in made


@pytest.mark.parametrize(
    "sentence",
    [
        "It was opened on 19 March 1932.",
        "The next one was opened in 1932.",
        "The bridge that he built was opened in 1932.",
        "A plan was made, the Harbour News Agency said.",
        "The bank was founded by Harbour Savings Bank.",
        "The hall closed in 1932.",  # "clos" or "close": the documents use neither
        "The council has nineteen million members.",
    ],
)
def test_what_would_not_stand_alone_is_left_out(sentence: str) -> None:
    assert list(questions(sentence, WORDS)) == []
