"""A chat model from a local folder, run in this process by transformers."""

from __future__ import annotations

import queue
import threading
from collections.abc import Generator
from pathlib import Path
from typing import Any

from llama_index.core.base.llms.types import CompletionResponse, CompletionResponseGen
from llama_index.llms.huggingface import HuggingFaceLLM
from transformers import StoppingCriteria, StoppingCriteriaList, TextStreamer
from transformers.utils import logging

from rag.errors import LanguageModelError


class LocalLLM(HuggingFaceLLM):
    """LlamaIndex's model of transformers, with a stream that ends where generating fails, and that
    stops generating when it is closed; the original waits for ever, or goes on unseen."""

    def stream_complete(
        self,
        prompt: str,
        formatted: bool = False,  # noqa: ARG002 - LlamaIndex's signature; chat prompts are formatted
        **_: Any,
    ) -> CompletionResponseGen:
        """Generate from a prompt to which the chat template was applied, piece by piece."""
        return self._generate(prompt)

    def _generate(self, prompt: str) -> Generator[CompletionResponse, None, None]:
        pieces: queue.Queue[str | Exception | None] = queue.Queue()
        closed, full = threading.Event(), threading.Event()
        inputs = self._tokenizer(prompt, add_special_tokens=False, return_tensors="pt")

        def run() -> None:
            try:
                made = self._model.generate(
                    input_ids=inputs["input_ids"].to(self._model.device),
                    attention_mask=inputs["attention_mask"].to(self._model.device),
                    streamer=_Pieces(self._tokenizer, pieces),
                    max_new_tokens=self.max_new_tokens,
                    stopping_criteria=StoppingCriteriaList([_Closed(closed)]),
                    **self.generate_kwargs,
                )
                if made.shape[1] - inputs["input_ids"].shape[1] == self.max_new_tokens:
                    full.set()
                pieces.put(None)
            except Exception as error:  # handed over to who reads
                pieces.put(error)

        thread = threading.Thread(target=run, daemon=True)
        thread.start()
        text = ""
        try:
            while (piece := pieces.get()) is not None:
                if isinstance(piece, Exception):
                    raise piece
                text += piece
                yield CompletionResponse(text=text, delta=piece)
            if full.is_set():
                said = {"finish_reason": "length"}
                yield CompletionResponse(text=text, delta="", additional_kwargs=said)
        finally:
            closed.set()
            thread.join()


class _Pieces(TextStreamer):
    """Puts the text into a queue as it is generated."""

    def __init__(self, tokenizer: Any, pieces: queue.Queue[str | Exception | None]) -> None:
        super().__init__(tokenizer, skip_prompt=True, skip_special_tokens=True)
        self._pieces = pieces

    def on_finalized_text(self, text: str, stream_end: bool = False) -> None:  # noqa: ARG002
        self._pieces.put(text)


class _Closed(StoppingCriteria):
    """Stops generating once nobody reads any more."""

    def __init__(self, closed: threading.Event) -> None:
        self._closed = closed

    def __call__(self, input_ids: Any, scores: Any, **_: Any) -> Any:  # noqa: ARG002
        import torch

        return torch.full((input_ids.shape[0],), self._closed.is_set(), device=input_ids.device)


def open_local(folder: Path, context: int, reply: int) -> LocalLLM:
    """A chat model from its folder: safetensors weights, a tokenizer and a chat template.

    Args:
        folder: in Hugging Face's layout; nothing is downloaded, no code of its own is run.
        context: tokens of prompt and reply at most.
        reply: tokens of a reply at most.

    Raises:
        LanguageModelError: the folder is missing or is not such a model.
    """
    hint = "RAG_LLM_PATH takes a folder with config.json, a tokenizer with a chat template, and"
    hint += " weights as safetensors."
    if not folder.is_dir():
        raise LanguageModelError(f"RAG_LLM_PATH={folder} is not a folder.", hint=hint)
    logging.disable_progress_bar()  # type: ignore[no-untyped-call]  # it would draw on standard error
    try:
        model = LocalLLM(
            model_name=str(folder),
            tokenizer_name=str(folder),
            context_window=context,
            max_new_tokens=reply,
            is_chat_model=True,
            tokenizer_kwargs={"local_files_only": True},
            model_kwargs={"local_files_only": True, "use_safetensors": True},
            generate_kwargs={"do_sample": False},
        )
    except (OSError, ValueError, KeyError, ImportError) as error:
        raise LanguageModelError(
            f"The language model in {folder} cannot be loaded: {error}", hint=hint
        ) from error
    if not getattr(model._tokenizer, "chat_template", None):
        raise LanguageModelError(f"The model in {folder} has no chat template.", hint=hint)
    return model
