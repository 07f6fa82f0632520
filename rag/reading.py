"""The reader: from a question and passages to the words that may answer it."""

from __future__ import annotations

import json
import math
import threading
from collections.abc import Sequence
from functools import cached_property
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from rag.embedding import BundledEmbedder
from rag.types import Evidence, Passage, Reading
from rag.weights import check_hash

if TYPE_CHECKING:
    from rag.spans import Marked, SpanModel

MODELS = Path(str(files("rag.models")))
SPANS = 5  # proposed a window


class Reader(Protocol):
    """What every reader offers."""

    name: str

    def read(self, question: str, passages: Sequence[Passage], spans: int = SPANS) -> list[Reading]:
        """One reading a passage, in the passages' order."""


class SpanReader:
    """Marks spans in every passage with the trained network. Safe to use from several threads.

    A span's score is the natural logarithm of its probability in its passage (or window, where a
    passage is too long to be read at once), and `no_answer_score` that of there being none; each
    is at most 0.
    """

    name = "reader"

    def __init__(self, base: BundledEmbedder) -> None:
        """`base` lends the embeddings and the tokenizer."""
        self._base = base
        self._lock = threading.Lock()

    @cached_property
    def _model(self) -> SpanModel:
        from rag.spans import SpanModel

        card = json.loads((MODELS / "reader.json").read_text())
        check_hash(MODELS / "reader.safetensors", card["sha256"])
        return SpanModel(self._base.encoder, MODELS / "reader.safetensors")

    def read(self, question: str, passages: Sequence[Passage], spans: int = SPANS) -> list[Reading]:
        """One reading a passage, in the passages' order, each of at most `spans` a window.

        Raises:
            ModelError: the weights are missing or not those that the package was made with.
        """
        from rag.spans import Text

        with self._lock:
            model = self._model
        texts = [
            Text(
                passage.text,
                [(start - passage.start, end - passage.start) for start, end in passage.sentences],
                passage.title,
            )
            for passage in passages
        ]
        found = model.read(question, texts, spans)
        return [
            _reading(passage, windows) for passage, windows in zip(passages, found, strict=True)
        ]


def _reading(passage: Passage, windows: Sequence[Marked]) -> Reading:
    """The windows' spans together: those of the window with the most probable one first."""
    best: dict[tuple[int, int], float] = {}  # a sentence may be in two windows
    for window in sorted(windows, key=_most_probable, reverse=True):
        for start, end, score in window.spans:
            best[start, end] = max(score, best.get((start, end), score))
    return Reading(
        passage,
        tuple(
            Evidence(passage.start + start, passage.start + end, passage.text[start:end], score)
            for (start, end), score in best.items()
        ),
        min((window.none for window in windows), default=0.0),
    )


def _most_probable(window: Marked) -> float:
    return max((score for *_, score in window.spans), default=-math.inf)
