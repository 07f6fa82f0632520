"""Questions written for this project, on contexts of the question sets: `written.jsonl`.

First seven on a context (five on a short one): most have an answer there, half of these in other
words than the context's, and three (two) are near misses: what stands there of another person, year
or place, what is told of one thing and not of the other, or an attribute that is not told at all.
SQuAD 2.0 is the only set that has such questions by people, and too few. Then, on most contexts,
four that balance these, since words close to the context's, and "how many" and "in which year",
had become a sign of no answer: one in the context's words, one with a long answer, one as a person
would ask who does not have the text, and a near miss in other words than its own. Last, on many
contexts of Wikinews and Wikipedia, six in the forms of a news quiz ("Which Alpine city hosted the
envoys this week?"), of two sentences, the first of which only says what it is about, and of a chat,
all in other words than the context's: one asks for one of several things of a type, two have no
answer, of which one asks for a type of thing that the context does not give; and on some of these
contexts four in the forms that had given away which have one.

Those on train contexts whose SHA-256 has 0 as its second hex digit are 'tune', to choose a reader
by. A line has the first 16 hex digits of its context's SHA-256, the question, and the start
and end (code points) of the answer in the context, null where it has none.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path

from rag.training.questions import Question, Split, digest

FILE = Path(__file__).parent / "written.jsonl"


def written_questions(contexts: Mapping[str, Split]) -> Iterator[Question]:
    """The questions on those of the contexts that there are, each with its context's split."""
    known = {digest(context)[:16]: context for context in contexts}
    for line in FILE.read_text().splitlines():
        row = json.loads(line)
        if context := known.get(row["context"]):
            answers = (tuple(row["answer"]),) if row["answer"] else ()
            split = contexts[context]
            if split == "train" and row["context"][1] == "0":
                split = "tune"
            yield Question(row["question"], context, answers, split, "written")
