"""A small world to evaluate over: three documents and gold questions about them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

TEXTS = {
    "ferry.txt": [
        ("The ferry to Aldmoor leaves Harwick at nine in the morning.", "nine in the morning"),
        ("The crossing takes four hours.", "four hours"),
        ("The ferry is called the Grey Heron.", "Grey Heron"),
        ("Its captain is Ingrid Solberg.", "Ingrid Solberg"),
        ("A return ticket costs 38 pounds.", "38 pounds"),
        ("The ship was built in Gdansk.", "Gdansk"),
        ("It was launched in 1987.", "1987"),
        ("It carries 420 passengers.", "420"),
    ],
    "museum.txt": [
        ("The Aldmoor Clock Museum was founded by Tobias Wren.", "Tobias Wren"),
        ("It opened its doors in May 1934.", "May 1934"),
        ("The museum stands on Lantern Street.", "Lantern Street"),
        ("Its oldest clock was made in Nuremberg.", "Nuremberg"),
        ("The collection holds 612 clocks.", "612"),
        ("The director of the museum is Paula Okafor.", "Paula Okafor"),
        ("Visitors pay six pounds at the door.", "six pounds"),
        ("The museum is closed on Mondays.", "Mondays"),
        ("Its tower is 31 metres tall.", "31 metres"),
        ("The gift shop is run by Milo Hartnell.", "Milo Hartnell"),
        ("The guided tour starts at eleven.", "eleven"),
        ("The museum cat is called Pendulum.", "Pendulum"),
    ],
    "council.txt": [
        ("The mayor of Harwick is Desmond Pyle.", "Desmond Pyle"),
        ("The town council has nineteen members.", "nineteen"),
        ("It meets in the Corn Exchange.", "Corn Exchange"),
        ("The new bridge was designed by Amara Lindqvist.", "Amara Lindqvist"),
        ("The bridge cost 14 million pounds.", "14 million pounds"),
        ("It was opened in October 2021.", "October 2021"),
        ("The old bridge was torn down because its piers had cracked.", "its piers had cracked"),
        ("The town's population is 23,400.", "23,400"),
    ],
}
QUESTIONS = {
    "ferry.txt": [
        "When does the ferry to Aldmoor leave Harwick?",
        "How long does the crossing take?",
        "What is the ferry called?",
        "Who is the captain of the ferry?",
        "How much does a return ticket cost?",
        "Where was the ship built?",
        "When was the ship launched?",
        "How many passengers does the ferry carry?",
    ],
    "museum.txt": [
        "Who founded the Aldmoor Clock Museum?",
        "When did the museum open its doors?",
        "On which street does the museum stand?",
        "Where was the oldest clock made?",
        "How many clocks does the collection hold?",
        "Who is the director of the museum?",
        "How much do visitors pay at the door?",
        "On which days is the museum closed?",
        "How tall is the museum's tower?",
        "Who runs the gift shop?",
        "When does the guided tour start?",
        "What is the museum cat called?",
    ],
    "council.txt": [
        "Who is the mayor of Harwick?",
        "How many members does the town council have?",
        "Where does the council meet?",
        "Who designed the new bridge?",
        "How much did the bridge cost?",
        "When was the bridge opened?",
        "Why was the old bridge torn down?",
        "What is the population of the town?",
    ],
}
UNANSWERABLE = [
    "Who is the mayor of Aldmoor?",
    "What does a single ticket cost?",
    "Who was the first captain of the Grey Heron?",
    "How many cars does the ferry carry?",
    "When was the Corn Exchange built?",
    "Who designed the old bridge?",
    "How many visitors did the museum have last year?",
    "What is the population of Aldmoor?",
    "Who stole the oldest clock?",
    "What colour is the Grey Heron's funnel?",
    "How old is Desmond Pyle?",
    "What is the museum's telephone number?",
    "Who painted the Corn Exchange?",
    "How much does the museum cat weigh?",
    "Which school did Amara Lindqvist go to?",
    "How fast does the ferry sail?",
]


def text_of(source: str) -> str:
    """The document of that name."""
    return " ".join(sentence for sentence, _ in TEXTS[source]) + "\n"


def write_documents(folder: Path) -> Path:
    """The three documents in a folder of their own."""
    documents = folder / "documents"
    documents.mkdir()
    for source in TEXTS:
        (documents / source).write_text(text_of(source))
    return documents


def rows() -> list[dict[str, Any]]:
    """The gold questions as they stand in a file."""
    found = []
    for source, sentences in TEXTS.items():
        for number, (sentence, words) in enumerate(sentences):
            question = QUESTIONS[source][number]
            start = text_of(source).index(sentence)
            why = question.startswith("Why")
            found.append(
                {
                    "id": f"{source}-{number}",
                    "fact": f"{source}-{number}",
                    "question": question,
                    "kind": "why" if why else "which",
                    "answers": [] if why else [words],
                    "facts": [[words]] if why else [],
                    "evidence": [
                        {
                            "source": source,
                            "start": start,
                            "end": start + len(sentence),
                            "quote": sentence,
                        }
                    ],
                    "absent": None,
                    "note": "",
                }
            )
    for number, question in enumerate(UNANSWERABLE):
        name = f"none-{number}"
        found.append(
            {"id": name, "fact": name, "question": question, "kind": "which", "absent": "attribute"}
        )
    return found


def write_gold(folder: Path) -> Path:
    """The gold questions as a file."""
    file = folder / "small.jsonl"
    file.write_text("".join(json.dumps(row) + "\n" for row in rows()))
    return file
