"""How fast: ingest, a first answer, and answers while running, on RealTimeQA 2022's articles.

    python -m evals.speed FOLDER [--articles 1200] [--json]

Ingest. The clock runs from the first file to the commit: reading, cutting, embedding and writing to
disk, over a folder of text files. Before it starts, one small file is ingested (and forgotten
again), so that imports and the loading of models are not in it for anyone. Each run has a process
and an index of its own. `ceiling` is sentence-transformers' `encode` alone over the product's own
chunks, all at once, so that it sorts them by length, with the product's batch size. Tokens are
those that the model is given, without [CLS] and [SEP]: the starter's nodes are cut at the model's
limit. The share of the text is that of its characters other than white space.

Cold. Whole processes that answer one question over the same articles: `python -m rag ask`, and
`python -m evals.starter --ask`, which only prints the best node. Medians of alternating runs.

Warm. Answers of one process over the same articles: see `evals.latency`.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import statistics
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from time import perf_counter
from typing import Any, ParamSpec, TypeVar

from tokenizers import Tokenizer

from evals.command import exit_code, print_json, print_table, working_folder
from evals.coverage import Coverage, Piece, coverage
from evals.latency import print_latency, summarize, time_asking
from evals.realtimeqa import choose, load_articles, load_questions, write_articles
from rag import Rag, RagError

# What the product is measured against has to use the same weights, batches, arithmetic and number
# of candidates; no public name says them.
from rag.cpu import use_bf16
from rag.embedding import BATCH
from rag.settings import Precision
from rag.weights import bundled_folder

LIMIT = 254  # tokens that all-MiniLM-L6-v2 takes, without [CLS] and [SEP]
WARM_UP = "warm-up.txt"
ARTICLES = 1200
COLD_RUNS = 5
# A system and its precision, in the order of running.
RUNS: tuple[tuple[str, Precision], ...] = (
    ("product", "auto"),
    ("ceiling", "auto"),
    ("starter", "fp32"),
    ("product", "fp32"),
)

P = ParamSpec("P")
Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class Run:
    """One timed ingest: `share` of the text was embedded (0 to 1), in that many tokens."""

    system: str
    precision: str
    seconds: float
    tokens: int
    tokens_per_second: float
    share: float


@dataclass(frozen=True, slots=True)
class Cold:
    """Seconds from start to end of each process."""

    product: list[float]
    starter: list[float]


# Timed in a process of its own each, hence functions of plain arguments.


def time_product(texts: Path, home: Path, precision: Precision) -> float:
    """Ingest a folder with the product; seconds."""
    with Rag.open(home=home, precision=precision) as rag:
        rag.ingest(_warm_up_file(home.parent))
        rag.forget(WARM_UP)
        started = perf_counter()
        report = rag.ingest(texts)
        seconds = perf_counter() - started
    if report.failed:
        raise RagError(f"{report.failed[0].source} failed: {report.failed[0].reason}")
    return seconds


def time_starter(texts: Path, index: Path) -> float:
    """Ingest a folder with the starter; seconds."""
    from evals.starter import Starter

    Starter(index.with_name("warm-up-index")).ingest(_warm_up_file(index.parent).parent)
    starter = Starter(index)
    started = perf_counter()
    starter.ingest(texts)
    return perf_counter() - started


def time_ceiling(home: Path, precision: Precision) -> float:
    """Encode the chunks that lie under `home` with sentence-transformers alone; seconds."""
    from sentence_transformers import SentenceTransformer
    from transformers.utils.logging import disable_progress_bar

    disable_progress_bar()  # type: ignore[no-untyped-call]  # as in evals.starter
    model = SentenceTransformer(str(bundled_folder()), device="cpu", local_files_only=True)
    if use_bf16(precision):
        model = model.bfloat16()
    chunks = [piece.embedded for piece in product_pieces(home)]
    model.encode(chunks[:1], convert_to_tensor=True)
    started = perf_counter()
    model.encode(chunks, batch_size=BATCH, normalize_embeddings=True, convert_to_tensor=True)
    return perf_counter() - started


def _warm_up_file(folder: Path) -> Path:
    path = folder / "warm-up" / WARM_UP
    path.parent.mkdir(exist_ok=True)
    # Long enough to have its language looked at, which loads something too.
    path.write_text(
        "This file is the first one, and it is here to load what has to be loaded.\n" * 3
    )
    return path


# What was embedded


def product_pieces(home: Path) -> list[Piece]:
    """The chunks under a RAG_HOME. No public name lists them, so they are read from Chroma."""
    import chromadb
    from chromadb.config import Settings

    index = home / (home / "current").read_text()
    client = chromadb.PersistentClient(
        str(index / "chroma"), settings=Settings(anonymized_telemetry=False)
    )
    found = client.list_collections()[0].get(include=["documents", "metadatas"])
    return [
        Piece(str(place["source"]), int(str(place["start"])), int(str(place["end"])), text)
        for text, place in zip(found["documents"] or [], found["metadatas"] or [], strict=True)
    ]


def starter_pieces(texts: Path) -> list[Piece]:
    """The starter's nodes of a folder."""
    from evals.starter import pieces

    return pieces(texts)


def _coverage(pieces: Sequence[Piece], texts: Path) -> Coverage:
    tokenizer = Tokenizer.from_file(str(bundled_folder() / "tokenizer.json"))
    tokenizer.no_padding()
    tokenizer.no_truncation()
    contents = {path.name: path.read_bytes().decode() for path in texts.iterdir()}
    return coverage(pieces, contents, tokenizer, LIMIT)


# The three measurements


