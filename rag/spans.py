"""The trained reader's network: the bundled encoder with other layers, and a head for spans.

It reads a question and a stretch of text together, before the text the title of its document, which
says what "the talks" are. Of every two tokens of the text it says how likely the answer goes from
the one to the other; the [CLS] token alone stands for "no answer here". Trained by `python -m
rag.training.reader`; see rag/models/reader.md.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812 - the name that torch's own documentation uses
from numpy.typing import NDArray
from safetensors.torch import load_file
from tokenizers import Encoding

from rag.encoder import Encoder, pad
from rag.kinds import as_read
from rag.titles import title_before

LENGTH = 320  # tokens of a question and a window together, as in training
QUESTION = 80  # tokens of a question at most
TITLE = 40  # tokens of a title at most
LONGEST = 30  # tokens of a span at most
BATCH = 16  # windows a forward pass
SEPARATORS = 3  # [CLS] question [SEP] title window [SEP]

HEAD = {  # its weights and their shapes
    "head.weight": (2, 384),
    "head.bias": (2,),
    "head.start": (64, 384),
    "head.end": (64, 384),
}

_BLANK_LINE = re.compile(r"\n[^\S\n]*\r?\n")


def span_scores(states: torch.Tensor, head: Mapping[str, torch.Tensor]) -> torch.Tensor:
    """How well each token does as a start, each as an end, and the two together, by their states.

    Returns:
        For (n, tokens, 384) the sums, (n, tokens as starts, tokens as ends): log probabilities but
        for a constant. The third part, a product of two projections, is what keeps the start of one
        answer from being paired with the end of another.
    """
    alone = F.linear(states, head["head.weight"], head["head.bias"])
    starts, ends = (F.linear(states, head[f"head.{name}"]) for name in ("start", "end"))
    together = starts @ ends.transpose(1, 2) / math.sqrt(starts.shape[2])
    return alone[:, :, None, 0] + alone[:, None, :, 1] + together


class Text(NamedTuple):
    """What is read: a text, its sentences' character spans, and the title of its document."""

    text: str
    sentences: Sequence[tuple[int, int]]
    title: str


@dataclass(frozen=True, slots=True)
class Window:
    """A stretch of a text that is read at once: its tokens, their offsets in the text, the
    paragraph that each is in, and the tokens of the title that is read before it."""

    title: list[int]
    ids: list[int]
    offsets: list[tuple[int, int]]
    paragraphs: list[int]

    @property
    def length(self) -> int:
        """Tokens in all."""
        return len(self.title) + len(self.ids)


@dataclass(frozen=True, slots=True)
class Marked:
    """What the network says of one window.

    `spans` are (start, end, log probability), character offsets of the text: the most probable
    ones, first the one that shares most words with all of them (its expected F1); `none` is the
    log probability that the window has no answer.
    """

    spans: list[tuple[int, int, float]]
    none: float


