"""Answers, documents and conversations as HTML and Markdown: pure functions, everything escaped.

What a document says reaches HTML through `escape` alone. Attributes named `data-pick` are what the
page sends to Python when they are clicked; `ui/page.js` does the rest (copying, saving).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from html import escape

from rag import Answer, Citation, Conflict, Document, Passage, RagError, SourceInfo
from ui.paragraphs import flow, goes_on_after, goes_on_before, paragraph, split

CLOSEST = 700  # characters of a closest passage that are shown

_MARKER = re.compile(r"(?<![^\s\]])\[(\d+)\]")
_ESCAPED_MARKER = re.compile(r"\\\[(\d+)\\\](?!\()")


@dataclass(frozen=True, slots=True)
class Turn:
    """One question of a conversation, as it was typed, and its answer."""

    asked: str
    answer: Answer


@dataclass(frozen=True, slots=True)
class Upload:
    """A file on its way in: its name, a state, and what there is to say of it.

    `state` is 'waiting', 'working', 'done', 'noted' (done, with something to know) or 'failed'.
    """

    name: str
    state: str
    note: str = ""


def first_run() -> str:
    """What to know where the documents are the ones that came along."""
    return (
        '<p class="notice welcome">Nothing was indexed yet, so here are five sample articles, on'
        " the US-China trade talks in London in June 2025. Add your own under Documents.</p>"
    )


# The answer


def empty_answer() -> str:
    """Before the first question."""
    return (
        '<p class="hint">Ask something. The answer comes in the words of your documents,'
        " or not at all.</p>"
    )


def working(asked: str) -> str:
    """While an answer is looked for."""
    return f'{_asked(asked)}<p class="hint working">Reading…</p>'


def writing(asked: str, so_far: Answer) -> str:
    """An answer while a language model writes it: what of it is checked already."""
    text = f'<p class="sentence">{_linked(so_far)}</p>' if so_far.text else ""
    return f'{_asked(asked)}{text}<p class="hint working">Writing…</p>'


def stopped() -> str:
    """In place of an answer that was stopped."""
    return '<p class="hint">Stopped. Ask again, or ask something else.</p>'


def leaves(network: Sequence[str]) -> str:
    """What a setting sends to other machines."""
    return f'<p class="notice">{escape("; ".join(network)).capitalize()}.</p>'


def problem(error: RagError, asked: str = "") -> str:
    """An expected failure: its message and its hint."""
    hint = f'<p class="hint">{escape(error.hint)}</p>' if error.hint else ""
    head = _asked(asked) if asked else ""
    return f'{head}<div class="problem" role="alert"><p>{escape(error.message)}</p>{hint}</div>'


def answer(turn: Turn, titles: Mapping[str, str]) -> str:
    """The latest answer: short, in its sentence, and how far to trust it."""
    found = turn.answer
    parts = [_asked(turn.asked)]
    if found.question.strip() != turn.asked.strip():
        parts.append(f'<p class="understood">Understood as: {escape(found.question)}</p>')
    if found.status == "abstained":
        parts.append(f'<p class="short silent">{_linked(found)}</p>')
        parts.append(_silence(found))
    else:
        by_reader = found.answered_by == "reader"
        if found.short and by_reader and not found.text.startswith(found.short):
            parts.append(f'<p class="short">{escape(found.short)}</p>')
        parts.append(f'<p class="sentence">{_linked(found)}</p>')
        if found.note:
            parts.append(f'<p class="notice">{escape(found.note)}</p>')
        parts.append(_trust(found))
    copied = escape(markdown(turn, titles), quote=True)
    parts.append(
        f'<p class="actions"><button type="button" data-copy="{copied}">Copy as Markdown</button>'
        '<span role="status"></span></p>'
    )
    return "".join(parts)


def confidence_in_words(probability: float) -> str:
    """A probability (0 to 1) as a person would say it."""
    for least, words in (
        (0.9, "Very likely right"),
        (0.75, "Likely right"),
        (0.5, "More likely right than wrong"),
        (0.25, "More likely wrong than right"),
    ):
        if probability >= least:
            return words
    return "Very likely wrong"


def sources_in_words(found: Answer) -> str:
    """How many independent sources an answer has."""
    independent, cited = found.agreement.independent, len(found.agreement.sources)
    if independent < cited:
        noun = "source" if independent == 1 else "sources"
        return f"{independent} independent {noun} in {cited} documents (some share their text)"
    return "1 source" if cited == 1 else f"{cited} independent sources"


def _asked(asked: str) -> str:
    return f'<p class="asked">{escape(asked)}</p>'


def _linked(found: Answer) -> str:
    """The text with its markers as links to the evidence; other numbers in brackets stay text."""
    known = {citation.marker for citation in found.citations}
    parts, end = [], 0
    for match in _MARKER.finditer(found.text):
        if (number := int(match[1])) not in known:
            continue
        parts.append(escape(found.text[end : match.start()]))
        parts.append(
            f'<a class="marker" href="#evidence-{number}" aria-label="Evidence {number}">'
            f"[{number}]</a>"
        )
        end = match.end()
    linked = "".join([*parts, escape(found.text[end:])])
    for sentence in found.unsupported:
        plain = f"<del>{escape(sentence)}</del> (unsupported)"
        linked = linked.replace(escape(Answer.struck(sentence)), plain)
    return linked


def _trust(found: Answer) -> str:
    percent = _percent(found.confidence)
    meaning = (
        f"Of the answers that are given with {percent}, about {percent} are right, as far as could"
        " be measured. Check the words in the source before you rely on them."
    )
    return (
        '<div class="trust"><details><summary>'
        f"<strong>{confidence_in_words(found.confidence)}</strong> · {percent}"
        f"</summary><p>{meaning}</p></details>"
        f"<p>{sources_in_words(found)}</p>{_author(found)}</div>"
    )


def _author(found: Answer) -> str:
    if found.answered_by == "reader":
        return ""
    return f"<p>Written by {escape(found.answered_by)}, checked against the sources</p>"


def _silence(found: Answer) -> str:
    where = (
        "<p>The passages that come closest are shown all the same.</p>" if found.passages else ""
    )
    why = (
        f"<details><summary>Why</summary><p>{escape(found.reason)}</p></details>"
        if found.reason
        else ""
    )
    return f'<div class="trust">{where}{why}</div>'


def _percent(probability: float) -> str:
    return f"{min(99, max(1, round(100 * probability)))} %"


# The evidence


def empty_evidence() -> str:
    """Before the first question."""
    return '<p class="hint">Every claim is shown here, in its place in the source.</p>'


def evidence(found: Answer, documents: Mapping[str, Document]) -> str:
    """Each source with the cited words marked in their paragraph; the closest passages where there
    is no answer.

    Args:
        found: the answer.
        documents: by source, as they are kept; one that is missing or has changed since is shown by
            the sentence that was checked when the answer was made.
    """
    if found.status == "abstained":
        return _closest(found.passages, documents)
    parts = [_conflicts(found, documents)]
    by_source: dict[str, list[Citation]] = {}
    for citation in found.citations:
        by_source.setdefault(citation.source, []).append(citation)
    for source, citations in by_source.items():
        head = _head(source, documents.get(source), citations[0])
        quotes = "".join(_paragraphs(citations, documents.get(source)))
        parts.append(f'<article class="source">{head}{quotes}</article>')
    return "".join(parts)


def _conflicts(found: Answer, documents: Mapping[str, Document]) -> str:
    if not found.conflicts:
        return ""
    ours = found.citations[:1]
    sides = [("This answer", found.short or "", ours)]
    sides += [("Another source", other.short, other.citations) for other in found.conflicts]
    figures = "".join(_side(label, short, cited, documents) for label, short, cited in sides)
    return (
        '<div class="conflict" role="group" aria-label="The sources differ">'
        f'<h3>The sources differ</h3><div class="sides">{figures}</div></div>'
    )


def _side(
    label: str, short: str, citations: Sequence[Citation], documents: Mapping[str, Document]
) -> str:
    quotes = "".join(
        f"<blockquote>{_marked(c.context, _inside(c))}</blockquote>"
        f"<figcaption><span>{escape(_title(c.source, documents))}{_page(c.page)}</span>"
        f"{_opening(c, documents.get(c.source))}</figcaption>"
        for c in citations
    )
    return (
        f'<figure><p class="label">{label}</p><p class="said">{escape(short)}</p>{quotes}</figure>'
    )


def _closest(passages: Sequence[Passage], documents: Mapping[str, Document]) -> str:
    if not passages:
        return '<p class="hint">Nothing in the documents comes close.</p>'
    parts = ['<p class="hint">The closest passages. They do not answer the question.</p>']
    for passage in passages:
        text = passage.text.strip()
        shown = text if len(text) <= CLOSEST else f"{text[:CLOSEST].rsplit(maxsplit=1)[0]} …"
        head = _head(passage.source, documents.get(passage.source), passage)
        quote = "".join(
            f"<p>{_marked(shown[start:end], [])}</p>" for start, end in split(shown, 0, len(shown))
        )
        parts.append(f'<article class="source">{head}<blockquote>{quote}</blockquote></article>')
    return "".join(parts)


def _head(source: str, document: Document | None, place: Citation | Passage) -> str:
    title = document.title if document else source
    page = place.page if isinstance(place, Citation) else None
    file = escape(source) + _page(page) if title != source or page else ""
    file = f'<p class="file">{file}</p>' if file else ""
    stale = (
        '<p class="stale">The file has changed or gone since it was indexed.</p>'
        if isinstance(place, Citation) and place.stale
        else ""
    )
    return (
        f'<div class="head"><div><h3>{escape(title)}</h3>{file}{stale}</div>'
        f"{_opening(place, document)}</div>"
    )


def _opening(place: Citation | Passage, document: Document | None) -> str:
    """A button that opens a document at a citation's words, or where a passage begins; none where
    it is not there any more."""
    if document is None:
        return ""
    end = place.end if isinstance(place, Citation) else place.start
    return (
        f'<button type="button" data-pick="open" data-source="{escape(place.source, quote=True)}"'
        f' data-start="{place.start}" data-end="{end}"'
        f' aria-label="Open {escape(document.title, quote=True)}">Open</button>'
    )


def _paragraphs(citations: Sequence[Citation], document: Document | None) -> list[str]:
    """The paragraphs around citations of one source, each once, in the document's order."""
    if document is None or any(document.text[c.start : c.end] != c.quote for c in citations):
        return [
            f"<blockquote>{_marked(c.context, _inside(c))}{_number(c.marker)}</blockquote>"
            for c in citations
        ]
    text = document.text
    stretches: list[tuple[int, int, list[Citation]]] = []
    for citation in sorted(citations, key=lambda c: (c.start, c.end)):
        start, end = paragraph(text, citation.start, citation.end)
        if stretches and start < stretches[-1][1]:
            first, last, held = stretches.pop()
            stretches.append((first, max(last, end), [*held, citation]))
        else:
            stretches.append((start, end, [citation]))
    return [
        "<blockquote>"
        + ("… " if goes_on_before(text, start) else "")
        + _marked(text[start:end], [(c.start - start, c.end - start, c.marker) for c in held])
        + (" …" if goes_on_after(text, end) else "")
        + "</blockquote>"
        for start, end, held in stretches
    ]


