"""A chat model behind a server that speaks the OpenAI protocol.

Nothing of the environment goes there: no key, no other header, and on loopback no proxy.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from typing import Any

import httpx
from llama_index.core.llms import ChatMessage, ChatResponse, ChatResponseGen, MessageRole
from llama_index.llms.openai.utils import to_openai_message_dicts
from llama_index.llms.openai_like import OpenAILike
from openai import OpenAI

from rag.settings import Settings, is_loopback

CONNECT = 10.0  # seconds in which a server has to take a connection
_KEPT = "host accept accept-encoding connection user-agent content-type content-length"
_HEADERS = frozenset(_KEPT.split())


class ServedLLM(OpenAILike):
    """LlamaIndex's model of such a server, with a stream that hangs up when it is closed; the
    original leaves that to the garbage collector."""

    def stream_chat(self, messages: Sequence[ChatMessage], **kwargs: Any) -> ChatResponseGen:
        """The reply, piece by piece."""
        return self._reply(messages, self._get_model_kwargs(stream=True, **kwargs))

    def _reply(
        self, messages: Sequence[ChatMessage], options: dict[str, Any]
    ) -> Generator[ChatResponse, None, None]:
        create: Any = self._get_client().chat.completions.create
        text, finished = "", None
        with create(messages=to_openai_message_dicts(messages), **options) as chunks:
            for chunk in chunks:
                delta = ""
                for choice in chunk.choices[:1]:
                    delta = choice.delta.content or ""
                    finished = choice.finish_reason or finished
                text += delta
                message = ChatMessage(
                    role=MessageRole.ASSISTANT,
                    content=text,
                    additional_kwargs={"finish_reason": finished},
                )
                yield ChatResponse(message=message, delta=delta, raw=chunk)
        if finished is None:  # a connection that ends is no error where its length is not known
            raise httpx.RemoteProtocolError("the stream ended before the reply did")


def open_served(settings: Settings, reply: int) -> ServedLLM:
    """The model that RAG_LLM_URL and RAG_LLM_MODEL name; nothing is sent yet.

    Args:
        settings: whose `llm_url` and `llm_model` are set.
        reply: tokens of a reply at most.
    """
    url = settings.llm_url or ""
    key = settings.llm_api_key.get_secret_value() if settings.llm_api_key else "none"

    def only_ours(request: httpx.Request) -> None:
        for name in list(request.headers):
            if name.lower() not in _HEADERS:
                del request.headers[name]
        request.headers["Authorization"] = f"Bearer {key}"

    http = httpx.Client(
        trust_env=not is_loopback(url),
        event_hooks={"request": [only_ours]},
        limits=httpx.Limits(max_keepalive_connections=0),
    )
    client = OpenAI(
        api_key=key,
        base_url=url,
        max_retries=0,
        timeout=httpx.Timeout(settings.llm_timeout, connect=min(CONNECT, settings.llm_timeout)),
        http_client=http,
    )
    return ServedLLM(
        model=settings.llm_model or "",
        api_key=key,
        api_base=url,
        openai_client=client,  # type: ignore[call-arg]  # its grandparent's parameter
        is_chat_model=True,
        context_window=settings.llm_context,
        max_tokens=reply,
        max_retries=0,
        temperature=0.0,
    )
