"""The seams to LlamaIndex: its retriever, its query engine, its Chroma store."""

from __future__ import annotations

from pathlib import Path

import pytest

from rag import Rag
from rag.weights import bundled_folder

# LlamaIndex's own code warns of what it depends on.
pytestmark = pytest.mark.filterwarnings("default")

QUESTION = "Who is the US Commerce Secretary?"


def test_the_retriever_is_a_llamaindex_retriever(seeded: Rag) -> None:
    from llama_index.core.retrievers import BaseRetriever

    retriever = seeded.as_retriever(k=3)
    assert isinstance(retriever, BaseRetriever)
    nodes = retriever.retrieve(QUESTION)
    passages = seeded.retrieve(QUESTION, k=3)
    assert [node.text for node in nodes] == [passage.text for passage in passages]
    assert [node.score for node in nodes] == [passage.fused_score for passage in passages]
    for found in nodes:
        text = seeded.document(found.node.metadata["source"]).text
        assert text[found.node.start_char_idx : found.node.end_char_idx] == found.text


def test_the_query_engine_answers_with_its_citations(seeded: Rag) -> None:
    from llama_index.core.base.response.schema import Response
    from llama_index.core.query_engine import CustomQueryEngine

    engine = seeded.as_query_engine()
    assert isinstance(engine, CustomQueryEngine)
    response = engine.query(QUESTION)
    answer = seeded.ask(QUESTION)
    assert isinstance(response, Response)
    assert response.response == answer.text
    assert [node.text for node in response.source_nodes] == [c.quote for c in answer.citations]
    assert response.metadata is not None
    assert response.metadata["confidence"] == pytest.approx(answer.confidence, abs=1e-4)


def test_an_abstention_has_no_source_nodes(seeded: Rag) -> None:
    response = seeded.as_query_engine().query("Which enzyme unwinds the double helix?")
    assert "do not answer" in str(response)
    assert response.source_nodes == []


def test_it_works_inside_llamaindexs_own_engine(seeded: Rag) -> None:
    """A postprocessor and a response synthesizer of LlamaIndex over our retriever."""
    from llama_index.core import get_response_synthesizer
    from llama_index.core.llms import MockLLM
    from llama_index.core.postprocessor import SimilarityPostprocessor
    from llama_index.core.query_engine import RetrieverQueryEngine

    best, second = (passage.fused_score for passage in seeded.retrieve(QUESTION, k=2))
    cutoff = (best + second) / 2
    engine = RetrieverQueryEngine(
        seeded.as_retriever(k=5),
        response_synthesizer=get_response_synthesizer(
            llm=MockLLM(max_tokens=5), response_mode="compact"
        ),
        node_postprocessors=[SimilarityPostprocessor(similarity_cutoff=cutoff)],
    )
    response = engine.query(QUESTION)
    assert [node.score for node in response.source_nodes] == [best]


def test_llamaindex_can_read_the_collection(seeded: Rag, tmp_path: Path) -> None:
    import chromadb
    from llama_index.core import VectorStoreIndex
    from llama_index.embeddings.huggingface import HuggingFaceEmbedding
    from llama_index.vector_stores.chroma import ChromaVectorStore

    seeded.close()
    (folder,) = (tmp_path / "home").glob("index-*/chroma")
    with chromadb.PersistentClient(str(folder)) as client:
        (collection,) = client.list_collections()
        index = VectorStoreIndex.from_vector_store(
            ChromaVectorStore(chroma_collection=client.get_collection(collection.name)),
            embed_model=HuggingFaceEmbedding(str(bundled_folder()), device="cpu"),
        )
        nodes = index.as_retriever(similarity_top_k=3).retrieve(QUESTION)
    for found in nodes:
        start, end = found.metadata["start"], found.metadata["end"]
        assert seeded.document(found.metadata["source"]).text[start:end] == found.text
