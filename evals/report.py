"""The report: a run as one HTML file that needs nothing but itself.

Everything that comes from documents, questions and answers goes through the template's escaping.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template

from evals import plots
from evals.comparing import SHOWN, Comparison, claims_of
from evals.datasets import HERE
from evals.figures import METRICS, Metric, differences, figures, operating_points
from evals.gate import LEVEL, Change, Verdict, changed, paired
from evals.judging import is_right_for, passages_of
from evals.metrics.answers import says
from evals.metrics.citations import statements
from evals.metrics.retrieval import holds
from evals.records import Record, Run, Stage
from evals.running import Excerpt, Result
from evals.statistics import Estimate
from rag import Claim, Passage, RagError
from rag.gold import GoldItem

HEADLINES = {
    "answered_right": "Answerable questions answered rightly",
    "silent": "Unanswerable questions left unanswered",
    "right_of_answered": "Right among the answers given",
    "verified": "Citations that are what their source says",
}
# Where a question can fail, in order, and what may then be said of it. A wrong answer where there
# is a right one is the reader's fault as well as the decision's.
STEPS: tuple[tuple[str, tuple[Stage, ...]], ...] = (
    ("Loaded", ("crashed", "not loaded")),
    ("Retrieved", ("not retrieved",)),
    ("Read", ("not read", "wrongly answered")),
    ("Decided", ("wrongly withheld", "wrongly answered")),
)


@dataclass(frozen=True, slots=True)
class Row:
    """A metric in the table: its figure by split, and the difference to the baseline."""

    metric: Metric
    figures: tuple[Estimate | None, ...]
    difference: Estimate | None
    whisker: plots.Whisker | None
    verdict: str  # "better", "worse" or ""


@dataclass(frozen=True, slots=True)
class Headline:
    """A figure at the top of the page, over all questions."""

    label: str
    figure: Estimate
    difference: Estimate | None
    verdict: str


@dataclass(frozen=True, slots=True)
class Step:
    """A stage of the pipeline and how a question fared there: "passed", "failed" or "unknown"."""

    name: str
    state: str


@dataclass(frozen=True, slots=True)
class Question:
    """One question as it is shown."""

    record: Record
    item: GoldItem
    said: bool
    steps: tuple[Step, ...]
    facts: tuple[tuple[tuple[str, ...], bool], ...]
    evidence: tuple[Excerpt, ...]
    cited: tuple[Excerpt, ...]
    passages: tuple[tuple[Passage, bool], ...]
    candidate_right: bool
    milliseconds: float | None
    before: Record | None


@dataclass(frozen=True, slots=True)
class Compared:
    """A metric of the model and of the reader, and the difference."""

    metric: Metric
    model: Estimate | None
    reader: Estimate | None
    difference: Estimate | None
    verdict: str  # "better", "worse" or ""


@dataclass(frozen=True, slots=True)
class Part:
    """A split's figures: see `Comparison`."""

    rows: tuple[Compared, ...]
    left_out: Estimate | None
    milliseconds: Mapping[str, tuple[float, float]]


@dataclass(frozen=True, slots=True)
class Pair:
    """One question's two results, and the sentences that the model wrote."""

    model: Result
    reader: Result
    claims: tuple[Claim, ...]


def write_report(
    folder: Path,
    run: Run,
    results: Sequence[Result],
    baseline: Run | None = None,
    verdict: Verdict | None = None,
) -> Path:
    """Write `index.html` into a folder, which is made where it is not there; the file's path.

    Raises:
        RagError: it cannot be written.
    """
    return _write(folder, render(run, results, baseline, verdict))


def write_comparison(folder: Path, comparison: Comparison) -> Path:
    """The same for a language model beside the reader."""
    return _write(folder, render_comparison(comparison))


def _write(folder: Path, html: str) -> Path:
    file = folder / "index.html"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        file.write_text(html, encoding="utf-8")
    except OSError as error:
        raise RagError(
            f"{file} cannot be written: {error.strerror}.", hint="--report takes a folder."
        ) from None
    return file


def render(
    run: Run, results: Sequence[Result], baseline: Run | None, verdict: Verdict | None
) -> str:
    """The report as HTML."""
    changes = paired(run, baseline) if baseline else []
    minus = _differences(changes)
    whole = figures(run.records)
    times = [result.answer.timings_ms["total"] for result in results if result.answer]
    bars, ticks = plots.latency_bars(times) if times else ([], [])
    return _template("report.html").render(
        run=run,
        baseline=baseline,
        verdict=verdict,
        level=LEVEL,
        headlines=_headlines(whole, minus),
        groups=_groups(run, minus),
        operating={split: operating_points(run.of(split)) for split in run.splits},
        width=plots.WIDTH,
        height=plots.HEIGHT,
        whisker_width=plots.WHISKER,
        share_x=plots.share_ticks(plots.WIDTH),
        share_y=plots.share_ticks(plots.HEIGHT, flipped=True),
        risk_lines=plots.risk_coverage(run),
        reliability=plots.reliability_marks(run.records),
        calibration={name: whole[name] for name in ("ece", "brier", "auroc", "aurc")},
        latency=(bars, ticks, np.percentile(times, [50, 95]) if times else None),
        questions=_questions(results, changes),
        kinds=sorted({result.item.kind for result in results}),
        stages=[
            stage
            for stage in dict.fromkeys(stage for _, stages in STEPS for stage in stages)
            if any(record.failed_at == stage for record in run.records)
        ],
    )


