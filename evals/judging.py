"""One answer against its gold item: right or not, by which metrics, and where it failed.

The answer was asked for with a threshold of 0, so that it shows the best candidate; what the set
threshold makes of it follows from its confidence.
"""

from __future__ import annotations

from collections.abc import Callable, Collection

from evals.metrics.answers import exact_match, f1, fact_recall, is_right, normalize, says
from evals.metrics.citations import (
    citation_precision,
    citation_recall,
    source_cited,
    span_iou,
    statements,
    supports,
)
from evals.metrics.retrieval import DOCUMENT_MEASURES, PASSAGE_MEASURES, holds, retrieval
from evals.records import Outcome, Stage
from rag import Answer, Passage
from rag.gold import LONG_KINDS, GoldItem, Support

Values = dict[str, float | None]
Judge = Callable[[GoldItem, Answer], bool]


def answers_at(answer: Answer, threshold: float) -> bool:
    """Whether an answer asked for with a threshold of 0 is one at `threshold` too."""
    return answer.status == "answered" and answer.confidence >= threshold


def is_right_for(item: GoldItem, answer: Answer) -> bool:
    """Whether the best candidate is right; never for a question without an answer.

    A short answer has to be an accepted one; yes or no exactly, since "no" is in many sentences.
    Where an answer is made of sentences, or of yes or no, it is also right if it says all facts.
    """
    if item.absent is not None or answer.status != "answered":
        return False
    whole = bool(item.facts) and fact_recall(_words(answer), item.facts) == 1
    if not item.answers:
        return whole
    short = answer.short or ""
    if item.kind == "yes_no":
        return whole or normalize(short) in map(normalize, item.answers)
    return is_right(short, item.answers) or (item.kind in LONG_KINDS and whole)


def says_it(item: GoldItem, answer: Answer) -> bool:
    """Whether the text of an answer says an accepted answer or every fact; never for a question
    without an answer.

    For answers that are compared with a language model's, which writes no short one. Yes or no has
    to be the first word, since "no" is in many sentences.
    """
    if item.absent is not None or answer.status != "answered":
        return False
    text = _words(answer)
    if item.facts and fact_recall(text, item.facts) == 1:
        return True
    return says(text.partition(" ")[0] if item.kind == "yes_no" else text, item.answers)


def passages_of(answer: Answer) -> list[Passage]:
    """What was retrieved and read for an answer, best first."""
    return [reading.passage for reading in answer.trace.readings]


def judge(
    item: GoldItem,
    answer: Answer,
    threshold: float,
    verified: float | None,
    is_right_for: Judge = is_right_for,
) -> Values:
    """Every per-question metric by name, None where it does not apply.

    Args:
        item: what was asked.
        answer: asked for with a threshold of 0.
        threshold: the set one.
        verified: the share of the answer's citations that are what their source says.
        is_right_for: what decides whether the answer is right.
    """
    right = is_right_for(item, answer)
    said = answers_at(answer, threshold)
    values: Values = dict.fromkeys((*PASSAGE_MEASURES, *DOCUMENT_MEASURES))
    values |= dict.fromkeys(("exact_match", "f1", "fact_recall", "extraneous_sentences"))
    values |= dict.fromkeys(("citation_precision", "citation_recall", "span_iou", "source_cited"))
    values |= {
        "right_always": None if item.absent else float(right),
        "answered_right": None if item.absent else float(said and right),
        "silent": float(not said) if item.absent else None,
        "right_of_answered": float(right) if said else None,
        "handled": float(not said if item.absent else said and right),
        "answered": float(said),
        "brier": (answer.confidence - right) ** 2,
        "verified": verified,
    }
    if item.absent is not None:
        return values
    values |= retrieval(passages_of(answer), item.evidence)
    if item.answers:
        values["exact_match"] = exact_match(answer.short or "", item.answers)
        values["f1"] = f1(answer.short or "", item.answers)
    if item.facts:
        values["fact_recall"] = fact_recall(_words(answer), item.facts)
        values["extraneous_sentences"] = _extraneous(item, answer)
    values["citation_precision"] = citation_precision(answer.citations, item.evidence)
    values["citation_recall"] = (
        citation_recall(answer.text, answer.citations, item.evidence) if answer.citations else None
    )
    values["span_iou"] = span_iou(answer.citations, item.evidence)
    values["source_cited"] = source_cited(answer.citations, item.evidence) if said else None
    return values


def outcome(
    item: GoldItem, answer: Answer, threshold: float, is_right_for: Judge = is_right_for
) -> Outcome:
    """What the set threshold makes of a question."""
    if answers_at(answer, threshold):
        return "right" if is_right_for(item, answer) else "wrong"
    return "withheld" if item.absent is None else "right"


def failed_at(
    item: GoldItem,
    answer: Answer,
    threshold: float,
    loaded: Collection[Support],
    is_right_for: Judge = is_right_for,
) -> Stage | None:
    """Where a question failed at the set threshold; None where it did not.

    A wrong candidate is "not read" where it was at least withheld, else "wrongly answered".

    Args:
        item: what was asked.
        answer: asked for with a threshold of 0.
        threshold: the set one.
        loaded: the item's evidence that the index has at its place.
        is_right_for: what decides whether the answer is right.
    """
    result = outcome(item, answer, threshold, is_right_for)
    if result == "right":
        return None
    if item.absent is not None:
        return "wrongly answered"
    if not loaded:
        return "not loaded"
    if not any(holds(passage, one) for passage in passages_of(answer) for one in item.evidence):
        return "not retrieved"
    if result == "wrong":
        return "wrongly answered"
    return "wrongly withheld" if is_right_for(item, answer) else "not read"


def _extraneous(item: GoldItem, answer: Answer) -> float | None:
    """The share (0 to 1) of an answer's statements with no fact, accepted answer or supporting
    citation; None where it makes none."""
    if answer.status != "answered":
        return None
    made = statements(answer.text)
    useful = {one.marker for one in answer.citations if supports(one, item.evidence)}
    wanted = [*item.facts, item.answers]
    extra = [
        one
        for one in made
        if useful.isdisjoint(one.markers) and not any(says(one.text, w) for w in wanted)
    ]
    return len(extra) / len(made) if made else None


def _words(answer: Answer) -> str:
    """An answer's text without its citation markers."""
    return " ".join(statement.text for statement in statements(answer.text))
