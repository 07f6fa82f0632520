"""What a question asks, and what sort of answer it wants: decided once, for all stages."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from rag.language import other_script
from rag.sentences import split_sentences

# Where one sentence may end and another begin: worth a look, which takes nltk. Not in "U.S. trade".
_INNER_END = re.compile(r"(?<!\b\w)[.!?][\"'\u201d\u2019)]*\s+\S|\n")
_WORD = re.compile(r"\w")
_MARKED = re.compile(r"\?\W*$")
_MEASURES = (
    "many|much|long|old|far|often|big|large|small|tall|high|low|fast|soon|late|early|likely|hot"
    "|cold|deep|wide|heavy|close|strong|expensive|good|bad|clear|confident|certain"
)
_ASKS = r"(?:who|whom|whose|what|when|where|which|why|how)\b"
_TEXTS = r"""(?:(?:the|this|these|those|my|your|all|both)\ )+
          (?:(?:two|three|four|five|\d{1,2}|news)\ )?(?:article|document|text|file|source)s?"""
_GIST = r"""(?:an?\ |the\ )? (?:(?:short|brief|quick|concise)\ )?
          (?:summary|overview|outline|gist|(?:main|key)\ (?:point|fact|takeaway)s?)"""
_LISTED = r"list|name\ (?:all|the|some)|(?:the|a)\ list"
_WHAT_ARE = r"\bwhat\ are\ the\b | \bwhich\ are\b"
_SUMMARY = rf"""{_LISTED}|compare|summari[sz]e|sum\ up|describe
          |explain|outline|discuss|(?:(?:more|all|everything|something)\ )?about\b(?!\ {_ASKS})
          |{_GIST}"""
_AUXILIARIES = (
    "is|are|was|were|am|do|does|did|has|have|had|can|could|will|would|shall|should|may|might|must"
)
_PLACED = (
    "(?:according\\ to|about|after|against|at|before|by|during|for|from|in|of|on|over|to|with)"
)
_PLURAL = r"""(?!(?:news|series|means|politics|headquarters|years|months|weeks|days|dates|hours
            |comes|goes|makes|takes|leads|wins|applies)\b) (?-i:[a-z])+(?<![siu])s\b"""
# Wants to be told about something: "Summarise the talks", "What happened in Geneva?";
# not what has a question in it ("Explain to me how it works"), nor an amount ("About 50 came").
_ABOUT = re.compile(
    rf"""^\W* (?: summari[sz]e | sum\ up | describe | explain | outline | discuss
          | (?:(?:more|all|everything|something)\ )?about
          | (?:what(?:['\u2019]s|\ is|\ was|\ are|\ were)\ )?{_GIST}\ (?:of|on|in|about|for)
          | what\ (?:do|does|did)\ (?:{_TEXTS}|they)\ (?:say|tell\ us|report)\ about
          | what(?:['\u2019]s|\ is|\ was)\ (?:said|written|reported|known)\ about (?!.*\bby\b)
          | what\ can\ you\ tell\ me\ about | what\ do\ (?:we|you)\ know\ about
          | what\ (?:has\ )?happened\ (?:in|at|on|during|with)\b
            (?!\ the\ end\b)(?!.*\b(?:that|upon|after|before)\b)
        )\s+ (?=\S) (?!half\b|\d|the\ (?:reason|cause|effect|difference)s?\b)
        (?!.*\b(?:whether|if|{_ASKS}))""",
    re.IGNORECASE | re.VERBOSE,
)
_ALL = rf"""(?: everything | it | this | that | them | these | those | {_TEXTS}
          | all(?:\ of)?(?:\ (?:it|this|them|{_TEXTS}))? )"""
_NO_TOPIC = re.compile(
    rf"""\W* (?: (?:summari[sz]e|sum\ up)(?:\ {_ALL})? | sum\ it\ up | tl\W?dr
          | (?:(?:more|all|everything)\ )?about\ {_TEXTS}(?<=s)
          | what(?:['\u2019]s|\ is|\ are|\ was|\ were)\ {_ALL}\ (?:all\ )?about
          | what\ (?:do|does)\ {_TEXTS}\ say
          | (?:what(?:['\u2019]s|\ is|\ are|\ were)\ )? {_GIST} (?:\ (?:in|from|of)\ {_ALL})?
        )\W*""",
    re.IGNORECASE | re.VERBOSE,
)
# What only leads up to a question: "Could you please tell me who ...", "According to the documents,
# when ..."; not in "Can you return shoes?", nor in "according to the UN".
_LEAD = re.compile(
    rf"""^\W* (?:(?: please|kindly|hi|hello|hey
          | (?:can|could|would|will)\ you | do\ you\ (?:happen\ to\ )?know
          | (?:tell|show|give|remind)\ me | i\ wonder
          | i(?:['\u2019]d|\ would)\ (?:like|love)\ to\ know | i\ (?:want|need)\ to\ know
          | i(?:['\u2019]m|\ am|\ was)\ (?:wondering|curious)
          | (?:according\ to|based\ on|in)\ {_TEXTS}
        )\b\W*+)++
        (?=(?:(?:in|on|at|by|for|from|to|with|of|about|under|until|since)\ )?
           {_ASKS} | (?:{_SUMMARY})\b)""",
    re.IGNORECASE | re.VERBOSE,
)
_TRAIL = re.compile(
    rf"(?:(?<!\W)\W+(?:please|thanks|thank\ you|(?:according\ to|based\ on)\ {_TEXTS}))+(?=\W*$)",
    re.IGNORECASE | re.VERBOSE,
)
_SENTENCES = re.compile(
    rf"""\bwhy\b | \bhow\ come\b | \bwhat\ for\b
      | \bhow\ (?!(?:{_MEASURES})\b) (?!.*\b(?:called|named|known\ as|abbreviated|spelled)\b)
      | \bwhat(?:'s|\ is|\ was|\ were|\ are)?\ (?:the|his|her|their|its)?\ ?
        (?:reasons?|explanation|purpose|aim|significance|impact|effects?|consequences?|implications?
          |difference|reaction|response|argument|main\ points?|background|context|details)\b
      | \bwhat\ (?:did|does|do|has|have|had|was|is|were|are)\b .*
        \b(?:say|said|saying|tell|told|think|claim|argue|warn|mean|explain|suggest|agreed|decided
          |discussed|announced|happen|happening|know|known)\b
      | \bwhat\ (?:happened|happens)\b
      | ^\W*(?:{_SUMMARY})\b
      | ^\W*(?:{_PLACED}\ [^,?]{{1,60}},\ )?(?:{_AUXILIARIES})(?:n['\u2019]t)?\b
      | {_WHAT_ARE}""",
    re.IGNORECASE | re.VERBOSE,
)
# Wants several things named, no days: by its number ("which two issues") or its plural ("which
# issues", "which U.S. officials"), told from "what happens" by the verb that comes after it.
_SEVERAL = re.compile(
    rf"""^\W*(?:{_LISTED})\b | {_WHAT_ARE}
      | \bwho\ (?:are|were)\ (?:the|its|his|her|their)\b
      | \b(?:which|what)\ (?:two|three|four|five|six|seven|eight|nine|ten|several|\d\d?)\ (?=\w)
      | ^\W*(?:{_PLACED}\ )?(?:
          (?:which|what)\ (?:kind|type|sort)s\ of\b
          | which\ (?:(?-i:[A-Z])\S*\ ){{0,2}}{_PLURAL}
          | what\ {_PLURAL}\ (?:{_AUXILIARIES}|besides|that)\b )""",
    re.IGNORECASE | re.VERBOSE,
)


NO_TOPIC = "This wants everything summarised. Name a topic, as in \u201cSummarise the talks.\u201d"
OTHER_SCRIPT = "The question is not in Latin letters: the reader was made for English."

Wants = Literal["phrase", "sentences", "topic", "everything"]


@dataclass(frozen=True, slots=True)
class Query:
    """A question as the stages take it: as it was `asked`, and the `text` that is looked for, read
    and compared (see `plain`).

    It `wants` a phrase (a name, a number); sentences (why, how, what somebody said, a list, yes or
    no); a topic told about ("Tell me about ..."), of which nothing is asked; or everything
    summarised ("What are these articles about?"). `several` things may be wanted of either of the
    first two.
    """

    asked: str
    text: str
    wants: Wants
    several: bool = False

    @property
    def in_sentences(self) -> bool:
        """Whether the answer is more than a name, a number or a phrase."""
        return self.wants != "phrase"

    @property
    def refused(self) -> str | None:
        """Why the reader is not asked, in words for a person; None where it is asked."""
        if self.wants == "everything":
            return NO_TOPIC
        # On other scripts it marks words at random, with a confidence that was fitted on English.
        return OTHER_SCRIPT if other_script(self.asked) else None


def understand(question: str) -> Query:
    """What a question asks and wants."""
    asking, _ = _parts(question)
    blunt = _blunt(asking)
    wants: Wants = "phrase"
    if _NO_TOPIC.fullmatch(_blunt(question)):
        wants = "everything"
    elif _ABOUT.match(blunt):
        wants = "topic"
    elif _SENTENCES.search(blunt):
        wants = "sentences"
    several = wants in ("phrase", "sentences") and bool(_SEVERAL.search(blunt))
    return Query(question, plain(question), wants, several)


def plain(question: str) -> str:
    """A question without what only leads up to it or ends it politely: what is looked for, read
    and compared with a text, none of which "Could you tell me" should be. What wants to be told
    about something is put in one way: "Summarise the talks." is "about the talks."."""
    return _ABOUT.sub("about ", _blunt(question))


def _blunt(question: str) -> str:
    return _TRAIL.sub("", _LEAD.sub("", question))


def as_read(question: str) -> str:
    """A question in the form of those that the reader has learnt from (docs/LOG.md): plain, first
    what asks ("The talks ended. Who led them?" is read as "Who led them? The talks ended."), and
    with its question mark, without which the reader sees an answer nearly everywhere."""
    asking, said = _parts(question)
    asking = plain(asking)
    if _WORD.search(asking) and not _MARKED.search(asking):
        asking = f"{asking.rstrip(' .!')}?"
    return f"{asking} {said}" if said else asking


def _parts(question: str) -> tuple[str, str]:
    """The sentences that ask, and those that only say what it is about; all ask where none ends
    with a question mark."""
    if not _INNER_END.search(question):
        return question, ""
    sentences = [question[start:end] for start, end in split_sentences(question)]
    asking = [sentence for sentence in sentences if sentence.rstrip("\"'\u201d\u2019)")[-1:] == "?"]
    said = [sentence for sentence in sentences if sentence not in asking]
    return (" ".join(asking), " ".join(said)) if asking else (question, "")
