"""Questions about who holds which post, made from texts that name people with their posts.

News is full of them ("Commerce Secretary Ann Lee", "Ann Lee, the head of the bank,"), the question
sets hardly ask for them. Each finding gives a question for the person, one for the post, and one
that the text does not answer, for a post that another text names. Then posts in governments are
put in its place, and who holds them is asked, and who holds others ("the Interior Secretary?").
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
BESIDE = 30  # characters to either side of a post in which its office stands
EXCHANGED = 3  # texts made of a finding by putting another post in its place
ABROAD = 0.3  # share of the posts asked for that are another country's
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
_OFFICES = (
    *("State", "State", "Defense", "Defence", "Treasury", "Finance", "Interior", "Foreign"),
    *("Commerce", "Trade", "Education", "Health", "Justice", "Labor", "Labour", "Energy"),
    *("Transport", "Agriculture", "Environment", "Culture", "Housing", "Homeland Security"),
)
_COUNTRIES = ("", "US", "US", "U.S.", "UK", "British", "Chinese", "French", "German", "Indian")
_HEAD = "|".join(sorted(_POSTS.split(), key=len, reverse=True))
_HEADS = rf"(?:{_HEAD}|{_HEAD.title()}|CEO|CFO|COO)"
_CAPITAL = r"(?:(?:[A-Z]\.){2,}|[A-Z][\w&-]*)"
_NAME = r"[A-Z][\w'\u2019-]+(?: [A-Z]\.)?(?: (?:de|van|von|bin|al|da|der))*(?: [A-Z][\w-]+){1,2}"
_MODIFIER = rf"(?:{_CAPITAL}|{'|'.join(_LOWER.split())})"
_OF = rf" (?:of|for|at) (?:(?:the )?{_CAPITAL}(?: (?:of|and|for|the|{_CAPITAL}))*)"
_ANY_HEAD = re.compile(rf"\b{_HEADS}\b", re.I)
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
            for _ in range(EXCHANGED):
                yield from _cabinet(context, contexts[context], one, rng)


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
        if " " in other and not _named(other, context)
    ]
    if others:
        yield question(rng.choice(_PERSON), (), post=_asked(rng.choice(others), rng))
    other_name = rng.choice(names)
    if rng.random() < STRANGERS and other_name.split()[-1] not in context:
        yield question(rng.choice(_WHAT_POST), (), name=other_name)


def _cabinet(context: str, split: Split, one: Held, rng: random.Random) -> Iterator[Question]:
    """Questions on the text with the post exchanged for one in a government: for that one, and for
    another that the text does not name, of the same country or the same office in another."""
    nation, office = rng.choice(_COUNTRIES), rng.choice(_OFFICES)
    head = rng.choice(("Secretary", "Secretary", "Minister"))
    start, end = one.post
    post = f"{nation} {office} {head}".strip()
    text = context[:start] + post + context[end:]
    first, last = one.person
    shift = len(post) - (end - start) if first >= end else 0
    name = (first + shift, last + shift)
    yield Question(_asks(nation, office, head, rng), text, (name,), split, "posts")
    if nation and rng.random() < ABROAD:
        own = _NATION_OF[nation]
        abroad = [country for country in _COUNTRIES if country and _NATION_OF[country] != own]
        asked = _asks(rng.choice(abroad), office, head, rng)
    else:
        others = [o for o in _OFFICES if not _alike(o, office) and not _named(f"{o} {head}", text)]
        asked = _asks(nation, rng.choice(others), head, rng)
    yield Question(asked, text, (), split, "posts")


def _alike(one: str, other: str) -> bool:
    """Whether two offices are one: Defense and Defence, the Treasury and Finance."""
    return one[:4] == other[:4] or {one, other} == {"Treasury", "Finance"}


def _asks(nation: str, office: str, head: str, rng: random.Random) -> str:
    of = f"{head} of {'the ' if office in ('Treasury', 'Interior') else ''}{office}"
    post = rng.choice((f"{nation} {office} {head}", f"{nation} {office} {head}", f"{nation} {of}"))
    if nation in _NATION_OF:
        country = rng.choice(_NATION_OF[nation])
        forms = [f"the {post}", f"{country}'s {office} {head}", f"the {of} of {country}"]
    else:
        forms = [f"the {post.strip()}", post.strip()]
    return rng.choice(_PERSON).format(post=rng.choice(forms))


def _named(post: str, context: str) -> bool:
    """Whether what sets a post apart from others of its kind stands beside a post in the text."""
    own = set(_words(post)) - {_head(post)}
    places = [match.span() for match in _ANY_HEAD.finditer(context)]
    near = (context[max(0, start - BESIDE) : end + BESIDE] for start, end in places)
    return not own or any(own <= set(_words(text)) for text in near)


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


def _words(text: str) -> list[str]:
    return re.findall(r"\w{3,}", text.lower())
