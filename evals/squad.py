"""The reader on the single contexts of a SQuAD 1.1 or 2.0 file.

    rag eval squad FILE[.gz] [--held-out] [--json]

A context's answer is chosen as by the product from a single passage: its spans, their sentences
read once more, the first candidate's best worded span as it stands. (No public name says it.)

With --held-out only what the shipped reader was not trained on: of SQuAD 2.0 the titles whose
SHA-256 starts with 0 to 3, of SQuAD 1.1 (SQuADShifts) the contexts whose SHA-256 starts with 0.
Exact match and F1 are those of SQuAD's official script, over all questions and over those with and
without an answer (HasAns, NoAns). A question is answered where the odds that its context has an
answer, any, are at least a threshold: `always` answers every question; `set` is the reader's own
decision, even odds; `best` is the threshold that is best on these very questions, as in the
official script, so an upper bound. Thresholds are logarithms. AUC is of the odds, answerable
against unanswerable.
"""

from __future__ import annotations

import gzip
import json
import math
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from tqdm import tqdm

from evals.command import exit_code, parser_of, print_figures, print_json, reason
from evals.metrics.abstention import auroc
from evals.metrics.answers import exact_match, f1
from evals.statistics import Estimate, estimate
from rag import Passage, SourceError
from rag.deciding import decide
from rag.embedding import BundledEmbedder
from rag.kinds import understand
from rag.reading import SpanReader
from rag.sentences import split_sentences
from rag.settings import Settings
from rag.training.questions import split_of  # the rule that the reader was trained by

SET = 0.0  # from here on the reader says that a context rather has an answer than none

Score = Callable[[str, Sequence[str]], float]


@dataclass(frozen=True, slots=True)
class Item:
    """A question on a context; `accepted` is empty where it has no answer."""

    question: str
    context: str
    accepted: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the reader said: its first candidate's words, and the logarithm of the odds that the
    context has an answer, whichever."""

    item: Item
    answer: str
    odds: float


def load_items(file: Path, *, held_out: bool) -> list[Item]:
    """The questions in file order. Raises SourceError where the file cannot be read."""
    try:
        raw = file.read_bytes()
        data = json.loads(gzip.decompress(raw) if file.suffix == ".gz" else raw)
        return list(_items(data, held_out=held_out))
    except (OSError, EOFError, ValueError, LookupError, TypeError, AttributeError) as error:
        raise SourceError(
            f"{file} cannot be read: {reason(error)}.", hint="FILE is in SQuAD's JSON format."
        ) from None


def _items(data: dict[str, Any], *, held_out: bool) -> Iterator[Item]:
    by_title = str(data.get("version", "")).startswith("v2")
    for article in data["data"]:
        for paragraph in article["paragraphs"]:
            context = paragraph["context"]
            split = split_of(context, article["title"] if by_title else None)
            if held_out and split != "test":
                continue
            for item in paragraph["qas"]:
                answers = [] if item.get("is_impossible") else item["answers"]
                yield Item(item["question"], context, tuple(a["text"] for a in answers))


def read(reader: SpanReader, items: Sequence[Item]) -> list[Outcome]:
    """Read each question's context."""
    outcomes = []
    for item in tqdm(items, desc="Reading", disable=None, leave=False):
        query, context = understand(item.question), item.context
        sentences = tuple(split_sentences(context))
        passage = Passage("context", 0, len(context), context, fused_score=1.0, sentences=sentences)
        [reading] = reader.read(query.text, [passage])
        candidates = decide(query, [reading], reader.read)
        answer = candidates[0].members[0].span.text if candidates else ""
        outcomes.append(Outcome(item, answer, _odds(reading.no_answer_score)))
    return outcomes


def _odds(none: float) -> float:
    """The logarithm of the odds against an event, of which `none` is that of the probability."""
    return math.log(-math.expm1(none)) - none if none < 0 else float("-inf")


def summarize(outcomes: Sequence[Outcome]) -> dict[str, Estimate | float]:
    """EM and F1 (0 to 1): always answering, and with unanswerable questions also at the set and at
    the best threshold, with the AUC."""
    answerable = [o for o in outcomes if o.item.accepted]
    figures: dict[str, Estimate | float] = {
        "answerable": len(answerable),
        "unanswerable": len(outcomes) - len(answerable),
    }
    if answerable:
        figures |= {
            "em_always": estimate([exact_match(o.answer, o.item.accepted) for o in answerable]),
            "f1_always": estimate([f1(o.answer, o.item.accepted) for o in answerable]),
        }
    if len(answerable) < len(outcomes):
        figures |= at_threshold(outcomes, SET)
        for name, score in (("em", exact_match), ("f1", f1)):
            figures[f"{name}_best"], figures[f"{name}_best_threshold"] = best(outcomes, score)
        if answerable:
            figures["auc"] = _auc(outcomes)
    return figures


def at_threshold(outcomes: Sequence[Outcome], threshold: float) -> dict[str, Estimate | float]:
    """Official EM and F1 where a question is answered from odds of `threshold` on."""
    figures: dict[str, Estimate | float] = {}
    for name, score in (("em", exact_match), ("f1", f1)):
        groups = {
            f"{name}_set": outcomes,
            f"{name}_set_HasAns": [o for o in outcomes if o.item.accepted],
            f"{name}_set_NoAns": [o for o in outcomes if not o.item.accepted],
        }
        for group, members in groups.items():
            if members:
                said = [o.answer if o.odds >= threshold else "" for o in members]
                pairs = zip(said, members, strict=True)
                figures[group] = estimate([score(answer, o.item.accepted) for answer, o in pairs])
    return figures


def best(outcomes: Sequence[Outcome], score: Score) -> tuple[float, float]:
    """The best mean score over all thresholds on the odds, and the threshold it is reached at.

    Silence scores 1 on the unanswerable and 0 on the others. Outcomes of the same odds are answered
    together.
    """
    silent = sum(not o.item.accepted for o in outcomes)
    best_total, best_odds, total = float(silent), float("inf"), float(silent)
    ranked = sorted(outcomes, key=lambda o: -o.odds)
    for place, outcome in enumerate(ranked):
        accepted = outcome.item.accepted
        total += score(outcome.answer, accepted) - (not accepted)
        last = place + 1 == len(ranked) or ranked[place + 1].odds != outcome.odds
        if last and total > best_total:
            best_total, best_odds = total, outcome.odds
    return best_total / len(outcomes), best_odds


def _auc(outcomes: Sequence[Outcome]) -> float:
    has_answer = np.array([float(bool(o.item.accepted)) for o in outcomes])
    odds = np.array([o.odds for o in outcomes])
    return float(auroc(has_answer, odds, np.ones((1, len(outcomes))))[0])


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; returns the exit code."""
    parser = parser_of("rag eval squad", __doc__)
    parser.add_argument("file", type=Path)
    parser.add_argument("--held-out", action="store_true")
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args(arguments)

    def run() -> None:
        items = load_items(given.file, held_out=given.held_out)
        reader = SpanReader(BundledEmbedder(Settings.load().precision))
        figures = summarize(read(reader, items))
        if given.json:
            print_json(figures)
            return
        print_figures(given.file.name, figures)

    return exit_code(run)


if __name__ == "__main__":
    sys.exit(main())
