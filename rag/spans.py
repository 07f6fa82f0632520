"""The trained reader's network: the bundled encoder with other layers, and a head for spans.

It reads a question and a stretch of text together, before the text the title of its document, which
says what "the talks" are. Of each token of the text it says how likely the answer starts and ends
there; the [CLS] token stands for "no answer here". Trained by `python -m rag.training.reader`; see
rag/models/reader.md.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence
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
ENDS = 10  # best starts and ends that are paired
BATCH = 16  # windows a forward pass
SEPARATORS = 3  # [CLS] question [SEP] title window [SEP]

_BLANK_LINE = re.compile(r"\n[^\S\n]*\r?\n")


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
        self._head = weights.pop("head.weight").float(), weights.pop("head.bias").float()
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
            logits = self._logits(asked, [windows[i][1] for i in chosen])
            for i, scores in zip(chosen, logits, strict=True):
                found[i] = _mark(windows[i][1], scores, keep)
        readings: list[list[Marked]] = [[] for _ in texts]
        for (index, _), marked in zip(windows, found, strict=True):
            assert marked is not None
            readings[index].append(marked)
        return readings

    @torch.inference_mode()
    def _logits(self, asked: Sequence[int], windows: Sequence[Window]) -> list[NDArray[np.float32]]:
        """Start and end logits, shape (1 + tokens, 2), of [CLS] and each window's tokens."""
        cls, sep = self._encoder.special_ids
        head = [cls, *asked, sep]
        ids, mask = pad([[*head, *window.title, *window.ids, sep] for window in windows])
        segments = mask.long()
        segments[:, : len(head)] = 0
        states = self._encoder.forward(ids, mask, segments)
        logits = F.linear(states.float(), *self._head).numpy()
        starts = [len(head) + len(window.title) for window in windows]
        return [
            np.concatenate([row[:1], row[start : start + len(window.ids)]])
            for row, start, window in zip(logits, starts, windows, strict=True)
        ]


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


def _mark(window: Window, logits: NDArray[np.float32], keep: int) -> Marked:
    """The best spans of a window and the evidence for none, from [CLS]'s and its tokens' logits.

    None is in two paragraphs: a headline and the text below it are no answer together.
    """
    scores = logits - np.logaddexp.reduce(logits, axis=0)
    starts = 1 + np.argsort(-scores[1:, 0])[:ENDS]
    ends = 1 + np.argsort(-scores[1:, 1])[:ENDS]
    pairs = sorted(
        (
            (float(scores[start, 0] + scores[end, 1]), int(start), int(end))
            for start in starts
            for end in ends
            if start <= end < start + LONGEST
            and window.paragraphs[start - 1] == window.paragraphs[end - 1]
        ),
        reverse=True,
    )[:keep]
    spans = [
        (window.offsets[start - 1][0], window.offsets[end - 1][1], score)
        for score, start, end in sorted(pairs, key=lambda pair: -_expected_f1(pair, pairs))
    ]
    return Marked(spans, float(scores[0].sum()))


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
