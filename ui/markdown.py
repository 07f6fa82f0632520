"""Answers and conversations as Markdown, to paste elsewhere or keep."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from rag import Citation, Conflict
from ui.wording import Turn, confidence_in_words, on_page, percent

_ESCAPED_MARKER = re.compile(r"\\\[(\d+)\\\](?!\()")


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
        lines += ["", f"{confidence_in_words(found.confidence)} ({percent(found.confidence)})."]
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
        place = f"{_plain(c.source)}{on_page(c.page)}, characters {c.start}-{c.end}"
        title = titles.get(c.source, c.source)
        name = f"{_plain(title)} ({place})" if title != c.source else place
        lines.append(f"- [{c.marker}] “{_plain(c.quote)}” — {name}")
    return lines


def _plain(text: str) -> str:
    """Text on one line in which Markdown and HTML are not markup."""
    return re.sub(r"([\\`*_\[\]<>#|!&~])", r"\\\1", " ".join(text.split()))
