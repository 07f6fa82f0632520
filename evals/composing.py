"""Write a gold question from an answer that a person has looked at.

    rag eval new [--data FILE] QUESTION...

Asks the documents that are indexed, shows the answer and its evidence, and appends what you confirm
or correct to FILE (questions.jsonl). Replies can also come through a pipe, one a line.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import cast, get_args

from evals.command import exit_code, parser_of
from rag import Answer, GoldItem, Rag, UsageError
from rag.gold import Absent, Kind, Support, append_gold, guess_kind
from rag.terminal import safe

CHOICES = "[y] right  [n] wrong, give the answer  [u] the documents do not answer  [q] do not keep"


def main(arguments: Sequence[str]) -> int:
    """Run the command; the exit code."""
    parser = parser_of("rag eval new", __doc__)
    parser.add_argument("question", nargs="+", metavar="QUESTION")
    parser.add_argument("--data", type=Path, metavar="FILE", default=Path("questions.jsonl"))
    options = parser.parse_args(arguments)

    def run() -> None:
        with Rag.open(threshold=0.0) as rag:
            answer = rag.ask(" ".join(options.question))
            _show(answer)
            item = compose(rag, answer)
        if item is None:
            print("Nothing was kept.", file=sys.stderr)
            return
        append_gold(options.data, item)
        print(f"{item.id} was added to {options.data}", file=sys.stderr)

    return exit_code(run)


def compose(rag: Rag, answer: Answer) -> GoldItem | None:
    """The gold item that a person's replies make of an answer; None where they want none.

    Raises:
        UsageError: the replies end before everything was asked.
    """
    choices = "ynuq" if answer.citations else "nuq"
    choice = _choose(CHOICES, choices)
    if choice == "q":
        return None
    if choice == "u":
        absent = _choose("What is missing: [a]ttribute, [e]ntity, [t]opic?", "aet")
        kinds = {name[0]: name for name in get_args(Absent)}
        item = GoldItem.from_answer(answer, absent=cast(Absent, kinds[absent]), kind=_kind(answer))
    elif choice == "n":
        accepted = [one.strip() for one in _reply("Accepted answers, | between them:").split("|")]
        if not all(accepted):
            raise UsageError("An accepted answer is empty.")
        support = _support(rag)
        item = GoldItem.from_answer(
            answer, answers=accepted, evidence=[support], kind=_kind(answer)
        )
    else:
        item = GoldItem.from_answer(answer, kind=_kind(answer))
    fact = _reply(f"Fact it is about, by name [{item.fact}]:")
    return replace(item, fact=fact or item.fact, note=_reply("Note []:"))


def _show(answer: Answer) -> None:
    if answer.short:
        print(safe(answer.short))
    print(safe(answer.text))
    for one in answer.citations:
        print(f"[{one.marker}] {safe(one.source)}, characters {one.start}-{one.end}")
        print(f"    {safe(' '.join(one.context.split()))}")
    print(f"Probability of being right: {answer.confidence:.2f}")


def _kind(answer: Answer) -> Kind:
    guess = guess_kind(answer.question)
    kind = _reply(f"Kind ({', '.join(get_args(Kind))}) [{guess}]:") or guess
    if kind not in get_args(Kind):
        raise UsageError(f"{kind!r} is not a kind.", hint=f"Kinds: {', '.join(get_args(Kind))}.")
    return cast(Kind, kind)


def _support(rag: Rag) -> Support:
    """Where the words that support the answer stand. Asks for them until they are found once."""
    while True:
        quote = _reply("Words of a document that say so, exactly:")
        places = [
            Support(one.source, start, start + len(quote), quote)
            for one in rag.sources()
            if quote
            for text in [rag.document(one.source).text]
            for start in _all(text, quote)
        ]
        if len(places) == 1:
            return places[0]
        print(
            "No document has these words; copy them from the source."
            if not places
            else f"They stand in {len(places)} places; give more of the words around them.",
            file=sys.stderr,
        )


def _all(text: str, words: str) -> list[int]:
    found, start = [], text.find(words)
    while start >= 0:
        found.append(start)
        start = text.find(words, start + 1)
    return found


def _choose(prompt: str, choices: str) -> str:
    while (reply := _reply(prompt).lower()[:1]) not in choices or not reply:
        print(f"Answer one of {', '.join(choices)}.", file=sys.stderr)
    return reply


def _reply(prompt: str) -> str:
    """A line from standard input. Raises UsageError at its end."""
    print(prompt, end=" ", file=sys.stderr, flush=True)
    line = sys.stdin.readline()
    if not line:
        raise UsageError(
            "The replies ended before the question was complete; nothing was kept.",
            hint="Through a pipe, give a line for each thing that is asked.",
        )
    return line.strip()
