"""Answers, their evidence and conversations as HTML: pure functions, everything escaped.

What a document says reaches HTML through `escape` alone. Attributes named `data-pick` are what the
page sends to Python when they are clicked; `ui/page.js` does the rest (copying, saving).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from html import escape

from rag import Answer, Citation, Document, Passage, RagError
from ui.markdown import conversation, markdown
from ui.marking import marked, superscript
from ui.paragraphs import goes_on_after, goes_on_before, paragraph, split
from ui.wording import Turn, confidence_in_words, on_page, percent

CLOSEST = 700  # characters of a closest passage that are shown

_MARKER = re.compile(r"(?<![^\s\]])\[(\d+)\]")


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
    sure = percent(found.confidence)
    meaning = (
        f"Of the answers that are given with {sure}, about {sure} are right, as far as could"
        " be measured. Check the words in the source before you rely on them."
    )
    return (
        '<div class="trust"><details><summary>'
        f"<strong>{confidence_in_words(found.confidence)}</strong> · {sure}"
        f"</summary><p>{meaning}</p></details>"
        f"<p>{sources_in_words(found)}</p>{_author(found)}</div>"
    )


def _author(found: Answer) -> str:
    if found.answered_by == "reader":
        return ""
    return f"<p>Written by {escape(found.answered_by)}, checked against the sources</p>"


def _silence(found: Answer) -> str:
    """Why there is no answer: folded in, but where no candidate was weighed, since the reason then
    is what to do about it."""
    opened = "" if found.confidence else " open"
    where = (
        "<p>The passages that come closest are shown all the same.</p>" if found.passages else ""
    )
    why = (
        f"<details{opened}><summary>Why</summary><p>{escape(found.reason)}</p></details>"
        if found.reason
        else ""
    )
    return f'<div class="trust">{where}{why}</div>'


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
        return _closest(found, documents)
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
        f"<blockquote>{marked(c.context, _inside(c))}</blockquote>"
        f"<figcaption><span>{escape(_title(c.source, documents))}{on_page(c.page)}</span>"
        f"{_opening(c, documents.get(c.source))}</figcaption>"
        for c in citations
    )
    return (
        f'<figure><p class="label">{label}</p><p class="said">{escape(short)}</p>{quotes}</figure>'
    )


def _closest(found: Answer, documents: Mapping[str, Document]) -> str:
    """The passages that come closest; where none was weighed nothing is said of them."""
    if not found.passages:
        return '<p class="hint">Nothing in the documents comes close.</p>'
    said = " They do not answer the question." if found.confidence else ""
    parts = [f'<p class="hint">The closest passages.{said}</p>']
    for passage in found.passages:
        text = passage.text.strip()
        shown = text if len(text) <= CLOSEST else f"{text[:CLOSEST].rsplit(maxsplit=1)[0]} …"
        head = _head(passage.source, documents.get(passage.source), passage)
        quote = "".join(
            f"<p>{marked(shown[start:end], [])}</p>" for start, end in split(shown, 0, len(shown))
        )
        parts.append(f'<article class="source">{head}<blockquote>{quote}</blockquote></article>')
    return "".join(parts)


def _head(source: str, document: Document | None, place: Citation | Passage) -> str:
    title = document.title if document else source
    page = place.page if isinstance(place, Citation) else None
    file = escape(source) + on_page(page) if title != source or page else ""
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
            f"<blockquote>{marked(c.context, _inside(c))}{superscript(c.marker)}</blockquote>"
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
        + marked(text[start:end], [(c.start - start, c.end - start, c.marker) for c in held])
        + (" …" if goes_on_after(text, end) else "")
        + "</blockquote>"
        for start, end, held in stretches
    ]


def _inside(citation: Citation) -> list[tuple[int, int, int]]:
    """Where a citation's quote stands in its context; nowhere where that cannot be told."""
    at = citation.context.find(citation.quote)
    return [(at, at + len(citation.quote), 0)] if at >= 0 else []


def _title(source: str, documents: Mapping[str, Document]) -> str:
    return documents[source].title if source in documents else source


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
        f"<li value={c.marker}>{marked(c.context, _inside(c))}"
        f" <cite>{escape(titles.get(c.source, c.source))}{on_page(c.page)}</cite></li>"
        for c in found.citations
    )
    return f"<ol>{rows}</ol>" if rows else ""
