"""Replies of language models taken apart."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.replies import Written, sentences_of

KEYS = frozenset({"K7Q2", "M3T8"})


def parsed(reply: str) -> list[tuple[str, tuple[str, ...]]]:
    return [(one.text, one.keys) for one in sentences_of(reply, KEYS, ended=True)]


@pytest.mark.parametrize(
    ("reply", "found"),
    [
        ("It ended. [K7Q2]", [("It ended.", ("K7Q2",))]),
        ("It ended [K7Q2].", [("It ended.", ("K7Q2",))]),
        ("[K7Q2] It ended.", [("It ended.", ("K7Q2",))]),
        ("It ended. [K7Q2][M3T8]", [("It ended.", ("K7Q2", "M3T8"))]),
        ("It ended. [K7Q2, M3T8]", [("It ended.", ("K7Q2", "M3T8"))]),
        ("It ended (k7q2).", [("It ended.", ("K7Q2",))]),
        ("It ended \u3010K7Q2\u3011.", [("It ended.", ("K7Q2",))]),
        ("It ended. [1]", [("It ended.", ())]),
        ("It ended. [ZZZZ] [K7Q2]", [("It ended.", ("K7Q2",))]),
        ("It (the talk) ended.", [("It (the talk) ended.", ())]),
        ("It ended [K7Q2/M3T8].", [("It ended.", ("K7Q2", "M3T8"))]),
        ("It ended (lines K7Q2 and M3T8).", [("It ended.", ("K7Q2", "M3T8"))]),
        ("It ended. {K7Q2}", [("It ended.", ("K7Q2",))]),
        ("It ended. K7Q2", [("It ended.", ("K7Q2",))]),
        ("[K7Q2]: It ended.", [("It ended.", ("K7Q2",))]),
        ("K7Q2: It ended.", [("It ended.", ("K7Q2",))]),
        ("It ended.[K7Q2]It began.", [("It ended.", ("K7Q2",)), ("It began.", ())]),
        ("[Berg] did [not] go [sic].", [("(Berg) did (not) go (sic).", ())]),
        ("It ended [[1]1].", [("It ended ( 1).", ())]),
        (
            "It ended. [K7Q2] It began. [M3T8]",
            [("It ended.", ("K7Q2",)), ("It began.", ("M3T8",))],
        ),
        (
            "[K7Q2] It ended. [M3T8] It began.",
            [("It ended.", ("K7Q2",)), ("It began.", ("M3T8",))],
        ),
        ("It ended. It began. [M3T8]", [("It ended.", ()), ("It began.", ("M3T8",))]),
        ("- **It ended.** [K7Q2]\n2. It began.", [("It ended.", ("K7Q2",)), ("It began.", ())]),
        ("<think>[K7Q2] Hm.</think>It ended.", [("It ended.", ())]),
        ("<think>never closed", []),
        ("It may be. Hm.\n</think>\nIt ended.", [("It ended.", ())]),
        ("<p>It <b>ended</b>.</p>", [("It ended.", ())]),
        ("It *really* ended.", [("It really ended.", ())]),
        ("[K7Q2]", []),
        ("", []),
    ],
)
def test_sentences_and_their_keys(reply: str, found: list[tuple[str, tuple[str, ...]]]) -> None:
    assert parsed(reply) == found


def test_a_reply_in_pieces_gives_what_the_whole_gives() -> None:
    reply = "It ended on Tuesday. [K7Q2] Then it began (M3T8). [ZZZZ]\nAnd so on."
    whole = sentences_of(reply, KEYS, ended=True)
    for end in range(len(reply)):
        so_far = sentences_of(reply[:end], KEYS, ended=False)
        assert so_far == whole[: len(so_far)], reply[:end]


@pytest.mark.parametrize(
    "text",
    [
        "It ended (which the ministers called a break-through).",
        "[" + "a" * 4000,
        "[" + "a, " * 1300 + "!",
        "a" + " " * 4000 + "b",
        "(" * 4000,
        "<a" * 2000,
        "<think>" * 600,
        "a" * 4000,
    ],
)
def test_no_reply_takes_long(text: str) -> None:
    sentences_of("It ended. So did that.", KEYS, ended=True)  # Punkt is loaded
    started = time.process_time()
    sentences_of(text, KEYS, ended=True)
    assert time.process_time() - started < 0.1


@given(st.text(max_size=200), st.lists(st.sampled_from(sorted(KEYS)), max_size=3))
def test_no_reply_breaks_it(text: str, keys: list[str]) -> None:
    reply = text + "".join(f"[{key}]" for key in keys) + text
    for written in sentences_of(reply, KEYS, ended=True):
        assert isinstance(written, Written)
        assert written.text.strip()
        assert set(written.keys) <= KEYS
        assert not set(written.text) & set("[]")
