"""Questions that a sentence answers, turned from it by rules for English."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass

_TITLES = """
    Secretary Minister President Premier Chancellor Senator Governor Mayor King Queen Prince Pope
    Chairman Chairwoman Chair Director Professor Doctor Judge General Captain Ambassador Dr Mr Mrs
    Ms Sir Representative Spokesman Spokeswoman
"""
_BODIES = """
    Agency Association Authority Bank Board Bureau Church City College Commission Committee Company
    Congress Corporation Council County Court Department Exchange Foundation Government Group House
    Inc Institute Journal Ltd Ministry Museum News Office Organization Party Post Press School
    Senate Service Society Street The Times Treasury Union University
"""
_NO_PERSON = frozenset(f"{_TITLES} {_BODIES}".split())
_PASTS = """
    began:begin broke:break brought:bring built:build came:come fell:fall found:find gave:give
    grew:grow held:hold led:lead left:leave lost:lose made:make met:meet ran:run rose:rise sent:send
    sold:sell spent:spend stood:stand took:take went:go won:win wrote:write
"""
_PAST = dict(pair.split(":") for pair in _PASTS.split())
_ACTIVE = {"written": "wrote", "taken": "took", "given": "gave", "torn": "tore", "born": ""}

_MONTHS = "January February March April May June July August September October November December"
_MONTH = f"(?:{_MONTHS.replace(' ', '|')})"
_DAY = "(?:Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)day"
_DATE = (
    rf"(?:\d{{1,2}} {_MONTH}(?: \d{{4}})?|{_MONTH} \d{{1,2}}(?:, \d{{4}})?|{_MONTH} \d{{4}}"
    rf"|{_DAY}|(?:1\d|20)\d\d)\b"
)
_COUNT = r"(?:\d[\d,.]*|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|\w+teen|\w+ty)"
_CAPITAL = r"(?!The )[A-Z][a-z]+(?:['\u2019-][A-Za-z]+)?"
_NAME = rf"{_CAPITAL}(?: {_CAPITAL}){{0,3}}"
_TITLE = rf"(?:{'|'.join(_TITLES.split())})"
_TITLED = rf"(?:{_CAPITAL} ){{0,2}}{_TITLE}"
_WORD = r"[\w'\u2019-]+"
_REST = rf"(?P<rest>(?: {_WORD}){{0,5}}?)"

# What a sentence is about: a name, or a thing that there seems to be one of.
_ABOUT = rf"(?:[Tt]he (?:{_WORD} ){{0,3}}?{_WORD}(?: of (?:the )?{_WORD})?|{_NAME})"
_NOT_ABOUT = re.compile(
    rf"^(?:It|He|She|They|This|That|These|Those|There|We|I|You|Its|His|Her|Their|Our|My|In|On|At|To"
    rf"|After|Before|When|While|As|If|But|And|Also|However|For|With|By|From|Since|Although|Though|So"
    rf"|According|Some|Many|Such|Other|Another|Both|Each|Most|One|Here|What|Who|Which|Where|Why|How"
    rf"|Then|Thus|Because|During|Under|Over|No|Not|Now|All|Only|Two|Three|{_MONTH}|{_DAY})\b"
    r"|^[Tt]he (?:former|latter|other|same|next|following|two|three|first|last|later|earlier|older"
    r"|larger|smaller|agency)\b"
    r"|\b(?:that|which|who|he|she|it|they|we|this|these|said|not|and|or|also|than|then|so|very"
    r"|was|were|is|are|has|have|had|will|would|to|by|in|on|at|from|with|for|as)\b"
)
_VAGUE = re.compile(r"\b(?:he|she|it|they|him|them|this|these|that|those|there|such|said|we|our)\b")
_LONGEST = 80  # characters of a question

# How a sentence goes on
_BE = "(?P<be>was|were|is|are|(?:has|have|had|will|can|could|must) be(?:en)?)"
_DONE = r"(?P<done>\w+ed|built|born|held|made|written|won|lost|sent|sold|taken|given|led|set|torn)"
_DID = rf"(?P<did>\w+ed|{'|'.join(_PAST)})"
_PLACED = "(?P<done>held|born|built|made|located|situated|based|founded|buried|found|signed)"
_LED = "(?P<done>led|headed|chaired|founded|designed)"
_HOLDS = "has|had|holds|contains|employs|carries|includes|comprises|seats|owns|runs|needs"
_SAYS = "(?:said|told|says|added|stated|explained|argued|wrote)"
_UNITS = r"(?:metres|meters|feet|kilomet\w+|miles|years)"
_EVENT = (
    r"(?P<about>talks|negotiations|meetings?|summit|conference|ceremony|trial|elections?|festival"
    r"|exhibition|match|phone call|flood|fire|earthquake)\b"
)
_SOMEBODY = rf"(?P<answer>(?:{_CAPITAL} ){{1,2}}{_CAPITAL})"
_SPEAKER = rf"(?P<about>(?P<answer>{_CAPITAL} {_CAPITAL}))"
_BY = rf"by (?:{_TITLED} )?{_SOMEBODY}\b"
_ON = rf"{_REST} (?:in|on) (?P<answer>{_DATE})"
_IN = rf"(?P<answer>(?:the )?(?!{_MONTH}|{_DAY}){_CAPITAL}(?: {_CAPITAL})*)"
_BECAUSE = rf"{_REST} because (?P<answer>[^,;]+)"
_FIRST = r"^(?:(?:In|On|At|After|Before|During|Since|By|However|Meanwhile|Later)\b[^,]{0,50}, )?"
_START = rf"{_FIRST}(?P<about>{_ABOUT})"


@dataclass(frozen=True, slots=True)
class Wondering:
    """A question, what kind it is of, what it is about, and the words that answer it."""

    kind: str
    question: str
    about: str
    answer: str


def questions(sentence: str, words: Collection[str]) -> Iterator[Wondering]:
    """The questions that one sentence answers.

    Args:
        sentence: on one line.
        words: those that the documents have in lower case.
    """
    for kind, pattern, turn in _RULES:
        for found in pattern.finditer(sentence):
            about = found["about"]
            question = "" if _NOT_ABOUT.search(about) else turn(found, words)
            if question and not _VAGUE.search(question) and len(question) <= _LONGEST:
                yield Wondering(kind, question, about, found["answer"])


Turn = Callable[[re.Match[str], Collection[str]], str]
"""Makes the question of what a pattern has found; "" where there is none."""


def _passive(word: str) -> Turn:
    """ "The bridge was opened in May" -> "When was the bridge opened?" """

    def turn(found: re.Match[str], words: Collection[str]) -> str:
        first, _, more = found["be"].partition(" ")
        return _asked(word, first, _inside(found, words), more, found["done"], found["rest"])

    return turn


def _active(word: str) -> Turn:
    """ "The museum opened its doors in May" -> "When did the museum open its doors?" """

    def turn(found: re.Match[str], words: Collection[str]) -> str:
        verb = _base(found["did"], words)
        return _asked(word, "did", _inside(found, words), verb, found["rest"]) if verb else ""

    return turn


def _held(word: str) -> Turn:
    """ "the talks in London" -> "Where were the talks?" """

    def turn(found: re.Match[str], _: Collection[str]) -> str:
        were = "were" if found["about"].endswith("s") else "was"
        return _asked(word, were, "the", found["about"])

    return turn


def _by(found: re.Match[str], words: Collection[str]) -> str:
    """ "The bridge was designed by Ada Berg" -> "Who designed the bridge?" """
    done = _ACTIVE.get(found["done"], found["done"])
    if not done or found["be"] not in ("was", "were"):
        return ""
    return _who(found, done, _inside(found, words))


def _who_is(found: re.Match[str], words: Collection[str]) -> str:
    """ "The director of the museum is Ada Berg" -> "Who is the director of the museum?" """
    return _who(found, found["is"], _inside(found, words))


def _who_did(found: re.Match[str], words: Collection[str]) -> str:
    """ "Ada Berg designed the bridge", "the team, led by Ada Berg" -> "Who led the team?" """
    return _who(found, found["done"], _inside(found, words))


def _office(found: re.Match[str], _: Collection[str]) -> str:
    """ "Harbour Minister Ada Berg" -> "Who is the Harbour Minister?" """
    return _who(found, "is the", found["about"])


def _said(found: re.Match[str], _: Collection[str]) -> str:
    """ "..., said Ada Berg" -> "What did Ada Berg say?" """
    return _asked("What did", found["about"], "say") if _is_person(found["about"]) else ""


def _have(found: re.Match[str], words: Collection[str]) -> str:
    """ "The council has nineteen members" -> "How many members does the council have?" """
    verb = found["verb"]
    do = "did" if verb == "had" else "does"
    base = "have" if verb in ("has", "had") else re.sub("ies$", "ys", verb)[:-1]
    return _asked("How many", found["things"], do, _inside(found, words), base)


def _measure(found: re.Match[str], words: Collection[str]) -> str:
    """ "The tower is 31 metres tall" -> "How tall is the tower?" """
    return _asked("How", found["how"], found["is"], _inside(found, words))


def _lasted(found: re.Match[str], _: Collection[str]) -> str:
    """ "two days of talks" -> "How many days did the talks last?" """
    return _asked("How many", found["things"], "did the", found["about"], "last")


def _asked(*parts: str) -> str:
    return " ".join(part.strip() for part in parts if part) + "?"


def _who(found: re.Match[str], *parts: str) -> str:
    return _asked("Who", *parts) if _is_person(found["answer"]) else ""


def _inside(found: re.Match[str], words: Collection[str]) -> str:
    """What a sentence is about, as it stands inside of one."""
    first, space, more = found["about"].partition(" ")
    return (first.lower() if first.lower() in words else first) + space + more


def _is_person(name: str) -> bool:
    return not _NO_PERSON.intersection(name.split())


def _base(past: str, words: Collection[str]) -> str:
    """The verb of a past form: by a list, or the one among its spellings that the documents use."""
    if past in _PAST:
        return _PAST[past]
    stem = past.removesuffix("ed")
    spellings = {stem, f"{stem}e", re.sub("i$", "y", stem), re.sub(r"([^aeiou])\1$", r"\1", stem)}
    used = [spelling for spelling in spellings if spelling in words and len(spelling) > 2]
    return used[0] if len(used) == 1 else ""


_RULES = [
    (kind, re.compile(pattern), turn)
    for kind, pattern, turn in (
        ("office", rf"\b(?P<about>(?:{_CAPITAL} ){{1,2}}{_TITLE}) {_SOMEBODY}\b", _office),
        ("who", rf"{_START} {_BE} {_DONE} {_BY}", _by),
        ("who", rf"{_START} (?P<is>is|was) {_SOMEBODY}(?=[.,;])", _who_is),
        (
            "who",
            rf"(?:^|[a-z]{{4,}} )(?P<about>[Tt]he(?: {_WORD}){{1,3}}),? {_LED} {_BY}",
            _who_did,
        ),
        (
            "who",
            rf"{_FIRST}(?:{_TITLED} )?{_SOMEBODY} (?P<done>\w+ed)"
            rf" (?P<about>the(?: {_WORD}){{1,3}}?)(?=[.,]| (?:in|on|after|at) )",
            _who_did,
        ),
        ("when", rf"{_START} {_BE} {_DONE}{_ON}", _passive("When")),
        ("when", rf"{_START} {_DID}{_ON}", _active("When")),
        ("when", rf"\b{_EVENT} (?:held )?on (?P<answer>{_DATE})", _held("When")),
        ("where", rf"{_START} {_BE} {_PLACED}(?P<rest>) (?:in|at) {_IN}", _passive("Where")),
        ("where", rf"\b{_EVENT} (?:held |that took place )?in {_IN}", _held("Where")),
        ("why", rf"{_START} {_BE} {_DONE}{_BECAUSE}", _passive("Why")),
        ("why", rf"{_START} {_DID}{_BECAUSE}", _active("Why")),
        (
            "many",
            rf"{_START} (?P<verb>{_HOLDS}) (?P<answer>{_COUNT})"
            r" (?P<things>(?!million|billion|per\b)[a-z]+s)\b",
            _have,
        ),
        (
            "many",
            rf"{_START} (?P<is>is|was) (?P<answer>{_COUNT} {_UNITS})"
            r" (?P<how>long|tall|high|wide|deep|old)\b",
            _measure,
        ),
        (
            "many",
            rf"\b(?P<answer>{_COUNT}) (?P<things>hours|days|weeks|months) of (?:{_WORD} )?{_EVENT}",
            _lasted,
        ),
        ("say", rf"(?:^|[,”\"] |\b{_TITLED} ){_SPEAKER}(?:,[^,]{{0,80}},)? {_SAYS}\b", _said),
        ("say", rf"[,”\"] {_SAYS} (?:{_TITLED} )?{_SPEAKER}(?=[.,])", _said),
    )
]
