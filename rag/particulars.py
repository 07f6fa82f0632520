"""What a sentence must not get wrong: its numbers, dates and names, and what it denies.

Rules over words, in English. They compare a sentence with the text that it is said to rest on.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from decimal import Decimal
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
_ORDINALS = """
    first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth thirteenth
    fourteenth fifteenth sixteenth seventeenth eighteenth nineteenth twentieth
"""
_TENTHS = "thirtieth fortieth fiftieth sixtieth seventieth eightieth ninetieth hundredth"
_MORE = """
    half:0.5 halved:0.5 quarter:0.25 quarters:0.25 thirds:3 dozen:12 single:1 double:2 doubled:2
    twice:2 triple:3 tripled:3 thrice:3
"""
_VALUES = {
    **{word: Decimal(number) for number, word in enumerate(_UNITS.split())},
    **{word: Decimal(10 * number) for number, word in enumerate(_TENS.split(), start=3)},
    **{word: Decimal(number) for number, word in enumerate(_ORDINALS.split(), start=1)},
    **{word: Decimal(10 * number) for number, word in enumerate(_TENTHS.split(), start=3)},
    **{word: Decimal(value) for word, _, value in (m.partition(":") for m in _MORE.split())},
}
_POWERS = {"hundred": 2, "thousand": 3, "million": 6, "billion": 9, "trillion": 12}
_POWERS |= {"mn": 6, "bn": 9, "tn": 12}
_SCALES = {word: Decimal(10) ** power for word, power in _POWERS.items()}
_VAGUE = frozenset(["dozens", "hundreds", "thousands", "millions", "billions", "trillions"])
_PLAIN_NUMBER = re.compile(r"(?:\d+|\d{1,3}(?:,\d{3})+)(?:\.\d+)?")

# Dates

_WEEKDAYS = "monday tuesday wednesday thursday friday saturday sunday"
_MONTHS = """
    january february march april may june july august september october november december
"""
_DAYS = frozenset(f"{_WEEKDAYS} {_MONTHS}".split())
_ALSO_WORDS = frozenset(["march", "may", "august"])  # in lower case they are no months
_TIMES = frozenset(["summer", "autumn", "winter", "weekend", "noon", "midnight"])
_RELATIVE = re.compile(
    r"\b(last|next|this|past|previous|coming|following|earlier|later|two|three|several)\s+"
    r"(day|week|month|quarter|year|decade|century|spring|summer|autumn|fall|winter)s?\b"
    r"|\b(today|yesterday|tomorrow|tonight)\b",
    re.IGNORECASE,
)
_SAME = {"past": "last", "previous": "last", "coming": "next", "following": "next"}

# Names

_FORMS = """
    america us usa united states american americans; britain uk british briton britons kingdom
    europe eu european europeans; afghanistan afghan; africa african; albania albanian
    algeria algerian; argentina argentine argentinian; armenia armenian; asia asian
    australia australian; austria austrian; azerbaijan azerbaijani; bangladesh bangladeshi
    belarus belarusian; belgium belgian; bolivia bolivian; bosnia bosnian; brazil brazilian
    bulgaria bulgarian; cambodia cambodian; canada canadian; chile chilean; china chinese
    colombia colombian; croatia croatian; cuba cuban; cyprus cypriot; czechia czech
    denmark danish dane; ecuador ecuadorian; egypt egyptian; estonia estonian
    ethiopia ethiopian; finland finnish finn; france french; georgia georgian; germany german
    ghana ghanaian; greece greek; hungary hungarian; iceland icelandic; india indian
    indonesia indonesian; iran iranian; iraq iraqi; ireland irish; israel israeli; italy italian
    jamaica jamaican; japan japanese; jordan jordanian; kazakhstan kazakh; kenya kenyan
    korea korean; kosovo kosovar; kuwait kuwaiti; latvia latvian; lebanon lebanese; libya libyan
    lithuania lithuanian; malaysia malaysian; mexico mexican; moldova moldovan
    mongolia mongolian; morocco moroccan; nepal nepali nepalese; netherlands dutch
    nigeria nigerian; norway norwegian; pakistan pakistani; palestine palestinian
    panama panamanian; peru peruvian; philippines philippine filipino; poland polish pole
    portugal portuguese; qatar qatari; romania romanian; russia russian
    rwanda rwandan; saudi saudis; scotland scottish scot; senegal senegalese; serbia serbian serb
    singapore singaporean; slovakia slovak slovakian; slovenia slovenian slovene; somalia somali
    spain spanish spaniard; sudan sudanese; sweden swedish swede; switzerland swiss
    syria syrian; taiwan taiwanese; tanzania tanzanian; thailand thai; tibet tibetan
    tunisia tunisian; turkey turkish turk; uganda ugandan; ukraine ukrainian; uruguay uruguayan
    venezuela venezuelan; vietnam vietnamese; wales welsh; yemen yemeni; zimbabwe zimbabwean
