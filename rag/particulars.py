"""What a sentence must not get wrong: its numbers, dates and names, and what it denies.

Rules over words, in English. They compare a sentence with the text that it is said to rest on.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache

from rag.matching import STEM, STOP_WORDS
from rag.sentences import only_a_name

_WORD = re.compile(r"(?:[^\W\d_]\.){2,}|\d+(?:[.,]\d+)*|[^\W\d_]+(?:['\u2019][^\W\d_]+)?")

# Numbers

_UNITS = """
    zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen
    sixteen seventeen eighteen nineteen twenty
"""
_TENS = "thirty forty fifty sixty seventy eighty ninety"
_ORDINALS = "first second third fourth fifth sixth seventh eighth ninth tenth"
_VALUES = (
    {word: number for number, word in enumerate(_UNITS.split())}
    | {word: 10 * number for number, word in enumerate(_TENS.split(), start=3)}
    | {word: number for number, word in enumerate(_ORDINALS.split(), start=1)}
    | {"half": 0.5, "quarter": 0.25, "dozen": 12, "single": 1, "double": 2, "twice": 2, "triple": 3}
    | {"thrice": 3, "quarters": 0.25, "thirds": 3, "halved": 0.5, "doubled": 2, "tripled": 3}
)
_SCALES = {"hundred": 100, "thousand": 1e3, "million": 1e6, "billion": 1e9, "trillion": 1e12}
_SCALES |= {"mn": 1e6, "bn": 1e9, "tn": 1e12}

# Dates

_WEEKDAYS = "monday tuesday wednesday thursday friday saturday sunday"
_MONTHS = """
    january february march april may june july august september october november december
"""
_DAYS = frozenset(f"{_WEEKDAYS} {_MONTHS}".split())
_RELATIVE = re.compile(
    r"\b(last|next|this|past|previous|coming|following|earlier|later|two|three|several)\s+"
    r"(day|week|month|quarter|year|decade|century|spring|summer|autumn|fall|winter)s?\b"
    r"|\b(today|yesterday|tomorrow|tonight)\b",
    re.IGNORECASE,
)
_SAME = {"past": "last", "previous": "last", "coming": "next", "following": "next"}

# Names

_ALIASES = {
    "us": "america", "usa": "america", "united": "america", "states": "america",
    "american": "america", "americans": "america", "uk": "britain", "british": "britain",
    "kingdom": "britain", "eu": "europe", "european": "europe", "french": "france",
    "dutch": "netherlands", "german": "germany", "spanish": "spain", "swiss": "switzerland",
}  # fmt: skip
_DEMONYM = re.compile(r"(?:ese|ian|ean|an|ish|i)$")
_SENTENCE = re.compile(r"[.!?:]\s|[\"\u201c\u201d]")
_NO_NAMES = frozenset(["i", *_DAYS])

# Denials

_NOTS = """
    not no never none nothing nobody neither nor without cannot hardly barely nowhere
"""
_NOT = frozenset(_NOTS.split())
_DENYING = """
    deny denied denies denying refuse refused refuses refusing fail failed fails failing reject
    rejected rejects rejecting rejection decline declined declines unable impossible unlikely
    abandon abandoned cancel cancelled canceled false wrong wrongly untrue without
