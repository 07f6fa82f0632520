"""What questions want: a phrase, sentences, a topic told about or everything summarised."""

from __future__ import annotations

from time import perf_counter

import pytest

from rag.kinds import as_read, plain, understand


@pytest.mark.parametrize(
    "question",
    [
        "Why did the markets fall?",
        "How did the two sides reach the deal?",
        "What did the minister say about tariffs?",
        "What are the next steps?",
        "Name the members of the delegation.",
        "What was agreed in Geneva?",
        "Please summarise the articles",
        "what happened after the meeting",
        "Explain the dispute over rare earths.",
        "Could you tell me more about the framework?",
        "Give me a summary of the articles",
        "What did the minister tell reporters?",
        "According to the minister, is the deal done?",
        "In Berg's view, have the talks failed?",
        "Did the two sides agree on tariffs?",
        "Hasn't the framework been approved?",
        "The talks ended on Tuesday. What did the minister say about them?",
    ],
)
def test_why_how_said_and_yes_or_no_want_sentences(question: str) -> None:
    assert understand(question).in_sentences


@pytest.mark.parametrize(
    "question",
    [
        "List the members of the delegation.",
        "Name the members of the delegation.",
        "What are the next steps?",
        "Which are the next steps?",
        "Which two issues were left?",
        "By which steps did they break the deal?",
        "Which U.S. officials went to London?",
        "What measures did the two sides agree on?",
        "What kinds of goods need a license?",
        "Who were the members of the delegation?",
    ],
)
def test_several_things_may_be_asked_for(question: str) -> None:
    assert understand(question).several


@pytest.mark.parametrize(
    "question",
    [
        "Who leads the delegation?",
        "What makes Lancaster House neutral?",
        "Which comes first, the deal or the vote?",
        "Which crisis led to the talks?",
        "On which days did they meet?",
        "What two-day meeting ended on Tuesday?",
        "How many days were left?",
        "How long did it last?",
        "When did the talks begin?",
        "Where is Lancaster House?",
        "What is the capital of France?",
        "Which company makes the chip?",
        "How is the agency abbreviated?",
        "Could you please tell me who leads the delegation?",
        "Do you know when the talks began?",
        "It is not clear why they met. Who led the Chinese side?",
        "",
    ],
)
def test_names_numbers_and_places_do_not(question: str) -> None:
    assert understand(question).wants == "phrase"
    assert not understand(question).several


@pytest.mark.parametrize(
    ("question", "first"),
    [
        ("The talks ended. Who led them?", "Who led them? The talks ended."),
        ("He met Mr. Li. They spoke. Who asked?", "Who asked? He met Mr. Li. They spoke."),
        ("Who led them? The talks, I mean.", "Who led them? The talks, I mean."),
        ("\u201cWe agreed.\u201d So who said that?", "So who said that? \u201cWe agreed.\u201d"),
        ("Talks in London\nWho led them?", "Who led them? Talks in London"),
        ("Where? When? In 2025.", "Where? When? In 2025."),
        ("The talks ended. Could you tell me who led them?", "who led them? The talks ended."),
    ],
)
def test_what_asks_is_read_first(question: str, first: str) -> None:
    assert as_read(question) == first


@pytest.mark.parametrize(
    ("question", "marked"),
    [
        ("who led the talks", "who led the talks?"),
        ("I'd like to know who led the talks.", "who led the talks?"),
        ("Who led the talks? ", "Who led the talks? "),
        ("Who said \u201cwe agreed?\u201d", "Who said \u201cwe agreed?\u201d"),
        ("Who said \u201cwe agreed\u201d", "Who said \u201cwe agreed\u201d?"),
        ("Talks in London\nWho led them", "Talks in London\nWho led them?"),
        ("Who led the U.S. team?", "Who led the U.S. team?"),
    ],
)
def test_every_question_is_read_with_its_mark(question: str, marked: str) -> None:
    assert as_read(question) == marked