def _inside(citation: Citation) -> list[tuple[int, int, int]]:
    """Where a citation's quote stands in its context; nowhere where that cannot be told."""
    at = citation.context.find(citation.quote)
    return [(at, at + len(citation.quote), 0)] if at >= 0 else []


def _marked(text: str, marks: Iterable[tuple[int, int, int]]) -> str:
    """Text with marks (start, end, marker); marker 0 gets no number and no place to jump to.

    Where marks overlap, the later one begins where the earlier one ends.
    """
    text, parts, at = flow(text), [], 0
    for start, end, marker in sorted(marks):
        start = max(start, at)
        place = f' id="evidence-{marker}" tabindex="-1"' if marker else ""
        parts.append(_lines(text[at:start]))
        parts.append(f"<mark{place}>{_lines(text[start:end])}</mark>{_number(marker)}")
        at = max(at, end)
    return "".join([*parts, _lines(text[at:])])


def _number(marker: int) -> str:
    return f'<sup class="number">{marker}</sup>' if marker else ""


def _lines(text: str) -> str:
    return escape(text).replace("\n", "<br>")


def _page(page: int | None) -> str:
    return f" · page {page}" if page else ""


def _title(source: str, documents: Mapping[str, Document]) -> str:
    return documents[source].title if source in documents else source


