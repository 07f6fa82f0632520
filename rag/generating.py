"""From evidence to checked sentences.

The model writes, and each sentence is compared with the lines that it rests on before anyone sees
it.
"""

from __future__ import annotations

from collections.abc import Generator
from contextlib import closing
from dataclasses import replace

from rag.following import stand_alone
from rag.grounding import Grounder
from rag.lines import Chosen, instructs
from rag.llm import ContextFull, Writer
from rag.matching import share, stems
from rag.particulars import names, numbers, same_name, words
from rag.prompts import NOTHING, answer_prompt, follow_up_prompt
from rag.replies import Written, sentences_of, without_thoughts
from rag.types import Answer, Claim, Generation

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
        the request. A model that has no room for all lines is asked once more with half of them.

        Raises:
            LanguageModelError: the model cannot be reached, or does not reply as it should.
        """
        try:
            yield from self._write(question, chosen)
        except ContextFull:
            fewer = chosen.halved()
            if fewer == chosen:
                raise
            yield from self._write(question, fewer)

    def _write(self, question: str, chosen: Chosen) -> Generator[Generation, None, None]:
        lines = chosen.lines
        keys = frozenset(line.key for line in lines)
        state = Generation(lines, chosen.trimmed, "", ())
        reasons: list[str] = []
        written: list[Written] = []
        with closing(self._writer.write(answer_prompt(question, lines), reasons.append)) as pieces:
            for piece in pieces:
                state = replace(state, reply=state.reply + piece)
                if piece and not piece.isalnum():  # a sentence may have ended
                    written = sentences_of(state.reply, keys, ended=False)
                    state = self._checked(state, written, chosen)
                yield state
                if len(written) >= MOST:
                    reasons.append(f"it has {MOST} sentences or more")
                    break
        if not reasons:
            state = self._checked(state, sentences_of(state.reply, keys, ended=True), chosen)
        yield replace(state, cut=reasons[0] if reasons else None)

    def _checked(self, state: Generation, written: list[Written], chosen: Chosen) -> Generation:
        """`state` with the sentences that are new in it, and without those that turned out to be a
        model's thoughts."""
        texts = {one.text for one in written}
        claims = tuple(claim for claim in state.claims if claim.text in texts)
        done = {claim.text for claim in claims}
        new = [one for one in dict.fromkeys(written) if one.text not in done]
        new = [one for one in new if one.text.strip(" .!*\"'") != NOTHING]
        if not new and len(claims) == len(state.claims):
            return state
        found = map(_obeys_nobody, self._grounder.check(new, chosen.grounds))
        return replace(state, claims=(*claims, *found))

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
