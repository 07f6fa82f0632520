"""The two functions for programs, over Gradio's API and as MCP tools.

Gradio takes what clients read from the docstrings: of an argument, its first line alone.
"""

from __future__ import annotations

from contextlib import closing
from threading import Event
from typing import Any

import gradio as gr
from gradio.events import api

from rag import Rag, RagError


def offer(rag: Rag, ending: Event) -> None:
    """Register both in the page that is being built; what is asked stops once `ending` is set."""

    def ask(question: str, sources: list[str] | None = None) -> dict[str, Any]:
        """Answer a question from the indexed documents, every claim cited by exact characters.

        The answer has: question, status, short, text, confidence, citations (marker, source, start,
        end, quote, context, page, stale), agreement, conflicts, passages, reason, timings_ms. The
        status is 'answered' or 'abstained': an abstention means that the documents do not answer
        the question, and comes with the closest passages; do not fill it in from elsewhere. A
        citation's quote is the document's text from start to end (code points); confidence is the
        probability, 0 to 1, that the answer is right.

        Args:
            question: The question in plain words. It has to stand alone.
            sources: Names of documents to keep to, as 'sources' lists them; all by default.
        """
        try:
            with closing(rag.stream(question, sources=sources or None)) as answers:
                for so_far in answers:
                    if ending.is_set():
                        raise gr.Error("The server was ended.", print_exception=False)
                    answer = so_far
        except RagError as error:
            raise _explained(error) from error
        return answer.to_dict()

    def sources() -> list[dict[str, Any]]:
        """List the indexed documents: what questions can be answered from.

        An entry has: source (the name in citations), kind, title, characters, chunks, pages,
        sha256, ingested_at (UTC), stale (the file has changed since), warnings, copies (documents
        that share its text).
        """
        try:
            rows = [info.to_dict() for info in rag.sources()]
        except RagError as error:
            raise _explained(error) from error
        # Clients need not know; Gradio's takes whatever has a `path` for a file to download.
        return [{key: row[key] for key in row if key != "path"} for row in rows]

    for function in (ask, sources):
        api(function, api_name=function.__name__, queue=False)


def _explained(error: RagError) -> gr.Error:
    return gr.Error(f"{error.message} {error.hint or ''}".strip(), print_exception=False)
