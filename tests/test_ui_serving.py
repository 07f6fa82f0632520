"""`rag serve` as a whole process: page, API and MCP, and who is kept out of each."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from .serving import served

QUESTION = "Who is the US Commerce Secretary?"
MCP = "/gradio_api/mcp/"
DOORS = [
    "/", "/config", "/gradio_api/info", "/gradio_api/call/ask", "/gradio_api/run/predict",
    "/gradio_api/queue/join", MCP,
]  # fmt: skip


@pytest.fixture(scope="module")
def home(seeded_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return Path(shutil.copytree(seeded_home, tmp_path_factory.mktemp("served") / "home"))


@pytest.fixture(scope="module")
def url(home: Path) -> Iterator[str]:
    """A page on this machine, open."""
    with served(home) as page:
        yield page.url


@pytest.fixture(scope="module")
def guarded(home: Path) -> Iterator[str]:
    """A page with a password and a token for MCP, under another name."""
    with served(
        home, RAG_PASSWORD="ada:secret", RAG_MCP_TOKEN="token", RAG_ALLOWED_HOSTS="rag.example.org"
    ) as page:
        yield page.url


def request(url: str, door: str, **headers: str) -> httpx.Response:
    method = "GET" if door in ("/", "/config", "/gradio_api/info") else "POST"
    return httpx.request(method, url + door, headers=headers, json={} if method == "POST" else None)


def call(url: str, method: str, params: dict[str, Any], **headers: str) -> dict[str, Any]:
    """One JSON-RPC call to the MCP server; its result."""
    body = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
    headers |= {"Accept": "application/json, text/event-stream"}
    response = httpx.post(url + MCP, json=body, headers=headers, timeout=60)
    assert response.status_code == 200, response.text
    (data,) = [line[6:] for line in response.text.splitlines() if line.startswith("data: ")]
    result: dict[str, Any] = json.loads(data)["result"]
    return result


def ask(url: str, *arguments: object) -> Any:
    """Ask through the API."""
    event = httpx.post(f"{url}/gradio_api/call/ask", json={"data": arguments}).json()["event_id"]
    text = httpx.get(f"{url}/gradio_api/call/ask/{event}", timeout=60).text
    *_, name, data = [line.partition(": ")[2] for line in text.splitlines() if line]
    assert name == "complete", text
    return json.loads(data)[0]


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize(
    "headers",
    [
        {"Host": "evil.example"},
        {"Host": "evil.example:7860"},
        {"Host": "127.0.0.1.evil.example"},
        {"Host": "[::1"},
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://127.0.0.1:1"},
        {"Origin": "file://"},
    ],
)
def test_a_foreign_host_or_origin_reaches_nothing(
    door: str, headers: dict[str, str], url: str
) -> None:
    assert request(url, door, **headers).status_code == 403


@pytest.mark.parametrize("door", DOORS)
def test_the_page_itself_reaches_everything(door: str, url: str) -> None:
    assert request(url, door, Origin=url).status_code not in (401, 403, 404)


@pytest.mark.parametrize(
    "path",
    [
        "/gradio_api/file=/etc/hostname",
        "/gradio_api/file=http://127.0.0.1:1/",
        "/gradio_api/proxy=http://127.0.0.1:1/",
        "/gradio_api/call/remove",
        "/gradio_api/run/remove",
        "/gradio_api/vibe-code/",
        "/gradio_api/deep_link",
        "/monitoring",
        "/docs",
        "/openapi.json",
    ],
)
def test_what_the_page_does_not_need_is_not_there(path: str, url: str) -> None:
    assert httpx.get(url + path).status_code == 404
    assert httpx.post(url + path).status_code == 404


def test_the_page_allows_its_own_scripts_alone(url: str) -> None:
    first, second = (httpx.get(url) for _ in range(2))
    policy = first.headers["content-security-policy"]
    (scripts,) = [rule for rule in policy.split("; ") if rule.startswith("script-src")]
    assert "'unsafe-inline'" not in scripts
    nonce = scripts.partition("'nonce-")[2].rstrip("'")
    assert first.text.count("<script") == first.text.count(f'<script nonce="{nonce}"')
    assert nonce not in second.text
    assert "default-src 'self'" in policy
    assert int(first.headers["content-length"]) == len(first.content)


def test_the_api_has_two_functions_and_no_more(url: str) -> None:
    info = httpx.get(f"{url}/gradio_api/info").json()
    assert set(info["named_endpoints"]) == {"/ask", "/sources"}
    assert info["unnamed_endpoints"] == {}


def test_the_api_answers(url: str) -> None:
    answer = ask(url, QUESTION, None)
    assert (answer["status"], answer["short"]) == ("answered", "Howard Lutnick")
    kept = ask(url, QUESTION, [answer["citations"][0]["source"]])
    assert {c["source"] for c in kept["citations"]} == {answer["citations"][0]["source"]}


def test_mcp_has_two_tools_and_both_work(url: str) -> None:
    tools = {tool["name"]: tool for tool in call(url, "tools/list", {})["tools"]}
    assert set(tools) == {"ask", "sources"}
    assert "abstention" in tools["ask"]["description"]
    properties = tools["ask"]["inputSchema"]["properties"]
    assert properties["question"]["description"].endswith("stand alone.")
    assert properties["sources"]["description"].endswith("by default.")
    answer = call(url, "tools/call", {"name": "ask", "arguments": {"question": QUESTION}})
    assert json.loads(answer["content"][0]["text"])["short"] == "Howard Lutnick"
    sources = call(url, "tools/call", {"name": "sources", "arguments": {}})
    rows = json.loads(sources["content"][0]["text"])
    assert len(rows) == 5
    assert "path" not in rows[0]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"question": " "}, "The question is empty. Ask something."),
        ({"question": QUESTION, "sources": ["none.txt"]}, "No document named 'none.txt'"),
    ],
)
def test_an_expected_failure_is_a_message_with_its_hint(
    arguments: dict[str, Any], message: str, url: str
) -> None:
    failed = call(url, "tools/call", {"name": "ask", "arguments": arguments})
    assert failed["isError"]
    assert message in failed["content"][0]["text"]


def test_without_a_password_nothing_is_told(guarded: str) -> None:
    closed = [door for door in DOORS if door != "/"]
    assert [request(guarded, door).status_code for door in closed] == [401] * len(closed)
    page = httpx.get(guarded).text
    assert "auth_required" in page
    assert "Lutnick" not in page
    upload = httpx.post(f"{guarded}/gradio_api/upload", files={"files": ("a.txt", b"x")})
    assert upload.status_code == 401


def test_the_right_password_opens_the_page(guarded: str) -> None:
    with httpx.Client(base_url=guarded) as client:
        wrong = client.post("/login", data={"username": "ada", "password": "wrong"})
        assert wrong.status_code == 400
        right = client.post("/login", data={"username": "ada", "password": "secret"})
        assert right.status_code == 200
        assert client.get("/config").status_code == 200


def test_the_token_opens_mcp(guarded: str) -> None:
    assert call(guarded, "tools/list", {}, Authorization="Bearer token")["tools"]
    for header in ("Bearer wrong", "Bearer", "token", "Basic token"):
        assert request(guarded, MCP, Authorization=header).status_code == 401


def test_another_name_has_to_be_allowed(guarded: str) -> None:
    assert request(guarded, "/", Host="rag.example.org").status_code == 200
    assert request(guarded, "/", Host="RAG.example.org:8443").status_code == 200
    assert request(guarded, "/", Host="www.example.org").status_code == 403


def test_mcp_says_that_it_is_off(home: Path) -> None:
    with served(home, RAG_PASSWORD="ada:secret") as page:
        response = request(page.url, MCP)
    assert response.status_code == 403
    assert "RAG_MCP_TOKEN" in response.text


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--host", "0.0.0.0"], "whole network"),
        (["--port", "99999"], "Cannot listen"),
        (["--host", "192.0.2.1"], "whole network"),
    ],
)
def test_what_cannot_be_served_says_why(arguments: list[str], message: str) -> None:
    done = subprocess.run([sys.executable, "-m", "ui", *arguments], capture_output=True, text=True)
    assert done.returncode == 1
    assert message in done.stderr
    assert "Traceback" not in done.stderr


def test_a_port_in_use_says_so(url: str) -> None:
    port = url.rpartition(":")[2]
    done = subprocess.run(
        [sys.executable, "-m", "rag", "serve", "--port", port], capture_output=True, text=True
    )
    assert (done.returncode, "Cannot listen" in done.stderr) == (1, True)


@pytest.mark.parametrize("seconds", [0.0, 0.3, 0.6, 0.9, 1.2])
def test_it_ends_well_while_the_models_load(seconds: float, home: Path) -> None:
    with served(home) as page:
        assert httpx.get(page.url, timeout=60).status_code == 200
        time.sleep(seconds)


@pytest.mark.parametrize("seconds", [0.05, 0.15])
def test_a_second_interrupt_ends_it_as_well(seconds: float, home: Path) -> None:
    with served(home) as page:
        assert httpx.get(page.url, timeout=60).status_code == 200
        os.kill(page.pid, signal.SIGINT)
        time.sleep(seconds)  # the second one is sent at the end of `served`
