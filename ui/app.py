"""The page: layout and wiring only. What it shows comes from `ui.present`, what it does from
`ui.handlers`."""

from __future__ import annotations

from pathlib import Path
from threading import Event
from typing import Any

import gradio as gr

from rag import Rag
from ui import present, programs
from ui.handlers import Page

HERE = Path(__file__).parent
CSS = HERE / "page.css"
JS = HERE / "page.js"

REGION = (
    '<section class="region" role="region" aria-label="{0}" aria-live="{1}"><h2>{0}</h2>'
    "${{value}}</section>"
)
PICK = """
element.addEventListener('click', (event) => {
  const button = event.target.closest('[data-pick]');
  if (button) trigger('pick', {...button.dataset});
});
"""
# The dialog is made anew with every value; an empty one closes it.
SHOW = """
watch('value', () => {
  const dialog = element.querySelector('dialog');
  if (!props.value || dialog.open) return;
  dialog.addEventListener('close', () => { props.value = ''; });
  dialog.showModal();
  dialog.querySelector('mark, .here')?.scrollIntoView({block: 'center'});
});
"""
DIALOG = '<dialog class="paper" aria-label="Document">${value}</dialog>'
PLAIN: dict[str, Any] = {"apply_default_css": False, "js_on_load": None}
# Not queued: where a queued event ends just as another joins, the stream that both share is closed
# (Gradio 6.31), and the other is never answered.
QUIET: dict[str, Any] = {"api_visibility": "private", "show_progress": "hidden", "queue": False}
STREAMED = QUIET | {"queue": True}


def build(rag: Rag, ending: Event, *, first_run: bool = False) -> gr.Blocks:
    """The page with all its wiring, and the two functions for programs.

    `ending` is set when the process is about to end; `first_run` says that the seed articles were
    indexed just now.
    """
    page = Page(rag, ending)
    blocks: gr.Blocks
    with gr.Blocks(title="seed-rag", analytics_enabled=False, delete_cache=(3600, 3600)) as blocks:
        programs.offer(rag, ending)  # before the handlers, which would take the names
        turns = gr.State([])
        gr.HTML(
            '<header class="masthead"><h1>seed-rag</h1>'
            "<p>Answers from your documents, in their own words.</p></header>",
            **PLAIN,
        )
        if network := rag.status().network:
            gr.HTML(present.leaves(network), **PLAIN)
        with gr.Tabs():
            with gr.Tab("Ask"):
                if first_run:
                    gr.HTML(present.first_run(), **PLAIN)
                with gr.Row(elem_id="composer"):
                    question = gr.Textbox(
                        label="Question",
                        placeholder="Ask your documents",
                        autofocus=True,
                        max_lines=4,
                        elem_id="question",
                        scale=1,
                    )
                    ask = gr.Button("Ask", variant="primary", elem_id="ask", scale=0)
                    stop = gr.Button("Stop", elem_id="stop", scale=0) if rag.writes else None
                with gr.Row(elem_id="choices"):
                    with gr.Accordion("Ask only some of the documents", open=False):
                        chosen = gr.Dropdown(label="Only in", multiselect=True, choices=[])
                    new = gr.Button("New chat", size="sm", elem_id="new-chat", scale=0)
                begin = gr.HTML(apply_default_css=False, js_on_load=PICK)
                with gr.Row(elem_id="sides"):
                    with gr.Column():
                        answer = gr.HTML(
                            present.empty_answer(),
                            html_template=REGION.format("Answer", "polite"),
                            **PLAIN,
                        )
                        with gr.Row(visible=False, elem_id="feedback") as feedback:
                            good = gr.Button("Good answer", size="sm", elem_id="good", scale=0)
                            bad = gr.Button("Bad answer", size="sm", elem_id="bad", scale=0)
                            note = gr.Textbox(
                                label="Note on this answer",
                                placeholder="A note to keep with it",
                                max_lines=3,
                                elem_id="note",
                                scale=1,
                            )
                            gold = gr.Button(
                                "Make it a gold question", size="sm", visible=False, scale=0
                            )
                        thanks = gr.HTML(
                            html_template='<div class="hint" role="status">${value}</div>', **PLAIN
                        )
                        earlier = gr.HTML(
                            html_template='<div class="earlier">${value}</div>', **PLAIN
                        )
                    with gr.Column():
                        evidence = gr.HTML(
                            present.empty_evidence(),
                            html_template=REGION.format("Evidence", "off"),
                            apply_default_css=False,
                            js_on_load=PICK,
                        )
            with gr.Tab("Documents"):
                with gr.Row():
                    files = gr.UploadButton(
                        "Add documents", file_count="multiple", variant="primary", scale=0
                    )
                    folder = gr.UploadButton("Add a folder", file_count="directory", scale=0)
                progress = gr.HTML(
                    html_template='<div class="region" role="status">${value}</div>', **PLAIN
                )
                listing = gr.HTML(
                    html_template=REGION.format("Documents", "off"),
                    apply_default_css=False,
                    js_on_load=PICK,
                )
        paper = gr.HTML(html_template=DIALOG, apply_default_css=False, js_on_load=SHOW)

        shown = [question, answer, evidence, earlier, turns, feedback]
        lists = [listing, chosen]
        blocks.load(page.documents, None, lists, **QUIET).then(page.examples, None, begin, **QUIET)

        begun: dict[str, Any] = {
            "fn": page.begin,
            "inputs": question,
            "outputs": [answer, evidence, feedback],
        }
        asked: dict[str, Any] = {
            "fn": page.ask,
            "inputs": [question, chosen, turns],
            "outputs": shown,
        }
        unrated: dict[str, Any] = {"fn": page.unrated, "outputs": [note, gold, thanks]}
        picked = begin.pick(_picked_question, None, question, **QUIET)
        # The one handler that may need the queue besides uploads: it comes in pieces, and can end.
        asked |= STREAMED | {"fn": page.write} if rag.writes else QUIET
        questions = [
            start(**begun, **QUIET).then(**asked)
            for start in (question.submit, ask.click, picked.then)
        ]
        for done in questions:
            done.then(**unrated, **QUIET)
        if stop:
            stop.click(page.stopped, None, answer, cancels=questions, **QUIET)
        new.click(page.new_chat, None, shown, **QUIET).then(**unrated, **QUIET)

        evidence.pick(page.open_document, None, paper, **QUIET)
        listing.pick(page.open_document, None, paper, **QUIET)
        for button in (files, folder):
            button.upload(page.add, button, progress, **STREAMED).then(
                page.documents, None, lists, **QUIET
            ).then(page.examples, None, begin, **QUIET)
        listing.pick(page.remove, None, progress, **QUIET).then(
            page.documents, None, lists, **QUIET
        ).then(page.examples, None, begin, **QUIET)

        rated = [thanks, gold]
        good.click(page.good, [turns, note], rated, **QUIET)
        bad.click(page.bad, [turns, note], rated, **QUIET)
        gold.click(page.gold, [turns, note], thanks, **QUIET)

    blocks.queue(default_concurrency_limit=16)
    return blocks


def _picked_question(event: gr.EventData) -> str:
    return str(event.question)