@pytest.mark.parametrize("question", ["", "  ", "? ?", "..."])
def test_where_no_word_is_nothing_changes(question: str) -> None:
    assert as_read(question) == question


@pytest.mark.parametrize(
    ("question", "asked"),
    [
        ("Could you please tell me who leads the delegation?", "who leads the delegation?"),
        ("Do you know when the talks began?", "when the talks began?"),
        ("I'd like to know in which city they met.", "in which city they met."),
        ("According to the documents, who led them?", "who led them?"),
        ("Who led them, according to these articles, please?", "Who led them?"),
        ("Hi! Tell me more about the framework", "about the framework"),
        ("Please summarise the talks.", "about the talks."),
        ("What are the main points of the deal?", "about the deal?"),
        ("What do these articles say about Geneva?", "about Geneva?"),
        # What is asked itself stays.
        ("Can you return shoes?", "Can you return shoes?"),
        ("Do you know if the talks ended?", "Do you know if the talks ended?"),
        ("Who died, according to the UN report?", "Who died, according to the UN report?"),
        ("What is said in these articles?", "What is said in these articles?"),
        ("Please tell me", "Please tell me"),
        ("", ""),
    ],
)
def test_what_only_leads_up_to_a_question_is_left_out(question: str, asked: str) -> None:
    assert plain(question) == asked


@pytest.mark.parametrize(
    "question",
    [
        "Summarise the talks.",
        "Tell me about Lancaster House",
        "Could you give me a short overview of the framework, please?",
        "What is known about Guo Shan?",
        "What happened at the meeting in Geneva?",
        "Describe the \u201cneutral ground\u201d",
    ],
)
def test_what_wants_to_be_told_about_something_is_told_by_its_words(question: str) -> None:
    assert understand(question).wants == "topic"


@pytest.mark.parametrize(
    "question",
    [
        "Explain how it works.",
        "Explain to me how it works.",
        "Discuss whether it pays.",
        "Explain the reasons for the delay.",
        "About how many died?",
        "About 500 people attended which event?",
        "Tell me about how they met.",
        "What was said about tariffs by Lutnick?",
        "What happened to the ship?",
        "What happened at the talks when Li left?",
        "What happened in the end?",
        "What happened on Monday that made Li leave?",
    ],
)
def test_what_asks_something_about_it_is_none_of_these(question: str) -> None:
    assert understand(question).wants in ("phrase", "sentences")


@pytest.mark.parametrize(
    "question",
    [
        "Summarize the articles",
        "Summarise the five articles, please.",
        "Can you summarise all of it?",
        "Summarise",
        "What are these documents about?",
        "What is it all about?",
        "What are the main points?",
        "Give me a summary",
        "TL;DR",
    ],
)
def test_a_summary_of_everything_names_no_topic(question: str) -> None:
    assert understand(question).wants == "everything"


@pytest.mark.parametrize(
    "question",
    ["Tell me more about it.", "Explain that.", "Summarise the talks.", "What are tariffs about?"],
)
def test_what_names_something_is_no_summary_of_everything(question: str) -> None:
    assert understand(question).wants != "everything"


@pytest.mark.parametrize(
    ("question", "refused"),
    [
        ("Who is Łukaszewski?", False),
        ("Which post does 习近平 (Xi) have?", False),
        ("2024?", False),
        ("?!", False),
        ("Кто министр торговли?", True),
        ("谁是美国商务部长？", True),
        ("Ποιος;", True),
    ],
)
def test_what_is_asked_in_another_script_is_refused(question: str, refused: bool) -> None:
    assert bool(understand(question).refused) == refused


@pytest.mark.parametrize("question", ["please, " * 250 + "stop", "stop" + " -" * 1000 + " here"])
def test_a_long_lead_takes_no_long(question: str) -> None:
    started = perf_counter()
    assert plain(question)[-4:] in {"stop", "here"}
    assert understand(question).wants != "everything"
    assert perf_counter() - started < 1  # second; some milliseconds where no pattern goes astray
