"""A run as tables on a terminal and as JSON; the gate's verdict on standard error."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np

from evals.command import print_table
from evals.figures import METRICS, differences, figures, operating_points
from evals.gate import LEVEL, Change, Verdict, changed, paired
from evals.records import Record, Run
from evals.statistics import Estimate
from rag.terminal import safe

SHOWN = 10  # questions a metric, in print


def print_run(run: Run, baseline: Run | None, latencies: Sequence[float]) -> None:
    """Print the figures by split, the operating points, where questions failed, and what is not as
    in the baseline."""
    counts = ", ".join(f"{name} {len(run.of(name).records)}" for name in run.splits)
    print(f"{len(run.records)} questions ({counts}), threshold {run.threshold:.2f}")
    print("95 % intervals, bootstrap over facts; every figure is in docs/evals.md\n")
    _print_figures(run, baseline)
    _print_operating_points(run)
    _print_failures(run)
    if latencies:
        p50, p95 = np.percentile(latencies, [50, 95])
        print(f"\nAn answer takes {p50:.0f} ms at the median, {p95:.0f} at p95.")
    if baseline:
        _print_changes(paired(run, baseline))


def _print_figures(run: Run, baseline: Run | None) -> None:
    columns = {name: figures(run.of(name).records) for name in run.splits}
    header = ["", *run.splits]
    minus: dict[str, Estimate | None] = {}
    if baseline:
        header.append("all, against the baseline")
        changes = paired(run, baseline)
        after, before = [one.after for one in changes], [one.before for one in changes]
        minus = differences(after, before, METRICS)
    rows: list[list[str]] = []
    for group in dict.fromkeys(metric.group for metric in METRICS):
        rows.append([group, *("" for _ in header[1:])])
        for metric in METRICS:
            if metric.group == group:
                cells = [cell(column[metric.name]) for column in columns.values()]
                if baseline:
                    cells.append(cell(minus[metric.name], signed=True))
                rows.append([f"  {metric.label}", *cells])
    print_table(header, rows)


def _print_operating_points(run: Run) -> None:
    rows = [
        [
            f"{split}, {point.name}",
            f"{point.threshold:.2f}",
            *(
                f"{value:.3f}"
                for value in (
                    point.handled,
                    point.answered_right,
                    point.silent,
                    point.right_of_answered,
                    point.answered,
                )
            ),
        ]
        for split in run.splits
        for point in operating_points(run.of(split))
    ]
    print()
    header = ["threshold", "at", "handled", "answered right", "silent", "right of answered"]
    print_table([*header, "answered"], rows)


def _print_failures(run: Run) -> None:
    counted = {name: Counter(r.failed_at for r in run.of(name).records) for name in run.splits}
    stages = dict.fromkeys(stage for count in counted.values() for stage in count if stage)
    if stages:
        print()
        rows = [[stage, *(count[stage] for count in counted.values())] for stage in stages]
        print_table(["where it failed", *run.splits], rows)


def _print_changes(changes: Sequence[Change]) -> None:
    different = changed(changes)
    print(f"\n{len(different)} of {len(changes)} answers are not those of the baseline.")
    for change in different[:SHOWN]:
        print(_change_text(change))
    if len(different) > SHOWN:
        print(f"  and {len(different) - SHOWN} more: --report shows them all")


def print_gate(verdict: Verdict) -> None:
    """Say on standard error whether the gate holds, and if not, on what evidence."""

    def say(text: str) -> None:
        print(text, file=sys.stderr)

    if verdict.left_out:
        say(
            f"evals: {verdict.left_out} questions are new, gone or changed since the baseline and"
            " were not compared; --renew records them."
        )
    if verdict.passed:
        say(f"evals: the gate holds: nothing got worse on {verdict.compared} questions.")
        return
    for trip in verdict.trips:
        if trip.difference is None:
            say(f"evals: the gate trips on {trip.name}: {trip.message}")
        else:
            say(
                f"evals: the gate trips on {trip.name} ({trip.message}):"
                f" {cell(trip.difference, signed=True)}, {100 * LEVEL:.2f} % interval"
            )
        shown = [
            *(_change_text(change) for change in trip.changes),
            *(_broken_text(record) for record in trip.broken),
        ]
        for text in shown[:SHOWN]:
            say(text)
        if len(shown) > SHOWN:
            say(f"  and {len(shown) - SHOWN} more")
    say("       --report DIR shows every question; --renew accepts the new answers.")


def _change_text(change: Change) -> str:
    return "\n".join(
        [
            f"  {safe(change.after.id)} ({change.after.split}): {safe(change.after.question)}",
            f"    before  {_answer_text(change.before)}",
            f"    after   {_answer_text(change.after)}",
        ]
    )


def _answer_text(record: Record) -> str:
    shown = safe(" ".join((record.short or record.text).split()))[:160]
    failed = f", {record.failed_at}" if record.failed_at else ""
    if record.values.get("answered"):
        return f"answered {shown!r} ({record.confidence:.2f}): {record.outcome}{failed}"
    return f"silent: {record.outcome}{failed}; best candidate {shown!r} ({record.confidence:.2f})"


def _broken_text(record: Record) -> str:
    return "\n".join(
        [
            f"  {safe(record.id)} ({record.split}): {safe(record.question)}",
            f"    {safe(record.error or _answer_text(record))}",
            *(f"    {safe(place)}" for place in record.citations),
        ]
    )


def cell(value: Estimate | None, *, signed: bool = False) -> str:
    """An estimate with its interval in a table."""
    if value is None:
        return ""
    sign = "+" if signed else ""
    return f"{value.mean:{sign}.3f} [{value.low:{sign}.3f}, {value.high:{sign}.3f}]"


def run_as_dict(
    run: Run, baseline: Run | None, verdict: Verdict | None, latencies: Sequence[float]
) -> dict[str, Any]:
    """What `--json` prints: what made the run, figures by split, differences, the gate's verdict,
    and every question's record."""
    against = None
    if baseline and verdict:
        changes = paired(run, baseline)
        after, before = [one.after for one in changes], [one.before for one in changes]
        against = {
            "commit": baseline.commit,
            "data_is_the_same": baseline.data == run.data,
            "settings_are_the_same": baseline.settings == run.settings,
            "differences": differences(after, before, METRICS),
            "changed": [one.after.id for one in changed(changes)],
        }
    return {
        "commit": run.commit,
        "packages": run.packages,
        "data": run.data,
        "settings": run.settings,
        "figures": {name: figures(run.of(name).records) for name in run.splits},
        "operating_points": {name: operating_points(run.of(name)) for name in run.splits},
        "latency_ms": _percentiles(latencies),
        "baseline": against,
        "gate": verdict
        and {
            "passed": verdict.passed,
            "compared": verdict.compared,
            "left_out": verdict.left_out,
            "level": LEVEL,
            "trips": [
                {
                    "name": trip.name,
                    "message": trip.message,
                    "difference": trip.difference,
                    "questions": [one.after.id for one in trip.changes]
                    + [record.id for record in trip.broken],
                }
                for trip in verdict.trips
            ],
        },
        "questions": run.records,
    }


def _percentiles(values: Sequence[float]) -> dict[str, float]:
    if not values:
        return {}
    p50, p95 = np.percentile(values, [50, 95])
    return {"p50": round(float(p50), 1), "p95": round(float(p95), 1)}
