"""Retrieval by document on a folder in BEIR's format (Thakur et al. 2021).

    rag eval beir FOLDER [--split NAME] [--json]

FOLDER holds `corpus.jsonl` (_id, title, text), `queries.jsonl` (_id, text) and `qrels/NAME.tsv`
(query-id, corpus-id, score). Each document is indexed as a text file; documents are ranked by
their best passage among DEPTH. Measures are ir-measures', with graded relevance.
"""

from __future__ import annotations

import csv
import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ir_measures import RR, R, Success, nDCG
from tqdm import tqdm

from evals.command import (
    exit_code,
    ingest,
    parser_of,
    print_figures,
    print_json,
    reason,
    working_folder,
)
from evals.metrics.retrieval import measure
from evals.statistics import Estimate, estimate
from rag import Rag, SourceError, UsageError

DEPTH = 100  # passages a query
MEASURES = {
    "ndcg_at_10": nDCG @ 10,
    "recall_at_100": R @ 100,
    "mrr_at_10": RR @ 10,
    "success_at_1": Success @ 1,
}
HINT = "FOLDER holds corpus.jsonl, queries.jsonl and qrels/NAME.tsv in BEIR's format."


@dataclass(frozen=True, slots=True)
class Benchmark:
    """Documents and queries by their ids, and for each judged query the grades by document."""

    documents: Mapping[str, str]
    queries: Mapping[str, str]
    relevance: Mapping[str, Mapping[str, int]]


def load(folder: Path, split: str) -> Benchmark:
    """Read a folder; queries without a relevant document are left out, as in BEIR.

    Raises:
        SourceError: a file cannot be read, or judges what is not there.
    """
    documents = {
        row["_id"]: f"{row['title']}\n\n{row['text']}" if row.get("title") else row["text"]
        for row in _rows(folder / "corpus.jsonl")
    }
    queries = {row["_id"]: row["text"] for row in _rows(folder / "queries.jsonl")}
    path = folder / "qrels" / f"{split}.tsv"
    relevance: dict[str, dict[str, int]] = {}
    try:
        with path.open(encoding="utf-8", newline="") as file:
            for row in csv.DictReader(file, delimiter="\t"):
                if int(row["score"]) > 0:
                    judged = relevance.setdefault(row["query-id"], {})
                    judged[row["corpus-id"]] = int(row["score"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise SourceError(f"{path} cannot be read: {reason(error)}.", HINT) from None
    if unknown := [query for query in relevance if query not in queries]:
        raise SourceError(f"{path} judges the query {unknown[0]}, which is not there.", HINT)
    if not relevance:
        raise SourceError(f"{path} judges nothing relevant.", HINT)
    return Benchmark(documents, queries, relevance)


def _rows(path: Path) -> list[dict[str, Any]]:
    try:
        lines = path.read_text(encoding="utf-8").split("\n")
        rows = [json.loads(line) for line in lines if line.strip()]
        for row in rows:
            if not isinstance(row, dict) or not {"_id", "text"} <= row.keys():
                raise ValueError(f"{str(row)[:60]!r} has no _id and text")
    except (OSError, ValueError) as error:
        raise SourceError(f"{path} cannot be read: {reason(error)}.", HINT) from None
    return rows


def rank(benchmark: Benchmark) -> dict[str, list[str]]:
    """The documents found for each judged query, by id, best first."""
    ids = {f"{number:07}.txt": id_ for number, id_ in enumerate(benchmark.documents)}
    ranked = {}
    with working_folder() as work:
        texts = work / "documents"
        texts.mkdir()
        for name, id_ in ids.items():
            (texts / name).write_text(benchmark.documents[id_], encoding="utf-8", newline="")
        with Rag.open(home=work / "home") as rag:
            ingest(rag, texts)
            for query in tqdm(benchmark.relevance, desc="Retrieving", disable=None, leave=False):
                try:
                    found = rag.retrieve(benchmark.queries[query], k=DEPTH)
                except UsageError:  # longer than the model takes: nothing was found
                    found = []
                ranked[query] = [ids[one] for one in dict.fromkeys(p.source for p in found)]
    return ranked


def summarize(
    benchmark: Benchmark, ranked: Mapping[str, Sequence[str]]
) -> dict[str, Estimate | int]:
    """Each measure over the judged queries, with its interval."""
    scores = [
        measure(MEASURES, ranked[query], grades) for query, grades in benchmark.relevance.items()
    ]
    figures: dict[str, Estimate | int] = {
        "documents": len(benchmark.documents),
        "queries": len(scores),
    }
    return figures | {name: estimate([one[name] for one in scores]) for name in MEASURES}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; the exit code."""
    parser = parser_of("rag eval beir", __doc__)
    parser.add_argument("folder", type=Path, metavar="FOLDER")
    parser.add_argument("--split", default="test", metavar="NAME", help="the qrels (default test)")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    options = parser.parse_args(arguments)

    def run() -> None:
        benchmark = load(options.folder, options.split)
        figures = summarize(benchmark, rank(benchmark))
        if options.json:
            print_json(figures)
        else:
            print_figures(options.folder.name, figures)

    return exit_code(run)


if __name__ == "__main__":
    sys.exit(main())
