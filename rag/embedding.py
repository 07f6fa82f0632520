"""Text to vectors.

The bundled model goes through `rag.encoder`, any other through sentence-transformers: see
docs/decisions/0001-the-bundled-encoder.md.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import numpy as np
from numpy.typing import NDArray

from rag.cpu import use_bf16
from rag.errors import ModelError
from rag.settings import Precision, Settings
from rag.weights import SHA256, bundled_folder, hash_file

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer
    from torch import Tensor

    from rag.encoder import Encoder

Vectors = NDArray[np.float32]
BATCH = 32  # texts a forward pass of sentence-transformers, its own default


class Embedder(Protocol):
    """Makes vectors of shape (texts, width), normalised, in the texts' order.

    Calls may come from several threads.
    """

    name: str
    english: bool
    """Whether the model was made for English alone."""

    @property
    def fingerprint(self) -> str:
        """What made the vectors, short; another fingerprint means vectors that do not mix."""

    @property
    def max_tokens(self) -> int:
        """Tokens of content that fit, special tokens not counted."""

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """Tokens of each text, special tokens not counted, nothing cut."""

    def embed(self, texts: Sequence[str]) -> Vectors:
        """Embed chunks or sentences."""

    def embed_question(self, text: str) -> NDArray[np.float32]:
        """Embed one question: shape (width,)."""


class BundledEmbedder:
    """all-MiniLM-L6-v2 from the installed package: 384 dimensions, 256 tokens, English."""

    name = "all-MiniLM-L6-v2"
    english = True
    fingerprint = f"{name}-{SHA256['model.safetensors'][:8]}"

    def __init__(self, precision: Precision) -> None:
        self.folder = bundled_folder()
        self._precision = precision

    @cached_property
    def encoder(self) -> Encoder:
        """The model itself, which readers share; torch is imported when it is first used."""
        from rag.encoder import Encoder

        return Encoder(self.folder, bf16=use_bf16(self._precision))

    @property
    def max_tokens(self) -> int:
        return self.encoder.max_tokens - 2  # [CLS] and [SEP]

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        return [len(found.ids) for found in self.encoder.tokenize(texts, special=False)]

    def embed(self, texts: Sequence[str]) -> Vectors:
        return self.encoder.embed(texts)

    def embed_question(self, text: str) -> NDArray[np.float32]:
        vector: NDArray[np.float32] = self.embed([text])[0]
        return vector


class SentenceTransformersEmbedder:
    """Any sentence-transformers model in a local folder."""

    english = False  # not known, so nothing is said of other languages

    def __init__(self, folder: Path, precision: Precision) -> None:
        self.folder = folder
        self.name = folder.name
        self._precision = precision
        self._lock = threading.Lock()  # a tokenizer in use by two threads raises

    @cached_property
    def fingerprint(self) -> str:
        weights = sorted(self.folder.rglob("*.safetensors"))
        return self.name + "".join(f"-{hash_file(path)[:8]}" for path in weights)

    @cached_property
    def _model(self) -> SentenceTransformer:
        from sentence_transformers import SentenceTransformer
        from transformers.utils import logging

        logging.disable_progress_bar()  # type: ignore[no-untyped-call]  # it would draw on standard error while weights load
        try:
            model = SentenceTransformer(
                str(self.folder),
                device="cpu",
                local_files_only=True,
                model_kwargs={"use_safetensors": True},
            )
        except (OSError, ValueError) as error:
            raise ModelError(
                f"The embedding model in {self.folder} cannot be loaded: {error}",
                hint="RAG_EMBEDDING_MODEL takes the folder of a sentence-transformers model with"
                " safetensors weights.",
            ) from error
        return model.bfloat16() if use_bf16(self._precision) else model

    @property
    def max_tokens(self) -> int:
        limit: int = self._model.get_max_seq_length() or 512
        special: int = self._model.tokenizer.num_special_tokens_to_add()
        prompts = [prompt for prompt in self._model.prompts.values() if prompt]
        return limit - special - max(self.count_tokens(["", *prompts]))

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        with self._lock:
            encoded = self._model.tokenizer(
                list(texts), add_special_tokens=False, truncation=False, verbose=False
            )
        return [len(ids) for ids in encoded["input_ids"]]

    def embed(self, texts: Sequence[str]) -> Vectors:
        return self._encode(self._model.encode_document, texts)

    def embed_question(self, text: str) -> NDArray[np.float32]:
        vector: NDArray[np.float32] = self._encode(self._model.encode_query, [text])[0]
        return vector

    def _encode(self, encode: Callable[..., Tensor], texts: Sequence[str]) -> Vectors:
        with self._lock:
            # sentence-transformers sorts by length; bfloat16 has no numpy type, hence the tensor.
            vectors = encode(
                list(texts), batch_size=BATCH, normalize_embeddings=True, convert_to_tensor=True
            )
        array: Vectors = vectors.float().numpy()
        return array


def open_embedder(settings: Settings) -> Embedder:
    """The embedder that the settings name.

    Raises:
        ModelError: the folder is missing, or bundled weights are not what they should be.
    """
    if settings.embedding_model == "bundled":
        return BundledEmbedder(settings.precision)
    folder = Path(settings.embedding_model).expanduser()
    if not folder.is_dir():
        raise ModelError(
            f"RAG_EMBEDDING_MODEL={settings.embedding_model} is not a folder.",
            hint="Give the folder of a sentence-transformers model, or 'bundled'. Nothing is"
            " downloaded.",
        )
    return SentenceTransformersEmbedder(folder, settings.precision)
