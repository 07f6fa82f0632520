"""What happens when something on the page is used: questions, documents, ratings."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from html import escape
from pathlib import Path
from typing import Any

import gradio as gr

from rag import Answer, Document, Rag, RagError, SourceError, SourceInfo, Trace
from ui import present, shelf
from ui.examples import examples
from ui.keeping import Keeping
from ui.uploads import Uploads
from ui.wording import Turn


class Page:
    """The handlers of one page over one `Rag`; what they keep of a person is in Gradio's state.

    Those that may take long stop by themselves where the process is `ending`.
    """

    def __init__(self, rag: Rag, ending: threading.Event) -> None:
        self._rag = rag
        self._ending = ending
        self._uploads = Uploads(rag, ending)
        self._keeping = Keeping(rag.settings.home)
        self._examples: tuple[tuple[str, ...], list[str]] = ((), [])
        self._lock = threading.Lock()

    # What the page shows when it opens, and after every change to the documents

    def documents(self) -> tuple[str, dict[str, Any]]:
        """The list of documents, and the choice among them."""
        try:
            listing = self._rag.sources()
        except RagError as error:
            return present.problem(error), gr.update(choices=[])
        choices = [(_label(info, listing), info.source) for info in listing]
        shown = shelf.documents(listing, self._uploads.sources())
        return shown, gr.update(choices=choices)

    def examples(self) -> str:
        """Questions to begin with, worked out again where the documents have changed."""
        try:
            state = tuple(info.sha256 for info in self._rag.sources())
        except RagError:
            return ""
        with self._lock:
            if self._examples[0] != state:
                self._examples = (state, examples(self._rag, self._ending))
            return present.examples(self._examples[1])

    # Questions

    def begin(self, asked: str) -> tuple[Any, ...]:
        """Show that a question is being answered: the answer, the evidence, and the ratings."""
        return present.working(asked.strip()), "", gr.update(visible=False)

    def ask(self, asked: str, chosen: list[str], turns: list[Turn]) -> tuple[Any, ...]:
        """Answer one question of a conversation.

        Returns:
            The question box, the answer, the evidence, the earlier questions, the conversation, and
            whether the answer can be rated.
        """
        keep = gr.skip()
        try:
            before = turns[-1].answer if turns else None
            answer = self._rag.ask(asked, sources=chosen or None, after=before)
        except RagError as error:
            return keep, present.problem(error, asked.strip()), "", keep, keep, keep
        return self._shown(asked, answer, turns)

    def write(self, asked: str, chosen: list[str], turns: list[Turn]) -> Iterator[tuple[Any, ...]]:
        """Answer one question where a model writes: what it has written so far, then as `ask`."""
        keep = gr.skip()
        before = turns[-1].answer if turns else None
        try:
            with closing(self._rag.stream(asked, sources=chosen or None, after=before)) as answers:
                last: Answer | None = None
                for answer in answers:
                    if self._ending.is_set():
                        return
                    # Something has to come with every piece: only then can Gradio end this.
                    if answer is last:
                        yield (keep,) * 6
                        continue
                    evidence = present.evidence(answer, self._cited(answer))
                    yield keep, present.writing(asked, answer), evidence, keep, keep, keep
                    last = answer
            yield self._shown(asked, answer, turns)
        except RagError as error:
            yield keep, present.problem(error, asked.strip()), "", keep, keep, keep

    def _shown(self, asked: str, answer: Answer, turns: list[Turn]) -> tuple[Any, ...]:
        titles = {info.source: info.title for info in self._rag.sources()}
        turns = [*turns, Turn(asked.strip(), replace(answer, trace=Trace()))]
        return (
            "",
            present.answer(turns[-1], titles),
            present.evidence(answer, self._cited(answer)),
            present.history(turns, titles),
            turns,
            gr.update(visible=True),
        )

    def _cited(self, answer: Answer) -> dict[str, Document]:
        """The documents that an answer shows something of."""
        places = [*answer.citations, *(c for other in answer.conflicts for c in other.citations)]
        shown = {place.source for place in places or answer.passages}
        documents = {}
        for source in shown:
            try:
                documents[source] = self._rag.document(source)
            except SourceError:  # removed since
                continue
        return documents

    def stopped(self) -> str:
        """What stands in the place of an answer that was stopped."""
        return present.stopped()

    def new_chat(self) -> tuple[Any, ...]:
        """Forget the conversation."""
        return (
            "",
            present.empty_answer(),
            present.empty_evidence(),
            "",
            [],
            gr.update(visible=False),
        )

    def open_document(self, event: gr.EventData) -> Any:
        """A document, at the stretch that was picked."""
        if event.pick != "open":
            return gr.skip()
        try:
            shown = self._rag.document(str(event.source))
            return shelf.document(shown, int(event.start), int(event.end))
        except RagError as error:
            return present.problem(error)

    # Documents

    def add(self, files: list[str] | None) -> Iterator[str]:
        """Index uploaded files one by one."""
        for states in self._uploads.add([Path(file) for file in files or ()]):
            yield shelf.uploads(states)

    def remove(self, event: gr.EventData) -> Any:
        """Remove the document that was picked."""
        if event.pick != "remove":
            return gr.skip()
        try:
            self._uploads.remove(str(event.source))
        except RagError as error:
            return present.problem(error)
        return ""

    # Ratings

    def good(self, turns: list[Turn], note: str) -> tuple[str, dict[str, Any]]:
        """Keep that the latest answer is right, and offer to make it a gold question."""
        return self._rate(turns, note, right=True)

    def bad(self, turns: list[Turn], note: str) -> tuple[str, dict[str, Any]]:
        """Keep that the latest answer is wrong."""
        return self._rate(turns, note, right=False)

    def _rate(self, turns: list[Turn], note: str, *, right: bool) -> tuple[str, dict[str, Any]]:
        try:
            self._keeping.rate(turns[-1].answer, right=right, note=note)
        except OSError as error:
            return f"It could not be kept: {error.strerror}.", gr.skip()
        kind = "good" if right else "bad"
        return f"Kept on this machine as a {kind} answer. Thank you.", gr.update(visible=right)

    def unrated(self) -> tuple[str, dict[str, Any], str]:
        """No note, no gold question and no thanks, as for a new answer."""
        return "", gr.update(visible=False), ""

    def gold(self, turns: list[Turn], note: str) -> str:
        """Make the latest answer, which was rated right, a gold question."""
        try:
            self._keeping.add_gold(turns[-1].answer, note)
        except RagError as error:
            return present.problem(error)
        except OSError as error:
            return f"It could not be kept: {error.strerror}."
        return f"Added to {escape(str(self._keeping.gold))}."


def _label(info: SourceInfo, listing: list[SourceInfo]) -> str:
    """A document's title, with its name where others have the same title."""
    same = sum(other.title == info.title for other in listing) > 1
    return f"{info.title} ({info.source})" if same else info.title
