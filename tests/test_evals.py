"""The measurements: metrics on cases computed by hand, and two commands from end to end."""

from __future__ import annotations

import csv
import gzip
import json
from pathlib import Path
from typing import Any

import pytest
from tokenizers import Tokenizer

from evals import chunking, realtimeqa
from evals.chunking import Place, score, summarise
from evals.coverage import Piece, coverage, disjoint
from evals.latency import Latency
from evals.realtimeqa import Article, Question, choose, compare, is_hit, write_articles
from evals.speed import Run, ratios
from evals.statistics import difference, estimate
from rag.weights import bundled_folder


def scores(corpus: str, references: list[tuple[int, int]], *retrieved: Place) -> list[float]:
    result = score(corpus, references, retrieved)
    return [result.recall, result.precision, result.iou]


class TestScore:
    def test_a_part_of_a_reference(self) -> None:
        # 10 of 20 wanted characters in 40 retrieved; 10 missed.
        assert scores("a", [(10, 30)], Place("a", 20, 60)) == [10 / 20, 10 / 40, 10 / 50]

    def test_overlapping_passages_find_a_character_once_but_retrieve_it_twice(self) -> None:
        found = scores("a", [(0, 10)], Place("a", 0, 8), Place("a", 4, 12))
        assert found == [10 / 10, 10 / 16, 10 / 16]

    def test_the_same_passage_twice(self) -> None:
        found = scores("a", [(0, 10)], Place("a", 0, 10), Place("a", 0, 10))
        assert found == [1.0, 10 / 20, 10 / 20]

    def test_another_corpus_counts_as_retrieved_only(self) -> None:
        found = scores("a", [(0, 10)], Place("b", 0, 10), Place("a", 0, 5))
        assert found == [5 / 10, 5 / 15, 5 / 20]

    def test_several_references(self) -> None:
        # 5 of the first, none of the second, all of the third.
        found = scores("a", [(0, 10), (20, 30), (40, 50)], Place("a", 5, 15), Place("a", 40, 50))
        assert found == [15 / 30, 15 / 20, 15 / 35]

    def test_references_that_share_characters(self) -> None:
        # As in the original: found characters once, wanted and missed ones for each reference.
        assert scores("a", [(0, 10), (5, 15)], Place("a", 0, 10)) == [10 / 20, 1.0, 10 / 15]

    def test_touching_is_not_finding(self) -> None:
        assert scores("a", [(10, 20)], Place("a", 0, 10), Place("a", 20, 25)) == [0.0, 0.0, 0.0]

    def test_nothing_retrieved(self) -> None:
        assert scores("a", [(10, 20)]) == [0.0, 0.0, 0.0]

    def test_no_references(self) -> None:
        with pytest.raises(ValueError, match="references"):
            score("a", [], [])


def test_groups_weigh_questions_not_corpora() -> None:
    questions = [chunking.Question("?", corpus, ()) for corpus in ("finance", "pubmed", "pubmed")]
    three = [chunking.Scores(recall, 0.0, 0.0, 7) for recall in (1.0, 0.0, 0.5)]
    groups = summarise(questions, three, ["finance", "pubmed"])
    assert {name: (one.questions, one.recall.mean) for name, one in groups.items()} == {
        "finance": (1, 1.0),
        "pubmed": (2, 0.25),
        "tune": (3, 0.5),
        "all": (3, 0.5),
    }
    assert groups["all"].characters.mean == 7


class TestHits:
    def test_repeats_of_an_article_take_one_place(self) -> None:
        ranked = ["x", "x", "y", "x", "gold"]
        assert not is_hit(ranked, frozenset({"gold"}), 2)
        assert is_hit(ranked, frozenset({"gold"}), 3)

    def test_one_of_several_gold_articles_is_enough(self) -> None:
        assert is_hit(["x", "b"], frozenset({"a", "b"}), 2)

    def test_an_empty_ranking(self) -> None:
        assert not is_hit([], frozenset({"a"}), 5)

    def test_compare_pairs_questions_by_half(self) -> None:
        questions = [Question(line, "?", frozenset({"gold"})) for line in range(3)]
        good, bad = ["gold"], ["x"]
        rows = compare(
            questions, {"product": [good, good, bad], "other": [bad, good, good]}, ["even", "odd"]
        )
        found = {
            (row.half, row.system): (row.questions, row.hit_rate.mean, row.product_minus)
            for row in rows
            if row.k == 1
        }
        assert found["even", "product"] == (2, 0.5, None)
        questions_, rate, minus = found["even", "other"]
        # One question won, one lost: even, with the widest interval that two questions have.
        assert (questions_, rate) == (2, 0.5)
        assert minus is not None
        assert (minus.mean, minus.low, minus.high) == (0.0, -1.0, 1.0)
        assert found["odd", "other"][1] == 1.0

    def test_articles_shown_are_distinct_ones(self) -> None:
        questions = [Question(0, "?", frozenset({"a"})), Question(1, "?", frozenset({"a"}))]
        rows = compare(questions, {"product": [["a", "a", "b"], ["c"]]}, ["all"])
        assert {row.k: row.articles for row in rows} == {1: 1.0, 5: 1.5}