def render_comparison(comparison: Comparison) -> str:
    """A language model beside the reader as HTML."""
    return _template("comparison.html").render(
        run=comparison.model,
        parts={split: _part(comparison.of(split)) for split in comparison.model.splits},
        groups=list(dict.fromkeys(metric.group for metric in SHOWN)),
        questions=[
            Pair(model, reader, claims_of(model))
            for model, reader in zip(comparison.models, comparison.readers, strict=True)
        ],
        kinds=sorted({result.item.kind for result in comparison.models}),
        whisker_width=plots.WHISKER,
    )


def _part(comparison: Comparison) -> Part:
    model, reader = (figures(run.records) for run in (comparison.model, comparison.reader))
    minus = comparison.differences
    return Part(
        tuple(
            Compared(
                metric,
                model[metric.name],
                reader[metric.name],
                minus[metric.name],
                _verdict(minus[metric.name], metric.gain),
            )
            for metric in SHOWN
        ),
        comparison.left_out,
        comparison.milliseconds,
    )


def _template(name: str) -> Template:
    environment = Environment(
        loader=FileSystemLoader(HERE / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"share": _share, "signed": _signed}
    return environment.get_template(name)


def _differences(changes: Sequence[Change]) -> Mapping[str, Estimate | None]:
    if not changes:
        return {}
    after, before = [one.after for one in changes], [one.before for one in changes]
    return differences(after, before, METRICS)


def _headlines(
    whole: Mapping[str, Estimate | None], minus: Mapping[str, Estimate | None]
) -> list[Headline]:
    return [
        Headline(label, figure, minus.get(name), _verdict(minus.get(name), 1))
        for name, label in HEADLINES.items()
        if (figure := whole[name])
    ]


def _groups(run: Run, minus: Mapping[str, Estimate | None]) -> dict[str, list[Row]]:
    by_split = [figures(run.of(split).records) for split in run.splits]
    reach = max((max(abs(d.low), abs(d.high)) for d in minus.values() if d), default=0.0)
    groups: dict[str, list[Row]] = {}
    for metric in METRICS:
        difference = minus.get(metric.name)
        groups.setdefault(metric.group, []).append(
            Row(
                metric,
                tuple(one[metric.name] for one in by_split),
                difference,
                plots.whisker(difference, max(reach, 0.02)) if difference else None,
                _verdict(difference, metric.gain),
            )
        )
    return groups


def _verdict(difference: Estimate | None, gain: int) -> str:
    """Whether a 95 % interval excludes zero, and on which side."""
    if difference is None or not gain or difference.low <= 0 <= difference.high:
        return ""
    return "better" if difference.mean * gain > 0 else "worse"


def _questions(results: Sequence[Result], changes: Sequence[Change]) -> list[Question]:
    before = {one.after.id: one.before for one in changed(changes)}
    return [_question(result, before.get(result.record.id)) for result in results]


def _question(result: Result, before: Record | None) -> Question:
    item, record, answer = result.item, result.record, result.answer
    words = " ".join(one.text for one in statements(record.text))
    return Question(
        record=record,
        item=item,
        said=bool(record.values.get("answered")),
        steps=_steps(record),
        facts=tuple((wordings, says(words, wordings)) for wordings in item.facts),
        evidence=result.excerpts,
        cited=result.cited,
        passages=tuple(
            (passage, any(holds(passage, one) for one in item.evidence))
            for passage in (passages_of(answer) if answer else ())
        ),
        candidate_right=bool(answer and is_right_for(item, answer)),
        milliseconds=answer.timings_ms["total"] if answer else None,
        before=before,
    )


def _steps(record: Record) -> tuple[Step, ...]:
    """How far a question came. Where the documents do not answer there is only the decision."""
    steps, state = [], "passed"
    for name, stages in STEPS if record.answerable or record.error else STEPS[-1:]:
        failed = record.failed_at in stages
        steps.append(Step(name, "failed" if failed else state))
        state = "unknown" if failed else state
    return tuple(steps)


def _share(value: float) -> str:
    """A share as it is written: 0.654 is 65.4."""
    return "–" if np.isnan(value) else f"{100 * value:.1f}"  # noqa: RUF001


def _signed(value: float) -> str:
    return f"{100 * value:+.1f}".replace("-", "−")  # noqa: RUF001