class SpanModel:
    """Reads windows of texts for a question."""

    def __init__(self, encoder: Encoder, file: Path) -> None:
        """Share `encoder`'s embeddings, take the layers and the head from a safetensors file."""
        weights = load_file(file)
        self._head = {name: weights.pop(name).float() for name in HEAD}
        self._encoder = encoder.with_weights(weights)

    def read(self, question: str, texts: Sequence[Text], keep: int) -> list[list[Marked]]:
        """Read texts; `keep` spans a window.

        Returns:
            For each text its windows' findings: one for most, more for long ones, none for a text
            without a word.
        """
        asked = self._encoder.tokenize([as_read(question)], special=False)[0].ids[:QUESTION]
        room = LENGTH - SEPARATORS - len(asked)
        encodings = self._encoder.tokenize([text.text for text in texts], special=False)
        titles = [title_before(text.title, text.text) for text in texts]
        leads = self._encoder.tokenize(titles, special=False)
        windows = [
            (index, window)
            for index, (text, lead, encoding) in enumerate(
                zip(texts, leads, encodings, strict=True)
            )
            for window in _windows(lead.ids[:TITLE], encoding, text, room)
        ]
        order = sorted(range(len(windows)), key=lambda i: windows[i][1].length)
        found: list[Marked | None] = [None] * len(windows)
        for first in range(0, len(order), BATCH):
            chosen = order[first : first + BATCH]
            scored = self._scores(asked, [windows[i][1] for i in chosen])
            for i, scores in zip(chosen, scored, strict=True):
                found[i] = _mark(windows[i][1], scores, keep)
        readings: list[list[Marked]] = [[] for _ in texts]
        for (index, _), marked in zip(windows, found, strict=True):
            assert marked is not None
            readings[index].append(marked)
        return readings

    @torch.inference_mode()
    def _scores(self, asked: Sequence[int], windows: Sequence[Window]) -> list[NDArray[np.float32]]:
        """Span scores of [CLS] and each window's tokens, shape (1 + tokens, 1 + tokens)."""
        cls, sep = self._encoder.special_ids
        head = [cls, *asked, sep]
        ids, mask = pad([[*head, *window.title, *window.ids, sep] for window in windows])
        segments = mask.long()
        segments[:, : len(head)] = 0
        states = self._encoder.forward(ids, mask, segments)
        scores = span_scores(states.float(), self._head).numpy()
        found = []
        for row, window in zip(scores, windows, strict=True):
            first = len(head) + len(window.title)
            places = np.array([0, *range(first, first + len(window.ids))])
            found.append(row[np.ix_(places, places)])
        return found


def _windows(title: list[int], encoding: Encoding, text: Text, room: int) -> Iterator[Window]:
    """Whole sentences up to `room` tokens with the title; the next window begins with the last
    one's last sentence, so that what refers to it is read together. A longer sentence is cut."""
    ids, offsets, room = encoding.ids, encoding.offsets, room - len(title)
    starts = [start for start, _ in offsets]
    edges = [*map(int, np.searchsorted(starts, [start for start, _ in text.sentences])), len(ids)]
    edges = sorted({0, *edges})
    breaks = [match.start() for match in _BLANK_LINE.finditer(text.text)]
    paragraphs: list[int] = np.searchsorted(breaks, starts).tolist()
    first = 0
    while first < len(ids):
        last = max((edge for edge in edges if edge <= first + room), default=first)
        if last <= first:
            last = min(first + room, len(ids))
        yield Window(title, ids[first:last], offsets[first:last], paragraphs[first:last])
        if last == len(ids):
            return
        before = max((edge for edge in edges if first < edge < last), default=last)
        first = before if last - before < room // 2 else last


def _mark(window: Window, scores: NDArray[np.float32], keep: int) -> Marked:
    """The best spans of a window and the evidence for none, from the scores of [CLS] and its
    tokens.

    None is in two paragraphs: a headline and the text below it are no answer together.
    """
    tokens = np.arange(len(scores))
    reach = tokens[None] - tokens[:, None]
    paragraphs = np.array([-1, *window.paragraphs])  # [CLS] is in none of them
    fits = (reach >= 0) & (reach < LONGEST) & (paragraphs[:, None] == paragraphs[None])
    spans = np.argwhere(fits)  # the first one is [CLS] alone
    logs = scores[fits].astype(np.float64)  # a probability may be within 1e-7 of 1
    logs -= np.logaddexp.reduce(logs)
    best = 1 + np.argsort(-logs[1:], kind="stable")[:keep]
    pairs = [(float(logs[i]), int(spans[i, 0]), int(spans[i, 1])) for i in best]
    return Marked(
        [
            (window.offsets[start - 1][0], window.offsets[end - 1][1], log)
            for log, start, end in sorted(pairs, key=lambda pair: -_expected_f1(pair, pairs))
        ],
        float(logs[0]),
    )


def _expected_f1(pair: tuple[float, int, int], pairs: Sequence[tuple[float, int, int]]) -> float:
    """F1 of a span's tokens with each of the probable spans', summed by their probabilities.

    Annotators seldom agree on an answer's edges; this is the span that most of them come near to
    (minimum Bayes risk).
    """
    _, start, end = pair
    return sum(
        math.exp(score)
        * max(0, min(end, other_end) - max(start, other) + 1)
        * 2
        / (end - start + other_end - other + 2)
        for score, other, other_end in pairs
    )
