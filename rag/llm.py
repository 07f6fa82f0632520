"""A person's own language model, as a LlamaIndex `LLM`: opened, asked within bounds, explained.

Imported only where a model is set: LlamaIndex takes seconds to import.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Generator, Iterator
from contextlib import closing
from typing import Any

import httpx
from llama_index.core.llms import LLM, ChatMessage, MessageRole

from rag.errors import LanguageModelError
from rag.settings import Settings

REPLY = 400  # tokens of an answer at most
LONGEST = 4_000  # characters of an answer at most

_SURROGATE = re.compile(r"[\ud800-\udfff]")  # half a character, which JSON can escape

_TOO_LONG = ("context", "too long", "length", "token")  # in what servers say then


class ContextFull(LanguageModelError):
    """The model has no room for the prompt."""


class Writer:
    """Asks one language model. Safe to use from several threads where the model is."""

    def __init__(self, model: LLM, name: str, place: str, settings: Settings) -> None:
        """`name` is what answers are said to be by, `place` where errors say that it is."""
        self.name = name
        self._model = model
        self._place = place
        self._max_seconds = settings.llm_max_seconds
        self.room = model.metadata.context_window - REPLY
        """Tokens for a prompt."""

    def write(
        self, prompt: str, cut: Callable[[str], None] = lambda _: None
    ) -> Generator[str, None, None]:
        """The reply to a prompt, piece by piece as it comes; closing the iterator ends the request.

        Args:
            prompt: one user message.
            cut: called with the reason where the reply is not taken to its end.

        Raises:
            ContextFull: the model has no room for the prompt.
            LanguageModelError: the model cannot be reached, or does not reply as it should.
        """
        message = ChatMessage(role=MessageRole.USER, content=prompt)
        until = time.monotonic() + self._max_seconds
        length = 0
        try:
            with closing(_pieces(self._model, message, cut)) as pieces:
                for piece in pieces:
                    piece = _SURROGATE.sub("\N{REPLACEMENT CHARACTER}", piece)
                    if length + len(piece) > LONGEST:
                        yield piece[: LONGEST - length]
                        cut(f"it went on beyond {LONGEST:,} characters")
                        return
                    length += len(piece)
                    yield piece
                    if time.monotonic() > until:
                        cut(f"it took longer than {self._max_seconds:g} seconds")
                        return
        except LanguageModelError:
            raise
        except Exception as error:  # whatever a model of LlamaIndex's may raise
            raise self._explained(error) from error

    def _explained(self, error: Exception) -> LanguageModelError:
        """An error of the model or its server in words that help."""
        causes = list(_causes(error))
        status = next((s for e in causes if (s := getattr(e, "status_code", None))), None)
        says = f" It says: {_short(error)}"
        if status in (401, 403):
            return LanguageModelError(
                f"{self._place} refuses the key.{says}", hint="Set RAG_LLM_API_KEY to its key."
            )
        if status == 404:
            return LanguageModelError(
                f"{self._place} does not have the model {self.name!r}, or nothing is there.{says}",
                hint="Check RAG_LLM_MODEL, and that RAG_LLM_URL ends as the server wants it (/v1).",
            )
        if status == 429:
            return LanguageModelError(
                f"{self._place} has too much to do.{says}", hint="Ask again in a while."
            )
        if status is not None and 400 <= status < 500:
            refused = f"{self._place} does not take the request (status {status}).{says}"
            if any(word in str(error).lower() for word in _TOO_LONG):
                return ContextFull(
                    refused, hint="Set RAG_LLM_CONTEXT to the tokens that the model takes."
                )
            return LanguageModelError(refused, hint="Check RAG_LLM_MODEL.")
        if status is not None:
            return LanguageModelError(
                f"{self._place} failed (status {status}).{says}", hint="See the server's log."
            )
        if any(isinstance(e, (httpx.ConnectError, httpx.ConnectTimeout)) for e in causes):
            return LanguageModelError(
                f"{self._place} could not be reached.",
                hint="Start it, or set RAG_LLM_FALLBACK=reader for the bundled reader's answer.",
            )
        if any(isinstance(e, httpx.TimeoutException) for e in causes):
            return LanguageModelError(
                f"{self._place} did not answer in time.",
                hint="Set RAG_LLM_TIMEOUT higher, or take a smaller model.",
            )
        if any(isinstance(e, httpx.TransportError) for e in causes):
            return LanguageModelError(
                f"{self._place} broke off in the middle of its reply.", hint="See the server's log."
            )
        return LanguageModelError(
            f"{self._place} gave a reply that cannot be used: {type(error).__name__}."
            f" {_short(error)}".rstrip(),
            hint="See its log; it has to speak the OpenAI chat protocol.",
        )


def _pieces(
    model: LLM, message: ChatMessage, cut: Callable[[str], None]
) -> Generator[str, None, None]:
    """The pieces of a reply; the whole of it at once where the model does not stream.

    A piece is empty where the model thinks unseen: who waits may hang up.
    """
    try:
        stream = model.stream_chat([message])
    except NotImplementedError:
        yield model.chat([message]).message.content or ""
        return
    try:
        for response in stream:
            yield response.delta or ""
            if response.message.additional_kwargs.get("finish_reason") == "length":
                cut(f"it was not done after {REPLY} tokens")
    finally:
        if close := getattr(stream, "close", None):
            close()


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def _short(error: Exception) -> str:
    text = " ".join(str(error).split())
    return text if len(text) <= 200 else f"{text[:200]}…"


def open_writer(settings: Settings, model: Any = None) -> Writer:
    """The model that was handed over, or the one that the settings name.

    Raises:
        LanguageModelError: a model in a folder cannot be loaded.
    """
    if model is not None:
        name = name_of(model)
        return Writer(model, name, f"The language model {name}", settings)
    if settings.llm_path is not None:
        from rag.local import open_local

        local = open_local(settings.llm_path.expanduser(), settings.llm_context, REPLY)
        name = settings.llm_path.name
        return Writer(local, name, f"The model in {settings.llm_path}", settings)
    assert settings.llm_url
    assert settings.llm_model
    from rag.served import open_served

    place = f"The model server at {settings.llm_url}"
    return Writer(open_served(settings, REPLY), settings.llm_model, place, settings)


def name_of(model: LLM) -> str:
    """A model's own name, or its kind's where it has none."""
    name = model.metadata.model_name
    return model.class_name() if name == "unknown" else name