"""
_DENIES = frozenset(_DENYING.split())
_NEGATED = 3  # content words after a "not" that it may deny
# Words that say nothing of what a sentence is about, but for those that deny.
DROPPED = STOP_WORDS - _NOT | {"said", "says", "also", "would", "whether", "us"}
_IRREGULAR = {
    "fell": "fall", "rose": "rise", "led": "lead", "met": "meet", "held": "hold", "began": "begin",
    "took": "take", "taken": "take", "gave": "give", "given": "give", "went": "go", "gone": "go",
    "made": "make", "left": "leave", "kept": "keep", "won": "win", "lost": "lose", "sold": "sell",
    "bought": "buy", "grew": "grow", "spoke": "speak", "spoken": "speak", "wrote": "write",
    "written": "write", "told": "tell", "built": "build", "sent": "send", "spent": "spend",
    "chosen": "choose", "chose": "choose", "became": "become", "came": "come", "meant": "mean",
}  # fmt: skip
_PREFIXES = ("un", "dis", "in", "im", "ir", "non", "mis")
_OPPOSITES = """
    rise:fall rise:drop rise:decline rose:fell rose:dropped rising:falling gain:loss gain:lose
    gained:lost increase:decrease increase:decline increase:fall increased:decreased
    increase:reduce increasing:decreasing grow:shrink grew:shrank raise:lower raise:reduce
    raised:lowered raised:reduced raise:cut raised:cut up:down higher:lower high:low more:less
    more:fewer most:least largest:smallest biggest:smallest leading:smallest big:small large:small
    tighten:ease tighten:loosen tighten:lift tightened:eased tightened:loosened impose:lift
    impose:remove imposed:lifted imposed:removed keep:lift keep:remove keep:retract
    strengthen:weaken strong:weak upgrade:downgrade upgraded:downgraded accelerate:slow
    accelerate:delay acceleration:slow acceleration:delay speed:slow faster:slower allow:ban
    allow:prohibit allow:deny allowed:banned grant:deny granted:denied approve:reject
    approved:rejected approval:rejection accept:refuse accepted:refused accept:reject begin:end
    began:ended start:end started:ended start:stop open:close opened:closed win:lose won:lost
    buy:sell bought:sold import:export imports:exports support:oppose supported:opposed
    confirm:deny confirmed:denied agree:refuse agreed:refused agreed:rejected praise:accuse
    praised:accused before:after first:last unprecedented:common unprecedented:usual
    uncertain:certain unclear:clear optimistic:pessimistic success:failure succeed:fail
    succeeded:failed reached:failed conclude:begin concluded:began private:public always:never
    all:none include:exclude includes:excludes included:excluded safe:dangerous hot:cold
    early:late near:far better:worse best:worst improve:worsen improved:worsened rich:poor
    guilty:innocent alive:dead raise:suspend increase:suspend soar:fall soar:drop
    soar:plunge surge:fall jump:fall climb:fall arrive:leave arrived:left push:pull
    forward:backward expand:shrink expanded:shrank join:leave joined:left remember:forget
    love:hate enter:leave entered:left broke:concluded broke:reached might:never never:always
    sharpest:mildest