def test_gold_articles_are_chosen_first_and_never_left_out(tmp_path: Path) -> None:
    articles = [Article(name, f"{name}.txt", f"{name}\r\n") for name in "abcd"]
    questions = [Question(0, "?", frozenset({"c.txt", "d.txt"}))]
    assert [one.doc_id for one in choose(articles, questions, 3)] == ["c", "d", "a"]
    assert [one.doc_id for one in choose(articles, questions, 1)] == ["c", "d"]
    assert len(choose(articles, questions, None)) == 4

    write_articles(articles, tmp_path)
    write_articles(articles[:2], tmp_path)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == {
        "a.txt": b"a\r\n",
        "b.txt": b"b\r\n",
    }


class TestStatistics:
    def test_the_interval_holds_the_mean_and_is_repeatable(self) -> None:
        values = [0.0, 1.0] * 50
        found = estimate(values)
        # The standard error of 100 fair coins is 0.05.
        assert found.mean == 0.5
        assert found.low == pytest.approx(0.4, abs=0.02)
        assert found.high == pytest.approx(0.6, abs=0.02)
        assert estimate(values) == found

    def test_pairing_leaves_no_doubt_about_a_constant_difference(self) -> None:
        found = difference([0.75, 0.25, 0.5], [0.5, 0.0, 0.25])
        assert (found.mean, found.low, found.high) == (0.25, 0.25, 0.25)

    def test_unpaired_and_empty_values_are_refused(self) -> None:
        with pytest.raises(ValueError, match="shorter"):
            difference([1.0, 0.0], [1.0])
        with pytest.raises(ValueError, match="nothing"):
            estimate([])


class TestCoverage:
    def test_what_the_model_cuts_is_not_covered(self) -> None:
        tokenizer = Tokenizer.from_file(str(bundled_folder() / "tokenizer.json"))
        tokenizer.no_padding()
        tokenizer.no_truncation()
        texts = {"a": "one two three four", "b": "five six"}
        pieces = [
            # "path :" takes two of four tokens, so that "one two" is seen.
            Piece("a", 0, 13, "path: one two three"),
            Piece("a", 4, 7, "two"),
            Piece("b", 0, 4, "five"),
        ]
        found = coverage(pieces, texts, tokenizer, limit=4)
        assert found.tokens == 4 + 1 + 1
        assert found.share == len("onetwofive") / len("onetwothreefourfivesix")

    def test_disjoint(self) -> None:
        assert disjoint([(5, 9), (0, 6), (1, 2), (9, 9), (12, 10)]) == [(0, 6), (6, 9)]


def test_ratios_are_to_the_starter_and_to_the_ceiling_of_the_same_precision() -> None:
    def run(system: str, precision: str, rate: float) -> Run:
        return Run(system, precision, 1.0, 1, rate, 1.0)

    runs = [
        run("product", "bf16", 200),
        run("ceiling", "bf16", 400),
        run("starter", "fp32", 100),
        run("product", "fp32", 50),
    ]
    assert ratios(runs) == {
        "bf16, product / starter": 2.0,
        "bf16, product / ceiling": 0.5,
        "fp32, product / starter": 0.5,
    }


def test_the_floor_is_the_sum_of_its_parts_ask_by_ask() -> None:
    parts = {"encode": [1.0, 2.0], "forward": [10.0, 20.0]}
    assert Latency([9.0, 9.0], [1.0, 1.0], parts).floor == [11.0, 22.0]


# End to end, with the real embedder, over documents made up in the data sets' formats

TEXTS = {
    "chatlogs": "The kettle is warm. The ferry to Aldmoor leaves at nine. Tea is served on deck.",
    "finance": "Revenue rose by four percent. Dividends were paid in March. Debt fell.",
    "wikitexts": "The grey heron nests in tall reeds. It eats frogs. It rarely calls.",
}
QUESTIONS = {
    "When does the ferry to Aldmoor leave?": ("chatlogs", "The ferry to Aldmoor leaves at nine."),
    "When were dividends paid?": ("finance", "Dividends were paid in March."),
    "Where does the grey heron nest?": ("wikitexts", "The grey heron nests in tall reeds."),
}


