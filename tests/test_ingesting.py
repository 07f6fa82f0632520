"""Sync: after an ingest the index says what the files say, whatever happened before."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rag import FingerprintError, Rag, SourceError, UsageError
from rag.home import Home

NOTES = {
    "tea.txt": "The tea is kept in the blue tin on the top shelf.",
    "keys.md": "# Keys\n\nThe spare key hangs behind the cellar door.\n",
    "deep/er/cat.txt": "The cat is called Miss Marple and she is nine years old.",
}


def write(folder: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)


def stored(rag: Rag) -> dict[str, str]:
    """What is indexed, by source; every chunk has its vector, and there are no others."""
    store = rag._open()  # no public way to look at the vectors
    assert store.vectors.ids() == set(store.catalog.chunk_ids())
    assert not store.catalog.writing
    return {info.source: rag.document(info.source).text for info in rag.sources()}


def interrupt(*_: object) -> None:
    """In place of one step of a write: end it there, as a kill would."""
    raise KeyboardInterrupt


def test_a_folder_is_taken_in_and_a_second_time_changes_nothing(rag: Rag, folder: Path) -> None:
    write(folder, NOTES)
    first = rag.ingest(folder)
    assert first.added == tuple(sorted(NOTES))
    generation = rag._open().catalog.generation
    second = rag.ingest(folder)
    assert second.unchanged == tuple(sorted(NOTES))
    assert second.added == second.updated == second.deleted == second.failed == ()
    assert rag._open().catalog.generation == generation
    assert stored(rag) == NOTES


def test_a_changed_file_replaces_its_chunks(rag: Rag, folder: Path) -> None:
    write(folder, NOTES)
    rag.ingest(folder)
    write(folder, {"tea.txt": "The tea is in the green tin now."})
    assert rag.ingest(folder).updated == ("tea.txt",)
    assert stored(rag) == NOTES | {"tea.txt": "The tea is in the green tin now."}
    assert "green" in rag.retrieve("Which tin is the tea in?", k=1)[0].text
    assert not any("blue" in passage.text for passage in rag.retrieve("blue tin", k=10))


def test_a_file_that_went_takes_its_chunks_along(rag: Rag, folder: Path) -> None:
    write(folder, NOTES)
    rag.ingest(folder)
    (folder / "deep/er/cat.txt").unlink()
    assert rag.ingest(folder).deleted == ("deep/er/cat.txt",)
    assert set(stored(rag)) == {"tea.txt", "keys.md"}


def test_another_folder_is_left_alone(rag: Rag, folder: Path, tmp_path: Path) -> None:
    write(folder, NOTES)
    write(tmp_path / "more", {"dog.txt": "The dog is called Poirot."})
    rag.ingest(folder)
    (folder / "tea.txt").unlink()
    report = rag.ingest(tmp_path / "more")
    assert (report.added, report.deleted) == (("dog.txt",), ())
    assert "tea.txt" in stored(rag)


def test_a_touched_file_is_recognised_by_its_content(rag: Rag, folder: Path) -> None:
    write(folder, NOTES)
    rag.ingest(folder)
    os.utime(folder / "tea.txt", (1, 1))
    assert rag.ingest(folder).unchanged == tuple(sorted(NOTES))


def test_a_bad_file_stops_no_other_and_is_named(rag: Rag, folder: Path) -> None:
    write(folder, NOTES | {"empty.txt": "", "song.mp3": "la"})
    (folder / "broken.pdf").write_bytes(b"%PDF-1.7 and then nothing")
    report = rag.ingest(folder)
    assert report.added == tuple(sorted(NOTES))
    assert {failure.source for failure in report.failed} == {"empty.txt", "song.mp3", "broken.pdf"}
    assert all(failure.reason for failure in report.failed)


def test_a_file_gone_bad_keeps_what_was_indexed(rag: Rag, folder: Path) -> None:
    write(folder, NOTES)
    rag.ingest(folder)
    (folder / "tea.txt").write_bytes(b"\x89PNG\r\n\x1a\n\0\0\0")
    report = rag.ingest(folder)
    assert [failure.source for failure in report.failed] == ["tea.txt"]
    assert stored(rag) == NOTES
    assert [info.source for info in rag.sources() if info.stale] == ["tea.txt"]


def test_a_missing_path_changes_nothing(rag: Rag, folder: Path) -> None:
    write(folder, NOTES)
    with pytest.raises(SourceError, match="does not exist"):
        rag.ingest(folder, folder / "nowhere")
    assert rag.ingest(folder).added == tuple(sorted(NOTES))


def test_nothing_to_ingest_is_an_error(rag: Rag) -> None:
    with pytest.raises(UsageError):
        rag.ingest()


def test_a_folder_that_went_as_a_whole_is_an_error_that_names_what_is_left(
    rag: Rag, folder: Path
) -> None:
    write(folder, NOTES)
    rag.ingest(folder)
    shutil.rmtree(folder)
    with pytest.raises(SourceError) as caught:
        rag.ingest(folder)
    assert caught.value.hint is not None
    assert "3 documents" in caught.value.hint
    assert "rag forget" in caught.value.hint


def test_a_file_that_became_a_folder_is_gone(rag: Rag, folder: Path) -> None:
    write(folder, NOTES)
    rag.ingest(folder)
    (folder / "tea.txt").unlink()
    (folder / "tea.txt").mkdir()
    assert rag.ingest(folder).deleted == ("tea.txt",)


def test_names_that_collide_get_their_folder(rag: Rag, tmp_path: Path) -> None:
    for number, name in enumerate(("one", "two", "x/two")):
        write(tmp_path / name, {"a.txt": f"This is note number {number}."})
        rag.ingest(tmp_path / name)
    assert set(stored(rag)) == {"a.txt", "two/a.txt", "x/two/a.txt"}
    assert rag.ingest(tmp_path / "two").unchanged == ("two/a.txt",)


def test_a_single_file_is_named_by_itself(rag: Rag, folder: Path) -> None:
    write(folder, NOTES)
    assert rag.ingest(folder / "deep/er/cat.txt").added == ("cat.txt",)
    assert rag.ingest(folder).unchanged == ("cat.txt",)


def test_overlapping_paths_count_once(rag: Rag, folder: Path) -> None:
    write(folder, NOTES)
    report = rag.ingest(folder, folder / "tea.txt", folder)
    assert report.added == tuple(sorted(NOTES))


def test_forget_drops_a_document_and_an_unknown_one_is_an_error(rag: Rag, folder: Path) -> None:
    write(folder, NOTES)
    rag.ingest(folder)
    rag.forget("tea.txt")
    assert set(stored(rag)) == set(NOTES) - {"tea.txt"}
    with pytest.raises(SourceError, match=r"tea\.txt"):
        rag.forget("tea.txt")
    assert rag.ingest(folder).added == ("tea.txt",)


def test_foreign_text_gets_a_warning(rag: Rag, folder: Path) -> None:
    german = "Der Tee steht in der blauen Dose auf dem obersten Brett neben dem Fenster. " * 4
    write(folder, NOTES | {"tee.txt": german})
    warnings = rag.ingest(folder).warnings
    assert [notice.source for notice in warnings] == ["tee.txt"]
    assert "English" in warnings[0].message


def test_progress_reaches_its_total(rag: Rag, folder: Path) -> None:
    write(folder, NOTES)
    steps: list[tuple[int, int]] = []
    rag.ingest(folder, progress=lambda done, total: steps.append((done, total)))
    size = sum(len(text) for text in NOTES.values())
    assert steps[-1] == (size, size)
    assert steps == sorted(steps)


def test_an_index_by_other_settings_is_refused_until_rebuilt(
    rag: Rag, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(folder, NOTES)
    rag.ingest(folder)
    monkeypatch.setattr("rag.ingesting.CHUNKER", "another")
    with Rag.open() as other:
        for act in (lambda: other.ask("Where is the tea?"), lambda: other.ingest(folder)):
            with pytest.raises(FingerprintError) as caught:
                act()
            assert caught.value.hint is not None
            assert "rag rebuild" in caught.value.hint
        assert other.status().index_matches is False
        assert len(other.sources()) == len(NOTES)
        other.rebuild()
        assert other.status().index_matches is True
        assert stored(other) == NOTES


def test_rebuild_keeps_the_text_of_files_that_are_gone(rag: Rag, folder: Path) -> None:
    write(folder, NOTES)
    rag.ingest(folder)
    (folder / "tea.txt").unlink()
    write(folder, {"keys.md": "The spare key is at the neighbour's."})
    report = rag.rebuild()
    assert [notice.source for notice in report.warnings] == ["tea.txt"]
    assert "kept" in report.warnings[0].message
    assert (report.updated, report.failed) == (("keys.md",), ())
    assert report.unchanged == ("deep/er/cat.txt", "tea.txt")
    assert stored(rag) == NOTES | {"keys.md": "The spare key is at the neighbour's."}
    assert len(list(Home(rag.settings.home).folder.glob("index-*"))) == 1


def test_a_rebuild_that_is_ended_leaves_the_old_index(
    rag: Rag, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(folder, NOTES)
    rag.ingest(folder)

    with monkeypatch.context() as patch:
        patch.setattr("rag.store.Store.put", interrupt)
        with pytest.raises(KeyboardInterrupt):
            rag.rebuild()
    assert stored(rag) == NOTES
    rag.ingest(folder)
    assert len(list(Home(rag.settings.home).folder.glob("index-*"))) == 1


@pytest.mark.parametrize(
    "step",
    ["rag.index.VectorIndex.upsert", "rag.catalog.Catalog.put", "rag.index.VectorIndex.delete"],
)
def test_a_write_ended_at_any_step_is_repaired(
    step: str, rag: Rag, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(folder, NOTES)
    rag.ingest(folder)
    changed = {"tea.txt": "No tea is left at all.", "new.txt": "A new note about bread."}
    write(folder, changed)
    with monkeypatch.context() as patch:
        patch.setattr(step, interrupt)
        with pytest.raises(KeyboardInterrupt):
            rag.ingest(folder)
    rag.close()
    rag.ask("Where is the tea?")
    rag.ingest(folder)
    assert stored(rag) == NOTES | changed


def test_vectors_that_were_lost_are_made_again(rag: Rag, folder: Path) -> None:
    write(folder, NOTES)
    rag.ingest(folder)
    store = rag._open()
    store.vectors.delete(store.catalog.chunk_ids("tea.txt"))
    store.catalog.writing = True  # as a writer that was ended leaves it
    rag.ingest(folder)
    assert stored(rag) == NOTES


FILES = st.dictionaries(
    st.sampled_from(["a.txt", "b.txt", "c/a.txt", "c/d.txt"]),
    st.sampled_from(["One came.", "Two left early.", "Three stayed for tea.", "Ω 漢字 🙂."]),
)


@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(states=st.lists(FILES, min_size=1, max_size=3))
def test_any_history_of_a_folder_ends_in_what_is_there(
    states: list[dict[str, str]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    base = tmp_path_factory.mktemp("history")
    folder = base / "documents"
    with Rag.open(home=base / "home") as rag:
        for state in states:
            folder.mkdir(exist_ok=True)
            for path in sorted(folder.rglob("*"), reverse=True):
                path.rmdir() if path.is_dir() else path.unlink()
            write(folder, state)
            rag.ingest(folder)
            assert stored(rag) == state
