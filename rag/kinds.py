"""What sort of answer a question asks for."""

from __future__ import annotations

import re

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


def wants_sentences(question: str) -> bool:
    """Whether a question wants more than a name, a number or a phrase: why, how, what somebody
    said, what was agreed, a list, a summary, yes or no."""
    return _SENTENCES.search(_POLITE.sub("", question)) is not None
