"""Uploads: kept under RAG_HOME, reported file by file, and gone with their document."""

from __future__ import annotations

import json
from pathlib import Path
from threading import Event

import pytest

from rag import Rag, SourceError
from ui.examples import examples
from ui.keeping import Keeping
from ui.shelf import Upload
from ui.uploads import Uploads


@pytest.fixture
def uploads(rag: Rag) -> Uploads:
    return Uploads(rag, Event())


def add(uploads: Uploads, *files: Path) -> list[Upload]:
    """Upload files; how they ended."""
    *_, last = uploads.add(files)
    return last


def write(folder: Path, name: str, text: str = "The tea is in the blue tin.") -> Path:
    file = folder / name
    file.write_text(text)
    return file


def test_each_file_is_reported_as_it_comes(uploads: Uploads, folder: Path) -> None:
    files = [write(folder, "a.txt"), write(folder, "b.mp3"), write(folder, "c.txt", "Other.")]
    steps = [[file.state for file in step] for step in uploads.add(files)]
    states = [step for step, before in zip(steps, [[], *steps], strict=False) if step != before]
    assert states == [
        ["working", "waiting", "waiting"],
        ["done", "waiting", "waiting"],
        ["done", "working", "waiting"],
        ["done", "failed", "waiting"],
        ["done", "failed", "working"],
        ["done", "failed", "done"],
    ]


def test_the_share_of_a_large_file_that_is_indexed_grows(uploads: Uploads, folder: Path) -> None:
    text = "\n\n".join(f"Passage {n} is about the tea in tin {n}. " * 20 for n in range(300))
    shares = [step[0].share for step in uploads.add([write(folder, "a.txt", text)])]
    between = [share for share in shares if 0 < share < 1]
    assert between
    assert between == sorted(between)


def test_an_upload_that_the_end_interrupts_leaves_nothing(rag: Rag, folder: Path) -> None:
    ending = Event()
    ending.set()
    uploads = Uploads(rag, ending)
    (state,) = add(uploads, write(folder, "a.txt"))
    assert (state.state, state.note) == ("failed", "The server was ended.")
    assert list(uploads.folder.iterdir()) == []
    assert rag.sources() == []


def test_files_are_kept_for_their_owner_alone(rag: Rag, uploads: Uploads, folder: Path) -> None:
    file = write(folder, "a.txt")
    assert add(uploads, file) == [Upload("a.txt", "done")]
    assert not file.exists()
    (info,) = rag.sources()
    assert Path(info.path) == uploads.folder / "a.txt"
    assert uploads.folder.stat().st_mode & 0o777 == 0o700
    assert Path(info.path).stat().st_mode & 0o777 == 0o600
    assert uploads.sources() == {"a.txt"}


def test_what_cannot_be_read_says_why_and_is_not_kept(uploads: Uploads, folder: Path) -> None:
    (failed,) = add(uploads, write(folder, "song.mp3"))
    assert failed.state == "failed"
    assert ".mp3 are not supported" in failed.note
    assert list(uploads.folder.iterdir()) == []


def test_a_name_that_is_taken_gets_a_number(rag: Rag, uploads: Uploads, folder: Path) -> None:
    add(uploads, write(folder, "a.txt", "The first document is about tea and cups."))
    (second,) = add(uploads, write(folder, "a.txt", "The second one is about boats."))
    assert second == Upload("a.txt", "noted", "Listed as a (2).txt.")
    assert [info.source for info in rag.sources()] == ["a (2).txt", "a.txt"]


def test_a_copy_is_named(uploads: Uploads, folder: Path) -> None:
    text = "The ship left the harbour at noon with forty people and a cargo of tea on board. " * 5
    add(uploads, write(folder, "a.txt", text))
    (second,) = add(uploads, write(folder, "b.txt", text))
    assert second == Upload("b.txt", "noted", "Shares its text with a.txt.")


