"""A server on loopback that speaks the OpenAI chat protocol, and says what a test tells it to."""

from __future__ import annotations

import json
import re
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass(frozen=True, slots=True)
class Asked:
    """A prompt, taken apart as a model would: the lines by key, in order, and the question."""

    prompt: str
    lines: dict[str, str]
    question: str

    def key(self, words: str) -> str:
        """The key of the first line that has these words."""
        return next(key for key, text in self.lines.items() if words in text)


def asked(prompt: str) -> Asked:
    lines = dict(re.findall(r"^\[([A-Za-z0-9]{1,12})\] (.+)$", prompt, re.MULTILINE))
    question = re.findall(r"uestion: (.+)$", prompt, re.MULTILINE)[-1]
    return Asked(prompt, lines, question)


Reply = Callable[[Asked], str]
Fault = Callable[[BaseHTTPRequestHandler, str], None]


@dataclass
class Script:
    """What the server does: `reply` makes its text, `send` puts that on the wire."""

    reply: Reply
    send: Fault
    url: str = ""
    requests: list[tuple[dict[str, str], dict[str, Any]]] = field(default_factory=list)
    broken: threading.Event = field(default_factory=threading.Event)
    """Set when a client has hung up."""


def chunk(text: str, finished: str | None = None) -> bytes:
    data = {
        "id": "1",
        "object": "chat.completion.chunk",
        "created": 0,
        "model": "tiny",
        "choices": [
            {
                "index": 0,
                "delta": {"role": "assistant", "content": text},
                "finish_reason": finished,
            }
        ],
    }
    return f"data: {json.dumps(data)}\n\n".encode()


DONE = chunk("", "stop") + b"data: [DONE]\n\n"


def begin(handler: BaseHTTPRequestHandler) -> None:
    handler.send_response(200)
    handler.send_header("Content-Type", "text/event-stream")
    handler.end_headers()


def streamed(handler: BaseHTTPRequestHandler, text: str) -> None:
    """Word by word, as it should be."""
    begin(handler)
    for word in re.findall(r"\S+\s*", text):
        handler.wfile.write(chunk(word))
    handler.wfile.write(DONE)


def status(code: int, message: str) -> Fault:
    def send(handler: BaseHTTPRequestHandler, _: str) -> None:
        body = json.dumps({"error": {"message": message, "code": code}}).encode()
        handler.send_response(code)
        handler.send_header("Content-Type", "application/json")
        handler.send_header("Retry-After", "60")
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body)

    return send


def raw(*parts: bytes, pause: float = 0.0) -> Fault:
    """These bytes as the body, with a pause before each."""

    def send(handler: BaseHTTPRequestHandler, _: str) -> None:
        begin(handler)
        for part in parts:
            time.sleep(pause)
            handler.wfile.write(part)

    return send


def endless(handler: BaseHTTPRequestHandler, text: str, pause: float = 0.002) -> None:
    """The text again and again, bounded only by who listens (and a minute)."""
    begin(handler)
    until = time.monotonic() + 60
    while time.monotonic() < until:
        for word in re.findall(r"\S+\s*", text):
            handler.wfile.write(chunk(word))
            time.sleep(pause)


def unhurried(handler: BaseHTTPRequestHandler, text: str) -> None:
    """The same, so slow that no limit ends it before whoever is to break it off has acted."""
    endless(handler, text, pause=0.1)


def dropped(handler: BaseHTTPRequestHandler, text: str) -> None:
    """Half of the text, promised whole."""
    handler.send_response(200)
    handler.send_header("Content-Type", "text/event-stream")
    handler.send_header("Content-Length", "100000")
    handler.end_headers()
    words = re.findall(r"\S+\s*", text)
    for word in words[: len(words) // 2]:
        handler.wfile.write(chunk(word))


@contextmanager
def serving(reply: Reply, send: Fault = streamed) -> Iterator[Script]:
    """Serve a script; its `reply` and `send` may be changed while it runs."""
    script = Script(reply, send)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            script.requests.append((dict(self.headers), body))
            self.close_connection = True
            try:
                script.send(self, script.reply(asked(body["messages"][-1]["content"])))
            except OSError:
                script.broken.set()

        def do_GET(self) -> None:
            self.send_error(500)  # as some servers answer to /models

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    script.url = f"http://127.0.0.1:{server.server_port}/v1"
    try:
        yield script
    finally:
        with suppress(OSError):
            server.shutdown()
        thread.join()
        server.server_close()
