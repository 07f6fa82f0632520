"""Answers end to end over stories: five news articles on one event, and near misses about it.

    rag eval stories FOLDER [--split test|tune] [--json]

FOLDER has RealTimeQA 2022's `corpus.jsonl.gz`, whose articles the stories are made of; the
questions were written for this project (rag/training/stories.jsonl). `right` is the share of the
answerable questions that the best candidate gets right when always answering: F1 of 0.5 or more
with an accepted answer, or one contained in a short answer of 12 words or fewer; where an answer
is made of sentences, or one citation of a sentence that answers. AUC is of the
confidence, answerable against not. Then what the set threshold makes of it. The 'tune' stories
fitted the calibration, 'test' fitted nothing.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from tqdm import tqdm

from evals.command import exit_code, parser_of, working_folder
from evals.metrics.answers import is_right
from evals.news import Outcome, print_outcomes
from evals.realtimeqa import CORPUS, load_articles
from rag import Answer, Rag, SourceError
from rag.kinds import understand
from rag.training.stories import Story, StoryQuestion, open_story, read_stories


def ask(story: Story, articles: Mapping[str, str], work: Path) -> list[Outcome]:
    """Every question's best candidate, over the story's articles alone."""
    texts = {name: articles[name] for name in story.documents}
    with open_story(texts, work) as (rag, sources):
        return [_outcome(one, rag.ask(one.text), sources) for one in story.questions]


def _outcome(question: StoryQuestion, answer: Answer, sources: Mapping[str, str]) -> Outcome:
    short = answer.short or ""
    right = question.kind != "yes_no" and is_right(short, question.accepted)
    if understand(question.text).in_sentences:
        right = right or any(
            citation.source == sources[name] and citation.start < end and start < citation.end
            for citation in answer.citations
            for name, (start, end) in question.evidence
        )
    right = right and question.absent is None
    return Outcome(question.text, question.accepted, right, short, answer.confidence)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; returns the exit code."""
    parser = parser_of("rag eval stories", __doc__)
    parser.add_argument("folder", type=Path, help=f"has {CORPUS}")
    parser.add_argument("--split", choices=["test", "tune"], default="test")
    parser.add_argument("--json", action="store_true", help="print one JSON object, outcomes too")
    given = parser.parse_args(arguments)

    def run() -> None:
        articles = {article.doc_id: article.content for article in load_articles(given.folder)}
        stories = [story for story in read_stories() if story.split == given.split]
        named = {name for story in stories for name in story.documents}
        if missing := sorted(named - set(articles)):
            raise SourceError(f"{given.folder / CORPUS} lacks the article {missing[0]}.")
        outcomes = []
        with working_folder(None) as work:
            with Rag.open(home=work / "home") as rag:
                threshold = rag.settings.threshold
            for number, story in enumerate(tqdm(stories, disable=None, leave=False)):
                outcomes += ask(story, articles, work / f"story-{number}")
        print_outcomes(f"{len(stories)} stories", outcomes, threshold, as_json=given.json)

    return exit_code(run)


if __name__ == "__main__":
    sys.exit(main())
