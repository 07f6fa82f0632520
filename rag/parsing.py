"""Extracts the text of one pdf, docx or html file, in a child process of its own.

    python -m rag.parsing KIND MAX_PAGES MAX_CHARACTERS MAX_SECONDS < file > result.json

The file arrives on standard input, so that what is parsed is exactly what the parent hashed. The
result on standard output is JSON: `{"text", "title", "pages": [[start, end], ...], "warnings"}`,
or `{"error", "hint"}` for an expected failure. Html arrives as UTF-8 whatever the file's own
encoding is.

Each parser imports its library when called: a child pays only for the kind that it parses. Its
memory and processor time are capped from the inside; the parent keeps the clock.
"""

from __future__ import annotations

import contextlib
import io
import json
import math
import re
import sys
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, BinaryIO

from rag.errors import LoadError

if TYPE_CHECKING:
    from pypdf import PdfReader

MAX_MEMORY = 2 * 1024**3
"""Bytes of address space that a child may use."""

MAX_UNPACKED = 300_000_000
"""Bytes that a docx file may unpack to; python-docx holds all of its parts in memory."""

MAX_TITLE = 1_000
"""Characters of a title candidate that are handed on."""

_MAX_NESTING = 10_000
"""Python frames; inscriptis takes one per level, and libxml2 stops at 2,048 levels."""

_SURROGATE = re.compile(r"[\ud800-\udfff]")

_NO_TITLE = re.compile(
    r"untitled.*|document\d*|word document|microsoft word - .*|slide \d+|.*\.[a-z]{3,4}",
    re.IGNORECASE,
)
"""What programs write into a title field of their own accord, file names above all."""


@dataclass
class Extract:
    """Text under construction: blocks joined by an empty line, never beyond a cap.

    `pages` are the half-open character ranges of the pages in `text`, in order; empty for kinds
    without pages. `title` is what the file says about itself, or "".
    """

    max_characters: int
    title: str = ""
    pages: list[tuple[int, int]] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    blocks: list[str] = field(default_factory=list)
    length: int = 0

    def add(self, block: str) -> tuple[int, int]:
        """Append a block and return its range.

        Raises:
            LoadError: the text has grown beyond the cap.
        """
        block = storable(block)
        start = self.length + (2 if self.blocks else 0)
        self.length = start + len(block)
        if self.length > self.max_characters:
            raise LoadError(
                f"The file holds more than {self.max_characters:,} characters of text.",
                hint="Split the file, or raise RAG_MAX_CHARACTERS.",
            )
        self.blocks.append(block)
        return start, self.length

    def result(self) -> dict[str, Any]:
        """The extract as JSON-ready data."""
        return {
            "text": "\n\n".join(self.blocks),
            "title": storable(self.title[:MAX_TITLE]),
            "pages": self.pages,
            "warnings": [storable(warning) for warning in self.warnings],
        }


def storable(text: str) -> str:
    """`text` without what UTF-8 and SQLite cannot hold: lone surrogates and NUL become U+FFFD."""
    if _SURROGATE.search(text):
        text = text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return text.replace("\0", "\ufffd")


def parse(kind: str, data: bytes, max_pages: int, max_characters: int) -> Extract:
    """Extract the text of `data`, a whole file of that kind ("pdf", "docx" or "html").

    Raises:
        LoadError: the file is damaged, encrypted, or over a limit.
    """
    extract = Extract(max_characters)
    if kind == "pdf":
        _parse_pdf(data, max_pages, extract)
    elif kind == "docx":
        _parse_docx(data, extract)
    else:
        _parse_html(data, extract)
    return extract


# --- pdf ---


def _parse_pdf(data: bytes, max_pages: int, extract: Extract) -> None:
    reader = _opened_pdf(data)
    count = len(reader.pages)
    if count > max_pages:
        raise LoadError(
            f"The pdf has {count:,} pages, more than {max_pages:,}.",
            hint="Split the file, or raise RAG_MAX_PAGES.",
        )
    for number in range(1, count + 1):
        extract.pages.append(extract.add(_page_text(reader, number, extract.warnings)))
    if not any(block.strip() for block in extract.blocks):
        if extract.warnings:
            raise LoadError(f"No page of the pdf can be read. {extract.warnings[0]}")
        raise LoadError(
            "The pdf has no text layer (a scan?).",
            hint="Run OCR on it first, for example with ocrmypdf, and ingest the result.",
        )
    extract.title = _sensible_title(_pdf_title(reader))


