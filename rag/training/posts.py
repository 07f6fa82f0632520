"""Questions about who holds which post, made from texts that name people with their posts.

News is full of them ("Commerce Secretary Ann Lee", "Ann Lee, the head of the bank,"), the question
sets hardly ask for them. Each finding gives a question for the person, one for the post, and one
for other posts that the text does not answer ("Who is the Interior Secretary?"): one that another
text names, and a member of a government.
"""

from __future__ import annotations

import random
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from rag.training.questions import Question, Split, digest
from rag.types import Span

STRANGERS = 0.3  # questions for the post of somebody whom the text does not name, for each finding
EACH = 2  # findings of one text that questions are made from, at most

_POSTS = """
    president minister premier chancellor secretary chairman chairwoman chair chairperson director
    chief head leader governor senator mayor ambassador spokesman spokeswoman spokesperson
    commissioner ceo executive officer economist analyst strategist professor representative
    editor coach captain manager founder co-founder lawyer attorney judge general scientist
    negotiator envoy adviser advisor commander treasurer inspector superintendent prosecutor
    undersecretary lieutenant colonel principal bishop archbishop congressman congresswoman
"""
_LOWER = """
    acting former then deputy vice chief senior junior prime foreign finance interior defence
    defense justice health education trade environment transport agriculture energy culture
    labour labor commerce police fire army air executive general assistant associate managing
    national federal state lead first club team party company bank board central investment
    research marketing technical press military political economic legal city town county
    district regional opposition
"""
_NATIONS = """
    American:America|the_US U.S.:America|the_US US:America|the_US British:Britain|the_UK
    UK:Britain|the_UK EU:the_EU French:France German:Germany Chinese:China Russian:Russia
    Ukrainian:Ukraine Japanese:Japan Indian:India Israeli:Israel Australian:Australia
    Canadian:Canada Spanish:Spain Italian:Italy Turkish:Turkey Iranian:Iran Iraqi:Iraq
    Egyptian:Egypt Pakistani:Pakistan Greek:Greece Polish:Poland Scottish:Scotland Welsh:Wales
    Irish:Ireland Dutch:the_Netherlands Swedish:Sweden Norwegian:Norway Mexican:Mexico
    Brazilian:Brazil Venezuelan:Venezuela Indonesian:Indonesia Malaysian:Malaysia
    Afghan:Afghanistan Syrian:Syria Nigerian:Nigeria Kenyan:Kenya Ugandan:Uganda
    Soviet:the_Soviet_Union
"""
_BODIES = """
    court states council congress union committee federation league university party area
    laboratory association army navy house senate school college company group bank institute
    service department ministry agency club board commission office church force forces corps
    kingdom republic democrats award prize cup olympics games street park city county news times
    post magazine
"""
_OFFICES = """
    state defense defence treasury finance interior foreign commerce trade education health justice
    labor labour energy transport agriculture environment culture housing homeland_security
"""
_HEAD = "|".join(sorted(_POSTS.split(), key=len, reverse=True))
_HEADS = rf"(?:{_HEAD}|{_HEAD.title()}|CEO|CFO|COO)"
_CAPITAL = r"(?:(?:[A-Z]\.){2,}|[A-Z][\w&-]*)"
_NAME = r"[A-Z][\w'\u2019-]+(?: [A-Z]\.)?(?: (?:de|van|von|bin|al|da|der))*(?: [A-Z][\w-]+){1,2}"
_MODIFIER = rf"(?:{_CAPITAL}|{'|'.join(_LOWER.split())})"
_OF = rf" (?:of|for|at) (?:(?:the )?{_CAPITAL}(?: (?:of|and|for|the|{_CAPITAL}))*)"
_POST = rf"(?:{_MODIFIER}[ -]){{0,5}}{_HEADS}"
_FINDERS = (
    re.compile(rf"(?<![\w.-])(?P<post>{_POST}) (?P<name>{_NAME})(?![\w-])"),
    re.compile(rf"(?<![\w.-])(?P<post>{_POST}(?:{_OF})?), (?P<name>{_NAME})(?=[,.;])"),
    re.compile(
        rf"(?P<name>{_NAME}),? (?:(?:is|was|as|became) )?(?:the|a|an|its|their)"
        rf" (?P<post>{_POST}(?:{_OF})?)(?=[,.;]| who\b| and\b| said\b)"
    ),
    re.compile(rf"(?P<name>{_NAME}), (?P<post>{_POST}{_OF})(?=[,.;])"),
)
_NO_PERSON = frozenset(f"{_BODIES} {_POSTS} {_LOWER}".split())
_NATION_OF = {
    adjective: nations.replace("_", " ").split("|")
    for adjective, nations in (pair.split(":") for pair in _NATIONS.split())
}
_PERSON = ("Who is {post}?", "Who is {post}?", "What is the name of {post}?", "Who was {post}?")
_WHAT_POST = (
    "What post does {name} hold?",
    "What is {name}'s title?",
    "What is {name}'s job?",
    "What position does {name} hold?",
    "What is {name}'s position?",
    "What is {name}'s role?",
    "What office does {name} hold?",
    "What does {name} do?",
    "Who is {name}?",
    "What is {name}?",
)


