"""Words of which one excludes the others: a question with another one of them asks something else.

"Who is the Secretary of Defense?" over a text about the Secretary of Commerce, "Who sold it?" over
one that says who bought it: questions that look answered and are not.
"""

from __future__ import annotations

import random
import re
from collections import defaultdict

_SETS = """
    first second third fourth fifth last
    largest smallest second-largest
    biggest smallest
    longest shortest
    highest lowest
    oldest youngest
    earliest latest
    most least
    best worst
    higher lower
    older younger
    before after
    buy sell
    bought sold
    buying selling
    buyer seller
    born died
    birth death
    win lose
    won lost
    winner loser
    opened closed
    opening closing
    start end
    started ended
    begin finish
    began finished
    beginning end
    arrive leave
    enter leave
    join leave
    build demolish
    built demolished destroyed
    founded dissolved
    established abolished
    create destroy
    created destroyed
    founder successor owner predecessor
    rise fall
    rose fell
    increase decrease
    increased decreased
    grow shrink
    grew shrank
    gain loss
    imports exports
    accept reject
    accepted rejected
    approve reject
    approved rejected
    allow forbid
    allowed banned
    support oppose
    supported opposed
    supporters opponents
    attack defend
    attacked defended
    love hate
    loved hated
    advantage disadvantage
    advantages disadvantages
    benefit drawback
    strength weakness
    success failure
    succeed fail
    north south east west
    northern southern eastern western
    northernmost southernmost easternmost westernmost
    top bottom
    inside outside
    upper lower
    indoor outdoor
    summer winter spring autumn
    morning evening afternoon
    monday tuesday wednesday thursday friday saturday sunday
    january february march april june july august september october november december
    city country
    height width length depth
    father mother brother sister son daughter uncle grandfather
    husband wife
    boy girl
    men women
    man woman
    male female
    mayor governor
    king queen
    president treasurer secretary
    prince princess
    teacher student
    doctor patient
    director producer composer
    actor actress
    singer drummer guitarist bassist
    army navy
    defense interior finance commerce education health justice transport agriculture energy labor
    river mountain lake island
    breakfast lunch dinner
    cheapest expensive
    hot cold
    warm cold
    hard soft
    heavy light
    fast slow
    rich poor
    public private
    maximum minimum
    minimum average
    color size shape
    price weight
    cost weight
    revenue profit
    temperature pressure
    hours minutes
    days weeks months years
    weeks months
    goals assists
    wins losses
    album single
    song film book
    novel play
    hired fired
    appointed dismissed
    convicted acquitted
    invented banned
    discovered invented
    directed produced
    designed built
    married divorced
    killed injured
    deaths injuries
    victims suspects
"""
_OTHERS: dict[str, list[list[str]]] = defaultdict(list)
for _line in _SETS.split("\n"):
    for _word in _line.split():
        _OTHERS[_word].append([other for other in _line.split() if other != _word])
_ANY = re.compile(
    rf"(?<![\w-])(?:{'|'.join(sorted(_OTHERS, key=len, reverse=True))})(?![\w-])", re.I
)


def contrast(question: str, text: str, rng: random.Random) -> str | None:
    """The question with one word exchanged for one that it excludes and that the text has not;
    None where there is no such word."""
    said = set(re.findall(r"[\w-]+", text.lower()))
    found = list(_ANY.finditer(question))
    rng.shuffle(found)
    for match in found:
        word = match.group().lower()
        fits = [o for others in _OTHERS[word] for o in others if o not in said]
        if fits and match.start():
            other = rng.choice(fits)
            other = other.title() if match.group()[0].isupper() else other
            return f"{question[: match.start()]}{other}{question[match.end() :]}"
    return None