"""


@lru_cache(maxsize=1)
def _opposites() -> dict[str, frozenset[str]]:
    """By stem, the stems that say the opposite."""
    pairs: dict[str, set[str]] = {}
    for pair in _OPPOSITES.split():
        one, other = map(stem, pair.split(":"))
        pairs.setdefault(one, set()).add(other)
        pairs.setdefault(other, set()).add(one)
    return {word: frozenset(others) for word, others in pairs.items()}


def words(text: str) -> list[str]:
    """The words of a text in lower case, abbreviations without dots, without possessives."""
    return [word.lower() for word in _cased(text)]


def _cased(text: str) -> list[str]:
    plain = text.replace("n't", " n't").replace("n\u2019t", " n't")
    found = []
    for match in re.finditer(rf"\bn't\b|{_WORD.pattern}", plain.replace(" n't", " not")):
        word = re.sub(r"['\u2019]s?$", "", match[0])
        found.append(word.replace(".", "") if word[:1].isalpha() else word)
    return found


def numbers(text: str) -> frozenset[str]:
    """The numbers of a text, as digits; "one" is a word."""
    found: list[float] = []
    last = None  # index in `found` of a number that the word before ended
    for word in words(text):
        value: float | None = None
        if word[:1].isdecimal():
            value = _digits(word)
        elif word in _SCALES:
            if last is not None:
                found[last] *= _SCALES[word]
                continue
            value = _SCALES[word]
        elif word in _VALUES and word != "one":
            value = _VALUES[word]
            if last is not None and found[last] in range(20, 100, 10) and 0 < value < 10:
                found[last] += value
                continue
        if value is None:
            last = None
            continue
        found.append(value)
        last = len(found) - 1
    return frozenset(f"{value:g}" for value in found)


def _digits(word: str) -> float:
    try:
        return float(re.sub(r",(?=\d{3})", "", word))
    except ValueError:  # "1.2.3"
        return float(re.sub(r"\D", "", word))


def dates(text: str) -> frozenset[str]:
    """Weekdays, months, and times such as "last month"."""
    found = {word.lower() for word in _cased(text) if word.istitle() and word.lower() in _DAYS}
    for match in _RELATIVE.finditer(text):
        if match[3]:
            found.add(match[3].lower())
        elif match[1].lower() not in _VALUES:
            first = match[1].lower()
            found.add(f"{_SAME.get(first, first)} {match[2].lower()}")
    return frozenset(found)


def names(text: str) -> list[str]:
    """The words of a text that are names or parts of names, as they are written, in order."""
    found = []
    for word, begins in _with_place(text):
        if not word[:1].isupper() or word.lower() in _NO_NAMES:
            continue
        if begins and len(word) > 1 and not word.isupper() and not only_a_name(word):
            continue
        found.append(word)
    return found


def _with_place(text: str) -> Iterator[tuple[str, bool]]:
    """Words as they are written, and whether each begins a sentence or a quotation."""
    begins = True
    end = 0
    for match in _WORD.finditer(text):
        begins = begins or _SENTENCE.search(text[end : match.start()]) is not None
        yield re.sub(r"['\u2019]s?$", "", match[0]).replace(".", ""), begins
        begins, end = False, match.end()


def same_name(name: str, known: frozenset[str]) -> bool:
    """Whether a name, or the same in another form ("Chinese", "U.S."), is among known words."""
    word = name.lower()
    if word in known or word.removesuffix("s") in known or f"{word}s" in known:
        return True
    alias = _ALIASES.get(word, word)
    if any(_ALIASES.get(other, other) == alias for other in known):
        return True
    root = _root(word)
    return len(root) >= 4 and any(
        (_DEMONYM.search(word) or _DEMONYM.search(other)) and _root(other)[:4] == root[:4]
        for other in known
        if other[:4] == root[:4] and abs(len(other) - len(word)) <= 4
    )


def _root(word: str) -> str:
    return _DEMONYM.sub("", word) if len(word) > 5 else word


def stem(word: str) -> str:
    """What the forms of a lower-case word share, at most five letters."""
    word = _IRREGULAR.get(word, word)
    for ending in ("ing", "ied", "ies", "ed", "es", "s"):
        if word.endswith(ending) and len(word) - len(ending) >= 3 and not word.endswith("ss"):
            word = word.removesuffix(ending) + ("y" if ending in ("ied", "ies") else "")
            break
    return word[:STEM].rstrip("e") or word


def content(text: str) -> list[str]:
    """Stems of the words of a text that say something, in order, repeated as they are."""
    return [stem(word) for word in words(text) if word not in DROPPED and word not in _NOT]


def contradictions(sentence: str, text: str) -> list[str]:
    """What a sentence says the opposite of, each as "word / word in the text"; empty for none."""
    mine, theirs = words(sentence), words(text)
    known_stems, said_stems = {stem(word) for word in theirs}, {stem(word) for word in mine}
    found = []
    for word in dict.fromkeys(mine):
        if stem(word) in known_stems:
            continue
        if word in _DENIES:
            found.append(f"{word} / -")
        found += [
            f"{word} / {other}"
            for other in sorted(_opposites().get(stem(word), frozenset()) & known_stems)
            if other not in said_stems
        ]
    not_mine = _denied(sentence, known_stems)
    not_theirs = _denied(text, said_stems)
    # The first word after a "not" is surely denied; of the others it cannot be told.
    affirmed_here = {first for first, _ in not_theirs} & (said_stems - _all(not_mine))
    affirmed_there = {first for first, _ in not_mine} & (known_stems - _all(not_theirs))
    found += [f"{word} / not {word}" for word in sorted(affirmed_here)]
    found += [f"not {word} / {word}" for word in sorted(affirmed_there)]
    if not not_theirs and not found and _all(not_mine) & known_stems:
        found.append("not / -")
    return found


def _denied(text: str, other: set[str]) -> list[tuple[str, frozenset[str]]]:
    """For each denial in a text the stem it denies first, and all that it may deny. "Undisclosed"
    denies "disclosed" where the other text says that and this one does not say it too."""
    found = []
    listed = words(text)
    own = {stem(word) for word in listed}
    for place, word in enumerate(listed):
        following = listed[place + 1 : place + 8]
        if word in _NOT and following[:1] not in (["only"], ["just"], ["merely"], ["least"]):
            stems = [stem(w) for w in following if w not in DROPPED and w not in _NOT][:_NEGATED]
            found += [(stems[0], frozenset(stems))] if stems else []
        for prefix in _PREFIXES:
            root = stem(word.removeprefix(prefix))
            if word.startswith(prefix) and len(word) - len(prefix) >= 4 and root in other - own:
                found.append((root, frozenset({root})))
    return found


def _all(found: list[tuple[str, frozenset[str]]]) -> set[str]:
    return set().union(*(stems for _, stems in found)) if found else set()
