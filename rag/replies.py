"""A language model's reply as sentences with the keys of the lines that they rest on."""

from __future__ import annotations

import re
from dataclasses import dataclass

from rag.sentences import split_sentences

_THINKING = re.compile(r"<think(?:ing)?>.*?(?:</think(?:ing)?>|\Z)", re.DOTALL | re.IGNORECASE)
_UNCLOSED = re.compile(r"[\[\u3010(]\^?[A-Za-z0-9,;\s]*\Z")
_BULLET = re.compile(r"^\s*(?:[-*\u2022>#]+|\d{1,2}[.)])\s+")
_MARKS = re.compile(r"\*\*|__|~~|`")
# What stands in square brackets and looks like keys goes, whether it is one or not: a reader would
# take "[1]" for a marker of ours. In other brackets only keys do.
_KEYS = r"\^?[A-Za-z0-9]{1,12}(?:\s*[,;&]?\s*\^?[A-Za-z0-9]{1,12})*"
_BRACKETS = re.compile(rf"\s*(?:\[({_KEYS})\]|[(\u3010]({_KEYS})[)\u3011])")
_KEY = re.compile(r"[A-Za-z0-9]+")


@dataclass(frozen=True, slots=True)
class Written:
    """A sentence as a model wrote it, without the keys; `keys` are those that exist."""

    text: str
    keys: tuple[str, ...]


def without_thoughts(reply: str) -> str:
    """A reply without what a model thinks aloud before it."""
    return _THINKING.sub("", reply)


def sentences_of(reply: str, keys: frozenset[str], *, ended: bool) -> list[Written]:
    """The sentences of a reply, each with its keys.

    Args:
        reply: the text as it came, so far.
        keys: those that the model was given, in capitals.
        ended: whether the reply is whole; else its last sentence, which may go on, is left out.
    """
    text = without_thoughts(reply)
    if not ended:
        text = _UNCLOSED.sub("", text)
    found = [one for line in text.splitlines() for one in _of_line(line, keys)]
    return found if ended or text.endswith("\n") else found[:-1]


def _of_line(line: str, keys: frozenset[str]) -> list[Written]:
    """The sentences of one line. Keys belong to the sentence that they follow, or, where the line
    begins with keys, to the one that follows them."""
    line = _MARKS.sub("", _BULLET.sub("", line)).strip()
    plain, places = _taken_out(line, keys)
    spans = split_sentences(plain)
    if not spans:
        return []
    leading = bool(places) and places[0][0] == 0
    owned: list[list[str]] = [[] for _ in spans]
    for at, named in places:
        if leading:
            owner = next((i for i, (_, end) in enumerate(spans) if at < end), len(spans) - 1)
        else:
            owner = max((i for i, (start, _) in enumerate(spans) if start < at), default=0)
        owned[owner] += named
    return [
        Written(plain[start:end], tuple(dict.fromkeys(named)))
        for (start, end), named in zip(spans, owned, strict=True)
    ]


def _taken_out(line: str, keys: frozenset[str]) -> tuple[str, list[tuple[int, list[str]]]]:
    """A line without its keys, and where in it they stood."""
    plain, end = "", 0
    places: list[tuple[int, list[str]]] = []
    for match in _BRACKETS.finditer(line):
        named = [key.upper() for key in _KEY.findall(match[1] or match[2])]
        known = [key for key in named if key in keys]
        if not match[1] and len(known) < len(named):
            continue  # words in round brackets
        plain += line[end : match.start()]
        end = match.end()
        places.append((len(plain.strip()) and len(plain), known))
    plain += line[end:]
    stripped = plain.lstrip()
    shift = len(plain) - len(stripped)
    return stripped, [(max(0, at - shift), named) for at, named in places]
