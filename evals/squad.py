"""The reader alone on the contexts of a SQuAD 1.1 or 2.0 file.

    python -m evals.squad FILE[.gz] [--held-out] [--json]

With --held-out only what the shipped reader was not trained on: of SQuAD 2.0 the titles whose
SHA-256 starts with 0 to 3, of SQuAD 1.1 (SQuADShifts) the contexts whose SHA-256 starts with 0.
`always` answers every question; `best` abstains below the threshold that is best on these very
questions (as SQuAD's own script has it, so an upper bound); AUC is of the margin between the best
span and no answer, answerable against unanswerable.
"""

from __future__ import annotations

import argparse
import gzip
import json
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tqdm import tqdm

from evals.answers import exact_match, f1
from evals.command import exit_code, print_json, print_table, reason
from evals.statistics import Estimate, estimate
from rag import Passage, Rag, SourceError
from rag.training.questions import split_of  # the rule that the reader was trained by


@dataclass(frozen=True, slots=True)
class Item:
    """A question on a context; `accepted` is empty where it has no answer."""

    question: str
    context: str
    accepted: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the reader said: its best worded span, and how far the most probable one stands above no
    answer (a logarithm of odds)."""

    item: Item
    answer: str
    margin: float


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


def read(rag: Rag, items: Sequence[Item]) -> list[Outcome]:
    """Read each question's context."""
    outcomes = []
    for item in tqdm(items, desc="Reading", disable=None, leave=False):
        passage = Passage("context", 0, len(item.context), item.context, fused_score=1.0)
        [reading] = rag.read(item.question, [passage])
        spans = reading.spans
        answer = spans[0].text if spans else ""
        evidence = max((span.span_score for span in spans), default=float("-inf"))
        outcomes.append(Outcome(item, answer, evidence - reading.no_answer_score))
    return outcomes


def summarize(outcomes: Sequence[Outcome]) -> dict[str, Estimate | float]:
    """EM and F1 (0 to 1) with intervals; with unanswerable questions also AUC and best F1."""
    answerable = [o for o in outcomes if o.item.accepted]
    figures: dict[str, Estimate | float] = {
        "answerable": len(answerable),
        "unanswerable": len(outcomes) - len(answerable),
        "em_always": estimate([exact_match(o.answer, o.item.accepted) for o in answerable]),
        "f1_always": estimate([f1(o.answer, o.item.accepted) for o in answerable]),
    }
    if len(answerable) < len(outcomes):
        from sklearn.metrics import roc_auc_score

        figures["auc"] = float(
            roc_auc_score([bool(o.item.accepted) for o in outcomes], [o.margin for o in outcomes])
        )
        figures["f1_best"] = best_f1(outcomes)
    return figures


def best_f1(outcomes: Sequence[Outcome]) -> float:
    """Mean F1 at the threshold on the margin that is best for it; silence is right (1) on the
    unanswerable and wrong (0) on the others."""
    gained = sum(not o.item.accepted for o in outcomes)  # silent on all
    best = float(gained)
    total = float(gained)
    for outcome in sorted(outcomes, key=lambda o: -o.margin):
        total += f1(outcome.answer, outcome.item.accepted) if outcome.item.accepted else -1.0
        best = max(best, total)
    return best / len(outcomes)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; returns the exit code."""
    assert __doc__
    parser = argparse.ArgumentParser(
        prog="python -m evals.squad",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("file", type=Path)
    parser.add_argument("--held-out", action="store_true")
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args(arguments)

    def run() -> None:
        items = load_items(given.file, held_out=given.held_out)
        with Rag.open() as rag:
            figures = summarize(read(rag, items))
        if given.json:
            print_json(figures)
            return
        rows = [
            (
                name,
                f"{value.mean:.3f} [{value.low:.3f}, {value.high:.3f}]"
                if isinstance(value, Estimate)
                else (value if isinstance(value, int) else f"{value:.3f}"),
            )
            for name, value in figures.items()
        ]
        print_table(("figure", given.file.name), rows)

    return exit_code(run)


if __name__ == "__main__":
    sys.exit(main())
