"""Retrieval by article, on RealTimeQA 2022: news, and quiz questions about it.

    rag eval realtimeqa FOLDER [--articles N] [--half even|odd|all] [--starter]
                                      [--home DIR] [--json]

FOLDER holds `corpus.jsonl.gz` (doc_id, title, text) and `answerable.jsonl` (question,
gold_doc_ids). A hit at k is a gold article among the first k distinct articles: of the product's
five passages, of the chunks that dense search or BM25 alone found (from the answer's trace), and of
the starter's nodes (see evals.starter). The product shows fewer than five articles where passages
share one or weak ones were left out, the others nearly always five; the table says how many.

Lines are counted from 0. The even ones were used for tuning, the odd ones are the test.
"""

from __future__ import annotations

import argparse
import gzip
import json
import shutil
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean
from typing import Any

from tqdm import tqdm

from evals.command import (
    exit_code,
    ingest,
    print_json,
    print_table,
    reason,
    working_folder,
)
from evals.statistics import Estimate, difference, estimate
from rag import Rag, SourceError

CORPUS = "corpus.jsonl.gz"
QUESTIONS = "answerable.jsonl"
PASSAGES = 5
DEPTHS = (1, 5)
# Remainders of the line by 2.
HALVES: Mapping[str, tuple[int, ...]] = {"even": (0,), "odd": (1,), "all": (0, 1)}
PRODUCT = "product"


@dataclass(frozen=True, slots=True)
class Article:
    """One article; `file` is the name it is written under, the same whatever else is chosen."""

    doc_id: str
    file: str
    content: str


@dataclass(frozen=True, slots=True)
class Question:
    """A question with the files of the articles that answer it, and its line from 0."""

    line: int
    text: str
    gold: frozenset[str]


@dataclass(frozen=True, slots=True)
class Row:
    """One system's hit rate at k (0 to 1) over a half, and how far the product is above it.

    `articles` is how many distinct ones the first k were, on average: the product leaves weak
    passages out, and then shows fewer than it may.
    """

    half: str
    questions: int
    k: int
    system: str
    articles: float
    hit_rate: Estimate
    product_minus: Estimate | None


def load_articles(folder: Path) -> list[Article]:
    """The articles in file order. Raises SourceError where they cannot be read."""
    return [
        Article(
            row["doc_id"],
            f"{number:05}.txt",
            f"{row['title']}\n\n{row['text']}" if row["title"] else row["text"],
        )
        for number, row in enumerate(rows_of(folder / CORPUS, ("doc_id", "title", "text")))
    ]


def load_questions(folder: Path, articles: Sequence[Article]) -> list[Question]:
    """The questions in file order.

    Raises:
        SourceError: the file cannot be read, or names an article that is not there.
    """
    files = {article.doc_id: article.file for article in articles}
    questions = []
    for line, row in enumerate(rows_of(folder / QUESTIONS, ("question", "gold_doc_ids"))):
        if missing := [id_ for id_ in row["gold_doc_ids"] if id_ not in files]:
            raise SourceError(f"{folder / CORPUS} lacks the article {missing[0]}.")
        gold = frozenset(files[id_] for id_ in row["gold_doc_ids"])
        questions.append(Question(line, row["question"], gold))
    return questions


def rows_of(path: Path, keys: Sequence[str]) -> list[dict[str, Any]]:
    """The objects of a JSON Lines file, plain or gzipped, each with `keys`.

    Raises:
        SourceError: it cannot be read, or a line lacks a key.
    """
    try:
        content = path.read_bytes()
        text = (gzip.decompress(content) if path.suffix == ".gz" else content).decode()
        # Not splitlines: articles have other line separators inside.
        rows = [json.loads(line) for line in text.split("\n") if line]
        if lacking := [key for key in keys for row in rows if key not in row]:
            raise SourceError(f"{path}: a line has no {lacking[0]!r}.")
    except (OSError, EOFError, ValueError) as error:
        raise SourceError(
            f"{path} cannot be read: {reason(error)}.",
            hint=f"FOLDER holds {CORPUS} and {QUESTIONS} of RealTimeQA 2022.",
        ) from None
    return rows


def choose(
    articles: Sequence[Article], questions: Sequence[Question], count: int | None
) -> list[Article]:
    """The gold articles of all questions, then others in file order, up to `count` (None: all)."""
    wanted = frozenset().union(*(question.gold for question in questions))
    ranked = sorted(articles, key=lambda article: article.file not in wanted)
    return ranked[: None if count is None else max(count, len(wanted))]


def write_articles(articles: Sequence[Article], folder: Path) -> None:
    """Make the folder hold exactly these articles, a text file each."""
    folder.mkdir(exist_ok=True)
    for stray in {path.name for path in folder.iterdir()} - {one.file for one in articles}:
        (folder / stray).unlink()
    for article in articles:
        with (folder / article.file).open("w", encoding="utf-8", newline="") as file:
            file.write(article.content)


def is_hit(ranked: Sequence[str], gold: frozenset[str], k: int) -> bool:
    """Whether a gold article is among the first `k` distinct ones of a ranking with repeats."""
    return not gold.isdisjoint(distinct(ranked, k))


