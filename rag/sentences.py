"""Sentence boundaries with exact character offsets, in articles as well as in hard-wrapped text.

Lines decide first, then nltk's Punkt: a blank line always ends a sentence; a single newline does
too, except where the text is hard-wrapped (PDF text, e-mail) or breaks a word ("dis-\\nclose").
Punkt's English parameters come from the data bundled in llama-index-core, read from its folder
without importing that package.
"""

from __future__ import annotations

import importlib.util
import re
from collections.abc import Iterator
from functools import lru_cache
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from nltk.tokenize.punkt import PunktSentenceTokenizer

Span = tuple[int, int]

# One to one, so that offsets hold: Punkt knows ASCII quotes only, and would otherwise start the
# next sentence with the closing quote of this one.
_TO_ASCII = str.maketrans(
    "\u2018\u2019\u201a\u201c\u201d\u201e\xab\xbb\u2026\xa0", "'''" + '"' * 5 + ". "
)

_LINE = re.compile(r"[^\n\r\f\v\x85\u2028\u2029]+")
_LIST_ITEM = re.compile(r"\s*(?:[#>|*•·\u2013\u2014-]|\(?(?:\d{1,3}|[A-Za-z])[.)]\s)")
_BROKEN_WORD = re.compile(r"[^\W\d_]-\s*\Z")
# Punkt is called on at most this many characters at once, so that one 50 MB line stays linear.
_WINDOW = 20_000
# Lines shorter than this are verse, lists or chat, not wrapped prose (characters).
_MIN_WRAP = 30


def split_sentences(text: str) -> list[Span]:
    """Return the (start, end) of each sentence, in order, disjoint, without outer whitespace.

    Every character that is not whitespace is in exactly one sentence. Offsets are code points.
    """
    plain = text.translate(_TO_ASCII)
    return [span for block in _blocks(text) for span in _punkt_spans(plain, *block)]


def _blocks(text: str) -> Iterator[Span]:
    """Runs of lines that Punkt sees as one text: a paragraph, a headline, a table row."""
    lines = [match.span() for match in _LINE.finditer(text) if not match.group().isspace()]
    if not lines:
        return
    adjacent = [_adjacent(text, a, b) for a, b in pairwise(lines)]
    width = _wrap_width(text, lines, adjacent)
    start, end = lines[0]
    for touches, (before, after) in zip(adjacent, pairwise(lines), strict=True):
        if not (touches and _continues(text, before, after, width)):
            yield start, end
            start = after[0]
        end = after[1]
    yield start, end


def _adjacent(text: str, before: Span, after: Span) -> bool:
    """Whether only one line break lies between two lines."""
    return text[before[1] : after[0]] in {"\n", "\r\n", "\r", "\u2028", "\x85"}


def _wrap_width(text: str, lines: list[Span], adjacent: list[bool]) -> int | None:
    """The usual line length of a hard-wrapped text in characters, or None where it is not one.

    A wrapped line ends anywhere, so most lines run on: no closing punctuation, and the next line
    begins in lower case. Lines of tables and lists say nothing about it.
    """
    lengths: list[int] = []
    running_on = 0
    for touches, (before, after) in zip(adjacent, pairwise(lines), strict=True):
        if touches and not (_is_item(text, before) or _is_item(text, after)):
            lengths.append(before[1] - before[0])
            running_on += _runs_on(text, before, after)
    if not lengths or running_on * 2 < len(lengths):
        return None
    width = sorted(lengths)[len(lengths) * 3 // 4]
    return width if width >= _MIN_WRAP else None


def _is_item(text: str, line: Span) -> bool:
    """Whether a line is a table row, a heading or a list item by its marks."""
    row = any(text.find(mark, *line) >= 0 for mark in ("|", "\t"))
    return row or _LIST_ITEM.match(text, *line) is not None


def _runs_on(text: str, before: Span, after: Span) -> bool:
    """Whether a line stops in mid-sentence and the next one takes it up in lower case."""
    return _last(text, before) not in '.!?:;"”' and _first(text, after).islower()


def _continues(text: str, before: Span, after: Span, width: int | None) -> bool:
    """Whether the sentence may go on over the single line break between two lines."""
    if _BROKEN_WORD.search(text, max(before[0], before[1] - 20), before[1]):
        return _first(text, after).islower()
    if width is None or _is_item(text, after) or text.find("|", *before) >= 0:
        return False
    # A line that stops well before the margin ends its paragraph, unless the words run on.
    return before[1] - before[0] > 0.6 * width or _first(text, after).islower()


def _first(text: str, line: Span) -> str:
    return text[line[0] : line[1]].lstrip()[0]


def _last(text: str, line: Span) -> str:
    return text[line[0] : line[1]].rstrip()[-1]


def _punkt_spans(plain: str, start: int, end: int) -> Iterator[Span]:
    """Sentences of one block, in windows; a window's last sentence is begun again in the next."""
    while start < end:
        stop = min(start + _WINDOW, end)
        window = plain[start:stop]
        spans = list(_punkt().span_tokenize(window)) or [(0, len(window))]
        if stop < end:
            if len(spans) > 1:
                stop = start + spans.pop()[0]
            elif (space := window.rfind(" ")) > 0:
                stop, spans = start + space, [(0, space)]
        for a, b in spans:
            piece = window[a:b]
            if not piece.isspace():
                left = a + len(piece) - len(piece.lstrip())
                yield start + left, start + left + len(piece.strip())
        start = stop


@lru_cache(maxsize=1)
def _punkt() -> PunktSentenceTokenizer:
    """Punkt with its English parameters. Raises RuntimeError where the data is not installed."""
    from nltk.tokenize.punkt import PunktParameters, PunktSentenceTokenizer

    package = importlib.util.find_spec("llama_index")
    for root in (package.submodule_search_locations or ()) if package else ():
        folder = Path(root, "core/_static/nltk_cache/tokenizers/punkt_tab/english")
        if folder.is_dir():
            # Read here: nltk's loader refuses folders outside its own search path.
            params = PunktParameters()
            params.abbrev_types = {row[0] for row in _rows(folder / "abbrev_types.txt")}
            params.sent_starters = {row[0] for row in _rows(folder / "sent_starters.txt")}
            params.collocations = {(a, b) for a, b in _rows(folder / "collocations.tab")}
            for word, flags in _rows(folder / "ortho_context.tab"):
                params.ortho_context[word] = int(flags)
            return PunktSentenceTokenizer(params)
    raise RuntimeError("llama-index-core does not carry Punkt's English data")


def only_a_name(word: str) -> bool:
    """Whether a word is not known in lower case, by what Punkt has seen of English."""
    from nltk.tokenize.punkt import _ORTHO_LC

    seen: int = _punkt()._params.ortho_context.get(word.lower(), 0)
    return not seen & _ORTHO_LC


def _rows(path: Path) -> list[list[str]]:
    return [line.split("\t") for line in path.read_text(encoding="utf-8").splitlines()]
