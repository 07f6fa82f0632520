"""Ctrl-C while the page is at work: the process ends well and says nothing, as `served` checks."""

from __future__ import annotations

import shutil
from pathlib import Path

from playwright.sync_api import Browser, expect

from .. import scripted
from ..scripted import serving
from ..serving import served

QUESTION = "Who is the US Commerce Secretary?"


def test_while_the_page_loads(browser: Browser, seeded_home: Path) -> None:
    tab = browser.new_page()
    with served(seeded_home) as page:
        tab.goto(page.url)
        tab.get_by_role("textbox", name="Question").wait_for()
    tab.close()


def test_while_an_answer_is_written(browser: Browser, seeded_home: Path, tmp_path: Path) -> None:
    home = shutil.copytree(seeded_home, tmp_path / "home")
    tab = browser.new_page()
    with (
        serving(lambda _: "and so on ", scripted.unhurried) as model,
        served(home, RAG_LLM_URL=model.url, RAG_LLM_MODEL="tiny") as page,
    ):
        tab.goto(page.url)
        tab.get_by_role("textbox", name="Question").fill(QUESTION)
        tab.get_by_role("button", name="Ask", exact=True).click()
        expect(tab.get_by_role("region", name="Answer")).to_contain_text("Writing")
    tab.close()


def test_while_a_document_is_added(browser: Browser, seeded_home: Path, tmp_path: Path) -> None:
    home = shutil.copytree(seeded_home, tmp_path / "home")
    large = tmp_path / "large.txt"
    sentences = (f"Parcel {n} was left in room {n % 97} on day {n % 31}. " for n in range(20_000))
    large.write_text("".join(sentences))
    tab = browser.new_page()
    with served(home) as page:
        tab.goto(page.url)
        tab.get_by_role("tab", name="Documents").click()
        with tab.expect_file_chooser() as chooser:
            tab.get_by_role("button", name="Add documents", exact=True).click()
        chooser.value.set_files(large)
        expect(tab.get_by_role("status").filter(has_text="large.txt")).to_contain_text("indexing")
    tab.close()
    assert list((home / "uploads").iterdir()) == []
