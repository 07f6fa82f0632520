"""The chat where a language model writes: it grows, can be stopped, and says what was left out."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from .. import scripted
from ..scripted import Script, serving
from ..serving import served
from .conftest import Visit

QUESTION = "Who is the US Commerce Secretary?"
FACT = "Howard Lutnick is the US Commerce Secretary."
LIE = "He is 99 years old."


@pytest.fixture
def model() -> Iterator[Script]:
    with serving(lambda _: f"{FACT} {LIE}") as script:
        yield script


@pytest.fixture
def one(browser: Browser, seeded_home: Path, tmp_path: Path, model: Script) -> Iterator[Visit]:
    """A page whose answers that model writes."""
    shutil.copytree(seeded_home, tmp_path / "home", dirs_exist_ok=True)
    settings = {
        "RAG_LLM_URL": model.url, "RAG_LLM_MODEL": "tiny", "RAG_LLM_UNSUPPORTED": "show",
    }  # fmt: skip
    with served(tmp_path / "home", **settings) as page:
        context = browser.new_context()
        visit = Visit(context.new_page(), page.url)
        yield visit
        assert visit.complaints == []
        context.close()


def test_an_answer_grows_and_says_what_no_source_supports(one: Visit, model: Script) -> None:
    seen = threading.Event()

    def slow(handler: BaseHTTPRequestHandler, _: str) -> None:
        scripted.begin(handler)
        handler.wfile.write(scripted.chunk(f"{FACT} He "))
        assert seen.wait(60)
        handler.wfile.write(scripted.chunk("is 99 years old."))
        handler.wfile.write(scripted.DONE)

    model.send = slow
    one.question.fill(QUESTION)
    one.page.get_by_role("button", name="Ask", exact=True).click()
    expect(one.answer).to_contain_text(f"{FACT} [1]Writing")
    seen.set()
    expect(one.answer).to_contain_text("1 of the 2 sentences that the model wrote")
    expect(one.answer.locator("del")).to_have_text(LIE)
    expect(one.answer).to_contain_text("Written by tiny")
    expect(one.evidence.locator("mark").first).to_contain_text("Lutnick")


def test_a_page_that_opens_asks_the_model_nothing(one: Visit, model: Script) -> None:
    expect(one.page.locator(".examples button").first).to_be_visible()
    assert model.requests == []


@pytest.mark.parametrize("width", [320, 1280])
def test_an_answer_that_is_being_written_can_be_stopped(
    width: int, one: Visit, model: Script
) -> None:
    model.reply, model.send = (lambda _: "and so on "), scripted.unhurried
    ask, stop = (one.page.get_by_role("button", name=name, exact=True) for name in ("Ask", "Stop"))
    one.page.set_viewport_size({"width": width, "height": 700})
    expect(stop).to_be_hidden()
    one.question.fill(QUESTION)
    ask.click()
    expect(one.answer).to_contain_text("Writing")
    expect(ask).to_be_hidden()
    assert one.page.evaluate("document.documentElement.scrollWidth - window.innerWidth") <= 0
    stop.click()
    expect(one.answer).to_contain_text("Stopped")
    expect(stop).to_be_hidden()
    expect(ask).to_be_visible()
    assert model.broken.wait(30)
