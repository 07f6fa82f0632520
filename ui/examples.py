"""Example questions that the indexed documents answer, each tried before it is shown."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from itertools import islice, zip_longest

from rag import Rag, RagError

SHOWN = 4
TRIED = 12  # candidates at most: about a second
LOOKED_AT = 10  # documents
READ = 20_000  # characters of each
SURE = 0.6  # least confidence of an answer whose question is shown

_TITLES = (
    "Secretary|Minister|President|Premier|Chancellor|Senator|Governor|Mayor|King|Queen|Prince|Pope"
    "|Chairman|Chairwoman|Chair|Director|Professor|Doctor|Judge|General|Captain|Ambassador"
)
_WORD = r"[A-Z][a-z]+(?:[\u2019'-][A-Za-z]+)?"
_HELD = re.compile(rf"\b((?:{_WORD} ){{0,2}}(?:{_TITLES})) ({_WORD} {_WORD})\b")
_SAID = re.compile(rf"\b({_WORD} {_WORD}),? (?:said|told|says|added|announced)\b")


def examples(rag: Rag) -> list[str]:
    """Questions that are answered with some confidence, at most SHOWN; none where nothing is."""
    try:
        found: list[str] = []
        for question in islice(_candidates(rag), TRIED):
            answer = rag.ask(question, reader_only=True)
            if answer.status == "answered" and answer.confidence >= SURE:
                found.append(question)
            if len(found) == SHOWN:
                break
    except RagError:  # it is said where a question is asked
        return []
    return found


def _candidates(rag: Rag) -> Iterator[str]:
    """Questions about who holds an office, who somebody is and what they said, in turn; what is
    named most often first."""
    offices: Counter[str] = Counter()
    people: Counter[str] = Counter()
    speakers: Counter[str] = Counter()
    for info in rag.sources()[:LOOKED_AT]:
        text = rag.document(info.source).text[:READ]
        held = _HELD.findall(text)
        offices.update(office for office, _ in held if " " in office)
        people.update(name for _, name in held)
        speakers.update(name for name in _SAID.findall(text) if not re.search(_TITLES, name))
    sorts = (
        [f"Who is the {name}?" for name, _ in offices.most_common()],
        [f"What did {name} say?" for name, _ in speakers.most_common()],
        [f"Who is {name}?" for name, _ in people.most_common()],
    )
    for questions in zip_longest(*sorts):
        yield from filter(None, questions)
