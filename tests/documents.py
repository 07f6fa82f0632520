"""Builders of small documents for the tests, good ones and hostile ones."""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Sequence
from pathlib import Path

import docx
from fpdf import FPDF


def make_pdf(
    path: Path,
    pages: Sequence[str],
    title: str | None = None,
    user_password: str | None = None,
    owner_password: str | None = None,
) -> Path:
    """A pdf with one string of Latin-1 text a page ("" for a page with only a drawing)."""
    pdf = FPDF()
    pdf.set_font("helvetica", size=12)
    if title is not None:
        pdf.set_title(title)
    if owner_password is not None:
        pdf.set_encryption(owner_password=owner_password, user_password=user_password)
    for text in pages:
        pdf.add_page()
        pdf.line(10, 200, 100, 200)
        if text:
            pdf.multi_cell(0, text=text)
    pdf.output(str(path))
    return path


def make_raw_pdf(path: Path, content: bytes, trailer: bytes = b"") -> Path:
    """A pdf with one page of that content stream (compressed), and more for its trailer."""
    stream = zlib.compress(content)
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Contents 4 0 R"
        b" /Resources << /Font << /F1 5 0 R >> >> >>",
        b"<< /Filter /FlateDecode /Length %d >>\nstream\n%b\nendstream" % (len(stream), stream),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
    ]
    out = b"%PDF-1.7\n"
    places = []
    for number, body in enumerate(objects, start=1):
        places.append(len(out))
        out += b"%d 0 obj\n%b\nendobj\n" % (number, body)
    start = len(out)
    out += b"xref\n0 6\n0000000000 65535 f \n"
    out += b"".join(b"%010d 00000 n \n" % place for place in places)
    out += b"trailer\n<< /Size 6 /Root 1 0 R %b >>\nstartxref\n%d\n%%%%EOF\n" % (trailer, start)
    path.write_bytes(out)
    return path


def make_docx(path: Path, title: str = "") -> Path:
    """A docx with a heading, a paragraph, a table with a merged row, and a last paragraph."""
    document = docx.Document()
    document.core_properties.title = title
    document.add_paragraph("Before any heading.")
    document.add_heading("Rare earths", level=1)
    document.add_paragraph("Exports fell by 12 percent.")
    table = document.add_table(rows=3, cols=2)
    for row, texts in enumerate([("Metal", "Tonnes"), ("Dysprosium", "40"), ("all told", "")]):
        for column, text in enumerate(texts):
            table.cell(row, column).text = text
    table.cell(2, 0).merge(table.cell(2, 1))
    document.add_paragraph("After the table.")
    document.save(str(path))
    return path


def edit_docx(path: Path, part: str, old: bytes, new: bytes) -> Path:
    """Replace bytes in one part of a docx file."""
    with zipfile.ZipFile(path) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    assert old in parts[part]
    parts[part] = parts[part].replace(old, new, 1)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in parts.items():
            archive.writestr(name, data)
    return path


def add_footnote(path: Path, text: str) -> Path:
    """Give a docx file a footnotes part."""
    edit_docx(
        path,
        "[Content_Types].xml",
        b"</Types>",
        b'<Override PartName="/word/footnotes.xml" ContentType="application/vnd.openxmlformats-'
        b'officedocument.wordprocessingml.footnotes+xml"/></Types>',
    )
    edit_docx(
        path,
        "word/_rels/document.xml.rels",
        b"</Relationships>",
        b'<Relationship Id="rId99" Target="footnotes.xml" Type="http://schemas.openxmlformats.org/'
        b'officeDocument/2006/relationships/footnotes"/></Relationships>',
    )
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr(
            "word/footnotes.xml",
            '<w:footnotes xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main">'
            f"<w:footnote><w:p><w:r><w:t>{text}</w:t></w:r></w:p></w:footnote></w:footnotes>",
        )
    return path


def make_docx_bomb(path: Path) -> Path:
    """A docx of less than a megabyte that would unpack to 400 MB."""
    make_docx(path)
    with (
        zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED) as archive,
        archive.open("word/media/image1.png", "w", force_zip64=True) as part,
    ):
        for _ in range(400):
            part.write(bytes(1_000_000))
    return path
