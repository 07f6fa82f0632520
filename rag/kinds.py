"""What a question asks, and what sort of answer it wants."""

from __future__ import annotations

import re

from rag.sentences import split_sentences

# Where one sentence may end and another begin: worth a look, which takes nltk. Not in "U.S. trade".
_INNER_END = re.compile(r"(?<!\b\w)[.!?][\"'\u201d\u2019)]*\s+\S|\n")
_MEASURES = (
    "many|much|long|old|far|often|big|large|small|tall|high|low|fast|soon|late|early|likely|hot"
    "|cold|deep|wide|heavy|close|strong|expensive|good|bad|clear|confident|certain"
)
# What comes before the question itself: "Could you please tell me who ...".
_POLITE = re.compile(
    r"""^\W*(?:(?:please|(?:can|could|would|will)\ you|do\ you\ know|(?:tell|show|give)\ me
        |i(?:['\u2019]d|\ would)\ like\ to\ know|i\ want\ to\ know)\b\W*)+""",
    re.IGNORECASE | re.VERBOSE,
)
_SENTENCES = re.compile(
    rf"""\bwhy\b | \bhow\ come\b | \bwhat\ for\b
      | \bhow\ (?!(?:{_MEASURES})\b) (?!.*\b(?:called|named|known\ as|abbreviated|spelled)\b)
      | \bwhat(?:'s|\ is|\ was|\ were|\ are)?\ (?:the|his|her|their|its)?\ ?
        (?:reasons?|explanation|purpose|aim|significance|impact|effects?|consequences?|implications?
          |difference|reaction|response|argument|main\ points?|background|context|details)\b
      | \bwhat\ (?:did|does|do|has|have|had|was|is|were|are)\b .*
        \b(?:say|said|saying|think|claim|argue|warn|mean|explain|suggest|agreed|decided|discussed
          |announced|happen|happening|know|known)\b
      | \bwhat\ (?:happened|happens)\b
      | ^\W*(?:list|name\ (?:all|the|some)|summari[sz]e|describe|explain|outline|compare|discuss
          |(?:an?|the)\ (?:list|summary|overview|outline)|(?:more\ )?about)\b
      | ^\W*(?:is|are|was|were|am|do|does|did|has|have|had|can|could|will|would|shall|should|may
          |might|must)(?:n['\u2019]t)?\b
      | \bwhat\ are\ the\b | \bwhich\ are\b""",
    re.IGNORECASE | re.VERBOSE,
)


def asking_first(question: str) -> str:
    """A question of several sentences with those first that ask: "The talks ended. Who led them?"
    is read better as "Who led them? The talks ended." (docs/LOG.md): the questions that the reader
    has learnt from begin with what they ask."""
    asking, said = _parts(question)
    return f"{asking} {said}" if said else question


def wants_sentences(question: str) -> bool:
    """Whether a question wants more than a name, a number or a phrase: why, how, what somebody
    said, what was agreed, a list, a summary, yes or no."""
    asking, _ = _parts(question)
    return _SENTENCES.search(_POLITE.sub("", asking)) is not None


def _parts(question: str) -> tuple[str, str]:
    """The sentences that ask, and those that only say what it is about; all ask where none ends
    with a question mark."""
    if not _INNER_END.search(question):
        return question, ""
    sentences = [question[start:end] for start, end in split_sentences(question)]
    asking = [sentence for sentence in sentences if sentence.rstrip("\"'\u201d\u2019)")[-1:] == "?"]
    said = [sentence for sentence in sentences if sentence not in asking]
    return (" ".join(asking), " ".join(said)) if asking else (question, "")
