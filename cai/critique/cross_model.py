"""Several critics, each on its own engine, adapter or temperature, whose critiques become one."""

import math
from collections.abc import Mapping, Sequence
from typing import ClassVar

from cai.config.critique import CrossModelConfig
from cai.constitution.brief import Brief
from cai.critique.base import Ask, Criticised
from cai.critique.single_turn import REQUEST, REQUEST_VALUES
from cai.critique.verdict import VERDICT, VERDICT_VALUES, ask_verdict
from cai.dialogue import Dialogue
from cai.records import Critique, Reply

_BEST = "critique/best"
_VERDICT_TOKENS = 160


class CrossModel:
    """Each critic reads the same conversation, and none sees what another wrote."""

    templates: ClassVar[Mapping[str, tuple[str, ...]]] = {
        REQUEST: REQUEST_VALUES,
        VERDICT: VERDICT_VALUES,
        _BEST: ("critiques", "statement"),
    }

    def __init__(self, config: CrossModelConfig) -> None:
        self.config = config

    async def critique(self, dialogue: Dialogue, brief: Brief, ask: Ask) -> Criticised:
        """Ask each critic, and put together what the configuration says."""
        asked = dialogue.asked(REQUEST, critique_request=brief.critique_request, statement=brief.statement)
        # One after another: the second finds the prompt of the first in the cache, where they share an engine.
        replies = [
            await ask.write(f"critic.{number}", f"critique/critic.{number}", asked)
            for number in range(1, len(self.config.critics) + 1)
        ]
        kept = await self._kept(replies, asked, dialogue, brief, ask)
        merged = Reply(
            "\n\n".join(dict.fromkeys(reply.text for reply in kept)),
            next((reply.finish_reason for reply in kept if reply.finish_reason != "stop"), "stop"),
        )
        await ask.keep("critique", merged)
        return Criticised(Critique(brief.principle_ids, *merged), asked.answered(merged.text))

    async def _kept(
        self, replies: Sequence[Reply], asked: Dialogue, dialogue: Dialogue, brief: Brief, ask: Ask
    ) -> Sequence[Reply]:
        if self.config.merge == "all" or len(replies) == 1:
            return replies
        if self.config.merge == "vote":
            return await self._majority(replies, asked, brief, ask)
        return [replies[await self._best(replies, dialogue, brief, ask)]]

    async def _majority(self, replies: Sequence[Reply], asked: Dialogue, brief: Brief, ask: Ask) -> Sequence[Reply]:
        """The critiques of the side with more votes. A tie counts as a violation: a fault overlooked costs more."""
        against = []
        for number, reply in enumerate(replies, start=1):
            verdict = await ask_verdict(
                asked.answered(reply.text),
                "",
                brief,
                ask,
                f"critique/verdict.{number}",
                role=f"critic.{number}",
                max_new_tokens=_VERDICT_TOKENS,
            )
            against.append(verdict is None or verdict.violates)
        violates = sum(against) * 2 >= len(against)
        return [reply for reply, vote in zip(replies, against, strict=True) if vote == violates]

    async def _best(self, replies: Sequence[Reply], dialogue: Dialogue, brief: Brief, ask: Ask) -> int:
        """The critique that the labeler finds best; each stands at each place once, so that none gains by its place."""
        count = len(replies)
        letters = tuple(chr(ord("A") + place) for place in range(count))
        scores = [0.0] * count
        for shift in range(count):
            order = [(place + shift) % count for place in range(count)]
            shown = [
                {"letter": letter, "text": replies[index].text} for letter, index in zip(letters, order, strict=True)
            ]
            question = dialogue.asked(_BEST, critiques=shown, statement=brief.statement)
            logprobs = await ask.choose("labeler", f"critique/best.{shift + 1}", question, letters)
            for index, logprob in zip(order, logprobs, strict=True):
                scores[index] += math.exp(logprob)
        return scores.index(max(scores))
