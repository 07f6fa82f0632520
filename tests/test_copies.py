"""Near-copies: layout does not hide one, and texts that share their words are one source."""

from __future__ import annotations

import json
import random
import sqlite3
from argparse import Namespace
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag import Rag
from rag.catalog import MIGRATIONS, Catalog
from rag.cli import _sources
from rag.copies import LEAST, SHARE, independent, sketch

WORDS = st.lists(st.text("abcdefgé", min_size=1, max_size=6), max_size=400)
TEXTS = WORDS.map(" ".join)
NAMES = st.sampled_from("abcdef")


def prose(seed: int, sentences: int) -> list[str]:
    """Sentences of 10 words, no two of which have a shingle in common."""
    chance = random.Random(seed)
    letters = "abcdefghijklmnopqrstuvwxyz"
    return [
        " ".join("".join(chance.choices(letters, k=6)) for _ in range(10)).capitalize() + "."
        for _ in range(sentences)
    ]


@given(WORDS, st.data())
def test_layout_and_hyphenation_do_not_change_a_sketch(
    words: list[str], data: st.DataObject
) -> None:
    gaps = st.sampled_from([" ", "\n", "\t ", ",  ", "? \n\n"])
    breaks = st.sampled_from(["", "-\n", "-\n  ", "--", "\u00ad"])
    chance = data.draw(st.randoms(use_true_random=False))
    laid_out = ""
    for word in words:
        cut = chance.randrange(len(word))
        hyphen = data.draw(breaks) if cut and chance.random() < 0.1 else ""
        laid_out += (
            word[:cut] + hyphen + word[cut:] + (data.draw(gaps) if chance.random() < 0.1 else " ")
        )
    assert sketch(laid_out) == sketch(" ".join(words).upper())


def containment(one: frozenset[int], other: frozenset[int]) -> float:
    """How much of the smaller sketch is in the other, 0 to 1."""
    smaller = min(len(one), len(other))
    return len(one & other) / smaller if smaller else 0.0


@given(TEXTS, TEXTS)
def test_containment_is_a_share_and_symmetric(one: str, other: str) -> None:
    a, b = sketch(one), sketch(other)
    assert 0 <= containment(a, b) == containment(b, a) <= 1
    assert containment(a, a) == bool(a)


def test_a_sketch_is_the_same_everywhere() -> None:
    assert sketch("The tea is kept in the blue tin.") == {14241088286774}
    assert sketch(" \n.") == frozenset()


def test_a_short_text_has_only_itself_as_its_copy() -> None:
    long = prose(1, 60)
    short = sketch(" ".join(long[:5]))
    assert len(short) == 1 < LEAST
    assert containment(short, sketch("\n".join(long[:5]))) == 1
    assert containment(short, sketch(" ".join(long))) == 0


def test_a_part_is_a_copy_of_the_whole() -> None:
    long = prose(1, 100)
    assert containment(sketch(" ".join(long)), sketch(" ".join(long[30:60]))) > 0.95
    mixed = sketch(" ".join(long[:25] + prose(2, 75)))
    assert SHARE < containment(sketch(" ".join(long)), mixed) < 0.4


@given(st.lists(NAMES), st.lists(st.tuples(NAMES, NAMES)))
def test_independent_sources_are_between_one_and_all(
    sources: list[str], copies: list[tuple[str, str]]
) -> None:
    count = independent(sources, copies)
    assert bool(sources) <= count <= len(set(sources))
    assert independent(sources, []) == len(set(sources))
    assert independent(sources, [*copies, *(("x", name) for name in sources)]) == count


def test_copies_of_a_copy_are_one_source() -> None:
    assert independent("abcde", [("a", "b"), ("d", "e"), ("c", "b")]) == 2


def listed(rag: Rag) -> dict[str, tuple[str, ...]]:
    return {info.source: info.copies for info in rag.sources()}


def test_near_copies_are_found_at_ingest_and_go_with_the_text(
    rag: Rag, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    report = prose(1, 50)
    (folder / "agency.txt").write_text(" ".join(report))
    (folder / "paper.txt").write_text("\n\n".join(prose(2, 20) + report[:30]))
    (folder / "other.txt").write_text(" ".join(prose(3, 50)))
    rag.ingest(folder)
    catalog = rag._open().catalog  # nothing public counts them
    names = ["agency.txt", "other.txt", "paper.txt"]
    assert listed(rag) == {
        "agency.txt": ("paper.txt",),
        "other.txt": (),
        "paper.txt": ("agency.txt",),
    }
    _sources(rag, Namespace(json=False))
    assert capsys.readouterr().out.count("    shares its text with ") == 2
    _sources(rag, Namespace(json=True))
    assert json.loads(capsys.readouterr().out)[0]["copies"] == ["paper.txt"]
    assert catalog.copies(names) == [("agency.txt", "paper.txt")]
    assert independent(names, catalog.copies(names)) == 2
    assert catalog.copies(["agency.txt", "other.txt"]) == []

    (folder / "paper.txt").write_text(" ".join(prose(4, 50)))
    rag.ingest(folder)
    assert not any(listed(rag).values())

    (folder / "paper.txt").write_text(" ".join(report))
    (folder / "third.txt").write_text(" ".join(report))
    rag.ingest(folder)
    assert listed(rag)["third.txt"] == ("agency.txt", "paper.txt")
    rag.forget("agency.txt")
    assert listed(rag)["third.txt"] == ("paper.txt",)
    rag.forget("third.txt")
    assert not any(listed(rag).values())


def test_boilerplate_leads_to_the_oldest_documents_only(
    rag: Rag, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("rag.catalog.CARRIERS", 2)
    for number in range(5):
        (folder / f"{number}.txt").write_text(" ".join(prose(1, 40)))
    rag.ingest(folder)
    assert listed(rag)["4.txt"] == ("0.txt", "1.txt")
    assert independent(listed(rag), rag._open().catalog.copies(list(listed(rag)))) == 1


def test_an_index_of_the_first_schema_migrates(tmp_path: Path) -> None:
    path = tmp_path / "catalog.sqlite3"
    texts = [prose(1, 50), prose(2, 50), prose(1, 50) + prose(3, 10)]
    with closing(sqlite3.connect(path)) as db:
        db.executescript(f"{MIGRATIONS[0]} PRAGMA user_version = 1;")
        for number, text in enumerate(texts):
            db.execute(
                "INSERT INTO documents VALUES (?, ?, ?, 'txt', '', ?, '', '[]', '[]', '', '')",
                (number + 1, f"{number}.txt", f"/{number}.txt", " ".join(text)),
            )
        db.commit()
    for _ in range(2):
        catalog = Catalog(path)
        assert [one.copies for one in catalog.listings()] == [("2.txt",), (), ("0.txt",)]
        catalog.close()
