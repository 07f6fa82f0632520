"""Retrieval by characters, on chunking_evaluation (github.com/brandonstarxel/chunking_evaluation).

    rag eval chunking FOLDER [--corpora a,b] [--k 5] [--json]

FOLDER holds `questions_df.csv` (question, references as JSON, corpus_id) and a `<corpus_id>.md` for
each corpus; the references' offsets are characters of that file. All corpora are in one index, as
in the published figures. The metrics are those of the data set's own code
(evaluation_framework/base_evaluation.py, `_scores_from_dataset_and_retrievals`), averaged over
questions. Retrieval was tuned on three corpora only; the other two are the test.
"""

from __future__ import annotations

import argparse
import csv
import json
import shutil
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from tqdm import tqdm

from evals.command import (
    exit_code,
    ingest,
    print_json,
    print_table,
    reason,
    working_folder,
)
from evals.coverage import Span, disjoint
from evals.statistics import Estimate, estimate
from rag import Rag, SourceError, UsageError

QUESTIONS = "questions_df.csv"
TUNE = ("chatlogs", "finance", "pubmed")
TEST = ("state_of_the_union", "wikitexts")
# Chroma's report "Evaluating Chunking Strategies for Retrieval" (2024), top 5 of all five corpora,
# in %: recall, precision, IoU. all-MiniLM-L6-v2 but for the last row; None is not published.
PUBLISHED: Mapping[str, tuple[float, float, float | None]] = {
    "recursive 250/125": (78.7, 4.9, 4.9),
    "recursive 200/0": (75.7, 6.5, 6.5),
    "cluster 200": (75.2, 7.2, 7.2),
    "best recall of MiniLM": (82.4, 3.6, None),
    "text-embedding-3-large": (88.1, 7.0, None),
}


class Place(NamedTuple):
    """The characters [start, end) of one corpus."""

    corpus: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Reference:
    """Characters [start, end) of a corpus, with what they say there."""

    start: int
    end: int
    content: str


@dataclass(frozen=True, slots=True)
class Question:
    """A question with the stretches of its corpus that answer it."""

    text: str
    corpus: str
    references: tuple[Reference, ...]


@dataclass(frozen=True, slots=True)
class Scores:
    """One question's figures, each 0 to 1, and the characters retrieved for it."""

    recall: float
    precision: float
    iou: float
    characters: int


@dataclass(frozen=True, slots=True)
class Group:
    """The figures of some corpora's questions: 0 to 1, and characters retrieved a question."""

    questions: int
    recall: Estimate
    precision: Estimate
    iou: Estimate
    characters: Estimate


def score(corpus: str, references: Sequence[Span], retrieved: Sequence[Place]) -> Scores:
    """Score what was retrieved for a question of `corpus` against its references.

    A character found twice counts once as found, but twice as retrieved. Passages of other corpora
    count as retrieved. Where nothing was retrieved, precision is 0 (the original divides by zero).

    Raises:
        ValueError: there are no references.
    """
    wanted = sum(end - start for start, end in references)
    if not wanted:
        raise ValueError("a question needs references")
    overlaps = [
        [
            (max(start, place.start), min(end, place.end))
            for place in retrieved
            if place.corpus == corpus and place.start < end and start < place.end
        ]
        for start, end in references
    ]
    found = _length(span for spans in overlaps for span in spans)
    missed = wanted - sum(_length(spans) for spans in overlaps)
    characters = sum(place.end - place.start for place in retrieved)
    return Scores(
        recall=found / wanted,
        precision=found / characters if characters else 0.0,
        iou=found / (characters + missed),
        characters=characters,
    )


def _length(spans: Iterable[Span]) -> int:
    """The characters in at least one of the spans."""
    return sum(end - start for start, end in disjoint(spans))


def load_questions(folder: Path) -> list[Question]:
    """The questions of a folder in file order.

    Raises:
        SourceError: the file is missing or not of this data set.
    """
    path = folder / QUESTIONS
    try:
        with path.open(encoding="utf-8", newline="") as file:
            return [
                Question(
                    row["question"],
                    row["corpus_id"],
                    tuple(
                        Reference(one["start_index"], one["end_index"], one["content"])
                        for one in json.loads(row["references"])
                    ),
                )
                for row in csv.DictReader(file)
            ]
    except (OSError, ValueError, KeyError) as error:
        raise SourceError(
            f"{path} cannot be read: {reason(error)}.",
            hint="FOLDER is chunking_evaluation's general_evaluation_data with its .md files.",
        ) from None


