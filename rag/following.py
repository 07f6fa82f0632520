"""Follow-up questions, made to stand alone by what was asked and answered before them.

Rules over words, in English: a pronoun is filled with the person, thing, place or time that it most
likely stands for, a fragment ("And in Geneva?") takes the rest of the earlier question, and a bare
"Why?" takes its clause. A question that already stands alone is left as it is.
"""

from __future__ import annotations

import re

from rag.types import Answer

_CONNECTOR = re.compile(
    r"^\W*(?:(?:and|but|so|then|also|ok|okay|well)\b[\s,]+)+(?=\S)", re.IGNORECASE
)
_ADDS = re.compile(r"\W*(?:and|or|but)\b", re.IGNORECASE)
_ABOUT = re.compile(r"^(?:what|how)\s+about\s+", re.IGNORECASE)
_AUXILIARY = (
    "is|are|was|were|am|do|does|did|has|have|had|will|would|can|could|should|shall|may|might|must"
)
_WH = r"(?:who|whom|whose|what|when|where|why|which|how(?:\s+(?:much|many|long|often|far|old))?)"
_ASKS = re.compile(
    rf"^(?:{_WH}|{_AUXILIARY}|in\s+which|on\s+which|name|list|tell|summari[sz]e|sum\s+up|describe"
    r"|explain|outline)\b",
    re.IGNORECASE,
)
_BARE = re.compile(rf"^({_WH})(?:\s+(?:exactly|so|not|else))?\W*$", re.IGNORECASE)
_WITH_AUXILIARY = re.compile(
    rf"^(?:who|whom|(?:whose|what|which|how)(?:\s+\w+)?|when|where|why)\s+((?:{_AUXILIARY})\b.*)$",
    re.IGNORECASE,
)
_PREPOSITION = re.compile(
    r"^(in|on|at|by|for|from|to|with|of|about|after|before|during|under|between)\b", re.IGNORECASE
)

_NAME = r"[A-Z][\w.'\u2019-]*"
_NAMES = re.compile(rf"{_NAME}(?:\s+(?:(?:of|de|van|von|bin|al)\s+)?{_NAME})*")
_PERSON = re.compile(r"\b(he|him|his|she|her|hers|himself|herself)\b", re.IGNORECASE)
_GROUP = re.compile(r"\b(they|them|their|theirs)\b", re.IGNORECASE)
_THING = re.compile(
    r"\b(its|it)\b(?!\s+(?:true|possible|likely|clear|known|takes?|rain|matters?)\b)"
    r"|(?<=\s)(that|this)(?=\s*\?*\s*$)",
    re.IGNORECASE,
)
_PLACE = re.compile(r"(?<=\s)there(?=\s*\W*$)", re.IGNORECASE)
_OWNING = frozenset({"his", "their", "theirs", "its", "hers"})
_HER_OWN = re.compile(
    r"\s+(?!(?:the|an?|to|in|on|at|by|for|from|with|of|about|and|or|that|what)\b)\w", re.IGNORECASE
)

# What comes after a noun phrase that follows an auxiliary: "did the trade talks | take place".
_VERBS = (
    "take|happen|start|begin|end|meet|say|sign|agree|announce|go|come|make|cost|last|open|close|"
    "occur|arrive|leave|win|lose|find|call|held|met|said|made|taken|begun|sent|paid|sold|built|"
    "been|being|get|give|buy|sell|own|lead|run|work|live|die|plan|want|mean|expect|rise|fall|grow"
)
_SUBJECT = re.compile(
    rf"^(?:{_AUXILIARY})\s+((?:the|a|an|this|these|those|its|their)\s+(?:(?!(?:{_VERBS}|\w+ed|\w+ing"
    rf"|{_AUXILIARY}|in|on|at|by|for|from|to|with|of|about|not|so)\b)[\w'\u2019-]+\s*){{1,4}})",
    re.IGNORECASE,
)


