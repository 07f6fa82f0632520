"""The evals of the reader: what is held out, what counts as right, and where abstaining pays."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest

from evals import latency, news, squad, stories
from evals.latency import Latency
from evals.metrics.answers import f1, is_right
from rag import Rag, SourceError
from rag.training.stories import Story, StoryQuestion

CONTEXT = "The fair was held in Oslo. Mayor Ada Berg opened it on a rainy Monday."


def squad_file(folder: Path, version: str, titles: int = 1) -> Path:
    data = [
        {
            "title": f"Fair {number}",
            "paragraphs": [
                {
                    "context": f"{CONTEXT} It was number {number}.",
                    "qas": [
                        {
                            "question": "Who opened the fair?",
                            "answers": [{"text": "Ada Berg", "answer_start": 33}],
                        },
                        {"question": "Who closed it?", "answers": [], "is_impossible": True},
                    ],
                }
            ],
        }
        for number in range(titles)
    ]
    file = folder / "fair.json.gz"
    file.write_bytes(gzip.compress(json.dumps({"version": version, "data": data}).encode()))
    return file


def test_a_squad_file_is_scored(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert squad.main([str(squad_file(tmp_path, "v2.0")), "--json"]) == 0
    figures = json.loads(capsys.readouterr().out)
    assert (figures["answerable"], figures["unanswerable"]) == (1, 1)
    assert figures["f1_always"]["mean"] > 0.5
    assert figures["f1_best"] >= 0.5  # silence alone reaches that


@pytest.mark.parametrize(("version", "digits"), [("v2.0", "0123"), ("1.1", "0")])
def test_held_out_is_by_title_or_by_context(tmp_path: Path, version: str, digits: str) -> None:
    file = squad_file(tmp_path, version, titles=64)
    everything = squad.load_items(file, held_out=False)
    held_out = squad.load_items(file, held_out=True)
    share = len(held_out) / len(everything)
    assert abs(share - len(digits) / 16) < 0.12


def test_a_file_of_another_format_is_a_clear_error(tmp_path: Path) -> None:
    file = tmp_path / "x.json"
    file.write_text("[]")
    with pytest.raises(SourceError, match="cannot be read"):
        squad.load_items(file, held_out=False)
    assert squad.main([str(tmp_path / "missing.json")]) == 1


def outcome(accepted: tuple[str, ...], answer: str, odds: float) -> squad.Outcome:
    return squad.Outcome(squad.Item("?", "", accepted), answer, odds)


def test_the_best_f1_is_at_the_best_threshold() -> None:
    outcomes = [
        outcome(("b c",), "b c", 3.0),
        outcome((), "x", 2.0),
        outcome(("d",), "d", 1.0),
        outcome(("e",), "e", 0.5),
        outcome((), "y", 0.0),
    ]
    # From 0.5 on: right, wrong, right, right, silent on the last.
    assert squad.best(outcomes, f1) == (pytest.approx(4 / 5), 0.5)
    assert squad.best([outcome((), "x", 1.0)], f1) == (1.0, float("inf"))
    # Those of the same odds are answered together, so that this one is no threshold.
    tied = [outcome(("a",), "a", 1.0), outcome((), "x", 1.0), outcome((), "y", 1.0)]
    assert squad.best(tied, f1) == (pytest.approx(2 / 3), float("inf"))


def test_the_set_threshold_splits_by_whether_there_is_an_answer() -> None:
    outcomes = [
        outcome(("b c",), "b", 3.0),
        outcome((), "x", 2.0),
        outcome(("d",), "d", -1.0),
        outcome((), "y", -2.0),
    ]
    figures = squad.at_threshold(outcomes, squad.SET)
    assert {name: getattr(value, "mean") for name, value in figures.items()} == {  # noqa: B009
        "em_set": 1 / 4,
        "em_set_HasAns": 0.0,
        "em_set_NoAns": 1 / 2,
        "f1_set": pytest.approx((2 / 3 + 0 + 0 + 1) / 4),
        "f1_set_HasAns": pytest.approx(1 / 3),
        "f1_set_NoAns": 1 / 2,
    }


@pytest.mark.parametrize(
    ("short", "right"),
    [
        ("Squid Game", True),
        ("the show Squid Game, on Netflix", True),
        ("Game of Thrones", False),
        ("a show that has been seen by more people than Squid Game or any other one", False),
        ("", False),
    ],
)
def test_right_is_what_a_person_would_let_pass(short: str, right: bool) -> None:
    assert is_right(short, ["“Squid Game”"]) == right


def test_news_figures() -> None:
    outcomes = [
        news.Outcome("?", ("Oslo",), True, "Oslo", 0.9),
        news.Outcome("?", ("Rome",), False, "Lima", 0.4),
        news.Outcome("?", (), False, "Lima", 0.6),
        news.Outcome("?", (), False, "Riga", 0.1),
    ]
    figures = news.summarize(outcomes, threshold=0.5)
    assert (figures["answerable"], figures["unanswerable"]) == (2, 2)
    assert [getattr(figures[name], "mean") for name in (  # noqa: B009
        "right", "right_at_threshold", "silent", "right_of_answered",
    )] == [0.5, 0.5, 0.5, 0.5]  # fmt: skip
    assert figures["auc"] == 0.75


def test_stories_are_asked_over_their_own_articles(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = [
        {"doc_id": "oslo", "title": "The fair", "text": "Mayor Ada Berg opened the fair in Oslo."},
        {"doc_id": "lima", "title": "", "text": "Bo Lund sells hats in Lima."},
    ]
    lines = "".join(f"{json.dumps(row)}\n" for row in rows)
    (tmp_path / "corpus.jsonl.gz").write_bytes(gzip.compress(lines.encode()))
    stands = (("oslo", (10, 49)),)
    questions = (
        StoryQuestion("Who opened the fair?", "who", ("Ada Berg",), stands, None),
        StoryQuestion("Did Ada Berg open the fair?", "yes_no", ("yes",), stands, None),
        StoryQuestion("What does Bo Lund sell?", "which", (), (), "entity"),
    )
    known = [Story(("oslo",), questions, "test"), Story(("lima",), questions, "tune")]
    monkeypatch.setattr(stories, "read_stories", lambda: known)
    assert stories.main([str(tmp_path), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["figures"]["answerable"] == 2
    assert found["figures"]["unanswerable"] == 1
    assert [outcome["right"] for outcome in found["outcomes"]] == [True, True, False]
    assert stories.main([str(tmp_path / "nowhere")]) == 1
    assert "corpus.jsonl.gz cannot be read" in capsys.readouterr().err


def test_latency_is_measured_beside_its_floor(seeded: Rag) -> None:
    measured = latency.time_asking(seeded.settings.home, ["Who is the Commerce Secretary?"])
    assert isinstance(measured, Latency)
    figures = latency.summarize(measured)
    assert figures["asks"] == latency.ROUNDS
    assert all(row["p50"] > 0 for row in figures["ms"].values())