@pytest.mark.parametrize("name", [".hidden.txt", "a\nb.txt", "a\u202egnp.txt", "x" * 200 + ".txt"])
def test_names_cannot_hide_or_mislead(name: str, rag: Rag, uploads: Uploads, folder: Path) -> None:
    (state,) = add(uploads, write(folder, name))
    assert state.state != "failed", state.note
    (info,) = rag.sources()
    assert info.source.isprintable()
    assert not info.source.startswith(".")
    assert len(info.source) <= 120


def test_limits_are_settings(folder: Path) -> None:
    with Rag.open(max_uploads=1) as rag:
        few = Uploads(rag, Event())
        add(few, write(folder, "a.txt", "One."))
        (failed,) = add(few, write(folder, "b.txt", "Two."))
    assert (failed.state, "RAG_MAX_UPLOADS" in failed.note) == ("failed", True)
    with Rag.open(max_upload_bytes=10) as rag:
        (failed,) = add(Uploads(rag, Event()), write(folder, "b.txt", "Two, and much more."))
    assert (failed.state, "RAG_MAX_UPLOAD_BYTES" in failed.note) == ("failed", True)


def test_a_file_that_vanished_is_reported(uploads: Uploads, folder: Path) -> None:
    (failed,) = add(uploads, folder / "gone.txt")
    assert (failed.state, "could not be kept" in failed.note) == ("failed", True)


def test_removing_deletes_an_upload_and_nothing_else(
    rag: Rag, uploads: Uploads, folder: Path
) -> None:
    own = write(folder, "own.txt", "My own file.")
    rag.ingest(own)
    add(uploads, write(folder, "up.txt", "An uploaded one."))
    uploads.remove("up.txt")
    uploads.remove("own.txt")
    assert rag.sources() == []
    assert list(uploads.folder.iterdir()) == []
    assert own.exists()
    with pytest.raises(SourceError):
        uploads.remove("own.txt")


def test_ratings_and_gold_questions_are_kept(seeded: Rag, tmp_path: Path) -> None:
    keeping = Keeping(seeded.settings.home)
    answer = seeded.ask("Who is the US Commerce Secretary?")
    keeping.rate(answer, right=True, note=" quite so ")
    keeping.rate(answer, right=False, note="")
    rows = [
        json.loads(line) for line in (tmp_path / "home/feedback.jsonl").read_text().splitlines()
    ]
    assert [(row["right"], row["note"]) for row in rows] == [(True, "quite so"), (False, "")]
    assert rows[0]["answer"] == answer.to_dict()
    keeping.add_gold(answer, "seen in the chat")
    (gold,) = [json.loads(line) for line in (tmp_path / "home/gold.jsonl").read_text().splitlines()]
    assert (gold["question"], gold["kind"], gold["absent"]) == (answer.question, "who", None)
    evidence = gold["evidence"][0]
    text = seeded.document(evidence["source"]).text
    assert text[evidence["start"] : evidence["end"]] == evidence["quote"]
    assert (tmp_path / "home/feedback.jsonl").stat().st_mode & 0o777 == 0o600


def test_silence_can_be_gold(seeded: Rag, tmp_path: Path) -> None:
    answer = seeded.ask("Which enzyme unwinds the double helix during replication?")
    Keeping(seeded.settings.home).add_gold(answer, "")
    gold = json.loads((tmp_path / "home/gold.jsonl").read_text())
    assert (gold["answers"], gold["evidence"], gold["absent"]) == ([], [], "attribute")


def test_example_questions_are_answered(seeded: Rag) -> None:
    found = examples(seeded, Event())
    assert 1 <= len(found) <= 4
    assert {seeded.ask(question).status for question in found} == {"answered"}
    assert len({question.split()[0] for question in found}) > 1  # of different kinds


def test_there_are_no_examples_where_nothing_fits(rag: Rag, folder: Path) -> None:
    rag.ingest(write(folder, "a.txt", "tea, cups and spoons"))
    assert examples(rag, Event()) == []