def distinct(ranked: Sequence[str], k: int) -> list[str]:
    """The first `k` distinct files of a ranking."""
    return list(dict.fromkeys(ranked))[:k]


def rank(rag: Rag, question: str) -> dict[str, list[str]]:
    """The files of each system's hits, best first, with repeats."""
    trace = rag.ask(question).trace
    return {
        PRODUCT: [passage.source for passage in rag.retrieve(question, k=PASSAGES)],
        "dense alone": [hit.source for hit in trace.dense],
        "BM25 alone": [hit.source for hit in trace.lexical],
    }


def compare(
    questions: Sequence[Question],
    rankings: Mapping[str, Sequence[Sequence[str]]],
    halves: Sequence[str],
) -> list[Row]:
    """Every system's hit rates on the halves that have questions.

    `rankings` has for each system a ranking of files a question, in order; PRODUCT is one of them.
    """
    rows = []
    for half in halves:
        chosen = [n for n, one in enumerate(questions) if one.line % 2 in HALVES[half]]
        for k in DEPTHS if chosen else ():
            hits = {
                system: [float(is_hit(ranked[n], questions[n].gold, k)) for n in chosen]
                for system, ranked in rankings.items()
            }
            rows += [
                Row(
                    half,
                    len(chosen),
                    k,
                    system,
                    fmean(len(distinct(rankings[system][n], k)) for n in chosen),
                    estimate(values),
                    None if system == PRODUCT else difference(hits[PRODUCT], values),
                )
                for system, values in hits.items()
            ]
    return rows


def measure(
    folder: Path, count: int | None, half: str, *, starter: bool, home: Path | None
) -> tuple[int, list[Row]]:
    """Run the whole evaluation: how many articles there were, and the rows.

    Args:
        folder: the data set.
        count: articles to index, at least all gold ones; None for all.
        half: the questions to ask, a key of HALVES.
        starter: also measure LlamaIndex's starter.
        home: where articles and indexes are kept for the next run; None keeps nothing.
    """
    articles = load_articles(folder)
    questions = load_questions(folder, articles)
    articles = choose(articles, questions, count)
    questions = [one for one in questions if one.line % 2 in HALVES[half]]
    with working_folder(home) as work:
        texts = work / "articles"
        write_articles(articles, texts)
        with Rag.open(home=work / "home") as rag:
            ingest(rag, texts)
            ranked = [rank(rag, one.text) for one in _progress(questions)]
        rankings = {system: [one[system] for one in ranked] for system in ranked[0]}
        if starter:
            rankings["starter"] = _rank_by_starter(questions, texts, work)
    return len(articles), compare(questions, rankings, [half] if half != "all" else list(HALVES))


def _rank_by_starter(questions: Sequence[Question], texts: Path, work: Path) -> list[list[str]]:
    """The starter's ranking a question. Its index is kept for each number of articles."""
    from evals.starter import Starter  # takes seconds to import

    index = work / f"starter-{len(list(texts.iterdir()))}"
    whole = index / "whole"  # written last: an index without it was left half made
    if not whole.is_file():
        shutil.rmtree(index, ignore_errors=True)
    starter = Starter(index)
    if not whole.is_file():
        print("Ingesting with the starter, which shows no progress.", file=sys.stderr)
        starter.ingest(texts)
        whole.touch()
    return [starter.top_files(one.text, max(DEPTHS)) for one in _progress(questions)]


def _progress(questions: Sequence[Question]) -> Iterable[Question]:
    return tqdm(questions, desc="Asking", disable=None, leave=False)


def _print(articles: int, rows: Sequence[Row]) -> None:
    print(f"{articles:,} articles; % of questions, with 95 % intervals over questions\n")
    print_table(
        ["half", "questions", "system", "k", "articles", "hit at k", "product minus it"],
        [
            [
                row.half,
                row.questions,
                row.system,
                row.k,
                f"{row.articles:.1f}",
                _percent(row.hit_rate),
                "" if row.product_minus is None else _percent(row.product_minus),
            ]
            for row in rows
        ],
    )
    print("\nThe even lines were used for tuning, the odd ones are the test.")


def _percent(value: Estimate) -> str:
    return f"{100 * value.mean:.1f} [{100 * value.low:.1f}, {100 * value.high:.1f}]"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; the exit code."""
    parser = argparse.ArgumentParser(
        prog="rag eval realtimeqa", description="Retrieval by article, on news."
    )
    parser.add_argument("folder", type=Path, metavar="FOLDER", help=f"{CORPUS} and {QUESTIONS}")
    parser.add_argument(
        "--articles", type=int, metavar="N", help="articles to index, all gold ones first"
    )
    parser.add_argument(
        "--half", choices=list(HALVES), default="all", help="which lines to ask, from 0"
    )
    parser.add_argument("--starter", action="store_true", help="measure LlamaIndex's starter too")
    parser.add_argument(
        "--home", type=Path, metavar="DIR", help="keep the indexes for the next run"
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    options = parser.parse_args(arguments)

    def run() -> None:
        articles, rows = measure(
            options.folder,
            options.articles,
            options.half,
            starter=options.starter,
            home=options.home,
        )
        if options.json:
            print_json({"articles": articles, "rows": rows})
        else:
            _print(articles, rows)

    return exit_code(run)


if __name__ == "__main__":
    sys.exit(main())
