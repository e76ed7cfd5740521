"""Red teaming from seeds to a file of prompts: attempts in rounds, until there are enough or nothing new comes.

Each round makes as many attempts for a hazard as it still lacks prompts, all at once, and then judges them in order:
the result follows from seeds, settings and replies, not from which reply came first. A command that is given again
takes the replies from its ledger.
"""

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cai.config.redteam import RedteamConfig
from cai.errors import TemplateError, UsageError
from cai.safety.redteam.asking import Asker, Question
from cai.safety.redteam.gate import Kept, Rejected, flaw_of, rejection
from cai.safety.redteam.methods import Attempt, Candidate, Craft
from cai.safety.redteam.novelty import Novelty
from cai.safety.redteam.report import Search, report_of, rows_of
from cai.safety.redteam.seeds import Seeds, load_seeds
from cai.safety.redteam.stats import RedteamStats
from cai.store.atomic import make_folder, write_text
from cai.store.journal import Journal
from cai.store.ledger import Ledger

_YES, _NO = "Yes", "No"
_LETTERS = ("A", "B")


async def redteam(config: RedteamConfig, out: Path, stats: RedteamStats) -> dict[str, Any]:
    """Make new prompts, and write them with a report.

    If it is cancelled, every reply of the model is kept in `OUT.work`, and the same command goes on from there.

    Args:
        config: The resolved settings.
        out: File of prompts to write, as JSON lines.
        stats: Counters, kept up to date for whoever watches.

    Returns:
        The report, as `OUT.work/report.json` has it. Fewer prompts than were wanted are no error: it says why.

    Raises:
        CaiError: Whatever ended it before its time, with its exit code.
    """
    seeds = load_seeds(config.seeds, config.hazards, config.seed)
    craft = Craft(config, seeds.by_hazard)
    work = _claimed(out)
    with (
        Journal.open(work / "redteam.db") as journal,
        Novelty(_texts(seeds), config.near, config.near_templates) as novelty,
    ):
        write_text(work / "config.json", config.model_dump_json(indent=2) + "\n")
        async with Asker(config, Ledger(journal), stats, work / "logs" / "engine.log") as asker:
            searches = await _Team(config, craft, asker, novelty, stats).searched(list(seeds.by_hazard))
        rows = rows_of(searches, config)
        write_text(out, "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows))
        report = report_of(config, out, seeds, searches, novelty)
        write_text(work / "report.json", json.dumps(report, indent=2, ensure_ascii=False) + "\n")
    return report


@dataclass(frozen=True)
class _Team:
    """What every round needs."""

    config: RedteamConfig
    craft: Craft
    asker: Asker
    novelty: Novelty
    stats: RedteamStats

    async def searched(self, hazards: Sequence[str]) -> list[Search]:
        """Rounds until every hazard has its prompts, or is given up."""
        searches = [Search(hazard, wanted) for hazard, wanted in _shared(self.config.n, hazards)]
        self.stats.phase, self.stats.wanted = "making prompts", self.config.n
        while any(search.is_open for search in searches):
            drawn = [(search, attempt) for search in searches for attempt in self._next(search)]
            results = await self._judged([attempt for _, attempt in drawn])
            for (search, attempt), result in zip(drawn, results, strict=True):
                search.count(attempt, result)
            for search in searches:
                search.give_up(self._most_tries(search), self.config.patience)
            self.stats.tries = sum(search.tries for search in searches)
            self.stats.kept = sum(len(search.kept) for search in searches)
        return searches

    def _next(self, search: Search) -> list[Attempt]:
        """The attempts of one round: as many as prompts are missing."""
        if not search.is_open:
            return []
        many = min(search.wanted - len(search.kept), self._most_tries(search) - search.tries)
        return [self.craft.drawn(search.hazard, search.tries + index) for index in range(many)]

    def _most_tries(self, search: Search) -> int:
        return math.ceil(self.config.tries * search.wanted)

    async def _judged(self, attempts: Sequence[Attempt]) -> list[Kept | Rejected]:
        """What becomes of attempts, in order."""
        results: list[Kept | Rejected] = []
        for made in await self._made(attempts):
            reason = None
            if isinstance(made, Candidate):
                reason = rejection(made, self.novelty, self.config)
            results.append(made if isinstance(made, Rejected) else Rejected(reason) if reason else Kept(made))
        return await self._checked(results) if self.config.check else results

    async def _made(self, attempts: Sequence[Attempt]) -> list[Candidate | Rejected]:
        made: dict[str, Candidate | Rejected] = {}
        questions: list[tuple[Attempt, Question]] = []
        for attempt in attempts:
            try:
                prompt = self.craft.question(attempt)
                if prompt is None:
                    made[attempt.id] = self.craft.made(attempt, None)
                else:
                    question = self.asker.writing(attempt.id, prompt, self.craft.stops, attempt.draw)
                    questions.append((attempt, question))
            except TemplateError as error:
                made[attempt.id] = Rejected(f"failed: {error.what}")
        replies = await self.asker.ask([question for _, question in questions])
        for (attempt, _), reply in zip(questions, replies, strict=True):
            made[attempt.id] = self._read(attempt, reply)
        return [made[attempt.id] for attempt in attempts]

    def _read(self, attempt: Attempt, reply: dict[str, Any] | str) -> Candidate | Rejected:
        if isinstance(reply, str):
            return Rejected(f"failed: {reply}")
        flaw = flaw_of(reply["text"], reply["finish_reason"])
        return Rejected(flaw) if flaw else self.craft.made(attempt, reply["text"])

    async def _checked(self, results: Sequence[Kept | Rejected]) -> list[Kept | Rejected]:
        """Those that are about their hazard, as the model sees it, in both orders of the two answers."""
        assert self.config.check is not None
        kept = [result for result in results if isinstance(result, Kept)]
        questions = [
            question for one in kept for question in (self._check(one.candidate, _YES), self._check(one.candidate, _NO))
        ]
        replies = await self.asker.ask(questions)
        verdicts: list[Kept | Rejected] = []
        for index, one in enumerate(kept):
            probability = _probability(replies[2 * index], replies[2 * index + 1])
            if probability is None:
                verdicts.append(Rejected("the hazard could not be checked"))
            elif probability < self.config.check.threshold:
                verdicts.append(Rejected("not about its hazard"))
            else:
                verdicts.append(Kept(one.candidate, probability))
        coming = iter(verdicts)
        return [next(coming) if isinstance(result, Kept) else result for result in results]

    def _check(self, candidate: Candidate, first: str) -> Question:
        hazard = candidate.attempt.hazard
        prompt = self.craft.asked(
            "hazard_check",
            hazard=hazard.name,
            description=hazard.description,
            request=candidate.messages[-1].content,
            first=first,
            second=_NO if first == _YES else _YES,
        )
        return self.asker.choosing(candidate.attempt.id, prompt, _LETTERS)


def _probability(yes_first: dict[str, Any] | str, no_first: dict[str, Any] | str) -> float | None:
    """Probability of yes among the two answers, averaged over both orders; None if one has no verdict."""
    found: list[float] = []
    for reply, place in ((yes_first, 0), (no_first, 1)):
        if isinstance(reply, str):
            return None
        yes, other = reply["logprobs"][place], reply["logprobs"][1 - place]
        if not math.isfinite(max(yes, other)) or math.isnan(yes) or math.isnan(other):
            return None
        found.append(1 / (1 + math.exp(min(700.0, other - yes))))
    return math.fsum(found) / len(found)


def _shared(count: int, hazards: Sequence[str]) -> list[tuple[str, int]]:
    """The wanted number for each hazard; what is left over goes to the first ones."""
    each, rest = divmod(count, len(hazards))
    return [(hazard, each + (index < rest)) for index, hazard in enumerate(hazards)]


def _texts(seeds: Seeds) -> list[str]:
    return ["\n\n".join(message.content for message in prompt.messages) for prompt in seeds.every]


def _claimed(out: Path) -> Path:
    """The folder of the work beside the file; the file is new, or this folder says that it is ours."""
    work = out.with_name(out.name + ".work")
    if out.is_dir():
        raise UsageError("this is a folder, not a file", where=str(out), fix="name a file, such as prompts.jsonl")
    if out.suffix != ".jsonl":
        raise UsageError("prompts are written as JSON lines", where=str(out), fix="let the name end in .jsonl")
    if out.exists() and not (work / "redteam.db").exists():
        raise UsageError("the file exists, and is of no earlier red teaming", where=str(out), fix="choose another name")
    make_folder(work / "logs")
    return work
