"""Answers end to end, on RealTimeQA 2022: news, quiz questions about it, and later questions.

    rag eval news FOLDER [--half even|odd|all] [--home DIR] [--json]

FOLDER holds `corpus.jsonl.gz`, `answerable.jsonl` and `unanswerable_2025_26.jsonl`. Every article
is indexed. `right` is the share of the answerable questions that the best candidate gets right
when always answering: F1 of 0.5 or more with an accepted answer, or one contained in a short
answer of 12 words or fewer. AUC is of the confidence, answerable against later questions; those
that the articles do answer (ANSWERED_LATER) are left out. Then what the set threshold makes of it.

Lines are counted from 0. The even ones were used for tuning, the odd are the test.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from tqdm import tqdm

from evals.command import exit_code, ingest, parser_of, print_figures, print_json, working_folder
from evals.metrics.abstention import auroc
from evals.metrics.answers import is_right
from evals.realtimeqa import CORPUS, HALVES, QUESTIONS, load_articles, rows_of, write_articles
from evals.statistics import Estimate, estimate
from rag import Rag

LATER = "unanswerable_2025_26.jsonl"
# Looked through by hand: a passage that is retrieved for them says the accepted answer, since it
# was so in 2022 too (the happiest country) or never changes (who heads the executive branch).
ANSWERED_LATER = frozenset(
    {
        "20260220_8",
        "20260417_1",
        "20260123_0",
        "20250411_10",
        "20260612_3",
        "20260626_14",
        "20250829_5",
        "20260306_1",
        "20250321_12",
        "20260227_7",
        "20251121_7",
        "20260522_15",
        "20250905_0",
        "20260529_5",
        "20260417_5",
    }
)


@dataclass(frozen=True, slots=True)
class Outcome:
    """One question's best candidate; `accepted` is empty, and it is never right, where the
    documents have no answer."""

    question: str
    accepted: tuple[str, ...]
    right: bool
    short: str
    confidence: float


def load(folder: Path, half: str) -> list[tuple[str, tuple[str, ...]]]:
    """Questions and accepted answers of a half; none for the later questions.

    Raises:
        SourceError: a file cannot be read.
    """
    known = rows_of(folder / QUESTIONS, ("question", "answers"))
    later = rows_of(folder / LATER, ("id", "question"))
    return [
        *(
            (row["question"], tuple(row["answers"]))
            for line, row in enumerate(known)
            if line % 2 in HALVES[half]
        ),
        *(
            (row["question"], ())
            for line, row in enumerate(later)
            if line % 2 in HALVES[half] and row["id"] not in ANSWERED_LATER
        ),
    ]


def ask(rag: Rag, items: Sequence[tuple[str, tuple[str, ...]]]) -> list[Outcome]:
    """Every question's best candidate. `rag` has a threshold of 0: it always answers."""
    outcomes = []
    for question, accepted in tqdm(items, desc="Asking", disable=None, leave=False):
        answer = rag.ask(question)
        short = answer.short or ""
        right = bool(accepted) and is_right(short, accepted)
        outcomes.append(Outcome(question, accepted, right, short, answer.confidence))
    return outcomes


def summarize(outcomes: Sequence[Outcome], threshold: float) -> dict[str, Estimate | float]:
    """The figures, shares from 0 to 1."""
    known = [o for o in outcomes if o.accepted]
    others = [o for o in outcomes if not o.accepted]
    said = [o for o in outcomes if o.confidence >= threshold]
    return {
        "answerable": len(known),
        "unanswerable": len(others),
        "right": estimate([float(o.right) for o in known]),
        "auc": float(
            auroc(
                np.array([float(bool(o.accepted)) for o in outcomes]),
                np.array([o.confidence for o in outcomes]),
                np.ones((1, len(outcomes))),
            )[0]
        ),
        "threshold": threshold,
        "right_at_threshold": estimate(
            [float(o.right and o.confidence >= threshold) for o in known]
        ),
        "silent": estimate([float(o.confidence < threshold) for o in others]),
        "right_of_answered": estimate([float(o.right) for o in said]) if said else float("nan"),
    }


def print_outcomes(
    name: str, outcomes: Sequence[Outcome], threshold: float, *, as_json: bool
) -> None:
    """Print the figures as a table under a name, or with the outcomes as one JSON object."""
    figures = summarize(outcomes, threshold)
    if as_json:
        print_json({"figures": figures, "outcomes": outcomes})
    else:
        print_figures(name, figures)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; returns the exit code."""
    parser = parser_of("rag eval news", __doc__)
    parser.add_argument("folder", type=Path, help=f"{CORPUS}, {QUESTIONS} and {LATER}")
    parser.add_argument("--half", choices=list(HALVES), default="odd", help="which lines to ask")
    parser.add_argument("--home", type=Path, metavar="DIR", help="keep the index for the next run")
    parser.add_argument("--json", action="store_true", help="print one JSON object, outcomes too")
    given = parser.parse_args(arguments)

    def run() -> None:
        items = load(given.folder, given.half)
        with working_folder(given.home) as work:
            write_articles(load_articles(given.folder), work / "articles")
            with Rag.open(home=work / "home") as rag:
                threshold = rag.settings.threshold
            with Rag.open(home=work / "home", threshold=0.0) as rag:
                ingest(rag, work / "articles")
                outcomes = ask(rag, items)
        print_outcomes(f"{given.half} lines", outcomes, threshold, as_json=given.json)

    return exit_code(run)


if __name__ == "__main__":
    sys.exit(main())