# A whole document


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
            parts.append(f"<p{here}>{_marked(shown.text[left:right], marks)}</p>")
    return "".join([*parts, "</div>"])


# The conversation


def history(turns: Sequence[Turn], titles: Mapping[str, str]) -> str:
    """The earlier questions of a conversation, latest first, and a way to keep it all."""
    if not turns:
        return ""
    saved = escape(conversation(turns, titles), quote=True)
    keep = (
        f'<p class="actions"><button type="button" data-save="{saved}">Export conversation'
        "</button></p>"
    )
    earlier = "".join(
        f"<details><summary>{escape(turn.asked)}"
        f'<span class="was">{escape(turn.answer.short or turn.answer.text)}</span></summary>'
        f"<p>{escape(turn.answer.text)}</p>{_quotes(turn.answer, titles)}</details>"
        for turn in reversed(turns[:-1])
    )
    head = "<h2>Earlier in this chat</h2>" if earlier else ""
    return f"{head}{earlier}{keep}"


def _quotes(found: Answer, titles: Mapping[str, str]) -> str:
    rows = "".join(
        f"<li value={c.marker}>{_marked(c.context, _inside(c))}"
        f" <cite>{escape(titles.get(c.source, c.source))}{_page(c.page)}</cite></li>"
        for c in found.citations
    )
    return f"<ol>{rows}</ol>" if rows else ""


