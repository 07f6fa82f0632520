"""The bundled encoder (BERT, all-MiniLM-L6-v2) as plain torch functions.

Used rather than sentence-transformers, whose import alone takes about six seconds and whose batches
hold more padding: see docs/decisions/0001-the-bundled-encoder.md. A test holds the two equal.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812 - the name that torch's own documentation uses
from numpy.typing import NDArray
from safetensors.torch import load_file
from tokenizers import Encoding, Tokenizer

BATCH = 16  # texts a forward pass: on CPUs more gains nothing and costs padding
# Texts whose attention is computed at once, so that it fits the CPU's cache. In bf16 faster than
# torch's fused kernel, whose backward pass takes a third of a training step.
TEXTS = 4


class Encoder:
    """Token states and sentence embeddings of one BERT model on the CPU."""

    def __init__(self, folder: Path, *, bf16: bool) -> None:
        """Load `config.json`, `tokenizer.json` and `model.safetensors` from `folder`.

        Args:
            folder: a BERT model in Hugging Face's layout.
            bf16: arithmetic in bfloat16 instead of float32.
        """
        config = json.loads((folder / "config.json").read_text())
        limits = json.loads((folder / "sentence_bert_config.json").read_text())
        self.max_tokens: int = limits["max_seq_length"]
        self._layers: int = config["num_hidden_layers"]
        self._heads: int = config["num_attention_heads"]
        self._epsilon: float = config["layer_norm_eps"]
        dtype = torch.bfloat16 if bf16 else torch.float32
        self._weights = {
            name: weight.to(dtype)
            for name, weight in load_file(folder / "model.safetensors").items()
            if weight.is_floating_point()
        }
        self._tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        self._tokenizer.no_padding()
        self._tokenizer.no_truncation()
        first, last = self._tokenizer.encode("").ids
        self.special_ids: tuple[int, int] = first, last  # [CLS] and [SEP]

    def tokenize(self, texts: Sequence[str], *, special: bool = True) -> list[Encoding]:
        """Tokens with their character offsets, nothing cut; `special` adds [CLS] and [SEP]."""
        encodings: list[Encoding] = self._tokenizer.encode_batch(
            list(texts), add_special_tokens=special
        )
        return encodings

    def decode(self, ids: Sequence[int]) -> str:
        """The text of some tokens, in lower case as the model has it."""
        text: str = self._tokenizer.decode(list(ids))
        return text

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Mean-pooled, normalised embeddings, shape (len(texts), width), in the texts' order.

        A text above `max_tokens` is embedded by its beginning.
        """
        tokens = [self._cut(encoding.ids) for encoding in self.tokenize(texts)]
        order = sorted(range(len(texts)), key=lambda i: len(tokens[i]))
        width = self._weights["embeddings.LayerNorm.weight"].shape[0]
        embeddings = np.empty((len(texts), width), np.float32)
        for first in range(0, len(order), BATCH):
            chosen = order[first : first + BATCH]
            states, mask = self.states([tokens[i] for i in chosen])
            weights = mask.unsqueeze(-1).to(torch.float32)
            pooled = (states.float() * weights).sum(1) / weights.sum(1)
            embeddings[chosen] = F.normalize(pooled, dim=1).numpy()
        return embeddings

    def _cut(self, ids: list[int]) -> list[int]:
        return ids if len(ids) <= self.max_tokens else [*ids[: self.max_tokens - 1], ids[-1]]

    def with_weights(self, changed: Mapping[str, torch.Tensor]) -> Encoder:
        """The same model with some of its weights changed, layers added where `changed` has more:
        the others are shared."""
        dtype = self._weights["embeddings.LayerNorm.weight"].dtype
        other = copy.copy(self)
        other._weights = self._weights | {name: w.to(dtype) for name, w in changed.items()}
        while f"encoder.layer.{other._layers}.output.dense.weight" in changed:
            other._layers += 1
        return other

    @torch.inference_mode()
    def states(self, batch: Sequence[Sequence[int]]) -> tuple[torch.Tensor, torch.Tensor]:
        """The last layer's token states for padded token ids.

        Returns:
            States of shape (texts, longest, width) and a boolean mask (texts, longest) that is
            True on real tokens.
        """
        ids, mask = pad(batch)
        return self.forward(ids, mask, torch.zeros_like(ids)), mask

    def forward(
        self, ids: torch.Tensor, mask: torch.Tensor, segments: torch.Tensor
    ) -> torch.Tensor:
        """The last layer's states, shape (texts, longest, width), of `ids`, `mask` (True on real
        tokens) and `segments` (0, or 1 on a pair's second text), each (texts, longest)."""
        w = self._weights
        x = (
            w["embeddings.word_embeddings.weight"][ids]
            + w["embeddings.position_embeddings.weight"][: ids.shape[1]]
            + w["embeddings.token_type_embeddings.weight"][segments]
        )
        x = self._norm(x, "embeddings.LayerNorm")
        attend = mask[:, None, None, :]
        for layer in range(self._layers):
            x = self._block(x, attend, f"encoder.layer.{layer}.")
        return x

    def _block(self, x: torch.Tensor, attend: torch.Tensor, name: str) -> torch.Tensor:
        rows, length, width = x.shape
        query, key, value = (
            self._linear(x, f"{name}attention.self.{part}")
            .view(rows, length, self._heads, width // self._heads)
            .transpose(1, 2)
            for part in ("query", "key", "value")
        )
        parts = zip(
            *(torch.split(tensor, TEXTS) for tensor in (query, key, value, attend)), strict=True
        )
        mixed = (
            torch.cat([_attention(*part) for part in parts])
            .transpose(1, 2)
            .reshape(rows, length, width)
        )
        x = self._norm(
            x + self._linear(mixed, f"{name}attention.output.dense"),
            f"{name}attention.output.LayerNorm",
        )
        inner = F.gelu(self._linear(x, f"{name}intermediate.dense"))
        return self._norm(x + self._linear(inner, f"{name}output.dense"), f"{name}output.LayerNorm")

    def _linear(self, x: torch.Tensor, name: str) -> torch.Tensor:
        return F.linear(x, self._weights[f"{name}.weight"], self._weights[f"{name}.bias"])

    def _norm(self, x: torch.Tensor, name: str) -> torch.Tensor:
        weight, bias = self._weights[f"{name}.weight"], self._weights[f"{name}.bias"]
        return F.layer_norm(x, weight.shape, weight, bias, self._epsilon)


def _attention(
    query: torch.Tensor, key: torch.Tensor, value: torch.Tensor, attend: torch.Tensor
) -> torch.Tensor:
    """Scaled dot-product attention where `attend` is True, each (texts, heads, tokens, width)."""
    scores = (query * query.shape[-1] ** -0.5) @ key.transpose(-1, -2)
    shares = scores.masked_fill(~attend, float("-inf")).softmax(-1)
    mixed: torch.Tensor = shares.to(value.dtype) @ value
    return mixed


def pad(batch: Sequence[Sequence[int]]) -> tuple[torch.Tensor, torch.Tensor]:
    """Token ids as one tensor (texts, longest), padded with 0, and its mask of real tokens."""
    longest = max(len(ids) for ids in batch)
    ids = torch.zeros(len(batch), longest, dtype=torch.long)
    mask = torch.zeros(len(batch), longest, dtype=torch.bool)
    for row, tokens in enumerate(batch):
        ids[row, : len(tokens)] = torch.tensor(tokens)
        mask[row, : len(tokens)] = True
    return ids, mask