"""
_ALIASES = {
    form: forms[0]
    for forms in (place.split() for place in re.split(r"[;\n]", _FORMS) if place.strip())
    for form in forms
}
_SENTENCE = re.compile(r"[.!?:]\s|[\"\u201c\u201d]")
_NO_NAMES = frozenset(["i", *_DAYS])

_ADDRESS = re.compile(r"@|//|www\.|[^\W\d_]{2}\.[^\W\d_]{2}", re.IGNORECASE)
_AROUND = ".,;:!?()<>\"'\u201c\u201d\u2018\u2019"

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
    plain = _plain(text).replace("n't", " n't").replace("n\u2019t", " n't")
    found = []
    for match in re.finditer(rf"\bn't\b|{_WORD.pattern}", plain.replace(" n't", " not")):
        word = re.sub(r"['\u2019]s?$", "", match[0])
        if word != "us":  # which is not the US
            found.append(word.replace(".", "") if word[:1].isalpha() else word)
    return found


def _plain(text: str) -> str:
    """A text without what cannot be seen, in it letters and digits of one form only."""
    if text.isascii():
        return text
    plain = unicodedata.normalize("NFKC", text)
    return "".join(c for c in plain if unicodedata.category(c) != "Cf")


def numbers(text: str) -> frozenset[str]:
    """The numbers of a text, as digits, and words such as "dozens"; "one" is a word."""
    listed = words(text)
    found: list[Decimal] = []
    others = frozenset(word for word in listed if word in _VAGUE)
    last = None  # index in `found` of a number that the word before ended
    for word in listed:
        value: Decimal | None = None
        if word[:1].isdecimal():
            if _PLAIN_NUMBER.fullmatch(word):
                value = Decimal(word.replace(",", ""))
            else:  # "1.2.3"
                others |= {word}
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
    return others | frozenset(map(_digits, found))


def _digits(value: Decimal) -> str:
    text = f"{value:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def dates(text: str) -> frozenset[str]:
    """Weekdays, months, and times such as "last month"."""
    found = {
        word.lower()
        for word in _cased(text)
        if word.lower() in _DAYS | _TIMES and (word[0].isupper() or word not in _ALSO_WORDS)
    }
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
        # Scripts without capitals do not tell names from words.
        if word[0].islower() or word[0].isdecimal() or word.lower() in _NO_NAMES:
            continue
        if begins and len(word) > 1 and not word.isupper() and not only_a_name(word):
            continue
        found.append(word)
    return found


def _with_place(text: str) -> Iterator[tuple[str, bool]]:
    """Words as they are written, and whether each begins a sentence or a quotation."""
    begins = True
    end = 0
    text = _plain(text)
    for match in _WORD.finditer(text):
        begins = begins or _SENTENCE.search(text[end : match.start()]) is not None
        yield re.sub(r"['\u2019]s?$", "", match[0]).replace(".", ""), begins
        begins, end = False, match.end()


def addresses(text: str) -> list[str]:
    """What in a text is, or looks like, an address of the web or of mail."""
    return [token.strip(_AROUND) for token in text.split() if _ADDRESS.search(token)]


def same_name(name: str, known: frozenset[str]) -> bool:
    """Whether a name, or the same in another form ("Chinese", "U.S."), is among known words."""
    word = name.lower()
    if word in known or word.removesuffix("s") in known or f"{word}s" in known:
        return True
    place = place_of(word)
    return place is not None and any(place_of(other) == place for other in known)


def place_of(word: str) -> str | None:
    """The place that a lower-case word is a form of ("chinese", "us"), always in the same form;
    None for other words."""
    return _ALIASES.get(word) or _ALIASES.get(word.removesuffix("s"))


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
