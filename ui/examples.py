"""Example questions that the indexed documents answer, each tried before it is shown."""

from __future__ import annotations

import re
from collections import defaultdict
from itertools import chain, islice, zip_longest
from threading import Event

from rag import Answer, Rag, RagError, split_sentences
from ui.questions import Wondering, questions

SHOWN = 4
TRIED = 12  # candidates at most: about a second
LOOKED_AT = 10  # documents
READ = 20_000  # characters of each
SURE = 0.6  # least confidence of an answer whose question is shown
KINDS = ("office", "when", "say", "many", "why", "where", "who")  # in this order


def examples(rag: Rag, ending: Event) -> list[str]:
    """Questions of different kinds that are answered as the documents say, at most SHOWN.

    None where nothing fits; it ends early once `ending` is set.
    """
    found: list[str] = []
    try:
        for wondering in islice(_candidates(rag), TRIED):
            if len(found) == SHOWN or ending.is_set():
                break
            if _fits(wondering, rag.ask(wondering.question, reader_only=True)):
                found.append(wondering.question)
    except RagError:  # it is said where a question is asked
        return []
    return found


def _candidates(rag: Rag) -> list[Wondering]:
    """Questions of every kind in turn; of one kind, on what is named most often first."""
    texts = [rag.document(info.source).text[:READ] for info in rag.sources()[:LOOKED_AT]]
    everything = " ".join(" ".join(texts).split())
    words = frozenset(re.findall(r"\b[a-z]+", everything))
    made: dict[str, list[Wondering]] = defaultdict(list)
    for text in texts:
        for start, end in split_sentences(text):
            for wondering in questions(" ".join(text[start:end].split()), words):
                made[wondering.question].append(wondering)
    # A question with several answers does not say enough.
    clear = [same[0] for same in made.values() if len({one.answer for one in same}) == 1]
    clear.sort(key=lambda one: -everything.count(one.about))
    ranked = [[one for one in clear if one.kind == kind] for kind in KINDS]
    return [one for one in chain.from_iterable(zip_longest(*ranked)) if one is not None]


def _fits(wondering: Wondering, answer: Answer) -> bool:
    """Whether an answer is sure, and the one that the question was made from."""
    if answer.status == "abstained" or answer.confidence < SURE:
        return False
    said = " ".join([answer.short or "", *(citation.context for citation in answer.citations)])
    return wondering.answer.rstrip(".") in " ".join(said.split())