@pytest.fixture
def chunking_folder(tmp_path: Path) -> Path:
    for corpus, text in TEXTS.items():
        (tmp_path / f"{corpus}.md").write_text(text)
    with (tmp_path / "questions_df.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["question", "references", "corpus_id"])
        for question, (corpus, content) in QUESTIONS.items():
            start = TEXTS[corpus].index(content)
            reference = {
                "content": content,
                "start_index": start,
                "end_index": start + len(content),
            }
            writer.writerow([question, json.dumps([reference]), corpus])
    return tmp_path


@pytest.fixture
def news_folder(tmp_path: Path) -> Path:
    with gzip.open(tmp_path / "corpus.jsonl.gz", "wt") as corpus:
        for name, text in TEXTS.items():
            title = "" if name == "finance" else f"About {name}"
            corpus.write(json.dumps({"doc_id": f"a/{name}", "title": title, "text": text}) + "\n")
    with (tmp_path / "answerable.jsonl").open("w") as file:
        for question, (name, _) in QUESTIONS.items():
            file.write(json.dumps({"question": question, "gold_doc_ids": [f"a/{name}"]}) + "\n")
    return tmp_path


def printed(capsys: pytest.CaptureFixture[str]) -> Any:
    return json.loads(capsys.readouterr().out)


def test_chunking_command(chunking_folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert chunking.main([str(chunking_folder), "--k", "1", "--json"]) == 0
    result = printed(capsys)
    assert result["k"] == 1
    assert list(result["groups"]) == [*TEXTS, "tune", "test", "all"]
    assert result["groups"]["all"]["questions"] == 3
    assert result["groups"]["all"]["recall"] == {"mean": 1.0, "low": 1.0, "high": 1.0}
    # Each document is one chunk, and the passage retrieved.
    length = len(TEXTS["finance"])
    assert result["groups"]["finance"]["characters"]["mean"] == length
    precision = len("Dividends were paid in March.") / length
    assert result["groups"]["finance"]["precision"]["mean"] == pytest.approx(precision)

    assert chunking.main([str(chunking_folder), "--corpora", "wikitexts"]) == 0
    table = capsys.readouterr().out
    assert "Chroma: recursive 250/125" in table
    assert "finance" not in table


def test_chunking_command_explains_what_is_wrong(
    chunking_folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert chunking.main([str(chunking_folder), "--corpora", "novels"]) == 1
    assert "no questions for novels" in capsys.readouterr().err
    (chunking_folder / "wikitexts.md").write_text("Another text.")
    assert chunking.main([str(chunking_folder), "--corpora", "wikitexts"]) == 1
    assert "are not the reference of" in capsys.readouterr().err
    assert chunking.main([str(chunking_folder / "nowhere")]) == 1
    assert "questions_df.csv cannot be read" in capsys.readouterr().err


def test_realtimeqa_command(
    news_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    kept = tmp_path / "kept"
    arguments = [str(news_folder), "--home", str(kept), "--json"]
    assert realtimeqa.main(arguments) == 0
    result = printed(capsys)
    assert result["articles"] == 3
    rows = {(row["half"], row["system"], row["k"]): row for row in result["rows"]}
    assert len(rows) == 3 * 3 * 2
    assert rows["even", "product", 1]["questions"] == 2
    assert rows["odd", "product", 1]["questions"] == 1
    assert rows["all", "product", 1]["hit_rate"]["mean"] == 1.0
    assert rows["all", "BM25 alone", 5]["product_minus"]["mean"] == 0.0
    assert (kept / "articles" / "00000.txt").read_text().startswith("About chatlogs\n\nThe kettle")
    assert (kept / "articles" / "00001.txt").read_text() == TEXTS["finance"]

    assert realtimeqa.main([*arguments, "--half", "odd"]) == 0
    assert {row["half"] for row in printed(capsys)["rows"]} == {"odd"}


def test_realtimeqa_command_explains_what_is_wrong(
    news_folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (news_folder / "answerable.jsonl").write_text('{"question": "?", "gold_doc_ids": ["b"]}\n')
    assert realtimeqa.main([str(news_folder)]) == 1
    assert "lacks the article b" in capsys.readouterr().err
    (news_folder / "corpus.jsonl.gz").write_bytes(b"not gzip")
    assert realtimeqa.main([str(news_folder)]) == 1
    assert "corpus.jsonl.gz cannot be read" in capsys.readouterr().err
