"""QAMR's questions (Michael et al. 2018), each with the stretch of its article that is there.

Its pairs are on single sentences, cut into tokens, and people marked whatever tokens they liked: a
reader that learns from all of them answers with parts of names. So only questions are taken that
say what they are about and on which all three annotators agree; answers are widened to whole names
and amounts, and the sentences are put back into their paragraphs.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from rag.extending import extend
from rag.types import Span

WORDS = 5  # least words of a question
TOKENS = 12  # most tokens of an answer
EACH = 8  # questions a sentence at most, the longest

_BRACKETS = {"-LRB-": "(", "-RRB-": ")", "-LSB-": "[", "-RSB-": "]", "-LCB-": "{", "-RCB-": "}"}
_FORMS = _BRACKETS | {"``": "“", "''": "”", "`": "\u2018", "--": "\u2013"}
_JOINS_LEFT = re.compile(r"[,.;:!?)\]}”%]|\.\.\.|'\w*|n't")
_JOINS_RIGHT = frozenset("([{“\u2018$£€#")
_PRONOUNS = frozenset(
    re.findall(r"\w+", "i he she it they we you him her them this that these those his its")
)
_NAMED = re.compile(r"(?<!^)\b(?:[A-Z]\w+|\d[\d.,]*)")


@dataclass(frozen=True, slots=True)
class Stretch:
    """Sentences of one article in a row; where each one's tokens are in the text."""

    text: str
    tokens: dict[str, list[Span]]


def read_pairs(questions: str, sentences: str) -> Iterator[tuple[str, str, tuple[Span, ...]]]:
    """Questions that can be learnt from, each with its text and the answers in it, out of the two
    tables' contents."""
    stretches = {key: stretch for stretch in read_stretches(sentences) for key in stretch.tokens}
    by_sentence: dict[str, dict[str, tuple[Span, ...]]] = defaultdict(dict)
    for line in questions.split("\n"):
        if line:
            key, _, _, _, _, asked, *marks = line.split("\t")
            if answers := _answers(asked, marks, stretches[key], stretches[key].tokens[key]):
                by_sentence[key][asked.strip()] = answers
    for key, found in by_sentence.items():
        for asked in sorted(found, key=lambda asked: (-len(asked), asked))[:EACH]:
            yield asked, stretches[key].text, found[asked]


def _answers(
    asked: str, marks: Sequence[str], stretch: Stretch, tokens: Sequence[Span]
) -> tuple[Span, ...]:
    """One answer an annotator; none where the question is too vague or they differ."""
    sentence = stretch.text[tokens[0][0] : tokens[-1][1]]
    if len(asked.split()) < WORDS or not any(n in sentence for n in _NAMED.findall(asked)):
        return ()
    chosen = [[int(i) for i in mark.rpartition(":")[2].split()] for mark in marks]
    if not all(chosen) or not set.intersection(*map(set, chosen)):
        return ()
    if any(max(c) - min(c) >= min(TOKENS, len(c) + 1) for c in chosen):
        return ()
    spans = (_whole_names(stretch.text, tokens, min(c), max(c)) for c in chosen)
    answers = tuple(extend(stretch.text, *span) for span in spans)
    said = {stretch.text[a:b].lower() for a, b in answers}
    return () if said & _PRONOUNS or any(one in asked.lower() for one in said) else answers


def _whole_names(text: str, tokens: Sequence[Span], first: int, last: int) -> Span:
    """The span of some tokens, with the capitalised words next to one at either end."""

    def capital(place: int) -> bool:
        return 0 <= place < len(tokens) and text[tokens[place][0]].isupper()

    if capital(first):
        while capital(first - 1) and first > 1:
            first -= 1
    if capital(last):
        while capital(last + 1):
            last += 1
    return tokens[first][0], tokens[last][1]


def read_stretches(table: str) -> Iterator[Stretch]:
    """News by article, encyclopedia by paragraph: keys are set:kind:article:paragraph:sentence."""
    parts: dict[str, list[tuple[int, int, str, str]]] = defaultdict(list)
    for line in filter(None, table.split("\n")):
        key, sentence = line.split("\t")
        _, kind, article, paragraph, number = key.split(":")
        stretch = f"{kind}:{article}" + (f":{paragraph}" if kind == "wikipedia" else "")
        parts[stretch].append((int(paragraph), int(number), key, sentence))
    for rows in parts.values():
        text = ""
        before: int | None = None
        tokens: dict[str, list[Span]] = {}
        for place, _, key, sentence in sorted(rows):
            if text:
                text += " " if place == before else "\n\n"
            before = place
            written, spans = _written(sentence.split(" "))
            tokens[key] = [(len(text) + a, len(text) + b) for a, b in spans]
            text += written
        yield Stretch(text, tokens)


def _written(tokens: Sequence[str]) -> tuple[str, list[Span]]:
    """Tokens of the Penn Treebank as they are written, and where each is."""
    text = ""
    spans: list[Span] = []
    for token in tokens:
        form = _FORMS.get(token, token)
        if text and text[-1] not in _JOINS_RIGHT and not _JOINS_LEFT.fullmatch(form):
            text += " "
        spans.append((len(text), len(text) + len(form)))
        text += form
    return text, spans
