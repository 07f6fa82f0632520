"""The documents as HTML: their list, files on their way in, and one of them as a whole."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from html import escape

from rag import Document, SourceInfo
from ui.marking import marked
from ui.paragraphs import split


@dataclass(frozen=True, slots=True)
class Upload:
    """A file on its way in: its name, a state, and what there is to say of it.

    `state` is 'waiting', 'working', 'done', 'noted' (done, with something to know) or 'failed'.
    `share` is how much of a file that is worked on is indexed, 0 to 1.
    """

    name: str
    state: str
    note: str = ""
    share: float = 0.0


def documents(listing: Sequence[SourceInfo], uploaded: frozenset[str]) -> str:
    """The indexed documents; `uploaded` are the sources whose file is deleted with them."""
    if not listing:
        return '<p class="hint">No documents yet. Add some above.</p>'
    rows = "".join(_row(info, info.source in uploaded) for info in listing)
    count = "1 document" if len(listing) == 1 else f"{len(listing):,} documents"
    return f'<p class="hint">{count}</p><ul class="documents">{rows}</ul>'


def _row(info: SourceInfo, uploaded: bool) -> str:
    facts = [info.source] if info.title != info.source else []
    facts.append(f"{info.characters:,} characters")
    if info.pages:
        facts.append("1 page" if info.pages == 1 else f"{info.pages:,} pages")
    facts.append(f"added {_day(info.ingested_at)}")
    notes = [*info.warnings]
    if info.copies:
        notes.append(f"Shares its text with {', '.join(info.copies)}")
    if info.stale:
        notes.append("The file has changed or gone since it was indexed")
    what = (
        "It is no longer searched, and the uploaded file is deleted."
        if uploaded
        else "It is no longer searched; the file itself stays where it is."
    )
    source, title = escape(info.source, quote=True), escape(info.title, quote=True)
    return (
        f'<li><div class="about"><h3>{escape(info.title)}</h3>'
        f'<p class="file">{escape(" · ".join(facts))}</p>'
        + "".join(f'<p class="note">{escape(note)}</p>' for note in notes)
        + '</div><div class="do">'
        f'<button type="button" data-pick="open" data-source="{source}" data-start="0"'
        f' data-end="0" aria-label="Open {title}">Open</button>'
        f'<details class="remove"><summary aria-label="Remove {title}…">Remove…</summary>'
        f'<div class="confirm"><p>{what}</p><button type="button" class="danger"'
        f' data-pick="remove" data-source="{source}" aria-label="Remove {title}">Remove'
        "</button></div></details></div></li>"
    )


def _day(moment: str) -> str:
    when = datetime.fromisoformat(moment)
    return f"{when.day} {when:%B %Y}"


def _progress(file: Upload) -> str:
    if file.state == "working":
        return f"indexing, {round(100 * file.share)} %" if file.share else "reading…"
    return {"waiting": "waiting", "failed": "not added"}.get(file.state, "added")


def uploads(files: Sequence[Upload]) -> str:
    """How far each file of an upload is."""
    if not files:
        return ""
    rows = "".join(
        f'<li class="{file.state}"><span>{escape(file.name)}</span>'
        f"<span>{_progress(file)}</span>"
        + (f'<p class="note">{escape(file.note)}</p>' if file.note else "")
        + "</li>"
        for file in files
    )
    done = sum(file.state not in ("waiting", "working") for file in files)
    return f'<p class="hint">{done} of {len(files)} files</p><ul class="uploads">{rows}</ul>'


def document(shown: Document, start: int, end: int) -> str:
    """A document's text with one stretch marked, or its place where that is empty; pdfs by page."""
    pages = [(f"Page {p.number}", p.start, p.end) for p in shown.pages]
    parts = [
        f'<div class="bar"><div><h2>{escape(shown.title)}</h2>'
        f'<p class="file">{escape(shown.source)}</p></div>'
        '<button type="button" data-close>Close</button></div><div class="text">'
    ]
    for label, first, last in pages or [("", 0, len(shown.text))]:
        if label:
            parts.append(f"<h3>{label}</h3>")
        for left, right in split(shown.text, first, last):
            low, high = max(start, left), min(end, right)
            marks = [(low - left, high - left, 0)] if low < high else []
            here = ' class="here"' if left <= start == end < right else ""
            parts.append(f"<p{here}>{marked(shown.text[left:right], marks)}</p>")
    return "".join([*parts, "</div>"])