def stand_alone(question: str, before: Answer) -> str:
    """A question as it would be asked without the conversation that it continues.

    Args:
        question: what a person typed.
        before: the answer, or abstention, that it follows; its `question` stands alone.

    Returns:
        The rewritten question, or `question` itself where nothing points back.
    """
    text = _CONNECTOR.sub("", question.strip())
    fragment = _ABOUT.sub("", text)
    earlier = before.question.strip().rstrip("?!. ")
    if bare := _BARE.match(text):
        return _bare(bare[1], earlier)
    if fragment != text or (_ADDS.match(question) and not _ASKS.match(text)):
        return _fragment(fragment.rstrip("?!. "), earlier)
    if not text or not _ASKS.match(text):
        return question
    filled = _fill(text, before, earlier)
    return question if filled == text else _capital(filled)


def _bare(word: str, earlier: str) -> str:
    """ "Why?" after "When did the talks end" is "Why did the talks end?"."""
    if clause := _WITH_AUXILIARY.match(earlier):
        return _capital(f"{word} {clause[1]}?")
    return f"{earlier}, and {word.lower()}?"


def _fragment(fragment: str, earlier: str) -> str:
    """The earlier question with the part of the fragment's kind replaced by it, or added."""
    if preposition := _PREPOSITION.match(fragment):
        place = list(re.finditer(rf"\b{preposition[1]}\b", earlier, re.IGNORECASE))
        head = earlier[: place[-1].start()].rstrip() if place else earlier
        return f"{head} {fragment}?"
    if fragment[:1].isupper():
        names = [name for name in _NAMES.finditer(earlier) if name.start() > 0]
    else:
        names = list(re.finditer(r"\b(?:the|a|an)\s.+$", earlier, re.IGNORECASE))
    if names:
        last = names[-1]
        return f"{earlier[: last.start()]}{fragment}{earlier[last.end() :]}?"
    return f"{earlier}, and {fragment}?"


def _fill(text: str, before: Answer, earlier: str) -> str:
    """A question with its pronouns filled, as far as what they stand for is known."""
    own = any(name.start() > 0 for name in _NAMES.finditer(text))
    short = before.short or ""
    asked_when = re.match(r"(?:when|what\s+(?:day|date|year|time))\b", earlier, re.IGNORECASE)
    asked_where = re.match(r"where\b", earlier, re.IGNORECASE)
    if not own:
        person = _name(short) if not (asked_when or asked_where) else None
        text = _replace(_PERSON, text, person or _last_name(earlier))
        text = _replace(_GROUP, text, _subject(earlier) or person or _last_name(earlier))
    thing = _subject(earlier) or _last_name(earlier)
    if short and re.match(r"(?:what|which)\b", earlier, re.IGNORECASE) and len(short.split()) <= 6:
        thing = short
    text = _replace(_THING, text, thing)
    if asked_where and short:
        where = short if _PREPOSITION.match(short) else f"in {short}"
        text = _PLACE.sub(lambda _: where, text)
    return text


def _replace(pronoun: re.Pattern[str], text: str, meant: str | None) -> str:
    if not meant:
        return text

    def filled(match: re.Match[str]) -> str:
        word = match[0].lower()
        # "her deputy", but "with her" and "told her the news".
        owns = word in _OWNING or (word == "her" and bool(_HER_OWN.match(text, match.end())))
        return f"{meant}'s" if owns else meant

    return pronoun.sub(filled, text)


def _name(short: str) -> str | None:
    """A short answer's longest name; None where it has none."""
    names = [match[0] for match in _NAMES.finditer(short)]
    return max(names, key=len) if names else None


def _last_name(question: str) -> str | None:
    """The last name in a question, its first word left aside."""
    names = [match[0] for match in _NAMES.finditer(question) if match.start() > 0]
    return names[-1] if names else None


def _subject(question: str) -> str | None:
    """What a question with an auxiliary is about: "the talks" in "When did the talks end"."""
    clause = _WITH_AUXILIARY.match(question)
    found = _SUBJECT.match(clause[1]) if clause else None
    return found[1].strip() if found else None


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