@dataclass(frozen=True, slots=True)
class Held:
    """A person and a post, as character spans of a text."""

    person: Span
    post: Span


def find_posts(text: str) -> list[Held]:
    """People whom a text names with their posts."""
    found: dict[Span, Held] = {}
    for finder in _FINDERS:
        for match in finder.finditer(text):
            words = re.findall(r"\w+", match["name"].lower())
            if not set(words) & _NO_PERSON:
                found.setdefault(match.span("name"), Held(match.span("name"), match.span("post")))
    return list(found.values())


def post_questions(contexts: Mapping[str, Split]) -> Iterator[Question]:
    """Questions on the contexts, each with its context's split; the same for the same contexts."""
    held = {context: find_posts(context) for context in contexts}
    by_head: dict[str, set[str]] = defaultdict(set)
    names = set()
    for context, found in held.items():
        for one in found:
            post = context[slice(*one.post)]
            by_head[_head(post)].add(post)
            names.add(context[slice(*one.person)])
    for context, found in held.items():
        rng = random.Random(digest(context))  # noqa: S311
        for one in rng.sample(found, min(EACH, len(found))):
            yield from _questions(context, contexts[context], one, by_head, sorted(names), rng)


def _questions(
    context: str,
    split: Split,
    one: Held,
    by_head: dict[str, set[str]],
    names: Sequence[str],
    rng: random.Random,
) -> Iterator[Question]:
    name, post = context[slice(*one.person)], context[slice(*one.post)]

    def question(form: str, answer: tuple[Span, ...], **words: str) -> Question:
        return Question(form.format(**words), context, answer, split, "posts")

    called = name if rng.random() < 0.6 else name.split()[-1]
    if " " in post:
        yield question(rng.choice(_PERSON), (one.person,), post=_asked(post, rng))
    yield question(rng.choice(_WHAT_POST), (one.post,), name=called)
    others = [
        other
        for other in sorted(by_head[_head(post)])
        if " " in other and not _overlap(other, context)
    ]
    if others:
        yield question(rng.choice(_PERSON), (), post=_asked(rng.choice(others), rng))
    if office := _office(context, rng):
        yield question(rng.choice(_PERSON), (), post=office)
    other_name = rng.choice(names)
    if rng.random() < STRANGERS and other_name.split()[-1] not in context:
        yield question(rng.choice(_WHAT_POST), (), name=other_name)


def _office(context: str, rng: random.Random) -> str | None:
    """A post in a government whose office the text does not name; None where it names many."""
    said = set(re.findall(r"\w+", context.lower()))
    offices = [office.replace("_", " ").title() for office in _OFFICES.split()]
    fits = [office for office in offices if not said & set(office.lower().split())]
    if not fits:
        return None
    nation, office = rng.choice(("US", "US", "UK", "Chinese", "French", "")), rng.choice(fits)
    forms: tuple[str, ...] = ("{nation} Secretary of {office}", "{nation} {office} Secretary")
    if office != "State":
        forms += ("{nation} {office} Minister", "{nation} Minister of {office}")
    post = rng.choice(forms).format(nation=nation, office=office).strip()
    return f"the {post}" if rng.random() < 0.8 else post


def _overlap(post: str, context: str) -> bool:
    """Whether what sets a post apart from others of its kind stands in the text."""
    words = set(re.findall(r"\w{3,}", post.lower())) - {_head(post)}
    return not words or words <= set(re.findall(r"\w{3,}", context.lower()))


def _asked(post: str, rng: random.Random) -> str:
    """The post as a question may put it: "Chinese Trade Minister", "China's trade minister"."""
    words = post.removeprefix("former ").removeprefix("then ").removeprefix("The ")
    first, _, rest = words.partition(" ")
    if rest and (nations := _NATION_OF.get(first)):
        nation = rng.choice(nations)
        form = rng.choice(("the {words}", "{nation}'s {rest}", "the {rest} of {nation}"))
        return form.format(words=words, nation=nation, rest=rng.choice((rest, rest.lower())))
    return rng.choice(("the {words}", "the {words}", "{words}")).format(words=words)


def _head(post: str) -> str:
    """The word that says what kind of post it is."""
    found: list[str] = re.findall(_HEADS, post)
    return found[-1].lower()
