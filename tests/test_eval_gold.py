"""Gold questions: the format, what is refused, what becomes of a rated answer, and our own set."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from evals.datasets import GOLD, Dataset
from rag import Answer, Citation, GoldError, GoldItem
from rag.gold import Support, append_gold, guess_kind, read_gold

from .conftest import SEEDS
from .gold_documents import rows, write_gold

ROW = rows()[0]
OTHERS = sorted(GOLD[0].parent.glob("others-*.jsonl"))


def write(folder: Path, *lines: Any) -> Path:
    file = folder / "gold.jsonl"
    file.write_text(
        "".join(f"{one if isinstance(one, str) else json.dumps(one)}\n" for one in lines)
    )
    return file


def test_a_file_is_read_in_order(tmp_path: Path) -> None:
    items = read_gold(write_gold(tmp_path))
    assert [item.id for item in items] == [row["id"] for row in rows()]
    assert items[0].to_dict() == GoldItem.from_dict(ROW).to_dict()
    assert items[-1].absent == "attribute"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"kind": "colour"}, "'kind' is 'colour'"),
        ({"question": " "}, "'question' has to be a text"),
        ({"answers": "nine"}, "'answers' has to hold texts"),
        ({"answers": [], "facts": []}, "needs 'answers' or 'facts'"),
        ({"facts": [[]]}, "'facts' has to hold texts"),
        ({"evidence": []}, "needs 'evidence'"),
        ({"evidence": [{"source": "a", "start": 0}]}, "source, start, end and quote"),
        ({"evidence": [{"source": "a", "start": 0, "end": 9, "quote": "a"}]}, "not as long"),
        ({"absent": "attribute"}, "has no answers, facts or evidence"),
        ({"absent": "nothing"}, "'absent' is null or one of"),
        ({"anwsers": []}, "'anwsers' is not a field"),
    ],
)
def test_a_bad_line_is_named(tmp_path: Path, change: dict[str, Any], message: str) -> None:
    file = write(tmp_path, ROW, {**ROW, "id": "second", **change})
    with pytest.raises(GoldError) as raised:
        read_gold(file)
    assert message in raised.value.message
    assert f"{file}:2 " in raised.value.message
    assert raised.value.hint


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        ((ROW, ROW), "the id 'ferry.txt-0' was used above"),
        ((ROW, "{"), ":2 is not a gold question"),
        ((ROW, "[]"), "not a JSON object"),
        ((), "has no questions"),
    ],
)
def test_a_bad_file_is_refused(tmp_path: Path, lines: tuple[Any, ...], message: str) -> None:
    with pytest.raises(GoldError, match=message):
        read_gold(write(tmp_path, *lines))


def test_a_missing_or_foreign_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(GoldError, match="cannot be read: No such file"):
        read_gold(tmp_path / "nowhere.jsonl")
    file = tmp_path / "latin.jsonl"
    file.write_bytes(b"\xff\xfe")
    with pytest.raises(GoldError, match="not UTF-8"):
        read_gold(file)


def test_an_item_is_appended_once_also_after_a_line_without_an_end(tmp_path: Path) -> None:
    file = tmp_path / "gold.jsonl"
    file.write_text(json.dumps(ROW))
    second = GoldItem.from_dict({**ROW, "id": "second", "question": "Where to? \u2028 Aldmoor"})
    append_gold(file, second)
    assert read_gold(file) == [GoldItem.from_dict(ROW), second]
    with pytest.raises(GoldError, match="already"):
        append_gold(file, second)
    assert len(read_gold(file)) == 2


def test_the_fingerprint_is_of_all_but_the_note() -> None:
    item = GoldItem.from_dict(ROW)
    assert GoldItem.from_dict({**ROW, "note": "mind"}).fingerprint == item.fingerprint
    assert GoldItem.from_dict({**ROW, "answers": ["ten"]}).fingerprint != item.fingerprint


def answer(question: str, status: str = "answered") -> Answer:
    citation = Citation(1, "a.txt", 4, 8, "Ada!", "Oh, Ada!")
    said = status == "answered"
    return Answer(
        question,
        "answered" if said else "abstained",
        "reader",
        "Ada" if said else None,
        "Oh, Ada! [1]",
        0.9,
        (citation,) if said else (),
    )


def test_a_confirmed_answer_becomes_gold() -> None:
    item = GoldItem.from_answer(answer("Who came?"))
    assert (item.kind, item.answers, item.facts) == ("who", ("Ada",), ())
    assert item.evidence == (Support("a.txt", 4, 8, "Ada!"),)
    assert item.fact == item.id
    long = GoldItem.from_answer(answer("Why did she come?"), fact="coming", note="odd")
    assert (long.kind, long.answers, long.facts) == ("why", (), (("Ada!",),))
    assert (long.fact, long.note) == ("coming", "odd")


def test_a_corrected_answer_becomes_gold() -> None:
    support = Support("b.txt", 0, 3, "Bob")
    item = GoldItem.from_answer(answer("Who came?"), answers=["Bob"], evidence=[support])
    assert (item.answers, item.evidence) == (("Bob",), (support,))
    none = GoldItem.from_answer(answer("Who came?"), absent="entity")
    assert (none.answers, none.evidence, none.absent) == ((), (), "entity")


def test_an_abstention_cannot_be_confirmed() -> None:
    with pytest.raises(GoldError, match="cannot be gold"):
        GoldItem.from_answer(answer("Who came?", "abstained"))


@pytest.mark.parametrize(
    ("question", "kind"),
    [
        ("Who is it?", "who"),
        ("How many are there?", "how_many"),
        ("How was it done?", "how"),
        ("What did Li say?", "said"),
        ("Did they agree?", "yes_no"),
        ("What colour is it?", "which"),
        ("List the members.", "list"),
    ],
)
def test_the_kind_is_guessed(question: str, kind: str) -> None:
    assert guess_kind(question) == kind


# The gold questions over the seeds


def test_the_gold_is_as_large_and_as_varied_as_it_says() -> None:
    items = [item for _, item in Dataset.seeds().questions()]
    kinds = Counter(item.kind for item in items)
    assert sum(item.absent is None for item in items) >= 80
    assert sum(item.absent is not None for item in items) >= 40
    assert len(kinds) == 10
    near = [item for item in items if item.absent in ("attribute", "entity")]
    assert len(near) > len([item for item in items if item.absent]) / 2


@pytest.mark.parametrize("file", [*GOLD, *OTHERS], ids=lambda file: file.stem)
def test_gold_evidence_is_in_the_seeds_character_for_character(file: Path) -> None:
    texts = {path.name: path.read_bytes().decode() for path in SEEDS.iterdir()}
    items = read_gold(file)
    assert len(items) >= 90
    for item in items:
        for one in item.evidence:
            assert texts[one.source][one.start : one.end] == one.quote, item.id


def test_the_questions_of_others_are_there() -> None:
    assert len(OTHERS) == 5
    for file in OTHERS:
        items = read_gold(file)
        assert sum(item.absent is None for item in items) == 80
        assert {item.kind for item in items} == {item.kind for item in read_gold(GOLD[0])}


def test_gold_is_split_by_fact() -> None:
    for file in GOLD:
        for item in read_gold(file):
            digit = hashlib.sha256(item.fact.encode()).hexdigest()[0]
            assert ("test" if digit in "89abcdef" else "tune") == file.stem, item.id
