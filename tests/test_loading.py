"""Paths to documents: what is found, what is refused and why, and what text comes out."""

from __future__ import annotations

import contextlib
import hashlib
import os
import pickle
import random
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from pypdf import PdfWriter

import rag.loading
from rag.errors import LoadError, SourceError
from rag.language import foreign_language
from rag.loading import Limits, digest, language_warning, load
from rag.parsing import storable
from rag.types import Document, Failure
from rag.walking import walk
from tests.documents import (
    add_footnote,
    edit_docx,
    make_docx,
    make_docx_bomb,
    make_pdf,
    make_raw_pdf,
)

LIMITS = Limits(file_bytes=100_000_000, characters=5_000_000, pages=2_000, seconds=60)
SEEDS = Path(__file__).parent.parent / "seeds"

HIGH = bytes(128 + i % 128 for i in range(256))
GERMAN = "Die Bundesregierung hat für nächstes Jahr größere Änderungen angekündigt. Über sie wird"
RUSSIAN = "Правительство объявило об изменениях в следующем году. Голосование пройдёт весной."


def load_one(path: Path, **changes: float) -> Document:
    limits = {name: getattr(LIMITS, name) for name in Limits.__slots__} | changes
    return load(path, path.name, Limits(**limits))


def refusal(path: Path, **changes: float) -> LoadError:
    with pytest.raises(LoadError) as caught:
        load_one(path, **changes)
    return caught.value


def text_of(path: Path, data: bytes) -> str:
    path.write_bytes(data)
    return load_one(path).text


@contextlib.contextmanager
def unprivileged() -> Iterator[None]:
    """Without root's right to read everything, where the tests run as root."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)


@pytest.fixture
def shared_dir() -> Iterator[Path]:
    """A folder that other users may enter, which pytest's own are not."""
    with tempfile.TemporaryDirectory() as name:
        Path(name).chmod(0o755)
        yield Path(name).resolve()


def names(path: Path) -> list[str]:
    return [found.relative for found in walk(path)[0]]


def failures(path: Path) -> dict[str, Failure]:
    return {failure.source: failure for failure in walk(path)[1]}