def _opened_pdf(data: bytes) -> PdfReader:
    from pypdf import PdfReader
    from pypdf.errors import DependencyError

    hint = "Save a copy without a password and ingest that."
    try:
        reader = PdfReader(io.BytesIO(data))
        if reader.is_encrypted and not reader.decrypt(""):
            raise LoadError("The pdf is encrypted and needs a password.", hint=hint)
    except DependencyError:
        # AES needs a cryptography package that is not among the dependencies.
        raise LoadError(
            "The pdf is encrypted with AES, which cannot be opened here.", hint=hint
        ) from None
    return reader


def _page_text(reader: PdfReader, number: int, warnings: list[str]) -> str:
    """The text of a page (1-based); one that cannot be read is empty, and a warning says so."""
    try:
        return reader.pages[number - 1].extract_text()
    except MemoryError:
        raise
    except Exception as error:  # pypdf lets many kinds through on damaged pages
        warnings.append(f"Page {number} could not be read: {_brief(error)}.")
        return ""


def _pdf_title(reader: PdfReader) -> str:
    # A damaged title is no reason to refuse a text that was read.
    try:
        return str((reader.metadata and reader.metadata.title) or "")
    except Exception:
        return ""


# --- docx ---

_WORD = {
    "w": "http://schemas.openxmlformats.org/wordprocessingml/2006/main",
    "m": "http://schemas.openxmlformats.org/officeDocument/2006/math",
    "mc": "http://schemas.openxmlformats.org/markup-compatibility/2006",
}

_BLOCKS = (
    ".//w:p[not(ancestor::w:p or ancestor::w:tbl)]"
    " | .//w:tbl[not(ancestor::w:p or ancestor::w:tbl)]"
)
"""Paragraphs and tables in document order, those in content controls and insertions too."""

_ROWS = "w:tr | w:ins/w:tr | w:sdt/w:sdtContent/w:tr"
_CELLS = "w:tc | w:ins/w:tc | w:sdt/w:sdtContent/w:tc"

_PIECES = (
    "(.//w:t | .//m:t | .//w:r/w:tab | .//w:r/w:ptab | .//w:r/w:br | .//w:r/w:cr"
    " | .//w:r/w:noBreakHyphen | .//w:p)"
    "[not(ancestor::mc:Fallback or ancestor::w:del or ancestor::w:moveFrom)]"
)
"""What a paragraph's text is made of. A fallback repeats a text box; deletions are not text. An
inner `w:p` is a paragraph of a text box."""

_PIECE_TEXT = {"tab": "\t", "ptab": "\t", "br": "\n", "cr": "\n", "noBreakHyphen": "-", "p": "\n"}

_HEADINGS = ("Heading", "heading", "Title")
"""How the names of heading styles begin; their ids differ by Word's language."""

_NOTES = ("/word/footnotes.xml", "/word/endnotes.xml")


def _parse_docx(data: bytes, extract: Extract) -> None:
    _check_archive(data)
    import docx
    from docx.oxml.parser import parse_xml

    document = docx.Document(io.BytesIO(data))
    headings = {s.style_id for s in document.styles if (s.name or "").startswith(_HEADINGS)}
    heading = _add_blocks(document.element.body, headings, extract)
    for part in document.part.package.iter_parts():
        if str(part.partname) in _NOTES:
            _add_blocks(parse_xml(part.blob), set(), extract)
    extract.title = _sensible_title(document.core_properties.title) or heading


