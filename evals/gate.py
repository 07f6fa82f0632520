"""Whether a run is worse than the baseline: by paired evidence, or by a broken invariant.

A gated metric trips where the interval of its difference excludes zero on the bad side, and a
paired randomisation test agrees: where few questions changed, a bootstrap's far tails are too
short. With several metrics watched, both are held to a level divided among them (Bonferroni), so
that all together trip on an unchanged product in fewer than 1 of 100 runs.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from evals.figures import GATED, TOLERANCE, Metric, chance, differences
from evals.records import Record, Run
from evals.statistics import Estimate
from rag import GoldError

FALSE_ALARMS = 0.009  # of runs, over all gated metrics together
ALPHA = FALSE_ALARMS / len(GATED)  # of one metric, on the bad side
LEVEL = 1 - 2 * ALPHA  # of an interval


@dataclass(frozen=True, slots=True)
class Change:
    """A question whose result is not what it was."""

    before: Record
    after: Record


@dataclass(frozen=True, slots=True)
class Trip:
    """A gated metric that got worse, or an invariant that broke (`difference` None), with the
    questions that show it, the worst first."""

    name: str
    message: str
    difference: Estimate | None
    changes: tuple[Change, ...] = ()
    broken: tuple[Record, ...] = ()


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the gate says. `compared` questions are in both runs with the same gold; `left_out` in
    only one of them or changed."""

    trips: tuple[Trip, ...]
    compared: int
    left_out: int

    @property
    def passed(self) -> bool:
        """Whether nothing got worse."""
        return not self.trips


def compare(run: Run, baseline: Run) -> Verdict:
    """Hold a run against the baseline.

    Raises:
        GoldError: they have no question in common.
    """
    changes = paired(run, baseline)
    every = {record.id for record in (*run.records, *baseline.records)}
    trips = (*invariants(run), *worse(changes))
    return Verdict(trips, len(changes), len(every) - len(changes))


def paired(run: Run, baseline: Run) -> list[Change]:
    """The questions of both runs whose gold is the same, in the run's order.

    Raises:
        GoldError: there are none.
    """
    before = {record.id: record for record in baseline.records}
    changes = [
        Change(before[record.id], record)
        for record in run.records
        if record.id in before and before[record.id].gold == record.gold
    ]
    if not changes:
        raise GoldError(
            "The baseline has none of these questions.", hint="Record it anew with --renew."
        )
    return changes


def invariants(run: Run) -> list[Trip]:
    """What has to hold whatever the baseline says."""
    crashed = tuple(record for record in run.records if record.error is not None)
    missing = tuple(r for r in run.records if r.error is None and not r.text.strip())
    false = tuple(record for record in run.records if record.unverified)
    unloaded = tuple(r for r in run.records if r.values.get("evidence_loaded") not in (None, 1.0))
    found = []
    if crashed:
        found.append(Trip("crash", "asking raised an error", None, broken=crashed))
    if missing:
        found.append(
            Trip("missing_answer", "a question got no answer at all", None, broken=missing)
        )
    if false:
        message = "a citation is not what its source says there"
        found.append(Trip("verified", message, None, broken=false))
    if unloaded:
        message = "gold evidence is not in the index: a document is missing, or is not what it was"
        found.append(Trip("evidence_loaded", message, None, broken=unloaded))
    return found


def worse(changes: Sequence[Change], metrics: Sequence[Metric] = GATED) -> list[Trip]:
    """The gated metrics that got worse, by their interval and by the randomisation test."""
    after, before = [one.after for one in changes], [one.before for one in changes]
    trips = []
    for name, difference in differences(after, before, metrics, LEVEL).items():
        metric = next(one for one in metrics if one.name == name)
        if difference is None:
            continue
        best = difference.high if metric.gain > 0 else -difference.low
        if best < -TOLERANCE and chance(after, before, metric) <= ALPHA:
            trips.append(Trip(name, metric.label, difference, tuple(_changed(changes, metric))))
    return trips


def changed(changes: Sequence[Change]) -> list[Change]:
    """The questions whose outcome or answer is not what it was."""
    return [
        one
        for one in changes
        if (one.before.outcome, one.before.short, one.before.text)
        != (one.after.outcome, one.after.short, one.after.text)
    ]


def _changed(changes: Sequence[Change], metric: Metric) -> list[Change]:
    """The questions that a metric got worse on, the worst first. For one that has no value a
    question: those whose outcome or confidence changed."""

    def loss(one: Change) -> float:
        before, after = (record.values.get(metric.name) for record in (one.before, one.after))
        if before is None or after is None:
            return abs(one.before.confidence - one.after.confidence) * (metric.name == "auroc")
        return metric.gain * (before - after)

    return sorted((one for one in changes if loss(one) > TOLERANCE), key=loss, reverse=True)
