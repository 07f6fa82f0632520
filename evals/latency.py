"""How long a warm answer takes, beside what it cannot do without, over RealTimeQA 2022's questions.

    python -m evals.latency FOLDER --home DIR [--json]

DIR is a RAG_HOME with something indexed. Every answerable question is asked, and each time the
parts of its floor are timed too: one encoding of the question, one query of Chroma, and the bundled
encoder's forward pass over what `ask` reads, in one batch (the reader has a layer more). `read` is
`Rag.read`, with all that it does around its own passes.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import Any, ParamSpec, TypeVar

import numpy as np
from tqdm import tqdm

from evals.command import exit_code, parser_of, print_json, print_table
from evals.realtimeqa import QUESTIONS, rows_of
from rag import Rag

# No public name does one step alone; these are what `ask` uses.
from rag.embedding import BundledEmbedder
from rag.retrieval import CANDIDATES
from rag.spans import LENGTH
from rag.titles import title_before

ROUNDS = 3

P = ParamSpec("P")
Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class Latency:
    """Milliseconds of each ask, of each reading, and of each part of the floor, in turn."""

    ask: list[float]
    read: list[float]
    parts: dict[str, list[float]]

    @property
    def floor(self) -> list[float]:
        """The parts' sum for each ask."""
        return [sum(parts) for parts in zip(*self.parts.values(), strict=True)]


def time_asking(home: Path, questions: Sequence[str]) -> Latency:
    """Ask every question ROUNDS times in one process, each beside the parts of its floor."""
    asks: list[float] = []
    reads: list[float] = []
    parts: dict[str, list[float]] = {"encode": [], "query": [], "forward": []}
    with Rag.open(home=home) as rag:
        passages = {one: rag.retrieve(one, k=rag.settings.passages) for one in questions}
        rag.ask(questions[0])
        embedder, vectors = rag._embedder, rag._open().vectors
        encoder = BundledEmbedder(rag.settings.precision).encoder
        batches = {
            one: [
                ids[first : first + LENGTH]
                for passage in passages[one]
                for title in [title_before(passage.title, passage.text)]
                for ids in [encoder.tokenize([f"{one} {title} {passage.text}"])[0].ids]
                for first in range(0, len(ids), LENGTH)
            ]
            for one in questions
        }
        for question in tqdm(list(questions) * ROUNDS, desc="Asking", disable=None, leave=False):
            asks.append(_clock(rag.ask, question)[0])
            reads.append(_clock(rag.read, question, passages[question])[0])
            encode, vector = _clock(embedder.embed_question, question)
            parts["encode"].append(encode)
            parts["query"].append(_clock(vectors.search, vector, CANDIDATES)[0])
            parts["forward"].append(_clock(encoder.states, batches[question])[0])
    return Latency(asks, reads, parts)


def _clock(call: Callable[P, Result], *args: P.args, **kwargs: P.kwargs) -> tuple[float, Result]:
    """Milliseconds that a call took, and its result."""
    started = perf_counter()
    result = call(*args, **kwargs)
    return 1000 * (perf_counter() - started), result


def summarize(latency: Latency) -> dict[str, Any]:
    """Percentiles in milliseconds, and ratios: of asks to their floor, of readings to theirs."""
    floor = percentiles(latency.floor)
    rows = {
        "ask": percentiles(latency.ask),
        "floor": floor,
        "read": percentiles(latency.read),
        **{name: percentiles(values) for name, values in latency.parts.items()},
    }
    return {
        "asks": len(latency.ask),
        "ms": rows,
        "ask / floor, p95": rows["ask"]["p95"] / floor["p95"],
        "read / forward, p50": rows["read"]["p50"] / rows["forward"]["p50"],
    }


def percentiles(values: Sequence[float]) -> dict[str, float]:
    """The median and the 95th percentile."""
    p50, p95 = np.percentile(values, [50, 95])
    return {"p50": float(p50), "p95": float(p95)}


def print_latency(figures: dict[str, Any]) -> None:
    """Print `summarize`'s figures as a table."""
    print_table(
        [f"warm, {figures['asks']} asks", "p50 ms", "p95 ms"],
        [[name, f"{row['p50']:.1f}", f"{row['p95']:.1f}"] for name, row in figures["ms"].items()],
    )
    print()
    for name in ("ask / floor, p95", "read / forward, p50"):
        print(f"{name}: {figures[name]:.2f}")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; the exit code."""
    parser = parser_of("python -m evals.latency", __doc__)
    parser.add_argument("folder", type=Path, help=f"has {QUESTIONS}")
    parser.add_argument("--home", type=Path, required=True, metavar="DIR")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    given = parser.parse_args(arguments)

    def run() -> None:
        questions = [row["question"] for row in rows_of(given.folder / QUESTIONS, ("question",))]
        figures = summarize(time_asking(given.home, questions))
        print_json(figures) if given.json else print_latency(figures)

    return exit_code(run)


if __name__ == "__main__":
    sys.exit(main())
