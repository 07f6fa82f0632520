"""Text as HTML with stretches of it marked."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape

from ui.paragraphs import flow


def marked(text: str, marks: Iterable[tuple[int, int, int]]) -> str:
    """Text with marks (start, end, marker); marker 0 gets no number and no place to jump to.

    Where marks overlap, the later one begins where the earlier one ends.
    """
    text, parts, at = flow(text), [], 0
    for start, end, marker in sorted(marks):
        start = max(start, at)
        place = f' id="evidence-{marker}" tabindex="-1"' if marker else ""
        parts.append(_lines(text[at:start]))
        parts.append(f"<mark{place}>{_lines(text[start:end])}</mark>{superscript(marker)}")
        at = max(at, end)
    return "".join([*parts, _lines(text[at:])])


def superscript(marker: int) -> str:
    """A marker's number behind its mark; nothing for 0."""
    return f'<sup class="number">{marker}</sup>' if marker else ""


def _lines(text: str) -> str:
    return escape(text).replace("\n", "<br>")
