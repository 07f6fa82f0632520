"""README's pictures, made from the page as it is: `python docs/screenshots.py [FOLDER]`.

They come from a home of their own with the articles in `seeds/`. Needs the browser of the tests.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Literal

from playwright.sync_api import Browser, Page, sync_playwright

QUESTION = "Who is the US Commerce Secretary?"
FOLLOW_UP = "And what is his favourite colour?"
Scheme = Literal["light", "dark"]


def main(folder: Path) -> None:
    """Take every picture."""
    folder.mkdir(parents=True, exist_ok=True)
    browser_path = os.environ.get("CHROMIUM") or shutil.which("chromium")
    with tempfile.TemporaryDirectory() as home, sync_playwright() as playwright:
        server = subprocess.Popen(
            [sys.executable, "-m", "rag", "serve", "--port", "0"],
            env=os.environ | {"RAG_HOME": home},
            stdout=subprocess.PIPE,
            text=True,
        )
        assert server.stdout
        try:
            found = re.search(r"http://\S+", server.stdout.readline())
            assert found, "rag serve did not say where it is"
            browser = playwright.chromium.launch(
                executable_path=browser_path,
                args=["--no-sandbox", "--disable-background-networking"],
            )
            pictures(browser, found[0], folder)
            browser.close()
        finally:
            server.send_signal(signal.SIGINT)
            server.wait(30)


def pictures(browser: Browser, url: str, folder: Path) -> None:
    """The pictures of one served page."""
    page = opened(browser, url, 1280, 860)
    ask(page, QUESTION)
    page.get_by_role("link", name="Evidence 1").click()
    page.evaluate("scrollTo({top: 0, behavior: 'instant'})")
    page.screenshot(path=folder / "answer.png")
    ask(page, FOLLOW_UP)
    page.screenshot(path=folder / "silence.png")
    page.get_by_role("tab", name="Documents").click()
    page.get_by_role("region", name="Documents").get_by_text("Remove…").first.wait_for()
    page.screenshot(path=folder / "documents.png")
    for name, width, scheme in (("phone", 390, "light"), ("dark", 1280, "dark")):
        page = opened(browser, url, width, 860, scheme)  # type: ignore[arg-type]
        ask(page, QUESTION)
        page.screenshot(path=folder / f"{name}.png")


def opened(browser: Browser, url: str, width: int, height: int, scheme: Scheme = "light") -> Page:
    """A fresh page, with its example questions."""
    page = browser.new_page(viewport={"width": width, "height": height}, color_scheme=scheme)
    page.set_default_timeout(120_000)
    page.goto(url)
    page.get_by_role("group", name="Example questions").wait_for()
    return page


def ask(page: Page, question: str) -> None:
    """Ask, and wait for the answer."""
    page.get_by_role("textbox", name="Question").fill(question)
    page.keyboard.press("Enter")
    page.locator(".asked", has_text=question).wait_for()
    page.locator(".working").wait_for(state="detached")
    page.locator(".source").first.wait_for()


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent / "images")