class TestWalk:
    def test_finds_documents_in_order_and_leaves_hidden_ones_out(self, tmp_path: Path) -> None:
        for name in ("b.txt", "a.MD", "sub/deep/c.pdf", "sub/d.html", ".hidden.txt", ".git/x.txt"):
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / name).touch()
        found, failed = walk(tmp_path)
        assert [f.relative for f in found] == ["a.MD", "b.txt", "sub/d.html", "sub/deep/c.pdf"]
        assert [f.path for f in found] == [tmp_path / f.relative for f in found]
        assert failed == []

    def test_a_single_file(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        (tmp_path / "sub").mkdir()
        (tmp_path / "a.txt").touch()
        monkeypatch.chdir(tmp_path)
        found, failed = walk(Path("sub/../a.txt"))
        assert [(f.path, f.relative) for f in found] == [(tmp_path / "a.txt", "a.txt")]
        assert failed == []

    @pytest.mark.parametrize("name", ["nothing", "file.txt/below", "nul\0byte", "loop"])
    def test_a_missing_path_is_an_error(self, tmp_path: Path, name: str) -> None:
        (tmp_path / "file.txt").touch()
        (tmp_path / "loop").symlink_to("loop")
        with pytest.raises(SourceError) as caught:
            walk(tmp_path / name)
        assert name.partition("/")[0] in caught.value.message

    @pytest.mark.parametrize("name", ["table.xlsx", "noise.tar.gz", "README"])
    def test_an_unsupported_kind_is_reported(self, tmp_path: Path, name: str) -> None:
        (tmp_path / name).touch()
        for given_path in (tmp_path, tmp_path / name):
            failure = failures(given_path)[name]
            assert Path(name).suffix in failure.reason
            assert ".docx" in str(failure.hint)
            assert names(given_path) == []

    def test_a_link_out_of_the_folder_is_reported_and_not_followed(self, tmp_path: Path) -> None:
        (tmp_path / "outside/sub").mkdir(parents=True)
        (tmp_path / "outside/secret.txt").touch()
        (tmp_path / "outside-too.txt").touch()
        folder = tmp_path / "out"
        folder.mkdir()
        (folder / "file.txt").symlink_to(tmp_path / "outside/secret.txt")
        (folder / "near.txt").symlink_to("../outside-too.txt")
        (folder / "folder").symlink_to("../outside")
        (folder / "up").symlink_to("..")
        assert names(folder) == []
        failed = failures(folder)
        assert set(failed) == {"file.txt", "near.txt", "folder", "up"}
        assert all("out of the folder" in failure.reason for failure in failed.values())

    def test_links_inside_the_folder_lead_to_each_file_once(self, tmp_path: Path) -> None:
        (tmp_path / "sub").mkdir()
        (tmp_path / ".store").mkdir()
        (tmp_path / "z.txt").touch()
        (tmp_path / ".store/kept.txt").touch()
        (tmp_path / "a-link.txt").symlink_to("z.txt")
        (tmp_path / "again").symlink_to("sub")
        (tmp_path / "sub/loop").symlink_to("..")
        (tmp_path / "self").symlink_to("self")
        (tmp_path / "store").symlink_to(".store")
        (tmp_path / "store-too").symlink_to(".store")
        (tmp_path / ".store/loop").symlink_to("../store")
        assert names(tmp_path) == ["store/kept.txt", "z.txt"]
        assert list(failures(tmp_path)) == ["self"]

    def test_a_link_inside_to_a_hidden_file_is_a_file(self, tmp_path: Path) -> None:
        (tmp_path / ".real").write_text("Words.")
        (tmp_path / "shown.txt").symlink_to(".real")
        (found,) = walk(tmp_path)[0]
        assert (found.path, found.relative) == (tmp_path / "shown.txt", "shown.txt")
        assert load_one(found.path).text == "Words."

    def test_a_link_may_give_a_file_the_suffix_that_it_lacks(self, tmp_path: Path) -> None:
        (tmp_path / "notes").touch()
        (tmp_path / "a").symlink_to("notes")
        (tmp_path / "b.txt").symlink_to("notes")
        (tmp_path / "c.txt").symlink_to("notes")
        assert names(tmp_path) == ["b.txt"]
        assert set(failures(tmp_path)) == {"a", "notes"}

    def test_a_dangling_link_is_reported(self, tmp_path: Path) -> None:
        (tmp_path / "old.txt").symlink_to("gone.txt")
        assert "leads nowhere" in failures(tmp_path)["old.txt"].reason

    def test_the_given_path_may_be_a_link(self, tmp_path: Path) -> None:
        (tmp_path / "real").mkdir()
        (tmp_path / "real/a.txt").touch()
        (tmp_path / "folder").symlink_to("real")
        (tmp_path / "file.txt").symlink_to("real/a.txt")
        assert walk(tmp_path / "folder")[0][0].path == tmp_path / "real/a.txt"
        assert walk(tmp_path / "file.txt")[0][0].path == tmp_path / "file.txt"

    def test_special_files_are_reported_and_never_opened(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        os.mkfifo(tmp_path / "pipe.txt")
        monkeypatch.chdir(tmp_path)  # a socket's path may have only about 100 characters
        with socket.socket(socket.AF_UNIX) as server:
            server.bind("socket.txt")
            failed = failures(tmp_path)
        assert "a named pipe" in failed["pipe.txt"].reason
        assert "a socket" in failed["socket.txt"].reason
        assert "a named pipe" in failures(tmp_path / "pipe.txt")["pipe.txt"].reason
        assert "a device" in failures(Path("/dev/null"))["null"].reason

    def test_an_unreadable_folder_is_reported(self, shared_dir: Path) -> None:
        (shared_dir / "closed").mkdir(mode=0o700)
        (shared_dir / "closed").chmod(0)
        (shared_dir / "a.txt").touch()
        with unprivileged():
            assert names(shared_dir) == ["a.txt"]
            assert "cannot be read" in failures(shared_dir)["closed"].reason

    def test_a_name_that_is_not_unicode_is_reported(self, tmp_path: Path) -> None:
        try:
            Path(os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9.txt")).touch()
        except OSError:  # this file system takes no such name: nothing can go wrong there
            return
        assert "not valid UTF-8" in failures(tmp_path)["caf\ufffd.txt"].reason
        assert names(tmp_path) == []

    def test_folders_deeper_than_a_path_may_be_long(self, tmp_path: Path) -> None:
        handle = os.open(tmp_path, os.O_RDONLY)
        for _ in range(30):  # by descriptor, for the whole path is longer than a call takes
            os.mkdir("d" * 200, dir_fd=handle)
            inner = os.open("d" * 200, os.O_RDONLY, dir_fd=handle)
            os.close(handle)
            handle = inner
        os.close(handle)
        found, (failure,) = walk(tmp_path)
        assert found == []
        assert "too long" in failure.reason


class TestRefusals:
    @pytest.mark.parametrize(
        ("name", "data", "reason"),
        [
            ("a.txt", b"", "is empty"),
            ("a.txt", b" \r\n\t ", "is empty"),
            ("a.txt", b"\xef\xbb\xbf", "is empty"),
            ("a.html", b"<html><script>x()</script></html>", "is empty"),
            ("a.html", b"<!-- nothing -->", "is empty"),
            ("a.txt", b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x10", "binary"),
            ("a.txt", b"\x7fELF\x02\x01\x01" + bytes(9) + b"\x03\0>\0", "binary"),
            ("a.md", b"PK\x03\x04\x14\0\0\0\x08\0", "binary"),
            ("a.txt", b"%PDF-1.7\n1 0 obj\n", "binary"),
            ("a.txt", pickle.dumps({"a": list(range(300))}), "binary"),
            ("a.txt", random.Random(1).randbytes(5000), "binary"),
            ("a.txt", random.Random(2).randbytes(5001).replace(b"\0", b""), "binary"),
            ("a.txt", b"\x01\x02\x03\x04 few words", "binary"),
            ("a.txt", b"text with one \0 in it", "binary"),
            ("a.txt", random.Random(3).randbytes(5000).translate(HIGH), "encoding"),
            ("a.txt", b"\xff\xfea\0b", "encoding"),
            ("a.txt", b"\xef\xbb\xbfcaf\xe9", "encoding"),
            ("a.pdf", b"not a pdf at all", "damaged"),
            ("a.docx", b"not a docx at all", "not a docx"),
            ("a.html", b"a<div>" * 100_000 + b"x", "cannot be parsed to its end"),
        ],
    )
    def test_by_content(self, tmp_path: Path, name: str, data: bytes, reason: str) -> None:
        (tmp_path / name).write_bytes(data)
        assert reason in refusal(tmp_path / name).message

    def test_one_line_of_50_mb_is_refused_quickly(self, tmp_path: Path) -> None:
        (tmp_path / "a.txt").write_bytes(b"word " * 10_000_000)
        start = time.perf_counter()
        error = refusal(tmp_path / "a.txt")
        assert time.perf_counter() - start < 2
        assert "5,000,000 characters" in error.message
        assert "RAG_MAX_CHARACTERS" in str(error.hint)

    def test_characters_are_counted_after_decoding(self, tmp_path: Path) -> None:
        (tmp_path / "a.txt").write_text("é" * 100, encoding="utf-8")
        assert load_one(tmp_path / "a.txt", characters=100).text == "é" * 100
        assert "99 characters" in refusal(tmp_path / "a.txt", characters=99).message

    def test_file_size(self, tmp_path: Path) -> None:
        (tmp_path / "a.pdf").write_bytes(bytes(1001))
        error = refusal(tmp_path / "a.pdf", file_bytes=1000)
        assert "1,001 bytes" in error.message
        assert "RAG_MAX_FILE_BYTES" in str(error.hint)

    def test_unsupported_kind(self, tmp_path: Path) -> None:
        assert ".xlsx" in refusal(tmp_path / "a.xlsx").message

    def test_a_file_that_vanished_after_the_walk(self, tmp_path: Path) -> None:
        (tmp_path / "a.txt").write_text("Words.")
        (found,) = walk(tmp_path)[0]
        found.path.unlink()
        assert "gone" in refusal(found.path).message
        with pytest.raises(LoadError, match="gone"):
            digest(found.path)

    def test_a_pipe_or_folder_that_took_the_place_of_a_file(self, tmp_path: Path) -> None:
        os.mkfifo(tmp_path / "a.txt")
        (tmp_path / "b.txt").mkdir()
        assert "a named pipe" in refusal(tmp_path / "a.txt").message
        assert "a folder" in refusal(tmp_path / "b.txt").message
        with pytest.raises(LoadError, match="a named pipe"):
            digest(tmp_path / "a.txt")

    def test_a_file_without_read_permission(self, shared_dir: Path) -> None:
        for name, mode in (("open.txt", 0o644), ("closed.txt", 0)):
            (shared_dir / name).write_text("Words.")
            (shared_dir / name).chmod(mode)
        with unprivileged():
            assert load_one(shared_dir / "open.txt").text == "Words."
            error = refusal(shared_dir / "closed.txt")
            with pytest.raises(LoadError, match="permission denied"):
                digest(shared_dir / "closed.txt")
        assert "permission denied" in error.message
        assert "permissions" in str(error.hint)

    @pytest.mark.parametrize("change", [b"more", b""])
    def test_a_file_that_changes_while_it_is_read(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, change: bytes
    ) -> None:
        path = tmp_path / "a.txt"
        path.write_bytes(b"Words.")
        read = rag.loading._read_up_to

        def read_and_change(*args: object) -> bytes:
            path.write_bytes(change)
            return read(*args)  # type: ignore[arg-type]

        monkeypatch.setattr(rag.loading, "_read_up_to", read_and_change)
        assert "changed while" in refusal(path).message


class TestPlainText:
    @pytest.mark.parametrize("path", sorted(SEEDS.glob("*.txt")), ids=lambda path: path.name[:3])
    def test_the_seeds_are_their_own_text(self, path: Path) -> None:
        document = load_one(path)
        assert document.text.encode() == path.read_bytes()
        assert document.sha256 == digest(path) == hashlib.sha256(path.read_bytes()).hexdigest()
        assert (document.kind, document.pages, document.warnings) == ("text", (), ())
        assert (document.source, document.path) == (path.name, str(path))

    @pytest.mark.parametrize(
        ("encoding", "text"),
        [
            ("utf-8-sig", "Ein Café.\r\nZwei\rDrei\n"),
            ("utf-16", "Ein Café für 你好 und 🙂.\r\n"),
            ("utf-32", "Ein Café für 你好 und 🙂.\r\n"),
        ],
    )
    def test_a_byte_order_mark_decides(self, tmp_path: Path, encoding: str, text: str) -> None:
        assert text_of(tmp_path / "a.txt", text.encode(encoding)) == text
        assert load_one(tmp_path / "a.txt").warnings == ()

    @pytest.mark.parametrize("mark", ["utf-16-be", "utf-32-be"])
    def test_big_endian_byte_order_marks(self, tmp_path: Path, mark: str) -> None:
        assert text_of(tmp_path / "a.txt", "\ufeffCafé 🙂".encode(mark)) == "Café 🙂"

    @pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
    @pytest.mark.parametrize(
        "text", ["Plain words.\r\n", "café", "政府は来年の変更を発表した。\n一"]
    )
    def test_utf16_without_a_mark(self, tmp_path: Path, encoding: str, text: str) -> None:
        assert text_of(tmp_path / "a.txt", text.encode(encoding)) == text
        assert encoding in load_one(tmp_path / "a.txt").warnings[0]

    @pytest.mark.parametrize(
        ("encoding", "text"),
        [
            ("latin-1", "café"),
            ("latin-1", "Short: café"),
            ("cp1252", "“We’re naïve” — said Zoë."),
            ("cp1252", "“We’re naïve” — said Zoë. And nothing else was said that day. " * 30),
            ("latin-1", GERMAN),
            ("cp1252", "Les députés débattront dès la rentrée, où l’été s’achève à peine. " * 9),
            ("cp1251", RUSSIAN),
            ("koi8-r", RUSSIAN),
            ("cp1250", "Głosowanie odbędzie się wiosną, być może wcześniej, mówią źródła. " * 9),
            ("cp932", "政府は来年の変更を発表した。投票は春に行われる予定だ。"),
            ("gb18030", "政府宣布明年将进行改革。投票将在春天举行。"),
        ],
    )
    def test_other_encodings_are_guessed_with_a_warning(
        self, tmp_path: Path, encoding: str, text: str
    ) -> None:
        assert text_of(tmp_path / "a.txt", text.encode(encoding)) == text
        (warning,) = load_one(tmp_path / "a.txt").warnings
        assert warning.endswith(
            f"guessed as {encoding.replace('latin-1', 'cp1252')}.".replace("-", "_")
        )

    @pytest.mark.parametrize("filler", ["Nothing but ASCII here. ", "0 1 2 3\n"])
    def test_a_guess_beyond_the_sample(self, tmp_path: Path, filler: str) -> None:
        text = filler * 50_000 + "Then a café."
        assert text_of(tmp_path / "a.txt", text.encode("latin-1")) == text

    @given(st.text(st.characters(exclude_categories=["Cs", "Cc"]) | st.sampled_from("\t\n\r")))
    def test_utf8_text_loads_to_itself(
        self, tmp_path_factory: pytest.TempPathFactory, text: str
    ) -> None:
        assume(text.strip() and not text.startswith("\ufeff"))
        path = tmp_path_factory.getbasetemp() / "any.txt"
        path.write_text(text, encoding="utf-8", newline="")
        document = load_one(path)
        assert document.text == text
        assert document.warnings == ()
        assert document.title

    @given(st.binary(min_size=1, max_size=200))
    def test_any_bytes_give_storable_text_or_a_refusal(
        self, tmp_path_factory: pytest.TempPathFactory, data: bytes
    ) -> None:
        path = tmp_path_factory.getbasetemp() / "any.md"
        path.write_bytes(data)
        with contextlib.suppress(LoadError):
            document = load_one(path)
            assert "\0" not in document.text
            assert (document.text + document.title).encode()


class TestPdf:
    def test_pages_are_ranges_of_the_text(self, tmp_path: Path) -> None:
        pages = ["First page.", "", "Third page, of café."]
        document = load_one(make_pdf(tmp_path / "a.pdf", pages))
        assert [page.number for page in document.pages] == [1, 2, 3]
        assert [document.text[page.start : page.end] for page in document.pages] == pages
        assert document.text == "\n\n".join(pages)
        assert document.warnings == ()
        assert document.sha256 == digest(tmp_path / "a.pdf")

    @pytest.mark.parametrize(
        ("given_title", "title"),
        [
            ("Trade in  rare\nearths", "Trade in rare earths"),
            ("Microsoft Word - draft7.doc", "Talks end in London this week"),
            ("report-final.pdf", "Talks end in London this week"),
            ("Untitled", "Talks end in London this week"),
            (None, "Talks end in London this week"),
        ],
    )
    def test_title(self, tmp_path: Path, given_title: str | None, title: str) -> None:
        path = make_pdf(tmp_path / "a.pdf", ["Talks end in London this week\nMore."], given_title)
        assert load_one(path).title == title

    def test_encrypted(self, tmp_path: Path) -> None:
        path = make_pdf(tmp_path / "a.pdf", ["x"], user_password="u", owner_password="o")
        assert "encrypted" in refusal(path).message

    def test_encrypted_with_an_empty_password_opens(self, tmp_path: Path) -> None:
        path = make_pdf(tmp_path / "a.pdf", ["No printing."], owner_password="o")
        assert load_one(path).text == "No printing."

    @pytest.mark.parametrize(("password", "opens"), [("", True), ("u", False)])
    def test_encrypted_with_aes(self, tmp_path: Path, password: str, opens: bool) -> None:
        writer = PdfWriter(make_pdf(tmp_path / "plain.pdf", ["No printing."]))
        writer.encrypt(password, owner_password="o", algorithm="AES-256")
        path = tmp_path / "a.pdf"
        writer.write(path)
        if opens:
            assert load_one(path).text == "No printing."
        else:
            assert "encrypted" in refusal(path).message

    def test_a_scan(self, tmp_path: Path) -> None:
        error = refusal(make_pdf(tmp_path / "a.pdf", ["", ""]))
        assert "no text layer" in error.message
        assert "OCR" in str(error.hint)

    def test_truncated(self, tmp_path: Path) -> None:
        path = make_pdf(tmp_path / "a.pdf", ["Some words."] * 5)
        path.write_bytes(path.read_bytes()[:700])
        assert "The pdf file is damaged" in refusal(path).message

    def test_too_many_pages(self, tmp_path: Path) -> None:
        path = make_pdf(tmp_path / "a.pdf", ["x"] * 4)
        assert len(load_one(path, pages=4).pages) == 4
        error = refusal(path, pages=3)
        assert "4 pages" in error.message
        assert "RAG_MAX_PAGES" in str(error.hint)

    def test_too_many_characters(self, tmp_path: Path) -> None:
        path = make_pdf(tmp_path / "a.pdf", ["x" * 50] * 4)
        assert "RAG_MAX_CHARACTERS" in str(refusal(path, characters=150).hint)

    def test_a_page_that_cannot_be_read_is_named(self, tmp_path: Path) -> None:
        path = make_pdf(tmp_path / "a.pdf", ["Page one.", "Page two."])
        data = path.read_bytes()
        before, mark, rest = data.partition(b"/FlateDecode")
        assert mark
        path.write_bytes(before + b"/FlateDecodX" + rest)
        document = load_one(path)
        assert [document.text[p.start : p.end] for p in document.pages] == ["", "Page two."]
        assert document.warnings[0].startswith("Page 1 could not be read")

    def test_a_slow_file_is_given_up(self, tmp_path: Path) -> None:
        content = b"BT /F1 12 Tf " + b"(a) Tj " * 5_000_000 + b"ET"
        path = make_raw_pdf(tmp_path / "a.pdf", content)
        start = time.perf_counter()
        error = refusal(path, seconds=1.5)
        assert time.perf_counter() - start < 10
        assert "longer than 1.5 seconds" in error.message
        assert "RAG_MAX_SECONDS" in str(error.hint)

    def test_a_bomb_stream_is_refused(self, tmp_path: Path) -> None:
        path = make_raw_pdf(tmp_path / "a.pdf", bytes(200_000_000))
        assert "Limit" in refusal(path).message


class TestDocx:
    def test_paragraphs_and_tables_in_order(self, tmp_path: Path) -> None:
        document = load_one(make_docx(tmp_path / "a.docx"))
        assert document.text == (
            "Before any heading.\n\nRare earths\n\nExports fell by 12 percent.\n\n"
            "Metal\tTonnes\nDysprosium\t40\nall told\n\nAfter the table."
        )
        assert document.title == "Rare earths"
        assert document.pages == ()

    def test_the_title_in_the_properties_comes_first(self, tmp_path: Path) -> None:
        assert load_one(make_docx(tmp_path / "a.docx", "Metals 2025")).title == "Metals 2025"

    def test_insertions_controls_and_text_boxes_count_and_deletions_do_not(
        self, tmp_path: Path
    ) -> None:
        path = make_docx(tmp_path / "a.docx")
        box = b"<w:txbxContent><w:p><w:r><w:t>boxed</w:t></w:r></w:p></w:txbxContent>"
        new = (
            b"<w:p><w:pPr><w:tabs><w:tab w:val='left' w:pos='9'/></w:tabs></w:pPr>"
            b"<w:r><w:t>one</w:t><w:tab/><w:t>two</w:t><w:br/></w:r>"
            b"<w:ins><w:r><w:t>added</w:t></w:r></w:ins>"
            b"<w:del><w:r><w:delText>removed</w:delText></w:r></w:del>"
            b"<w:r><mc:AlternateContent xmlns:mc="
            b"'http://schemas.openxmlformats.org/markup-compatibility/2006'>"
            b"<mc:Choice Requires='wps'>%b</mc:Choice><mc:Fallback>%b</mc:Fallback>"
            b"</mc:AlternateContent></w:r></w:p>"
            b"<w:sdt><w:sdtContent><w:p><w:r><w:t>controlled</w:t></w:r></w:p>"
            b"</w:sdtContent></w:sdt>"
        ) % (box, box)
        edit_docx(path, "word/document.xml", b"<w:body>", b"<w:body>" + new)
        assert load_one(path).text.startswith(
            "one\ttwo\nadded\nboxed\n\ncontrolled\n\nBefore any heading."
        )

    def test_footnotes_come_last(self, tmp_path: Path) -> None:
        path = add_footnote(make_docx(tmp_path / "a.docx"), "See annex.")
        assert load_one(path).text.endswith("After the table.\n\nSee annex.")

    def test_memory_is_capped(self, tmp_path: Path) -> None:
        path = make_docx(tmp_path / "a.docx")
        edit_docx(path, "word/document.xml", b"<w:body>", b"<w:body>" + b"<w:p/>" * 25_000_000)
        assert "too big to parse" in refusal(path).message

    def test_a_zip_bomb(self, tmp_path: Path) -> None:
        path = make_docx_bomb(tmp_path / "a.docx")
        assert path.stat().st_size < 1_000_000
        assert "would unpack to" in refusal(path).message

    def test_an_entity_bomb(self, tmp_path: Path) -> None:
        levels = b"".join(
            b'<!ENTITY a%d "%b">' % (n, b"&a%d;" % (n - 1) * 10) for n in range(1, 12)
        )
        bomb = b'<!DOCTYPE w:document [<!ENTITY a0 "boom">' + levels + b"]>"
        path = make_docx(tmp_path / "a.docx")
        edit_docx(path, "word/document.xml", b"<w:document", bomb + b"<w:document")
        assert "document type declaration" in refusal(path).message
        edit_docx(path, "word/document.xml", b"Before any", b"&a11;")
        assert "damaged" in refusal(path).message

    def test_truncated(self, tmp_path: Path) -> None:
        path = make_docx(tmp_path / "a.docx")
        path.write_bytes(path.read_bytes()[:-500])
        assert "not a docx file, or is damaged" in refusal(path).message

    def test_damaged_inside(self, tmp_path: Path) -> None:
        path = make_docx(tmp_path / "a.docx")
        edit_docx(path, "word/document.xml", b"</w:body>", b"")
        assert "damaged" in refusal(path).message


class TestHtml:
    def test_what_is_shown_is_the_text(self, tmp_path: Path) -> None:
        html = (
            "<!doctype html><html><head><title>Trade &amp; metals</title>"
            "<style>p { color: red }</style></head><body><script>var a = '<p>no</p>';</script>"
            "<p>Caf&eacute; &lt;b&gt; &#8220;quoted&#8221;</p><template>never</template>"
            "<noscript>neither</noscript><!-- nor this -->kept<p>Last"
        )
        document = load_one(self.write(tmp_path, html.encode()))
        assert document.text.split() == ["Café", "<b>", "“quoted”", "kept", "Last"]
        assert document.title == "Trade & metals"

    @staticmethod
    def write(folder: Path, html: bytes) -> Path:
        (folder / "a.html").write_bytes(html)
        return folder / "a.html"

    @pytest.mark.parametrize(
        ("head", "encoding", "warnings"),
        [
            ('<meta charset="iso-8859-7">', "iso8859-7", 0),
            (
                "<meta http-equiv=Content-Type content='text/html; charset=windows-1253'>",
                "cp1253",
                0,
            ),
            ('<?xml version="1.0" encoding="ISO-8859-7"?>', "iso8859-7", 0),
            ('<?xml version="1.0" encoding="utf-8"?>', "utf-8", 0),
            ('<meta charset="utf-8">', "utf-16", 0),
            ('<meta charset="utf-8">', "cp1253", 1),
            ('<meta charset="rot13">', "cp1253", 1),
            ("", "cp1253", 1),
        ],
    )
    def test_encodings(self, tmp_path: Path, head: str, encoding: str, warnings: int) -> None:
        greek = "Η κυβέρνηση ανακοίνωσε αλλαγές για το επόμενο έτος."
        html = f"{head}<title>Νέα</title><p>{greek}</p>"
        document = load_one(self.write(tmp_path, html.encode(encoding)))
        assert document.text.strip() == greek
        assert len(document.warnings) == warnings

    def test_deep_nesting_that_the_parser_takes(self, tmp_path: Path) -> None:
        document = load_one(self.write(tmp_path, b"<div>" * 1500 + b"bottom"))
        assert "bottom" in document.text

    def test_huge_pieces_are_not_dropped(self, tmp_path: Path) -> None:
        html = b'<p a="' + b"x" * 12_000_000 + b'">seen</p><!--' + b"y" * 12_000_000 + b"-->too"
        assert load_one(self.write(tmp_path, html)).text.split() == ["seen", "too"]

    def test_characters_that_cannot_be_stored(self, tmp_path: Path) -> None:
        document = load_one(self.write(tmp_path, b"<p>a&#xD800;b&#0;c</p>"))
        assert document.text.encode()
        assert "\0" not in document.text


class TestChild:
    @pytest.mark.parametrize("build", [make_docx, lambda path: make_pdf(path, ["x"])])
    def test_time_limit(self, tmp_path: Path, build: Callable[[Path], Path]) -> None:
        path = build(tmp_path / ("a.docx" if build is make_docx else "a.pdf"))
        assert "longer than 0.01 seconds" in refusal(path, seconds=0.01).message

    @pytest.mark.parametrize(
        ("script", "reason"), [("exit 3", "exit code 3"), ("kill -SEGV $$", "SIGSEGV")]
    )
    def test_a_child_that_dies(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str, reason: str
    ) -> None:
        path = make_pdf(tmp_path / "a.pdf", ["x" * 1000])
        (tmp_path / "python").write_text(f"#!/bin/sh\n{script}\n")
        (tmp_path / "python").chmod(0o755)
        monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
        assert reason in refusal(path).message

    def test_a_child_that_cannot_start(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        path = make_pdf(tmp_path / "a.pdf", ["x"])
        monkeypatch.setattr(sys, "executable", str(tmp_path / "missing"))
        assert "cannot be started" in refusal(path).message

    def test_modules_in_the_working_directory_are_not_imported(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        path = make_pdf(tmp_path / "a.pdf", ["Words."])
        for name in ("pypdf", "rag", "json"):
            (tmp_path / f"{name}.py").write_text("raise SystemExit(7)")
        monkeypatch.chdir(tmp_path)
        assert load_one(path).text == "Words."

    def test_only_what_a_kind_needs_is_imported(self) -> None:
        code = (
            "import sys, rag.parsing as p; p.parse('html', b'<p>x</p>', 1, 9);"
            "print(*sorted({'pypdf', 'docx', 'llama_index', 'charset_normalizer', 'pydantic'}"
            " & set(sys.modules)))"
        )
        done = subprocess.run(
            [sys.executable, "-c", code], cwd=SEEDS.parent, capture_output=True, check=True
        )
        assert done.stdout.strip() == b""

    def test_lone_surrogates_and_nul_are_replaced_one_for_one(self) -> None:
        assert storable("a\ud800b\udc00\0c\ud83d\ude42\udfff") == "a\ufffdb\ufffd\ufffdc🙂\ufffd"


class TestTitles:
    @pytest.mark.parametrize(
        ("name", "text", "title"),
        [
            ("a.txt", "Diplomacy\n\nUS and China reach a deal\nText.", "US and China reach a deal"),
            (
                "a.txt",
                "By Max Colchester and Others\nTalks end in London today\n",
                "Talks end in London today",
            ),
            (
                "a.txt",
                "It was a long day.\nShe said: “We are done.”\nx",
                "It was a long day. She said: “We are done.” x",
            ),
            ("a.txt", "word " * 40, "word " * 15 + "word…"),
            ("a.txt", "x" * 90, "x" * 79 + "…"),
            (
                "a.md",
                "---\na: b\n---\n```\n# code\n```\n# The *real* [one](http://x) #\n",
                "The real one",
            ),
            (
                "a.md",
                "Intro text without any heading here\n",
                "Intro text without any heading here",
            ),
            ("a.html", "<p>Four words\tare enough</p>", "Four words are enough"),
        ],
    )
    def test_titles(self, tmp_path: Path, name: str, text: str, title: str) -> None:
        (tmp_path / name).write_text(text, encoding="utf-8")
        assert load_one(tmp_path / name).title == title

    def test_titles_of_the_seeds(self) -> None:
        titles = [load_one(path).title for path in sorted(SEEDS.glob("*.txt"))]
        assert titles[2:] == [
            "U.S. and China Agree to Get Trade Detente Back on Track",
            "US and China Reach Trade Framework Ahead of Presidential Approval",
            "US and China reach framework to ease export curbs and salvage trade truce",
        ]
        assert all(title.endswith("…") and len(title) <= 80 for title in titles[:2])


class TestLanguage:
    @pytest.mark.parametrize(
        ("text", "code"),
        [
            (GERMAN, "de"),
            (RUSSIAN, "ru"),
            ("Les députés débattront de la réforme dès la rentrée, avant la fin de l’été.", "fr"),
            ("Words in English, and then some more of them to make it long enough.", None),
            ("Kurz.", None),
            ("Müller Schäfer Fischer Weber Schneider Wagner Becker Hoffmann Li Chenggang", None),
            ("0123456789 " * 50, None),
        ],
    )
    def test_warning(self, text: str, code: str | None) -> None:
        warning = language_warning(text)
        assert (warning is None) == (code is None)
        assert f"(detected: {code})" in warning if warning else True

    def test_the_seeds_are_english(self) -> None:
        for path in SEEDS.glob("*.txt"):
            assert language_warning(path.read_text(encoding="utf-8")) is None

    def test_a_long_text_is_sampled(self) -> None:
        start = time.perf_counter()
        assert foreign_language(GERMAN * 50_000)
        assert time.perf_counter() - start < 3
