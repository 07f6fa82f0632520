"""The bundled encoder gives what sentence-transformers gives; its files are checked."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from rag import ModelError, Rag
from rag.embedding import BundledEmbedder, SentenceTransformersEmbedder
from rag.weights import bundled_folder, check_hash

from .conftest import SEEDS

TEXTS = [
    "Who is the Commerce Secretary?",
    "",
    "a",
    "Ωμέγα 漢字 🙂 \u0301",
    "x" * 10_000,
    *(path.read_text()[i : i + 700] for path in sorted(SEEDS.iterdir()) for i in (0, 900)),
    "word " * 2_000,
]


@pytest.fixture(scope="module")
def fp32() -> BundledEmbedder:
    return BundledEmbedder("fp32")


def test_it_is_what_sentence_transformers_makes_of_the_same_weights(fp32: BundledEmbedder) -> None:
    ours = fp32.embed(TEXTS)
    theirs = SentenceTransformersEmbedder(fp32.folder, "fp32")
    assert ours.shape == (len(TEXTS), 384)
    assert ours.dtype == np.float32
    np.testing.assert_allclose(ours, theirs.embed(TEXTS), atol=1e-5)
    np.testing.assert_allclose(np.linalg.norm(ours, axis=1), 1, atol=1e-5)
    np.testing.assert_allclose(
        fp32.embed_question(TEXTS[0]), theirs.embed_question(TEXTS[0]), atol=1e-5
    )
    assert fp32.count_tokens(TEXTS) == theirs.count_tokens(TEXTS)
    assert fp32.max_tokens == theirs.max_tokens


def test_bfloat16_stays_close(fp32: BundledEmbedder) -> None:
    bf16 = BundledEmbedder("bf16")
    cosines = (bf16.embed(TEXTS) * fp32.embed(TEXTS)).sum(axis=1)
    assert cosines.min() > 0.999


def test_the_order_of_texts_is_kept(fp32: BundledEmbedder) -> None:
    forward, backward = fp32.embed(TEXTS), fp32.embed(TEXTS[::-1])
    np.testing.assert_allclose(forward, backward[::-1], atol=1e-5)


def test_no_texts_give_no_rows(fp32: BundledEmbedder) -> None:
    assert fp32.embed([]).shape == (0, 384)


def test_tokens_are_counted_without_cutting(fp32: BundledEmbedder) -> None:
    assert fp32.count_tokens(["", "one two", "word " * 2_000]) == [0, 2, 2_000]
    assert fp32.max_tokens == 254


def test_a_file_that_is_not_the_published_one_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "model.safetensors"
    path.write_bytes(b"something else")
    with pytest.raises(ModelError, match="not the one expected"):
        check_hash(path, "0" * 64)
    with pytest.raises(ModelError, match="cannot be read"):
        check_hash(tmp_path / "missing", "0" * 64)


def test_a_missing_model_folder_is_an_error_with_a_hint() -> None:
    with pytest.raises(ModelError, match="is not a folder") as caught:
        Rag.open(embedding_model="sentence-transformers/all-MiniLM-L6-v2")
    assert caught.value.hint is not None


def test_a_folder_without_a_model_is_an_error(tmp_path: Path) -> None:
    with Rag.open(embedding_model=str(tmp_path)) as rag, pytest.raises(ModelError, match="loaded"):
        rag.ingest(SEEDS)


def test_another_sentence_transformers_model_works(tmp_path: Path) -> None:
    """The same weights by their folder go the general way."""
    with Rag.open(embedding_model=str(bundled_folder()), home=tmp_path / "other") as rag:
        rag.ingest(SEEDS / "004_30f5027cb3342ce8.txt")
        assert "Lutnick" in rag.retrieve("Who is the Commerce Secretary?", k=1)[0].text
