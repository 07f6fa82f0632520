"""The chat in a real browser, as a person uses it."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, expect

from ..serving import served
from .conftest import Visit

Visiting = Callable[..., Visit]

QUESTION = "Who is the US Commerce Secretary?"
UNANSWERED = "Which enzyme unwinds the double helix during replication?"


def test_a_question_lights_up_its_evidence(visit: Visiting) -> None:
    one = visit()
    one.ask(QUESTION)
    expect(one.answer).to_contain_text("Howard Lutnick")
    expect(one.answer).to_contain_text(re.compile(r"\d+ %"))
    expect(one.answer).to_contain_text("independent source")
    expect(one.evidence.locator("mark").first).to_have_text("Howard Lutnick")
    expect(one.question).to_have_value("")


def test_a_marker_jumps_to_its_highlight(visit: Visiting) -> None:
    one = visit(viewport={"width": 800, "height": 300})
    one.ask(QUESTION)
    mark = one.evidence.locator("#evidence-2")
    expect(mark).not_to_be_in_viewport()
    one.answer.get_by_role("link", name="Evidence 2").click()
    expect(mark).to_be_in_viewport()
    expect(mark).to_be_focused()


def test_the_whole_document_opens_at_the_words(visit: Visiting) -> None:
    one = visit(viewport={"width": 900, "height": 500})
    one.ask(QUESTION)
    one.evidence.get_by_role("button", name=re.compile("^Open ")).first.click()
    paper = one.page.get_by_role("dialog", name="Document")
    expect(paper.locator("mark")).to_be_in_viewport()
    one.page.keyboard.press("Escape")
    expect(paper).to_be_hidden()
    one.evidence.get_by_role("button", name=re.compile("^Open ")).first.click()
    paper.get_by_role("button", name="Close").click()
    expect(paper).to_be_hidden()


def test_a_closest_passage_opens_in_its_place_unmarked(visit: Visiting) -> None:
    one = visit(viewport={"width": 900, "height": 400})
    one.ask("What did Petra Lindqvist say about rare earth minerals?")
    expect(one.answer).to_contain_text("do not answer")
    one.evidence.get_by_role("button", name=re.compile("^Open ")).first.click()
    paper = one.page.get_by_role("dialog", name="Document")
    expect(paper.locator(".here")).to_be_in_viewport()
    expect(paper.locator("mark")).to_have_count(0)


def test_silence_is_plain(visit: Visiting) -> None:
    one = visit()
    one.ask(UNANSWERED)
    expect(one.answer).to_contain_text("do not answer")
    expect(one.evidence).to_contain_text("They do not answer the question")
    expect(one.evidence.locator("mark")).to_have_count(0)


def test_an_error_is_a_message_with_its_hint(visit: Visiting) -> None:
    one = visit()
    one.page.get_by_role("button", name="Ask", exact=True).click()
    expect(one.answer.get_by_role("alert")).to_contain_text("The question is empty.")
    one.ask("why " * 600)
    expect(one.answer.get_by_role("alert")).to_contain_text("Ask a shorter question.")


def test_a_follow_up_is_understood_until_a_new_chat(visit: Visiting) -> None:
    one = visit()
    one.ask(QUESTION)
    one.ask("And who was with him?")
    expect(one.answer).to_contain_text("Understood as: Who was with Howard Lutnick?")
    expect(one.page.get_by_text("Earlier in this chat")).to_be_visible()
    one.page.get_by_role("button", name="New chat").click()
    expect(one.page.get_by_text("Earlier in this chat")).to_be_hidden()
    expect(one.answer).not_to_contain_text("Lutnick")
    one.ask("And who was with him?")
    expect(one.answer).not_to_contain_text("Understood")


def test_sources_that_differ_stand_side_by_side(visit: Visiting) -> None:
    one = visit()
    one.ask("When was the Harbour Bridge opened?")
    differ = one.evidence.get_by_role("group", name="The sources differ")
    expect(differ).to_contain_text("19 March 1932")
    expect(differ).to_contain_text("20 April 1933")


def test_a_question_is_kept_to_chosen_documents(visit: Visiting) -> None:
    one = visit()
    one.page.get_by_role("button", name="Ask only some of the documents").click()
    chosen = one.page.get_by_role("combobox", name="Only in")
    chosen.click()
    one.page.get_by_role("option", name="Harbour Gazette").click()
    one.page.keyboard.press("Escape")
    one.ask("When was the Harbour Bridge opened?")
    expect(one.answer).to_contain_text("20 April 1933")
    expect(one.evidence).not_to_contain_text("1932")


def test_an_added_pdf_answers_what_only_it_knows_until_it_is_removed(
    visit: Visiting, pdf: Path
) -> None:
    question = "Who built the great telescope of the Ravenholm observatory?"
    one = visit()
    one.tab("Documents")
    with one.page.expect_file_chooser() as chooser:
        one.page.get_by_role("button", name="Add documents", exact=True).click()
    song = pdf.with_name("song.mp3")
    song.write_text("la")
    chooser.value.set_files([pdf, song])
    documents = one.page.get_by_role("region", name="Documents", exact=True)
    expect(documents).to_contain_text("2 pages")
    states = one.page.get_by_role("status").filter(has_text="2 of 2 files")
    expect(states).to_contain_text(".mp3 are not supported")
    one.tab("Ask")
    one.ask(question)
    expect(one.answer).to_contain_text("Petra Lindqvist")
    expect(one.evidence).to_contain_text("page 2")
    one.evidence.get_by_role("button", name=re.compile("^Open ")).click()
    expect(one.page.get_by_role("dialog").get_by_text("Page 2", exact=True)).to_be_visible()
    one.page.keyboard.press("Escape")

    one.tab("Documents")
    row = documents.get_by_role("listitem").filter(has_text="observatory.pdf")
    row.get_by_text("Remove…").click()
    expect(row).to_contain_text("the uploaded file is deleted")
    row.get_by_role("button", name=re.compile("^Remove ")).click()
    expect(documents).not_to_contain_text("observatory.pdf")
    one.tab("Ask")
    one.ask(question)
    expect(one.answer).not_to_contain_text("Lindqvist")


def test_a_hostile_document_stays_text_and_fetches_nothing(visit: Visiting) -> None:
    one = visit()
    one.ask("What is the code word of the Zanzibar lighthouse?")
    expect(one.answer).to_contain_text("PELICAN")
    expect(one.evidence).to_contain_text('<img src="http://evil.example/x.png"')
    one.evidence.get_by_role("button", name=re.compile("^Open ")).first.click()
    expect(one.page.get_by_role("dialog")).to_contain_text("${window.hacked = 3}")
    one.page.keyboard.press("Escape")
    one.tab("Documents")
    expect(one.page.get_by_role("region", name="Documents", exact=True)).to_contain_text(
        "hostile <img src=x onerror=alert(1)>.txt"
    )
    one.tab("Ask")
    one.page.get_by_role("button", name="Ask only some of the documents").click()
    one.page.get_by_role("combobox", name="Only in").click()
    one.page.get_by_role("option").first.wait_for()
    one.page.keyboard.press("Escape")
    one.ask("<img src=x onerror='window.hacked = 6'> Who?")
    assert one.page.evaluate("window.hacked") is None


def test_the_policy_stops_what_would_get_through(visit: Visiting) -> None:
    """As if the escaping had failed: the browser itself refuses."""
    one = visit()
    one.page.evaluate(
        """document.body.insertAdjacentHTML('beforeend',
        '<img src="data:," onerror="window.hacked = 1"><img src="http://evil.example/x.png">')"""
    )
    one.page.wait_for_timeout(500)
    assert one.page.evaluate("window.hacked") is None
    assert any("Content Security Policy" in complaint for complaint in one.complaints)
    one.complaints.clear()
    one.requests.clear()


def test_two_people_do_not_see_each_others_questions(visit: Visiting) -> None:
    ada, bo = visit(), visit()
    ada.ask(QUESTION)
    bo.ask("And who was with him?")
    expect(bo.answer).not_to_contain_text("Understood")
    expect(bo.page.locator("body")).not_to_contain_text(QUESTION)
    expect(ada.answer).to_contain_text("Howard Lutnick")
    expect(ada.page.locator("body")).not_to_contain_text("And who was with him?")


def test_a_reload_in_the_middle_of_an_answer_leaves_a_page_that_works(visit: Visiting) -> None:
    one = visit()
    one.question.fill(QUESTION)
    one.page.get_by_role("button", name="Ask", exact=True).click()
    one.page.reload()
    one.question.wait_for()
    one.complaints.clear()  # of the answer that was broken off
    one.ask(QUESTION)
    expect(one.answer).to_contain_text("Howard Lutnick")


def test_an_answer_is_copied_and_the_conversation_saved(visit: Visiting) -> None:
    one = visit(permissions=["clipboard-read", "clipboard-write"])
    one.ask(QUESTION)
    one.answer.get_by_role("button", name="Copy as Markdown").click()
    expect(one.answer.get_by_role("status")).to_have_text("Copied")
    copied = one.page.evaluate("navigator.clipboard.readText()")
    assert "characters " in copied
    assert "Howard Lutnick" in copied
    with one.page.expect_download() as download:
        one.page.get_by_role("button", name="Export conversation").click()
    assert download.value.path().read_text() == copied


def test_a_rated_answer_becomes_a_gold_question(visit: Visiting) -> None:
    one = visit()
    gold = one.page.get_by_role("button", name="Make it a gold question")
    one.ask(QUESTION)
    expect(gold).to_be_hidden()
    one.page.get_by_role("textbox", name="Note on this answer").fill("quite so")
    one.page.get_by_role("button", name="Good answer", exact=True).click()
    expect(one.page.get_by_text("Kept on this machine")).to_be_visible()
    gold.click()
    expect(one.page.get_by_text("gold.jsonl")).to_be_visible()
    one.ask(UNANSWERED)
    one.page.get_by_role("button", name="Bad answer", exact=True).click()
    expect(one.page.get_by_text("Kept on this machine")).to_be_visible()
    expect(gold).to_be_hidden()


def test_a_password_is_asked_for(browser: Browser, seeded_home: Path) -> None:
    with served(seeded_home, RAG_PASSWORD="ada:secret") as page:
        tab = browser.new_page()
        tab.goto(page.url)
        tab.get_by_label("username").fill("ada")
        tab.get_by_label("password").fill("secret")
        expect(tab.get_by_role("textbox", name="Question")).to_be_hidden()
        tab.get_by_role("button", name="Login").click()
        expect(tab.get_by_role("textbox", name="Question")).to_be_visible()
        tab.close()


def test_an_example_asks_itself(visit: Visiting) -> None:
    one = visit()
    examples = one.page.get_by_role("group", name="Example questions")
    examples.get_by_role("button").first.click()
    expect(one.evidence.locator("mark").first).to_be_visible()


def test_the_keyboard_is_enough(visit: Visiting) -> None:
    one = visit()
    press = one.page.keyboard.press

    def tab_to(name: str, role: str = "button") -> None:
        target = one.page.get_by_role(role, name=name).first  # type: ignore[arg-type]
        for _ in range(60):
            press("Tab")
            if target.evaluate("element => element === document.activeElement"):
                return
        pytest.fail(f"The {role} {name} is not reached by Tab.")

    expect(one.question).to_be_focused()
    one.page.keyboard.type(QUESTION)
    press("Enter")
    expect(one.answer).to_contain_text("Howard Lutnick")
    tab_to("Evidence 1", "link")
    press("Enter")
    expect(one.evidence.locator("#evidence-1")).to_be_focused()
    tab_to("Open ")
    press("Enter")
    expect(one.page.get_by_role("dialog")).to_be_visible()
    press("Escape")
    expect(one.page.get_by_role("dialog")).to_be_hidden()


@pytest.mark.parametrize("width", [320, 390])
def test_nothing_is_wider_than_a_phone(width: int, visit: Visiting) -> None:
    one = visit(viewport={"width": width, "height": 700})
    one.ask("When was the Harbour Bridge opened?")
    overflow = "document.documentElement.scrollWidth - window.innerWidth"
    assert one.page.evaluate(overflow) <= 0
    one.evidence.get_by_role("button", name=re.compile("^Open ")).first.click()
    one.page.get_by_role("dialog").wait_for()
    assert one.page.evaluate(overflow) <= 0
    one.page.keyboard.press("Escape")
    one.tab("Documents")
    assert one.page.evaluate(overflow) <= 0


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_serious(scheme: str, visit: Visiting) -> None:
    one = visit(color_scheme=scheme)

    def check() -> None:
        found = Axe().run(one.page).response["violations"]
        serious = [
            (rule["id"], [node["html"][:200] for node in rule["nodes"]])
            for rule in found
            if rule["impact"] in ("serious", "critical")
        ]
        assert serious == []

    one.ask("When was the Harbour Bridge opened?")
    one.answer.locator("summary").first.click()
    check()
    one.ask(UNANSWERED)
    one.evidence.get_by_role("button", name=re.compile("^Open ")).first.click()
    one.page.get_by_role("dialog").wait_for()
    check()
    one.page.keyboard.press("Escape")
    one.tab("Documents")
    check()
