"""Questions with one word exchanged for another that stands in the same place of other questions.

"What is the capital of ...?" over a text that says its population, "Who founded ...?" over one that
says who wrote it: questions that look answered and are not, in as many words as people ask with.
"""

from __future__ import annotations

import random
import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence

from rag.encoder import Encoder
from rag.matching import STOP_WORDS, stems

EARLY = 4  # words of a question before the one that says what it asks for, at most
OFTEN = 3  # least questions in which a word stands in a place
ALIKE = 0.5  # cosine from which two words may mean the same

_WORD = re.compile(r"[\w'-]+")
# Words without which the question is the same.
_VAGUE = frozenset(
    re.findall(
        r"\w+",
        "kind sort type name part form example author person people reviewer poster writer user"
        " speaker product item thing main used happen happens happened said think",
    )
)


class Slots:
    """What stands between which two words, in how many of some questions."""

    def __init__(self, questions: Sequence[str], encoder: Encoder) -> None:
        self._fillers: dict[tuple[str, str], Counter[str]] = defaultdict(Counter)
        for question in dict.fromkeys(questions):
            for match, place in _places(question):
                self._fillers[place][match.group()] += 1
        words = sorted({word for found in self._fillers.values() for word in found})
        self._vectors = dict(zip(words, encoder.embed(words), strict=True))

    def exchange(self, question: str, text: str, rng: random.Random) -> str | None:
        """The question with one word exchanged for one that neither it nor the text has and that
        does not mean the same; None where there is none."""
        said = stems(f"{question} {text}")
        found = list(_places(question))
        rng.shuffle(found)
        for match, place in found:
            vector = self._vectors.get(match.group())
            fits = [
                (word, count)
                for word, count in self._fillers[place].items()
                if count >= OFTEN
                and vector is not None
                and vector @ self._vectors[word] < ALIKE
                and not stems(word) & said
            ]
            if fits:
                other = rng.choices([word for word, _ in fits], [count for _, count in fits])[0]
                return f"{question[: match.start()]}{other}{question[match.end() :]}"
        return None


def _places(question: str) -> Iterator[tuple[re.Match[str], tuple[str, str]]]:
    """The words of a question that say what it asks for, but names, each with its neighbours."""
    words = list(_WORD.finditer(question))
    for i, match in enumerate(words[1 : EARLY + 1], start=1):
        word = match.group()
        if word.islower() and word.isalpha() and word not in STOP_WORDS | _VAGUE:
            after = words[i + 1].group().lower() if i + 1 < len(words) else ""
            yield match, (words[i - 1].group().lower(), after)
