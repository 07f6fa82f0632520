"""A language model's reply as sentences with the keys of the lines that they rest on."""

from __future__ import annotations

import re
from dataclasses import dataclass

from rag.sentences import split_sentences

_THINKING = re.compile(r"<think(?:ing)?>.*?(?:</think(?:ing)?>|\Z)", re.DOTALL | re.IGNORECASE)
# Some chat templates begin the thoughts themselves, so that the reply only ends them.
_THOUGHT = re.compile(r"\A.*</think(?:ing)?>", re.DOTALL | re.IGNORECASE)
_UNCLOSED = re.compile(r"[\[(\u3010{][^\])\u3011}]{0,100}\Z")
_BULLET = re.compile(r"^\s*(?:[-*\u2022>#]+|\d{1,2}[.)])\s+")
_TAGS = re.compile(r"</?[A-Za-z][^<>]*>")
_LOOSE = re.compile(r" (?=[.,;:!?])")
_MARKS = re.compile(r"\*\*|__|~~|`|(?<!\w)\*|\*(?!\w)")
_BRACKETS = re.compile(
    r"[\[(\u3010{]([^\[\](){}\u3010\u3011]{1,100})[\])\u3011}]|\b([A-Z0-9]{2,12})\b"
)
_WORD = re.compile(r"[^\W_]+")
_LIKE_A_KEY = re.compile(r"(?=.*\d|[A-Z]+\Z)[A-Za-z0-9]{1,12}")
_BESIDE = frozenset(["and", "key", "keys", "line", "lines", "see", "source", "sources"])
_ROUND = str.maketrans("[]", "()")


@dataclass(frozen=True, slots=True)
class Written:
    """A sentence as a model wrote it, without the keys; `keys` are those that exist."""

    text: str
    keys: tuple[str, ...]


def without_thoughts(reply: str) -> str:
    """A reply without what a model thinks aloud before it."""
    return _THOUGHT.sub("", _THINKING.sub("", reply))


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
    line = _MARKS.sub("", _TAGS.sub(" ", _BULLET.sub("", line)))
    plain, places = _taken_out(_LOOSE.sub("", " ".join(line.split())), keys)
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
    """A line without its keys, and where in it they stood. No square brackets are left in it: a
    reader would take "[1]" for a marker of ours."""
    plain, end = "", 0
    places: list[tuple[int, list[str]]] = []
    for match in _BRACKETS.finditer(line):
        named = [match[2]] if match[2] in keys else _keys(match, keys)
        if named is None:
            continue
        plain = (plain + line[end : match.start()]).rstrip()
        end = match.end()
        places.append((len(plain), named))
        plain += " " if line[end : end + 1].isalnum() else ""
    plain += line[end:]
    stripped = plain.lstrip(" :")
    shift = len(plain) - len(stripped)
    return stripped.translate(_ROUND), [(max(0, at - shift), named) for at, named in places]


def _keys(match: re.Match[str], keys: frozenset[str]) -> list[str] | None:
    """The keys in a pair of brackets; None where it holds words, or no brackets are there.

    In square ones whatever looks like a key may be one, whether it exists or not.
    """
    found = [word for word in _WORD.findall(match[1] or "") if word.lower() not in _BESIDE]
    known = [word.upper() for word in found if word.upper() in keys]
    others = [word for word in found if word.upper() not in keys]
    if match[0][0] == "[" and all(map(_LIKE_A_KEY.fullmatch, others)):
        return known
    return known if known and not others else None
