"""The pipeline as LlamaIndex objects, so that it drops into an existing LlamaIndex program.

Imported on first use only: llama_index.core takes one to two seconds.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from llama_index.core.base.response.schema import Response
from llama_index.core.query_engine import CustomQueryEngine
from llama_index.core.retrievers import BaseRetriever
from llama_index.core.schema import (
    NodeRelationship,
    NodeWithScore,
    QueryBundle,
    RelatedNodeInfo,
    TextNode,
)
from pydantic import ConfigDict

from rag.types import Answer, Citation, Passage

if TYPE_CHECKING:
    from rag.pipeline import Rag


class RagRetriever(BaseRetriever):
    """`Rag.retrieve` as a retriever: nodes are passages, scored by `fused_score`."""

    def __init__(self, rag: Rag, k: int) -> None:
        super().__init__()
        self._rag = rag
        self._k = k

    def _retrieve(self, query_bundle: QueryBundle) -> list[NodeWithScore]:
        return [
            NodeWithScore(node=_node(passage), score=passage.fused_score)
            for passage in self._rag.retrieve(query_bundle.query_str, self._k)
        ]


class RagQueryEngine(CustomQueryEngine):
    """`Rag.ask` as a query engine.

    `Response.source_nodes` are the citations, each scored by the answer's confidence; where the
    answer abstains there are none. `Response.metadata` is the answer's JSON.
    """

    model_config = ConfigDict(arbitrary_types_allowed=True)

    rag: Any  # a Rag; pydantic would need the class itself

    def custom_query(self, query_str: str) -> Response:
        """Answer one question."""
        answer: Answer = self.rag.ask(query_str)
        return Response(
            response=answer.text,
            source_nodes=[
                NodeWithScore(node=_node(citation), score=answer.confidence)
                for citation in answer.citations
            ],
            metadata=answer.to_dict(),
        )


def _node(span: Passage | Citation) -> TextNode:
    """A span of a source as a node, with the source's name for its document."""
    text = span.text if isinstance(span, Passage) else span.quote
    return TextNode(
        id_=f"{span.source}:{span.start}-{span.end}",
        text=text,
        start_char_idx=span.start,
        end_char_idx=span.end,
        metadata={"source": span.source, "start": span.start, "end": span.end},
        relationships={NodeRelationship.SOURCE: RelatedNodeInfo(node_id=span.source)},
    )