# Documents


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


def uploads(files: Sequence[Upload]) -> str:
    """How far each file of an upload is."""
    if not files:
        return ""
    words = {"waiting": "waiting", "working": "reading…", "done": "added", "noted": "added"}
    rows = "".join(
        f'<li class="{file.state}"><span>{escape(file.name)}</span>'
        f"<span>{words.get(file.state, 'not added')}</span>"
        + (f'<p class="note">{escape(file.note)}</p>' if file.note else "")
        + "</li>"
        for file in files
    )
    done = sum(file.state not in ("waiting", "working") for file in files)
    return f'<p class="hint">{done} of {len(files)} files</p><ul class="uploads">{rows}</ul>'


def examples(questions: Sequence[str]) -> str:
    """Questions to begin with, as buttons."""
    if not questions:
        return ""
    buttons = "".join(
        f'<button type="button" data-pick="ask" data-question="{escape(question, quote=True)}">'
        f"{escape(question)}</button>"
        for question in questions
    )
    return f'<div class="examples" role="group" aria-label="Example questions">{buttons}</div>'


# Markdown


def markdown(turn: Turn, titles: Mapping[str, str]) -> str:
    """An answer with its citations, to paste elsewhere."""
    found = turn.answer
    lines = [f"**{_plain(turn.asked)}**", ""]
    if found.question.strip() != turn.asked.strip():
        lines += [f"(understood as: {_plain(found.question)})", ""]
    lines.append(_ESCAPED_MARKER.sub(r"[\1]", _plain(found.text)))
    lines += ["", _plain(found.note)] if found.note else []
    lines += _cited(found.citations, titles)
    for conflict in found.conflicts:
        lines += _otherwise(conflict, titles)
    if found.status == "answered":
        lines += ["", f"{confidence_in_words(found.confidence)} ({_percent(found.confidence)})."]
    return "\n".join(lines) + "\n"


def conversation(turns: Sequence[Turn], titles: Mapping[str, str]) -> str:
    """A whole conversation, in order."""
    return "\n---\n\n".join(markdown(turn, titles) for turn in turns)


def _otherwise(conflict: Conflict, titles: Mapping[str, str]) -> list[str]:
    return [
        "",
        f"A source says otherwise: {_plain(conflict.short)}",
        *_cited(conflict.citations, titles),
    ]


def _cited(citations: Sequence[Citation], titles: Mapping[str, str]) -> list[str]:
    lines = [""] if citations else []
    for c in citations:
        place = f"{_plain(c.source)}{_page(c.page)}, characters {c.start}-{c.end}"
        title = titles.get(c.source, c.source)
        name = f"{_plain(title)} ({place})" if title != c.source else place
        lines.append(f"- [{c.marker}] “{_plain(c.quote)}” — {name}")
    return lines


def _plain(text: str) -> str:
    """Text on one line in which Markdown and HTML are not markup."""
    return re.sub(r"([\\`*_\[\]<>#|!&~])", r"\\\1", " ".join(text.split()))
