"""A language model's answers beside those of the bundled reader, to the same gold questions.

Both are asked in one process over one index, so that the evidence is the same and only what writes
the answer differs. Both are judged by the text that they show (see `says_it`), since a model writes
no short answer.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from tqdm import tqdm

from evals.command import ingest, print_json, print_table, working_folder
from evals.datasets import Dataset
from evals.figures import METRICS, Metric, differences, figures, mean_of
from evals.judging import says_it
from evals.printing import cell
from evals.records import Run
from evals.running import Result, judged, run_of
from evals.statistics import Estimate, interval, resample
from rag import Claim, Rag, Settings

# Those that look neither at the short answer nor at confidence, which is the same for both, nor at
# how long a citation is: the reader cites words, a model whole sentences.
COMPARED = (
    *("handled", "answered_right", "silent", "right_of_answered", "answered"),
    *("right_always", "fact_recall", "extraneous_sentences"),
    *("citation_precision", "citation_recall", "verified"),
)
SHOWN: tuple[Metric, ...] = tuple(metric for metric in METRICS if metric.name in COMPARED)


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two runs over the same questions in the same order, and the results they were made from."""

    model: Run
    reader: Run
    models: tuple[Result, ...]
    readers: tuple[Result, ...]

    def of(self, split: str) -> Comparison:
        """The same with one split's questions only."""
        return Comparison(
            self.model.of(split),
            self.reader.of(split),
            tuple(one for one in self.models if one.record.split == split),
            tuple(one for one in self.readers if one.record.split == split),
        )

    @property
    def differences(self) -> dict[str, Estimate | None]:
        """The model's figures minus the reader's, paired."""
        return differences(self.model.records, self.reader.records, SHOWN)

    @property
    def milliseconds(self) -> dict[str, tuple[float, float]]:
        """Time to an answer, median and 95th percentile, of "model" and "reader"."""
        found = {}
        for name, results in (("model", self.models), ("reader", self.readers)):
            times = [one.answer.timings_ms["total"] for one in results if one.answer]
            p50, p95 = np.percentile(times, [50, 95])
            found[name] = (float(p50), float(p95))
        return found

    @property
    def left_out(self) -> Estimate | None:
        """The share of a reply's sentences that no source supports, which are left out: the mean
        over the replies that have sentences, None without any."""
        shares = np.array([_left_out(claims_of(one)) for one in self.models])
        drawn = resample([one.record.fact for one in self.models])
        of, columns = mean_of("left_out"), {"left_out": shares}
        return interval(of(columns, np.ones((1, len(shares))))[0], of(columns, drawn))


def claims_of(result: Result) -> tuple[Claim, ...]:
    """The sentences that a model wrote; none where it was not asked."""
    generation = result.answer.trace.generation if result.answer else None
    return generation.claims if generation else ()


def _left_out(claims: Sequence[Claim]) -> float:
    if not claims:
        return float("nan")
    return sum(not claim.supported for claim in claims) / len(claims)


def compare_with_reader(dataset: Dataset, settings: Mapping[str, Any]) -> Comparison:
    """Ask every question of the model and of the reader.

    Args:
        dataset: questions and documents.
        settings: those of a language model that do not come from the environment, by name.

    Raises:
        LanguageModelError: the model fails on a question; figures over the others would mislead.
        RagError: gold or documents cannot be read.
    """
    items = list(dataset.questions())
    threshold = Settings.load(**settings).threshold
    # Only the model's own sentences count: no reader in its place, nothing that it must not show.
    own = {"llm_fallback": "none", "llm_unsupported": "remove", "threshold": 0.0}
    models: list[Result] = []
    readers: list[Result] = []
    with working_folder() as work, Rag.open(home=work, **{**settings, **own}) as rag:
        for told in rag.status().network:
            print(f"evals: {told}", file=sys.stderr)
        ingest(rag, dataset.documents)
        for split, item in tqdm(items, desc="Asking", disable=None, leave=False):
            for results, reader_only in ((models, False), (readers, True)):
                answer = rag.ask(item.question, reader_only=reader_only)
                results.append(judged(rag, split, item, threshold, answer, says_it))
        return Comparison(
            run_of(rag, dataset, threshold, models),
            run_of(rag, dataset, threshold, readers),
            tuple(models),
            tuple(readers),
        )


def print_comparison(comparison: Comparison) -> None:
    """Print the figures of both and their difference, split by split."""
    run = comparison.model
    print(f"{run.settings['answered_by']}, beside the bundled reader")
    print(f"{len(run.records)} questions, threshold {run.threshold:.2f}; an answer is right where")
    print("its text says an accepted answer or every fact; 95 % intervals, bootstrap over facts")
    for split in run.splits:
        part = comparison.of(split)
        model, reader = figures(part.model.records), figures(part.reader.records)
        minus = part.differences
        rows: list[list[str]] = []
        for group in dict.fromkeys(metric.group for metric in SHOWN):
            rows.append([group, "", "", ""])
            rows += [
                [
                    f"  {metric.label}",
                    cell(model[metric.name]),
                    cell(reader[metric.name]),
                    cell(minus[metric.name], signed=True),
                ]
                for metric in SHOWN
                if metric.group == group
            ]
        rows.append(["its sentences that are left out as unsupported", cell(part.left_out), "", ""])
        times = part.milliseconds
        for name, place in (("median", 0), ("95th percentile", 1)):
            both = [f"{times[one][place]:.0f}" for one in ("model", "reader")]
            rows.append([f"milliseconds to an answer, {name}", *both, ""])
        print()
        count = len(part.models)
        print_table([f"{split} ({count})", "model", "reader", "model - reader"], rows)


def print_comparison_json(comparison: Comparison) -> None:
    """Print the same, and every question's records, as one JSON object."""
    run = comparison.model
    parts = {split: comparison.of(split) for split in run.splits}
    print_json(
        {
            "commit": run.commit,
            "packages": run.packages,
            "data": run.data,
            "settings": run.settings,
            "figures": {
                split: {
                    "model": _shown(figures(part.model.records)),
                    "reader": _shown(figures(part.reader.records)),
                    "differences": part.differences,
                    "left_out": part.left_out,
                    "latency_ms": {
                        name: {"p50": round(p50, 1), "p95": round(p95, 1)}
                        for name, (p50, p95) in part.milliseconds.items()
                    },
                }
                for split, part in parts.items()
            },
            "questions": [
                {"model": model.record, "reader": reader.record, "sentences": claims_of(model)}
                for model, reader in zip(comparison.models, comparison.readers, strict=True)
            ],
        }
    )


def _shown(found: Mapping[str, Estimate | None]) -> dict[str, Estimate | None]:
    return {metric.name: found[metric.name] for metric in SHOWN}
