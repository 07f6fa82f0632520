"""What stands between the network and Gradio: who may ask for what, under which name.

Gradio alone answers a request with a foreign `Host` or `Origin` (DNS rebinding: another site's page
reading the documents through the visitor's browser), and has routes that fetch URLs or serve files.
Only what the page, the API and MCP need passes, and every answer carries a policy by which the
browser runs no script, and loads no image, font or style, from elsewhere or from a document.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Awaitable, Callable, Collection, MutableMapping
from typing import Any
from urllib.parse import urlsplit

Message = MutableMapping[str, Any]
Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})

_MCP = re.compile(r"/gradio_api/mcp(?:/http)?/?")
_PATHS = re.compile(
    r"""/ | /(?:assets|static|svelte)/.+
      | /(?:theme\.css|favicon\.ico|manifest\.json|robots\.txt|config|login|logout)/?
      | /gradio_api/(?:info|openapi\.json|app_id|user|login_check|startup-events|theme\.css
                      |upload|upload_progress|cancel|reset)/?
      | /gradio_api/(?:heartbeat|queue)/\w+
      | /gradio_api/run/predict/?
      | /gradio_api/(?:run|api|call|call/v2)/(?:ask|sources)(?:/\w*)?""",
    re.VERBOSE,
)
_SCRIPT = re.compile(rb"<script\b")


class Gate:
    """ASGI middleware around the whole application."""

    def __init__(
        self, app: App, hosts: Collection[str], *, mcp: bool, mcp_token: str | None = None
    ) -> None:
        """Hold requests to `hosts`.

        Args:
            app: what is behind the gate.
            hosts: names by which browsers may reach it, without ports.
            mcp: whether the MCP endpoint is there at all.
            mcp_token: what MCP clients have to send; None lets them in without.
        """
        self._app = app
        self._hosts = frozenset(host.lower() for host in hosts) | LOOPBACK
        self._mcp = mcp
        self._mcp_token = mcp_token

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, or refuse, one request."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
        elif scope["type"] == "http":
            if refusal := self._refusal(scope):
                await _refuse(send, *refusal)
            elif scope["path"] == "/":
                await self._page(scope, receive, send)
            else:
                await self._app(scope, receive, _with_headers(send, _policy()))

    def _refusal(self, scope: Scope) -> tuple[int, str] | None:
        """Status and reason where a request may not pass."""
        hosts, origins = _headers(scope, b"host"), _headers(scope, b"origin")
        if len(hosts) != 1 or _hostname(f"//{hosts[0]}") not in self._hosts:
            return 403, "This host name is not allowed; see RAG_ALLOWED_HOSTS."
        if any(urlsplit(origin).netloc.lower() != hosts[0].lower() for origin in origins):
            return 403, "Requests from other sites are not allowed."
        if _MCP.fullmatch(scope["path"]):
            return self._mcp_refusal(scope)
        if not _PATHS.fullmatch(scope["path"]):
            return 404, "There is nothing here."
        return None

    def _mcp_refusal(self, scope: Scope) -> tuple[int, str] | None:
        if not self._mcp:
            return 403, "MCP is off here: it needs RAG_MCP_TOKEN."
        if self._mcp_token is None:
            return None
        given = (_headers(scope, b"authorization") or [""])[0]
        if secrets.compare_digest(given.encode(), f"Bearer {self._mcp_token}".encode()):
            return None
        return 401, "MCP needs the header 'Authorization: Bearer …' with RAG_MCP_TOKEN's value."

    async def _page(self, scope: Scope, receive: Receive, send: Send) -> None:
        """The page itself: its own scripts are marked, so that the policy can refuse all others."""
        nonce = secrets.token_urlsafe(16)
        plain = [pair for pair in scope["headers"] if pair[0] != b"accept-encoding"]
        start: Message = {}
        parts: list[bytes] = []

        async def collect(message: Message) -> None:
            if message["type"] == "http.response.start":
                start.update(message)
                return
            parts.append(message.get("body", b""))
            if message.get("more_body"):
                return
            body = _SCRIPT.sub(f'<script nonce="{nonce}"'.encode(), b"".join(parts))
            start["headers"] = [
                (name, str(len(body)).encode() if name == b"content-length" else value)
                for name, value in start["headers"]
            ]
            if scope["method"] == "HEAD":
                body = b""
            await send_on(start)
            await send_on({"type": "http.response.body", "body": body})

        send_on = _with_headers(send, _policy(f" 'nonce-{nonce}'"))
        await self._app({**scope, "headers": plain}, receive, collect)


def _policy(scripts: str = "") -> dict[bytes, bytes]:
    """Headers for every answer. Gradio's components compile their templates: 'unsafe-eval'."""
    rules = (
        "default-src 'self'",
        f"script-src 'self' 'unsafe-eval'{scripts}",
        "style-src 'self' 'unsafe-inline'",
        "img-src 'self' data: blob:",
        "font-src 'self' data:",
        "connect-src 'self'",
        "object-src 'none'",
        "base-uri 'self'",
        "form-action 'self'",
        "frame-ancestors 'none'",
    )
    return {
        b"content-security-policy": "; ".join(rules).encode(),
        b"x-content-type-options": b"nosniff",
        b"referrer-policy": b"no-referrer",
        b"cross-origin-opener-policy": b"same-origin",
        b"cross-origin-resource-policy": b"same-origin",
    }


def _with_headers(send: Send, headers: dict[bytes, bytes]) -> Send:
    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            kept = [pair for pair in message["headers"] if pair[0].lower() not in headers]
            message["headers"] = [*kept, *headers.items()]
        await send(message)

    return sending


def _headers(scope: Scope, name: bytes) -> list[str]:
    return [value.decode("latin-1") for key, value in scope["headers"] if key == name]


def _hostname(url: str) -> str | None:
    try:
        host = urlsplit(url).hostname
    except ValueError:
        return None
    return host and host.rstrip(".")


async def _refuse(send: Send, status: int, reason: str) -> None:
    body = reason.encode()
    headers = [
        (b"content-type", b"text/plain; charset=utf-8"),
        (b"content-length", str(len(body)).encode()),
    ]
    if status == 401:
        headers.append((b"www-authenticate", b"Bearer"))
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
