"""`rag serve`: the page, its API and its MCP server as one web application, and the process."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import socket
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from rag import Rag, RagError, UsageError
from ui.access import Access
from ui.gate import Gate
from ui.memory import SESSIONS, share_heap

GRACE = 10  # seconds that requests have at the end; what takes longer is broken off, and says so


def serve(rag: Rag, host: str | None = None, port: int | None = None) -> int:
    """Serve the page until the process is ended.

    Args:
        rag: what answers.
        host: address to listen on; RAG_HOST by default.
        port: its port, 0 for a free one; RAG_PORT by default.

    Returns:
        The exit code, 0.

    Raises:
        SettingsError: `host` is beyond this machine and nothing says who may come in.
        UsageError: the address cannot be listened on.
    """
    host = rag.settings.host if host is None else host
    port = rag.settings.port if port is None else port
    access = Access.of(rag.settings, host)
    share_heap()
    with _listening(host, port) as listener:
        first_run = rag.seed()
        ending = threading.Event()
        application, streams = build(rag, access, ending, first_run=first_run)

        import uvicorn

        from ui.ending import Server

        config = uvicorn.Config(
            application, log_level="warning", access_log=False, timeout_graceful_shutdown=GRACE
        )
        logging.getLogger("uvicorn.error").addFilter(_is_news)
        server = Server(config, ending, streams)
        with suppress(KeyboardInterrupt), _warming(rag):
            _announce(listener, host, access)
            asyncio.run(server.serve(sockets=[listener]))
    return 0


def build(
    rag: Rag, access: Access, ending: threading.Event, *, first_run: bool = False
) -> tuple[Gate, asyncio.Event]:
    """The whole application behind its gate, as ASGI, and what closes its pages' streams."""
    home = rag.settings.home.expanduser().resolve()
    _tame(home)

    import gradio as gr
    from fastapi import FastAPI

    from ui import app
    from ui.theme import theme

    home.mkdir(mode=0o700, parents=True, exist_ok=True)
    page = app.build(rag, ending, first_run=first_run)
    page.state_session_capacity = SESSIONS
    inner = gr.mount_gradio_app(
        FastAPI(openapi_url=None, docs_url=None, redoc_url=None),
        page,
        path="/",
        auth=access.lets_in if access.passwords else None,
        mcp_server=access.mcp,
        footer_links=[],
        run_history=False,
        enable_monitoring=False,
        max_file_size=rag.settings.max_file_bytes,
        blocked_paths=[str(home)],
        favicon_path=str(Path(app.__file__).parent / "favicon.svg"),
        theme=theme(),
        css_paths=app.CSS,
        js=app.JS.read_text(encoding="utf-8"),
    )
    if page.mcp_server_obj is not None:  # Gradio's own would print Python's notation
        page.mcp_server_obj.postprocess_output_data = _as_json  # type: ignore[method-assign]
    mounted = next(
        r.app for r in inner.routes if isinstance(getattr(r, "app", None), gr.routes.App)
    )
    gate = Gate(inner, access.hosts, mcp=access.mcp, mcp_token=access.mcp_token)
    return gate, mounted.stop_event


def _as_json(data: Sequence[Any], root_url: str) -> list[Any]:  # noqa: ARG001 - Gradio's signature
    """What a tool returns, as MCP sends it."""
    from mcp.types import TextContent

    return [TextContent(type="text", text=json.dumps(output)) for output in data]


def _tame(home: Path) -> None:
    """Keep Gradio to this machine and its files to RAG_HOME; it reads these when it is imported."""
    os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"
    os.environ["GRADIO_TEMP_DIR"] = str(home / "incoming")
    os.environ["HF_HUB_OFFLINE"] = "1"


def _is_news(record: logging.LogRecord) -> bool:
    """Whether the server's message is one; a page that is open when the process ends is not."""
    if record.exc_info and isinstance(record.exc_info[1], asyncio.CancelledError):
        return False
    return "graceful shutdown exceeded" not in record.getMessage()


def _listening(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen()
    except (OSError, OverflowError) as error:
        listener.close()
        raise UsageError(
            f"Cannot listen on {host}, port {port}: {error}.",
            hint="Choose another with --port (0 takes a free one), or end what uses this one.",
        ) from None
    return listener


@contextmanager
def _warming(rag: Rag) -> Iterator[None]:
    """Load the models beside what is done, so that the first question is as fast as the next.

    It is waited for at the end: Python aborts when it ends while a thread is in native code.
    """

    def load() -> None:
        with suppress(RagError):
            rag.ask("What is this about?", reader_only=True)

    loading = threading.Thread(target=load)
    loading.start()
    try:
        yield
    finally:
        loading.join()


def _announce(listener: socket.socket, host: str, access: Access) -> None:
    shown = f"[{host}]" if ":" in host else host
    url = f"http://{shown}:{listener.getsockname()[1]}"
    print(f"The chat is at {url}", flush=True)
    if not access.mcp:
        print("MCP is off: set RAG_MCP_TOKEN to let programs in with that token.", flush=True)
    else:
        token = " (with the token of RAG_MCP_TOKEN)" if access.mcp_token else ""
        print(f"MCP server: {url}/gradio_api/mcp/{token}", flush=True)
