"""Who may come in: addresses, passwords, and the token of MCP clients."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from rag import Settings, SettingsError
from ui import access
from ui.access import Access


def settings(**values: object) -> Settings:
    return Settings.load(**values)


@pytest.fixture
def passwords(tmp_path: Path) -> Path:
    file = tmp_path / "passwords"
    file.write_text("ada:secret:with colon\n\nbo: spaced \n")
    file.chmod(0o600)
    return file


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "::1"])
def test_this_machine_needs_nothing(host: str) -> None:
    found = Access.of(settings(), host)
    assert (found.passwords, found.mcp, found.mcp_token) == ({}, True, None)


@pytest.mark.parametrize("host", ["0.0.0.0", "192.168.1.2", "::", "example.org", ""])
def test_beyond_it_passwords_are_needed(host: str) -> None:
    with pytest.raises(SettingsError, match="whole network") as caught:
        Access.of(settings(), host)
    assert "RAG_OPEN_TO_NETWORK" in str(caught.value.hint)


def test_beyond_it_mcp_is_off_without_a_token(passwords: Path) -> None:
    assert not Access.of(settings(password_file=passwords), "0.0.0.0").mcp
    assert not Access.of(settings(open_to_network=True), "0.0.0.0").mcp
    assert not Access.of(settings(password_file=passwords), "127.0.0.1").mcp
    with_token = Access.of(settings(open_to_network=True, mcp_token="t"), "0.0.0.0")
    assert (with_token.mcp, with_token.mcp_token) == (True, "t")


def test_names_are_those_set_and_the_address() -> None:
    found = Access.of(settings(allowed_hosts="rag.example.org, other"), "127.0.0.1")
    assert found.hosts == {"rag.example.org", "other", "127.0.0.1"}
    everywhere = Access.of(settings(open_to_network=True, allowed_hosts="a"), "0.0.0.0")
    assert everywhere.hosts == {"a"}


def test_passwords_of_a_file_and_of_the_environment(passwords: Path) -> None:
    found = Access.of(settings(password_file=passwords, password="cy:x"), "0.0.0.0")
    assert found.passwords == {"ada": "secret:with colon", "bo": " spaced ", "cy": "x"}
    assert "secret" not in repr(found)


def test_only_the_right_password_lets_in(passwords: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(access, "PAUSE", 0)
    found = Access.of(settings(password_file=passwords), "0.0.0.0")
    tries = [
        ("ada", "secret:with colon"),
        ("ada", "secret"),
        ("ada", ""),
        ("nobody", ""),
        ("bo", "secret:with colon"),
        ("ädä", "\udcff"[:0]),
    ]
    # In a thread of its own: a browser that other tests have open runs a loop in this one.
    with ThreadPoolExecutor(1) as thread:
        answers = [thread.submit(asyncio.run, found.lets_in(*pair)).result() for pair in tries]
    assert answers == [True, *[False] * 5]


@pytest.mark.parametrize(
    ("content", "mode", "message"),
    [
        (b"ada:x\n", 0o640, "read by others"),
        (b"ada\n", 0o600, "line 1 is not of the form"),
        (b"ada:x\n:y\n", 0o600, "line 2 is not of the form"),
        (b"ada:\n", 0o600, "line 1 is not of the form"),
        (b"\n\n", 0o600, "is empty"),
        (b"\xff\xfe", 0o600, "cannot be read"),
    ],
)
def test_a_bad_password_file_is_refused_without_showing_it(
    content: bytes, mode: int, message: str, tmp_path: Path
) -> None:
    file = tmp_path / "passwords"
    file.write_bytes(content)
    file.chmod(mode)
    with pytest.raises(SettingsError, match=message) as caught:
        Access.of(settings(password_file=file), "0.0.0.0")
    assert caught.value.hint


def test_a_missing_password_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="cannot be read"):
        Access.of(settings(password_file=tmp_path / "none"), "127.0.0.1")


def test_secrets_do_not_show(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RAG_PASSWORD", "ada:hush")
    monkeypatch.setenv("RAG_MCP_TOKEN", "hush")
    assert "hush" not in repr(Settings.load())
