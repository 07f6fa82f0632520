"""Answers as HTML and Markdown: nothing a document says is markup, and marks are its own words."""

from __future__ import annotations

import re
from dataclasses import replace
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag import (
    Agreement,
    Answer,
    Citation,
    Conflict,
    Document,
    Page,
    Passage,
    SourceInfo,
    UsageError,
)
from ui import markdown, present, shelf
from ui.paragraphs import goes_on_after, goes_on_before, paragraph
from ui.shelf import Upload
from ui.wording import Turn, confidence_in_words

HOSTILE = "<script>x()</script><img src=x onerror=x()> \"quoted\" 'single' & ${value} {{value}}"


class Parsed(HTMLParser):
    """The tags, attributes and text of some HTML."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.text = ""
        self.marked: list[str] = []
        self._in_mark = False
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs
        if tag == "mark":
            self._in_mark = True
            self.marked.append("")

    def handle_endtag(self, tag: str) -> None:
        self._in_mark = self._in_mark and tag != "mark"

    def handle_data(self, data: str) -> None:
        self.text += data
        if self._in_mark:
            self.marked[-1] += data


def cited(text: str, quotes: list[str], source: str = "a.txt") -> tuple[Document, list[Citation]]:
    """A document, and a citation of each quote in it."""
    document = Document(source, f"/{source}", "text", f"Title of {source}", text, "0")
    places = [text.index(quote) for quote in quotes]
    citations = [
        Citation(n, source, at, at + len(quote), quote, quote)
        for n, (at, quote) in enumerate(zip(places, quotes, strict=True), 1)
    ]
    return document, citations


def answered(citations: list[Citation], text: str = "It was Ada. [1]", **more: object) -> Answer:
    sources = tuple(dict.fromkeys(c.source for c in citations))
    fields: dict[str, object] = {
        "short": "Ada",
        "agreement": Agreement(len(sources), sources),
        "confidence": 0.93,
    } | more
    return Answer("Who?", "answered", "reader", text=text, citations=tuple(citations), **fields)  # type: ignore[arg-type]


def abstained(*passages: Passage) -> Answer:
    text = "The documents do not answer this."
    return Answer("Who?", "abstained", "reader", None, text, 0.1, passages=passages, reason="Why.")


def test_an_answer_stands_out_and_its_markers_lead_to_the_evidence() -> None:
    document, citations = cited("It was Ada. Really Ada Berg.", ["Ada.", "Ada Berg"])
    found = answered(citations, "It was Ada. [1][2]")
    html = present.answer(Turn("Who?", found), {})
    assert '<p class="short">Ada</p>' in html
    assert 'href="#evidence-1"' in html
    assert 'href="#evidence-2"' in html
    evidence = present.evidence(found, {"a.txt": document})
    assert Parsed(evidence).marked == ["Ada.", "Ada Berg"]
    assert 'id="evidence-1"' in evidence
    assert 'id="evidence-2"' in evidence


def test_the_reason_is_open_where_it_says_what_to_do() -> None:
    weighed = abstained()
    assert "<details><summary>Why" in present.answer(Turn("Who?", weighed), {})
    unweighed = replace(weighed, confidence=0.0)
    assert "<details open><summary>Why" in present.answer(Turn("Who?", unweighed), {})


def test_brackets_that_are_the_documents_own_are_no_markers() -> None:
    _, citations = cited("as shown[1] in [7] it was Ada", ["Ada"])
    html = present.answer(
        Turn("Who?", answered(citations, "as shown[1] in [7] it was Ada [1]")), {}
    )
    assert html.count("<a ") == 1
    assert "shown[1] in [7] it" in html


def test_what_was_understood_is_shown_only_where_it_differs() -> None:
    found = answered(cited("Ada", ["Ada"])[1])
    assert "Understood" not in present.answer(Turn("Who? ", found), {})
    assert "Understood as: Who?" in present.answer(Turn("And who?", found), {})


@pytest.mark.parametrize(
    ("probability", "words"),
    [
        (1.0, "Very likely right"),
        (0.9, "Very likely right"),
        (0.897, "Very likely right"),
        (0.8, "Likely right"),
        (0.6, "More likely right than wrong"),
        (0.5, "About as likely right as wrong"),
        (0.3, "More likely wrong than right"),
        (0.0, "Very likely wrong"),
    ],
)
def test_confidence_is_said_in_words(probability: float, words: str) -> None:
    assert confidence_in_words(probability) == words


def test_confidence_is_a_number_with_its_meaning_and_never_certain() -> None:
    html = present.answer(Turn("Who?", answered(cited("Ada", ["Ada"])[1], confidence=1.0)), {})
    assert "99 %" in html
    assert "about 99 % are right" in html


@pytest.mark.parametrize(
    ("independent", "cited_", "words"),
    [
        (1, 1, "1 source"),
        (3, 3, "3 independent sources"),
        (1, 2, "1 independent source in 2 documents (some share their text)"),
        (2, 4, "2 independent sources in 4 documents (some share their text)"),
    ],
)
def test_near_copies_do_not_count_twice(independent: int, cited_: int, words: str) -> None:
    agreement = Agreement(independent, tuple(map(str, range(cited_))))
    assert present.sources_in_words(answered([], agreement=agreement)) == words


def test_silence_is_plain_and_its_passages_are_not_evidence() -> None:
    passage = Passage("a.txt", 0, 13, "Some <b>words", 0.1)
    found = abstained(passage)
    assert "do not answer" in present.answer(Turn("Who?", found), {})
    html = present.evidence(found, {"a.txt": cited("Some <b>words", ["Some"])[0]})
    assert "They do not answer the question" in html
    assert "mark" not in Parsed(html).tags
    assert "Some <b>words" in Parsed(html).text


def test_of_passages_that_were_not_read_nothing_is_said() -> None:
    passage = Passage("a.txt", 0, 4, "Word", 0.1)
    found = replace(abstained(passage), confidence=0.0)
    html = present.evidence(found, {"a.txt": cited("Word", ["Word"])[0]})
    assert "The closest passages." in html
    assert "do not answer" not in html


def test_silence_without_passages() -> None:
    assert "Nothing in the documents comes close" in present.evidence(abstained(), {})


def test_conflicts_stand_side_by_side() -> None:
    ours, (citation,) = cited("It was 1932.", ["1932"])
    theirs, (other,) = cited("No, 1933.", ["1933"], "b.txt")
    found = answered([citation], conflicts=(Conflict("1933", (other,)),))
    html = present.evidence(found, {"a.txt": ours, "b.txt": theirs})
    assert "The sources differ" in html
    assert Parsed(html).marked == ["1932", "1933", "1932"]
    assert "Title of b.txt" in html


def test_citations_of_one_paragraph_share_it() -> None:
    document, citations = cited("Ada met Bo and Cy.\n\nDi was away.", ["Ada", "Bo", "Di"])
    html = present.evidence(answered(citations), {"a.txt": document})
    assert html.count("<blockquote>") == 2
    assert html.count("<article") == 1
    assert Parsed(html).marked == ["Ada", "Bo", "Di"]


def test_a_document_that_changed_since_is_shown_by_what_was_checked() -> None:
    _, (citation,) = cited("It was Ada.", ["Ada"])
    changed = Document("a.txt", "/a.txt", "text", "New", "Now it says Bob, and more.", "1")
    html = present.evidence(answered([citation]), {"a.txt": changed})
    assert Parsed(html).marked == ["Ada"]
    assert "Bob" not in html
    assert Parsed(present.evidence(answered([citation]), {})).marked == ["Ada"]


def test_a_stale_citation_says_so() -> None:
    document, (citation,) = cited("It was Ada.", ["Ada"])
    stale = Citation(1, "a.txt", citation.start, citation.end, "Ada", "Ada", page=3, stale=True)
    html = present.evidence(answered([stale]), {"a.txt": document})
    assert "has changed or gone since" in html
    assert "page 3" in html


def test_a_long_paragraph_is_cut_between_words() -> None:
    text = "word " * 400 + "needle " + "word " * 400
    at = text.index("needle")
    start, end = paragraph(text, at, at + 6)
    assert text[start : start + 4] == "word"
    assert text[end - 4 : end] == "word"
    assert end - start < 1_500
    assert goes_on_before(text, start)
    assert goes_on_after(text, end)


@pytest.mark.parametrize("parting", ["\n\n", "\r\n\r\n", "\n \t\n"])
def test_a_paragraph_ends_at_an_empty_line(parting: str) -> None:
    text = f"First of all.{parting}Then the needle came.{parting}And then it went."
    at = text.index("needle")
    start, end = paragraph(text, at, at + 6)
    assert text[start:end] == "Then the needle came."
    assert not goes_on_before(text, start)
    assert not goes_on_after(text, end)


def test_a_line_is_a_paragraph_where_lines_are_not_wrapped() -> None:
    line = (
        "This is a long line of a news article, which goes on for rather more than it should. " * 3
    )
    text = f"{line.strip()}\nHere is the needle of {line.strip()}\n{line}"
    at = text.index("needle")
    start, end = paragraph(text, at, at + 6)
    assert text[start:end].startswith("Here is the needle")
    assert "\n" not in text[start:end]


texts = st.text(st.sampled_from("ab <>&\"'`$\n\r\\[]()!*{}é漢\u202e"), min_size=1, max_size=80)


@given(texts, st.data())
def test_marks_are_exactly_the_cited_words(text: str, data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(text) - 1))
    end = data.draw(st.integers(start + 1, len(text)))
    document = Document("a.txt", "/a.txt", "text", "T", text, "0")
    citation = Citation(1, "a.txt", start, end, text[start:end], text)
    html = present.evidence(answered([citation]), {"a.txt": document})
    (marked,) = Parsed(html.replace("<br>", "\n")).marked
    assert marked.split() == text[start:end].split()
    whole = Parsed(shelf.document(document, start, end).replace("<br>", "\n"))
    assert " ".join(whole.marked).split() == text[start:end].split()


@given(texts, texts)
def test_no_text_becomes_markup(text: str, title: str) -> None:
    hostile = text + HOSTILE
    document = Document(title + HOSTILE, "/a", "text", title + HOSTILE, hostile, "0")
    source = document.source
    citation = Citation(1, source, 0, len(hostile), hostile, hostile, page=1)
    info = SourceInfo(
        source, "/a", "text", title + HOSTILE, 1, 1, 2, "0", "2026-01-02T03:04:05+00:00", True,
        (hostile,), (source,),
    )  # fmt: skip
    passage = Passage(source, 0, len(hostile), hostile, 0.1)
    found = Answer(
        hostile, "answered", "reader", hostile, f"x{hostile} [1]", 0.9, (citation,),
        Agreement(1, (source,)), (Conflict(hostile, (citation,)),),
    )  # fmt: skip
    silent = Answer(
        hostile, "abstained", "reader", None, hostile, 0.1, passages=(passage,), reason=hostile
    )
    turns = [Turn(hostile, found), Turn("and " + hostile, silent)]
    titles = {source: title + HOSTILE}
    pages = [
        *(present.answer(turn, titles) for turn in turns),
        present.evidence(found, {source: document}),
        present.evidence(found, {}),
        present.evidence(silent, {source: document}),
        shelf.document(document, 0, 5),
        present.history(turns, titles),
        shelf.documents([info], frozenset()),
        shelf.uploads([Upload(hostile, "failed", hostile)]),
        present.examples([hostile]),
        present.working(hostile),
        present.problem(UsageError(hostile, hint=hostile), hostile),
    ]
    allowed = {
        "a", "article", "blockquote", "br", "button", "cite", "details", "div", "figcaption",
        "figure", "h2", "h3", "li", "mark", "ol", "p", "span", "strong", "summary", "sup", "ul",
    }  # fmt: skip
    for html in pages:
        parsed = Parsed(html)
        assert set(parsed.tags) <= allowed
        assert not [name for name, _ in parsed.attributes if name.startswith("on")]
        links = [value for name, value in parsed.attributes if name in ("href", "src")]
        assert all(re.fullmatch(r"#evidence-\d+", link or "") for link in links)


def test_pages_of_a_pdf_have_their_numbers() -> None:
    pages = (Page(1, 0, 10), Page(2, 11, 21))
    document = Document("a.pdf", "/a.pdf", "pdf", "A", "First page\nThen Ada B", "0", pages)
    html = shelf.document(document, 16, 19)
    assert html.index("Page 1") < html.index("First page") < html.index("Page 2")
    assert Parsed(html).marked == ["Ada"]


def test_a_place_without_words_is_found_and_not_marked() -> None:
    document, _ = cited("First paragraph.\n\nSecond one.", [])
    html = shelf.document(document, 18, 18)
    assert '<p class="here">Second one.</p>' in html
    assert "<mark" not in html


def test_the_list_of_documents_says_what_removing_does() -> None:
    info = SourceInfo(
        "a.txt", "/a", "text", "A", 1234, 2, None, "0", "2026-01-02T03:04:05+00:00", False
    )
    ours = shelf.documents([info], frozenset({"a.txt"}))
    assert "1,234 characters" in ours
    assert "2 January 2026" in ours
    assert "the uploaded file is deleted" in ours
    assert "the file itself stays" in shelf.documents([info], frozenset())
    assert "No documents yet" in shelf.documents([], frozenset())


def test_markdown_has_every_citation_and_no_markup_of_the_documents() -> None:
    _, citations = cited("It was [Ada](javascript:x) *Berg*", ["[Ada](javascript:x) *Berg*"])
    found = answered(
        citations, "It was [Ada](javascript:x) [1]", conflicts=(Conflict("Bo", tuple(citations)),)
    )
    text = markdown.markdown(Turn("Who <b>?", found), {"a.txt": "Title"})
    assert r"It was \[Ada\](javascript:x) [1]" in text
    assert "(a.txt, characters 7-33)" in text
    assert r"Who \<b\>?" in text
    assert "A source says otherwise: Bo" in text
    assert "Very likely right (93 %)" in text


def test_a_conversation_keeps_its_order() -> None:
    turns = [Turn("First?", abstained()), Turn("Second?", abstained())]
    text = markdown.conversation(turns, {})
    assert text.index("First?") < text.index("Second?")
    html = present.history([*turns, Turn("Third?", abstained())], {})
    assert html.index("<summary>Second?") < html.index("<summary>First?")
    assert "<summary>Third?" not in html