def measure_ingest(texts: Path, work: Path) -> list[Run]:
    """Time RUNS, in order. The first product's index is left in `work`/product, the starter's in
    `work`/starter."""
    seen: dict[str, Coverage] = {}
    runs = []
    for number, (system, precision) in enumerate(RUNS):
        _say(f"Ingest {number + 1} of {len(RUNS)}: {system}, {precision}.")
        home = work / system
        if system == "starter":
            seconds = _in_new_process(time_starter, texts, home)
            seen[system] = _coverage(_in_new_process(starter_pieces, texts), texts)
        elif system == "ceiling":
            seconds = _in_new_process(time_ceiling, work / "product", precision)
            seen[system] = seen["product"]
        else:
            home = home if system not in seen else work / f"product-{number}"
            seconds = _in_new_process(time_product, texts, home, precision)
            if system not in seen:
                seen[system] = _coverage(_in_new_process(product_pieces, home), texts)
        used = "bf16" if system != "starter" and use_bf16(precision) else "fp32"
        tokens, share = seen[system].tokens, seen[system].share
        runs.append(Run(system, used, seconds, tokens, tokens / seconds, share))
    return runs


def ratios(runs: Sequence[Run]) -> dict[str, float]:
    """Tokens a second of the product by those of the others in the same precision, and of the
    starter, which has only one."""
    rates = {(run.system, run.precision): run.tokens_per_second for run in runs}
    result = {}
    for (system, precision), rate in rates.items():
        if system == "product":
            result[f"{precision}, product / starter"] = rate / rates["starter", "fp32"]
            if ("ceiling", precision) in rates:
                result[f"{precision}, product / ceiling"] = rate / rates["ceiling", precision]
    return result


def measure_cold(work: Path, question: str) -> Cold:
    """Whole processes, alternating, over the indexes that `measure_ingest` left."""
    cold = Cold([], [])
    for number in range(COLD_RUNS):
        _say(f"Cold {number + 1} of {COLD_RUNS}.")
        home = str(work / "product")
        cold.product.append(_process(["rag", "ask", question], {"RAG_HOME": home}))
        index = str(work / "starter")
        cold.starter.append(_process(["evals.starter", index, "--ask", question], {}))
    return cold


def _process(arguments: Sequence[str], environment: Mapping[str, str]) -> float:
    """Run a module to its end; seconds. Raises RagError where it fails."""
    started = perf_counter()
    done = subprocess.run(  # noqa: S603 - our own modules
        [sys.executable, "-m", *arguments],
        env=os.environ | environment,
        capture_output=True,
        text=True,
        check=False,
    )
    seconds = perf_counter() - started
    if done.returncode:
        raise RagError(f"{arguments[0]} failed: {done.stderr.strip()[-500:]}")
    return seconds


def _in_new_process(call: Callable[P, Result], *args: P.args, **kwargs: P.kwargs) -> Result:
    """Call a function where nothing is imported, loaded or warm yet."""
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
        return pool.submit(call, *args, **kwargs).result()


def _say(text: str) -> None:
    print(text, file=sys.stderr)


def measure(folder: Path, count: int) -> dict[str, Any]:
    """Run the three measurements over `count` articles (all gold ones first), as JSON-ready data.

    Raises:
        SourceError: the data set cannot be read.
        RagError: a file or a process failed.
    """
    articles = load_articles(folder)
    questions = load_questions(folder, articles)
    articles = choose(articles, questions, count)
    with working_folder() as work:
        texts = work / "articles"
        write_articles(articles, texts)
        load = os.getloadavg()[0]
        runs = measure_ingest(texts, work)
        cold = measure_cold(work, questions[0].text)
        _say("Warm.")
        warm = _in_new_process(time_asking, work / "product", [one.text for one in questions])
    return {
        "articles": len(articles),
        "characters": sum(len(one.content) for one in articles),
        "machine": {"cores": os.cpu_count(), "load_at_start": load},
        "ingest": runs,
        "ratios": ratios(runs),
        "cold_s": cold,
        "cold_median_s": {
            "product": statistics.median(cold.product),
            "starter": statistics.median(cold.starter),
        },
        "warm_ms": summarize(warm),
    }


def _print(figures: Mapping[str, Any]) -> None:
    machine = figures["machine"]
    print(
        f"{figures['articles']:,} articles, {figures['characters']:,} characters;"
        f" {machine['cores']} cores, load {machine['load_at_start']:.1f} at the start\n"
    )
    print_table(
        ["ingest", "precision", "s", "tokens", "tokens/s", "share of text"],
        [
            [
                run.system,
                run.precision,
                f"{run.seconds:.1f}",
                f"{run.tokens:,}",
                f"{run.tokens_per_second:,.0f}",
                f"{100 * run.share:.1f} %",
            ]
            for run in figures["ingest"]
        ],
    )
    print()
    print_table(
        ["tokens/s", "ratio"], [[name, f"{x:.2f}"] for name, x in figures["ratios"].items()]
    )
    print()
    print_table(
        ["cold, whole process", "median s", "runs"],
        [
            [name, f"{figures['cold_median_s'][name]:.2f}", " ".join(f"{s:.2f}" for s in seconds)]
            for name, seconds in asdict(figures["cold_s"]).items()
        ],
    )
    print()
    print_latency(figures["warm_ms"])


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m evals.speed", description="Ingest, cold and warm answers, timed."
    )
    parser.add_argument("folder", type=Path, metavar="FOLDER", help="as for evals.realtimeqa")
    parser.add_argument(
        "--articles", type=int, default=ARTICLES, metavar="N", help=f"default {ARTICLES:,}"
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    options = parser.parse_args(arguments)

    def run() -> None:
        figures = measure(options.folder, options.articles)
        if options.json:
            print_json(figures)
        else:
            _print(figures)

    return exit_code(run)


if __name__ == "__main__":
    sys.exit(main())