def _check_archive(data: bytes) -> None:
    """Refuse what is no zip archive, or one that unpacks to far more than it is."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            unpacked = sum(entry.file_size for entry in archive.infolist())
    except zipfile.BadZipFile:
        raise LoadError(
            "The file is not a docx file, or is damaged.",
            hint="A .doc file or one with a password: save it as .docx without a password.",
        ) from None
    if unpacked > MAX_UNPACKED:
        raise LoadError(
            f"The docx file would unpack to {unpacked:,} bytes, more than {MAX_UNPACKED:,}."
        )


def _add_blocks(root: Any, headings: set[str], extract: Extract) -> str:
    """Add the paragraphs and tables under `root`; return the text of the first heading or ""."""
    from lxml import etree  # type: ignore[import-untyped]

    if root.getroottree().docinfo.doctype:
        # Word writes none; with one, entities could stand for text that we would not see.
        raise LoadError("The docx file has a document type declaration, which Word never writes.")
    pieces = etree.XPath(_PIECES, namespaces=_WORD)
    style = etree.XPath("string(w:pPr/w:pStyle/@w:val)", namespaces=_WORD)
    first = ""
    for block in etree.XPath(_BLOCKS, namespaces=_WORD)(root):
        if etree.QName(block).localname == "tbl":
            text = "\n".join(_row_texts(block, pieces))
        else:
            text = _text(pieces(block))
        if text.strip():
            extract.add(text)
            first = first or (text if style(block) in headings else "")
    return first


def _row_texts(table: Any, pieces: Any) -> Iterator[str]:
    """Each row as one line, its cells apart by tabs; inner tables are part of their cell."""
    from lxml import etree

    cells_of = etree.XPath(_CELLS, namespaces=_WORD)
    paragraphs = etree.XPath(".//w:p[not(ancestor::w:p)]", namespaces=_WORD)
    for row in etree.XPath(_ROWS, namespaces=_WORD)(table):
        cells = [" ".join(_text(pieces(p)) for p in paragraphs(cell)) for cell in cells_of(row)]
        line = "\t".join(" ".join(cell.split()) for cell in cells)
        if line.strip():
            yield line


def _text(pieces: list[Any]) -> str:
    return "".join(_PIECE_TEXT.get(p.tag.rpartition("}")[2], p.text or "") for p in pieces)


# --- html ---

_INVISIBLE = ("head", "script", "style", "template", "noscript")


def _parse_html(data: bytes, extract: Extract) -> None:
    import lxml.html  # type: ignore[import-untyped]
    from inscriptis.html_engine import Inscriptis  # type: ignore[import-untyped]
    from lxml import etree

    # Without huge_tree the parser drops everything, and says nothing, from a 10 MB text on.
    parser = lxml.html.HTMLParser(encoding="utf-8", huge_tree=True)
    try:
        tree = lxml.html.document_fromstring(data, parser=parser)
    except etree.ParserError:  # no element and no text at all
        return
    fatal = parser.error_log.filter_from_fatals()
    if len(fatal):
        # What follows the place where the parser gave up would be missing.
        reason = _one_line(fatal[0].message).partition(", ")[0]  # without advice to programmers
        raise LoadError(f"The html cannot be parsed to its end: {reason}.")
    extract.title = str(tree.findtext(".//title") or "")
    etree.strip_elements(tree, *_INVISIBLE, with_tail=False)
    etree.strip_tags(tree, etree.Comment, etree.ProcessingInstruction)
    sys.setrecursionlimit(_MAX_NESTING)
    extract.add(Inscriptis(tree).get_text())


# --- shared ---


def _sensible_title(title: str) -> str:
    return "" if _NO_TITLE.fullmatch(_one_line(title)) else title


def _one_line(text: str) -> str:
    return " ".join(text.split())


def _brief(error: BaseException) -> str:
    return _one_line(f"{type(error).__name__}: {error}")[:200].rstrip(".: ")


def _cap_resources(max_seconds: float) -> None:
    """Limit this process; where the system has no such limit, the parent's clock remains."""
    try:
        import resource
    except ImportError:
        return
    # Beyond the parent's limit: it ends a child whose parent was killed.
    seconds = math.ceil(max_seconds) + 5
    for what, limit in (
        (resource.RLIMIT_CPU, seconds),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_AS, MAX_MEMORY),
    ):
        with contextlib.suppress(OSError, ValueError):
            resource.setrlimit(what, (limit, limit))


def _outcome(kind: str, data: bytes, max_pages: int, max_characters: int) -> dict[str, Any]:
    try:
        return parse(kind, data, max_pages, max_characters).result()
    except LoadError as error:
        return {"error": error.message, "hint": error.hint}
    except MemoryError:
        reason = f"The {kind} file needs more than {MAX_MEMORY:,} bytes of memory to parse."
    except Exception as error:
        # Parsers raise all sorts on a bad file; lxml raises a syntax error when memory runs out.
        reason = f"The {kind} file is damaged or too big to parse: {_brief(error)}."
    return {"error": reason, "hint": None}


def _main(arguments: list[str], stdin: BinaryIO, stdout: BinaryIO) -> None:
    kind, max_pages, max_characters, max_seconds = arguments
    _cap_resources(float(max_seconds))
    with contextlib.redirect_stdout(sys.stderr):  # a library that prints must not spoil the JSON
        outcome = _outcome(kind, stdin.read(), int(max_pages), int(max_characters))
    stdout.write(json.dumps(outcome, ensure_ascii=False).encode())


if __name__ == "__main__":
    _main(sys.argv[1:], sys.stdin.buffer, sys.stdout.buffer)
