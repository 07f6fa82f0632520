"""A real browser on a served page: Debian's chromium, or the one that CHROMIUM names."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from rag import Rag, Settings

from ..conftest import SEEDS
from ..serving import served

PATIENCE = 60_000  # milliseconds: machines that run tests are shared
expect.set_options(timeout=PATIENCE)

HOSTILE = """<script>window.hacked = 1</script><img src=x onerror="window.hacked = 2">

The code word of the Zanzibar lighthouse is PELICAN, <b>says</b> the keeper. ${window.hacked = 3} \
{{value}} <img src="http://evil.example/x.png" onerror="window.hacked = 4"> \
[keeper](javascript:window.hacked=5) ![picture](http://evil.example/y.png) \
<style>body {display: none}</style><iframe src="http://evil.example/z"></iframe>
"""
DOCUMENTS = {
    "bridge.txt": "Notes on the bridge\n\nThe Harbour Bridge was opened on 19 March 1932 by the"
    " premier. It is 1,149 metres long.\n",
    "gazette.txt": "Harbour Gazette\n\nThe Harbour Bridge was opened on 20 April 1933 by the mayor,"
    " according to this paper.\n",
    "hostile <img src=x onerror=alert(1)>.txt": HOSTILE,
}


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """The browser. Where there is none the tests fail: they are not optional."""
    executable = os.environ.get("CHROMIUM") or shutil.which("chromium")
    if executable is None:
        pytest.fail(
            "No browser: install Debian's package chromium, or set CHROMIUM to the path of a"
            " Chromium or Chrome."
        )
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(
            executable_path=executable,
            args=["--no-sandbox", "--disable-background-networking"],
        )
        yield launched
        launched.close()


@pytest.fixture(scope="session")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A page over the seeds and some documents of our own."""
    base = tmp_path_factory.mktemp("browser")
    folder = base / "documents"
    folder.mkdir()
    for name, text in DOCUMENTS.items():
        (folder / name).write_text(text)
    with Rag(Settings(home=base / "home")) as rag:
        rag.ingest(SEEDS, folder)
    with served(base / "home") as page:
        yield page.url


class Visit:
    """One person's page: what they can do, and what their browser asked for and complained of."""

    def __init__(self, page: Page, url: str) -> None:
        self.page = page
        self.requests: list[str] = []
        self.complaints: list[str] = []
        page.on("request", lambda request: self.requests.append(request.url))
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on(
            "console",
            lambda said: self.complaints.append(said.text) if said.type == "error" else None,
        )
        page.goto(url)
        self.question = page.get_by_role("textbox", name="Question", exact=True)
        self.answer = page.get_by_role("region", name="Answer", exact=True)
        self.evidence = page.get_by_role("region", name="Evidence", exact=True)
        self.question.wait_for()

    def ask(self, question: str) -> None:
        """Ask, and wait for the answer."""
        self.question.fill(question)
        self.page.get_by_role("button", name="Ask", exact=True).click()
        self.page.locator(".asked", has_text=question).wait_for()
        self.page.locator(".working").wait_for(state="detached")

    def tab(self, name: str) -> None:
        """Show a tab."""
        self.page.get_by_role("tab", name=name).click()


@pytest.fixture
def visit(browser: Browser, url: str) -> Iterator[Callable[..., Visit]]:
    """Open the page as another person, with a browser's options; all is checked at the end."""
    visits = []

    def open_page(**options: object) -> Visit:
        context = browser.new_context(**options)  # type: ignore[arg-type]
        context.set_default_timeout(PATIENCE)
        visits.append(Visit(context.new_page(), url))
        return visits[-1]

    yield open_page
    for one in visits:
        assert one.complaints == []
        assert [
            asked for asked in one.requests if not asked.startswith((url, "data:", "blob:"))
        ] == []
        one.page.context.close()


@pytest.fixture
def pdf(tmp_path: Path) -> Path:
    """A pdf of two pages."""
    from fpdf import FPDF

    document = FPDF()
    for text in (
        "A history of the observatory, for visitors.",
        "The great telescope of the Ravenholm observatory was built by Petra Lindqvist.",
    ):
        document.add_page()
        document.set_font("helvetica", size=12)
        document.multi_cell(0, 8, text)
    path = tmp_path / "observatory.pdf"
    document.output(str(path))
    return path
