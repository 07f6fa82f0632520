"""From evidence to checked sentences.

The model writes, and each sentence is compared with the lines that it rests on before anyone sees
it.
"""

from __future__ import annotations

from collections.abc import Generator
from contextlib import closing
from dataclasses import replace
from typing import TYPE_CHECKING

from rag.following import stand_alone
from rag.grounding import Grounder
from rag.lines import Chosen, instructs
from rag.matching import share, stems
from rag.particulars import names, numbers, same_name, words
from rag.prompts import NOTHING, answer_prompt, follow_up_prompt
from rag.replies import Written, sentences_of, without_thoughts
from rag.types import Answer, Claim, Generation

if TYPE_CHECKING:
    from rag.llm import Writer

MOST = 12  # sentences of a reply; a model that writes more than that goes round in circles
QUESTION = 300  # characters of a rewritten question at most
KEPT = 0.5  # share of a follow-up's words that its rewriting has to keep


class Author:
    """Writes answers with one model."""

    def __init__(self, writer: Writer, grounder: Grounder) -> None:
        self._writer = writer
        self._grounder = grounder
        self.name = writer.name
        self.room = writer.room
        """Tokens for a prompt."""

    def write(self, question: str, chosen: Chosen) -> Generator[Generation, None, None]:
        """What the model has written so far, at every piece that comes; the last is the whole.

        The same `claims` object comes again while no sentence is added. Closing the iterator ends
        the request.

        Raises:
            LanguageModelError: the model cannot be reached, or does not reply as it should.
        """
        lines = tuple(ground.line for ground in chosen.grounds)
        keys = frozenset(line.key for line in lines)
        state = Generation(lines, chosen.trimmed, "", ())
        reasons: list[str] = []
        with closing(self._writer.write(answer_prompt(question, lines), reasons.append)) as pieces:
            for piece in pieces:
                state = replace(state, reply=state.reply + piece)
                if not piece.isalnum():  # a sentence may have ended
                    state = self._checked(
                        state, sentences_of(state.reply, keys, ended=False), chosen
                    )
                yield state
                if len(state.claims) >= MOST:
                    reasons.append(f"it has {MOST} sentences or more")
                    break
        if not reasons:
            state = self._checked(state, sentences_of(state.reply, keys, ended=True), chosen)
        yield replace(state, cut=reasons[0] if reasons else None)

    def _checked(self, state: Generation, written: list[Written], chosen: Chosen) -> Generation:
        """`state` with the sentences that are new in it."""
        done = {claim.text for claim in state.claims}
        new = [one for one in dict.fromkeys(written) if one.text not in done]
        new = [one for one in new if one.text.strip(" .!*\"'") != NOTHING]
        if not new:
            return state
        claims = map(_obeys_nobody, self._grounder.check(new, chosen.grounds))
        return replace(state, claims=(*state.claims, *claims))

    def rewrite(self, question: str, before: Answer) -> str:
        """A follow-up as a question that stands alone; by rules where the model's cannot be used.

        Raises:
            LanguageModelError: the model cannot be reached, or does not reply as it should.
        """
        reply = "".join(self._writer.write(follow_up_prompt(question, before)))
        lines = [line.strip(" \"'*`") for line in without_thoughts(reply).splitlines()]
        found = next(filter(None, lines), "").removeprefix("Rewritten question:").strip(" \"'*")
        known = " ".join([question, before.question, before.short or ""])
        usable = (
            0 < len(found) <= QUESTION
            and numbers(found) <= numbers(known)
            and all(same_name(name, frozenset(words(known))) for name in names(found))
            and share(stems(found), stems(known)) >= KEPT
            and not instructs(found)
        )
        return found if usable else stand_alone(question, before)


def _obeys_nobody(claim: Claim) -> Claim:
    """A sentence that instructs is none that a source supports."""
    if not instructs(claim.text):
        return claim
    problem = "it reads like an instruction to a model"
    return replace(claim, supported=False, problems=(*claim.problems, problem))
