"""Settings: where they come from, their bounds, and what a typo says."""

from __future__ import annotations

from pathlib import Path

import pytest

from rag import Rag, SettingsError
from rag.settings import Settings, example, variable

from .conftest import REPOSITORY


def test_the_environment_wins_over_the_file(monkeypatch: pytest.MonkeyPatch) -> None:
    Path(".env").write_text("RAG_THRESHOLD=0.25\nRAG_PASSAGES=3\nOTHER=1\n")
    monkeypatch.setenv("RAG_THRESHOLD", "0.75")
    settings = Settings.load()
    assert (settings.threshold, settings.passages) == (0.75, 3)


def test_an_argument_wins_over_both(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RAG_THRESHOLD", "0.75")
    assert Settings.load(threshold=0.5).threshold == 0.5


@pytest.mark.parametrize("name", ["RAG_TRESHOLD", "RAG_TRESHHOLD", "rag_treshold"])
def test_a_typo_in_the_file_names_the_nearest_setting(name: str) -> None:
    Path(".env").write_text(f"{name}=0.5\n")
    with pytest.raises(SettingsError, match="is not a setting") as caught:
        Rag.open()
    assert caught.value.hint == "Did you mean RAG_THRESHOLD?"


def test_a_file_that_is_no_text_is_an_error() -> None:
    Path(".env").write_bytes(b"RAG_HOME=caf\xe9\n")
    with pytest.raises(SettingsError, match="cannot be read"):
        Settings.load()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("RAG_THRESHOLD", "1.5"),
        ("RAG_THRESHOLD", "high"),
        ("RAG_PASSAGES", "0"),
        ("RAG_PRECISION", "fp8"),
        ("RAG_CHROMA_URL", "localhost"),
        ("RAG_MAX_SECONDS", "0"),
    ],
)
def test_a_value_out_of_bounds_says_what_is_allowed(
    name: str, value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(SettingsError, match=name) as caught:
        Settings.load()
    assert caught.value.hint is not None
    assert caught.value.hint.startswith(name)


def test_the_example_lists_every_setting_as_it_is() -> None:
    """`python -m rag.settings > .env.example` makes it."""
    assert (REPOSITORY / ".env.example").read_text() == example()


def test_the_example_uncommented_is_the_defaults() -> None:
    lines = (REPOSITORY / ".env.example").read_text().splitlines()
    Path(".env").write_text("\n".join(line[2:] for line in lines if line.startswith("# RAG_")))
    assert Settings.load(home="x") == Settings(home=Path("x"))
    assert {variable(name) for name in Settings.model_fields} == {
        line[2:].split("=")[0] for line in lines if line.startswith("# RAG_")
    }