def retrieve(
    folder: Path, questions: Sequence[Question], corpora: Sequence[str], k: int
) -> list[list[Place]]:
    """Index the corpora and retrieve `k` passages for each question.

    Raises:
        SourceError: a corpus is missing, or a reference is not where the questions say.
    """
    with working_folder() as work:
        texts = work / "corpora"
        texts.mkdir()
        for corpus in corpora:
            try:
                shutil.copyfile(folder / f"{corpus}.md", texts / f"{corpus}.md")
            except OSError as error:
                raise SourceError(
                    f"{folder / corpus}.md cannot be read: {reason(error)}."
                ) from None
        with Rag.open(home=work / "home") as rag:
            ingest(rag, texts)
            for corpus in corpora:
                _check_references(rag, corpus, questions)
            return [
                [
                    Place(passage.source.removesuffix(".md"), passage.start, passage.end)
                    for passage in rag.retrieve(question.text, k=k)
                ]
                for question in tqdm(questions, desc="Retrieving", disable=None, leave=False)
            ]


def _check_references(rag: Rag, corpus: str, questions: Sequence[Question]) -> None:
    """Offsets of the data set and of the index have to mean the same characters."""
    text = rag.document(f"{corpus}.md").text
    for question in questions:
        for reference in question.references if question.corpus == corpus else ():
            if text[reference.start : reference.end] != reference.content:
                raise SourceError(
                    f"{corpus}.md: characters {reference.start} to {reference.end} are not the"
                    f" reference of {question.text!r}.",
                    hint="The corpus and the questions have to be of the same version.",
                )


def summarise(
    questions: Sequence[Question], scores: Sequence[Scores], corpora: Sequence[str]
) -> dict[str, Group]:
    """The groups by name: each corpus, then those tuned on, those for test, and all."""
    members: dict[str, Sequence[str]] = {corpus: (corpus,) for corpus in corpora}
    members |= {"tune": TUNE, "test": TEST, "all": corpora}
    summary = {}
    for name, included in members.items():
        chosen = [
            one
            for question, one in zip(questions, scores, strict=True)
            if question.corpus in included
        ]
        if chosen:
            summary[name] = Group(
                len(chosen),
                recall=estimate([one.recall for one in chosen]),
                precision=estimate([one.precision for one in chosen]),
                iou=estimate([one.iou for one in chosen]),
                characters=estimate([one.characters for one in chosen]),
            )
    return summary


def measure(folder: Path, corpora: Sequence[str] | None, k: int) -> dict[str, Group]:
    """Run the whole evaluation.

    Args:
        folder: the data set.
        corpora: the corpora to index and ask about; None for all that have questions.
        k: passages a question.

    Raises:
        UsageError: there are no questions for one of the corpora.
        SourceError: the data set is not whole.
    """
    questions = load_questions(folder)
    known = sorted({question.corpus for question in questions})
    chosen = known if corpora is None else list(corpora)
    if unknown := [corpus for corpus in chosen if corpus not in known]:
        raise UsageError(
            f"There are no questions for {', '.join(unknown)}.",
            hint=f"The corpora are {', '.join(known)}.",
        )
    asked = [question for question in questions if question.corpus in chosen]
    retrieved = retrieve(folder, asked, chosen, k)
    scores = [
        score(question.corpus, [(one.start, one.end) for one in question.references], places)
        for question, places in zip(asked, retrieved, strict=True)
    ]
    return summarise(asked, scores, chosen)


def _print(groups: Mapping[str, Group], k: int) -> None:
    print(f"Top {k} passages; % of characters, with 95 % intervals over questions\n")
    rows = [
        [name, group.questions]
        + [_percent(one) for one in (group.recall, group.precision, group.iou)]
        + [f"{group.characters.mean:,.0f}"]
        for name, group in groups.items()
    ]
    rows += [
        [f"Chroma: {name}", "", *("" if value is None else f"{value:.1f}" for value in row), ""]
        for name, row in PUBLISHED.items()
    ]
    print_table(["corpora", "questions", "recall", "precision", "IoU", "characters"], rows)
    print("\nChroma's rows are published for the five corpora, top 5; text-embedding-3-large is")
    print("not MiniLM. `tune` are the corpora that retrieval was tuned on, `test` the others.")


def _percent(value: Estimate) -> str:
    return f"{100 * value.mean:.1f} [{100 * value.low:.1f}, {100 * value.high:.1f}]"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; the exit code."""
    parser = argparse.ArgumentParser(
        prog="rag eval chunking", description="Retrieval by characters."
    )
    parser.add_argument(
        "folder", type=Path, metavar="FOLDER", help="questions_df.csv and .md files"
    )
    parser.add_argument("--corpora", metavar="A,B", help="only these corpora and their questions")
    parser.add_argument("--k", type=int, default=5, help="passages a question (default 5)")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    options = parser.parse_args(arguments)

    def run() -> None:
        corpora = options.corpora.split(",") if options.corpora else None
        groups = measure(options.folder, corpora, options.k)
        if options.json:
            print_json({"k": options.k, "groups": groups, "published_percent": PUBLISHED})
        else:
            _print(groups, options.k)

    return exit_code(run)


if __name__ == "__main__":
    sys.exit(main())
