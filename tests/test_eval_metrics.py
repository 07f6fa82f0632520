"""Metrics on cases worked out by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest

from evals.judging import failed_at, is_right_for, judge, outcome
from evals.metrics.abstention import (
    aurc,
    auroc,
    best_threshold,
    coverage_at_precision,
    risk_coverage_curve,
)
from evals.metrics.answers import fact_recall, says
from evals.metrics.calibration import ece, reliability
from evals.metrics.citations import (
    citation_precision,
    citation_recall,
    source_cited,
    span_iou,
    statements,
)
from evals.metrics.retrieval import retrieval
from evals.statistics import Array, interval, resample
from rag import Answer, Citation, Evidence, GoldItem, Passage, Reading, Trace
from rag.gold import Support


def passage(source: str, start: int, end: int) -> Passage:
    return Passage(source, start, end, "x" * (end - start), 1.0)


def support(source: str, start: int, end: int) -> Support:
    return Support(source, start, end, "x" * (end - start))


def citation(marker: int, source: str, start: int, end: int) -> Citation:
    return Citation(marker, source, start, end, "x" * (end - start), "")


class TestRetrieval:
    def test_evidence_on_ranks_two_and_three_of_two_sources(self) -> None:
        found = retrieval(
            [passage("a", 0, 10), passage("b", 0, 10), passage("a", 10, 30)],
            [support("b", 2, 6), support("a", 12, 20), support("c", 0, 5)],
        )
        ideal = 1 + 1 / math.log2(3) + 1 / math.log2(4)
        assert found["passage_recall_at_5"] == pytest.approx(2 / 3)
        assert found["passage_success_at_1"] == 0
        assert found["passage_success_at_5"] == 1
        assert found["passage_mrr"] == 1 / 2
        ndcg = (1 / math.log2(3) + 1 / math.log2(4)) / ideal
        assert found["passage_ndcg_at_10"] == pytest.approx(ndcg)
        # Distinct sources: a, b. Both are relevant, c was not found.
        assert found["document_recall_at_5"] == pytest.approx(2 / 3)
        assert found["document_success_at_1"] == 1
        assert found["document_mrr"] == 1
        assert found["document_ndcg_at_10"] == pytest.approx((1 + 1 / math.log2(3)) / ideal)

    def test_half_of_the_evidence_is_enough_less_is_not(self) -> None:
        half = retrieval([passage("a", 0, 10)], [support("a", 5, 15)])
        less = retrieval([passage("a", 0, 9)], [support("a", 5, 15)])
        assert (half["passage_success_at_1"], less["passage_success_at_1"]) == (1, 0)

    def test_evidence_found_again_counts_once(self) -> None:
        twice = retrieval([passage("a", 0, 10), passage("a", 0, 12)], [support("a", 0, 5)])
        assert twice["passage_recall_at_5"] == 1
        assert twice["passage_ndcg_at_10"] == 1

    def test_nothing_retrieved(self) -> None:
        assert set(retrieval([], [support("a", 0, 5)]).values()) == {0.0}


class TestCitations:
    def test_statements_end_at_their_markers(self) -> None:
        assert statements("One. [1] Two two. [2][3]") == [("One.", (1,)), ("Two two.", (2, 3))]
        assert statements("No source") == [("No source", ())]

    def test_precision_and_recall_as_alce_counts_them(self) -> None:
        evidence = [support("a", 0, 20)]
        cited = [citation(1, "a", 5, 9), citation(2, "b", 5, 9), citation(3, "a", 15, 30)]
        # The third shares 5 of its 15 characters with evidence of 20: less than half of 15.
        assert citation_precision(cited, evidence) == pytest.approx(1 / 3)
        # Of two statements the first has a supporting citation, the second has not.
        assert citation_recall("One. [1][2] Two. [3]", cited, evidence) == 1 / 2
        assert citation_precision([], evidence) is None

    def test_span_iou(self) -> None:
        evidence = [support("a", 0, 20), support("a", 100, 110)]
        assert span_iou([citation(1, "a", 10, 30)], evidence) == pytest.approx(10 / 30)
        assert span_iou([citation(1, "b", 10, 30)], evidence) == 0
        assert span_iou([], evidence) is None

    def test_a_source_is_cited_wherever_in_it_the_citation_is(self) -> None:
        evidence = [support("a", 0, 20), support("b", 0, 20)]
        assert source_cited([citation(1, "c", 0, 9), citation(2, "b", 90, 99)], evidence) == 1
        assert source_cited([citation(1, "c", 0, 9)], evidence) == source_cited([], evidence) == 0


class TestFacts:
    def test_any_wording_counts_as_whole_words(self) -> None:
        text = "The U.S. and China\u2019s rare-earth pact, signed in 2025."
        facts = [["rare earth pact", "the pact"], ["signed 2025"], ["chinas rare"], ["sign"]]
        assert fact_recall(text, facts) == 2 / 4

    def test_an_empty_wording_is_never_said(self) -> None:
        assert not says("anything", ["the", "..."])

    def test_no_facts(self) -> None:
        with pytest.raises(ValueError, match="no facts"):
            fact_recall("text", [])


ONE = np.ones((1, 5))
RIGHT = np.array([1.0, 0.0, 1.0, 1.0, 0.0])
SURE = np.array([0.9, 0.8, 0.7, 0.7, 0.1])


class TestAbstention:
    def test_the_curve_answers_equally_sure_ones_together(self) -> None:
        coverage, risk = risk_coverage_curve(RIGHT, SURE)
        assert coverage.tolist() == pytest.approx([1 / 5, 2 / 5, 4 / 5, 1])
        assert risk.tolist() == pytest.approx([0, 1 / 2, 1 / 4, 2 / 5])

    def test_aurc_is_the_mean_risk(self) -> None:
        expected = (0 + 1 / 2 + 1 / 4 + 1 / 4 + 2 / 5) / 5
        assert aurc(RIGHT, SURE, ONE)[0] == pytest.approx(expected)

    def test_coverage_at_precision(self) -> None:
        assert coverage_at_precision(RIGHT, SURE, ONE, 0.75)[0] == pytest.approx(4 / 5)
        assert coverage_at_precision(RIGHT, SURE, ONE, 0.95)[0] == pytest.approx(1 / 5)
        assert coverage_at_precision(1 - RIGHT, SURE, ONE, 0.95)[0] == 0

    def test_auroc_counts_pairs(self) -> None:
        # Of 3 times 2 pairs: 0.9 beats both, each 0.7 beats 0.1 only.
        assert auroc(RIGHT, SURE, ONE)[0] == pytest.approx(4 / 6)
        assert auroc(RIGHT, np.full(5, 0.5), ONE)[0] == 1 / 2
        assert np.isnan(auroc(np.ones(5), SURE, ONE)[0])

    def test_weights_count_a_question_as_often_as_it_was_drawn(self) -> None:
        drawn = np.array([[2.0, 0.0, 1.0, 0.0, 3.0]])
        again = np.repeat([0, 2, 4], [2, 1, 3])
        right, sure, flat = RIGHT[again], SURE[again], np.ones((1, 6))
        assert aurc(RIGHT, SURE, drawn)[0] == pytest.approx(aurc(right, sure, flat)[0])
        assert auroc(RIGHT, SURE, drawn)[0] == pytest.approx(auroc(right, sure, flat)[0])
        assert ece(RIGHT, SURE, drawn).shape == (1,)
        weighted = coverage_at_precision(RIGHT, SURE, drawn, 0.9)[0]
        assert weighted == pytest.approx(coverage_at_precision(right, sure, flat, 0.9)[0])

    def test_the_best_threshold_is_the_highest_that_handles_most(self) -> None:
        answerable = np.array([1.0, 0.0, 1.0, 1.0, 0.0])
        # From 0.7 on three are right and one of two is left silent.
        assert best_threshold(RIGHT, answerable, SURE) == 0.7
        assert best_threshold(np.zeros(5), np.zeros(5), SURE) == 1.0


class TestCalibration:
    def test_sure_and_right_is_no_error(self) -> None:
        sure = np.repeat([0.25, 0.75], 40)
        right = np.tile([1.0, 0, 0, 0], 10).tolist() + np.tile([1.0, 1, 1, 0], 10).tolist()
        assert ece(np.array(right), sure, np.ones((1, 80)))[0] == pytest.approx(0)

    def test_the_error_is_the_mean_gap_of_equal_bins(self) -> None:
        sure = np.linspace(0.05, 0.95, 10)  # a bin each
        right = np.zeros(10)
        assert ece(right, sure, np.ones((1, 10)))[0] == pytest.approx(0.5)
        bins = reliability(right, sure)
        assert [one.questions for one in bins] == [1.0] * 10
        assert [one.confidence for one in bins] == pytest.approx(sure.tolist())


class TestResampling:
    def test_clusters_are_drawn_whole(self) -> None:
        drawn = resample(["a", "b", "a", "c"])
        assert (drawn[:, 0] == drawn[:, 2]).all()
        assert (drawn[:, [0, 1, 3]].sum(axis=1) == 3).all()
        assert drawn[:, 1].mean() == pytest.approx(1, abs=0.05)

    def test_what_applies_to_nothing_has_no_interval(self) -> None:
        nothing: Array = np.array([math.nan])
        assert interval(math.nan, nothing) is None


GOLD = GoldItem("1", "1", "Who?", "who", ("Ada Berg",), (), (Support("a", 0, 10, "x" * 10),))
NONE = GoldItem("2", "2", "Who else?", "who", absent="entity")


def said(short: str, *, confidence: float = 0.8, text: str = "", found: bool = True) -> Answer:
    """An answer over one passage, which has the evidence where `found`."""
    read = Passage("a", 0 if found else 50, 60, "", 1.0)
    return Answer(
        "Who?", "answered", "reader", short, f"{text or short} [1]", confidence,
        (citation(1, "a", 2, 6),),
        trace=Trace(readings=(Reading(read, (Evidence(2, 6, short, -0.1),), -2.0),)),
    )  # fmt: skip


class TestJudging:
    def test_right_by_short_answer_by_facts_and_by_yes_or_no(self) -> None:
        assert is_right_for(GOLD, said("Ada Berg"))
        assert not is_right_for(GOLD, said("Bob", text="Ada Berg and Bob"))
        facts = GoldItem("3", "3", "Why?", "why", (), (("rain", "storm"), ("ice",)), GOLD.evidence)
        assert is_right_for(facts, said("x", text="Ice and a storm."))
        assert not is_right_for(facts, said("x", text="A storm."))
        yes = GoldItem("4", "4", "Did it?", "yes_no", ("no",), (("never met",),), GOLD.evidence)
        assert is_right_for(yes, said("x", text="They never met."))
        assert is_right_for(yes, said("No", text="No, it did not."))
        assert not is_right_for(yes, said("x", text="They met."))

    def test_no_answer_is_right_to_a_question_without_one(self) -> None:
        assert not is_right_for(NONE, said("Ada Berg"))
        assert outcome(NONE, said("Ada", confidence=0.4), 0.5) == "right"
        assert outcome(NONE, said("Ada", confidence=0.5), 0.5) == "wrong"
        assert failed_at(NONE, said("Ada"), 0.5, ()) == "wrongly answered"

    @pytest.mark.parametrize(
        ("answer", "loaded", "stage"),
        [
            (said("Ada Berg"), True, None),
            (said("Ada Berg", confidence=0.3), True, "wrongly withheld"),
            (said("Bob", confidence=0.3), True, "not read"),
            (said("Bob"), True, "wrongly answered"),
            (said("Bob", found=False), True, "not retrieved"),
            (said("Bob", found=False), False, "not loaded"),
        ],
    )
    def test_where_it_failed(self, answer: Answer, loaded: bool, stage: str | None) -> None:
        assert failed_at(GOLD, answer, 0.5, GOLD.evidence if loaded else ()) == stage

    def test_values_of_an_answerable_and_of_an_unanswerable_question(self) -> None:
        values = judge(GOLD, said("Ada Berg", confidence=0.3), 0.5, 1.0)
        assert (values["right_always"], values["answered_right"], values["handled"]) == (1, 0, 0)
        assert (values["f1"], values["silent"], values["right_of_answered"]) == (1, None, None)
        assert values["brier"] == pytest.approx(0.49)
        assert values["source_cited"] is None  # nothing is said
        assert judge(GOLD, said("Bob"), 0.5, 1.0)["source_cited"] == 1
        values = judge(NONE, said("Ada", confidence=0.3), 0.5, 1.0)
        assert (values["silent"], values["handled"], values["f1"]) == (1, 1, None)
        assert values["brier"] == pytest.approx(0.09)

    def test_a_statement_beside_the_point_is_extraneous(self) -> None:
        item = GoldItem("5", "5", "Why?", "why", (), (("rain",),), GOLD.evidence)
        answer = Answer(
            "Why?", "answered", "reader", "rain", "It rained rain. [1] He likes tea. [2]", 0.9,
            (citation(1, "a", 2, 6), citation(2, "b", 2, 6)),
        )  # fmt: skip
        assert judge(item, answer, 0.5, 1.0)["extraneous_sentences"] == 1 / 2
