"""The comparisons of one record: which answers are judged against each other, and which of the labels stand."""

from collections.abc import Sequence
from itertools import combinations
from typing import Any, NamedTuple

from cai.config.stages import GenerateConfig
from cai.constitution.schema import Principle
from cai.dialogue import Dialogue
from cai.labeling.engine_judge import EngineJudge
from cai.pipeline.plan import Plan
from cai.pipeline.steps import RecordSteps, priority
from cai.records import Comparison, Label, Trajectory, Usage, content_hash
from cai.store.reader import StepKey

EQUAL_ANSWERS = "equal answers"


class Compared(NamedTuple):
    """Numbers of the label steps that stand, and why there is none, if there is none."""

    numbers: tuple[int, ...]
    unlabelled: str | None = None


async def run_comparisons(
    plan: Plan, trajectory: Trajectory, principles: Sequence[Principle], opened: Dialogue, steps: RecordSteps
) -> Compared:
    """Judge every pair of a record's answers that the configuration names; equal answers are no pair.

    Args:
        plan: What the run does.
        trajectory: The record's answers.
        principles: By which the answers are judged.
        opened: The dialogue that fresh answers are drawn from.
        steps: Asks and keeps.

    Raises:
        RequestError: The record cannot go on.
    """
    settings = plan.generate
    answers = tuple(dict.fromkeys(await _answers(settings, trajectory, opened, steps)))
    pairs = list(combinations(range(len(answers)), 2))
    if not pairs:
        return Compared((), EQUAL_ANSWERS)
    labels: list[float] = []
    for number, (first, second) in enumerate(pairs):
        pair = Comparison(trajectory.prompt, answers[first], answers[second], settings.comparison.source)
        swapped = _swapped(settings.seed, trajectory.prompt.id, number)
        label = await _label(plan, pair.swap() if swapped else pair, number, principles, steps)
        labels.append(1 - label.p_a if swapped else label.p_a)
    if settings.comparison.pairs == "best_vs_worst":
        return Compared((_best_against_worst(pairs, labels),))
    return Compared(tuple(range(len(pairs))))


async def _answers(
    settings: GenerateConfig, trajectory: Trajectory, opened: Dialogue, steps: RecordSteps
) -> Sequence[str]:
    source = settings.comparison.source
    if source == "sampled":
        replies = await steps.sample("generator", StepKey("sample", 0, 0), opened, settings.comparison.samples)
        return [reply.text for reply in replies]
    if source == "two_models":
        first = await steps.write("generator", StepKey("sample", 0, 0), opened)
        second = await steps.write("second", StepKey("sample/second", 0, 0), opened)
        return first.text, second.text
    if settings.comparison.rounds is None:
        return trajectory.draft.text, trajectory.final
    # A record that a verdict ended early has its last answer in the place of those that it never needed.
    last = len(trajectory.answers) - 1
    return [trajectory.answers[min(index, last)] for index in settings.comparison.rounds]


def _swapped(seed: int, prompt_id: str, number: int) -> bool:
    """Which answer is called A is drawn from the names, or "A" would always be the earlier one."""
    drawn = ("order", seed, prompt_id, *([number] if number else []))
    return int(content_hash(*drawn), 16) % 2 == 1


async def _label(
    plan: Plan, pair: Comparison, number: int, principles: Sequence[Principle], steps: RecordSteps
) -> Label:
    key = StepKey("label", number, 0)

    def seen(prompt: str, answer: str) -> None:
        if steps.trace:
            steps.trace("label", number, prompt, answer)

    async def judge() -> tuple[dict[str, Any], Usage]:
        crew = steps.crew
        labelers = EngineJudge(
            steps.request_id(key),
            steps.seed,
            crew.roles,
            crew.engines,
            priority(key.stage),
            seen if steps.trace else None,
        )
        label = await plan.labels.label(pair, principles, labelers)
        body = {
            "response_a": pair.response_a,
            "response_b": pair.response_b,
            "source": pair.source,
            "label": label.to_dict(),
        }
        return body, labelers.usage

    by_whom = [steps.crew.identity(role) for role in plan.labels.roles]
    asked = content_hash(plan.labels.asked(pair, principles), by_whom, steps.seed)
    step = await steps.step(key, asked, judge)
    return Label.from_dict(step.body["label"])


def _best_against_worst(pairs: Sequence[tuple[int, int]], first_better: Sequence[float]) -> int:
    """The comparison of the answer that wins most, by its mean probability over its pairs, with that which wins least.

    Args:
        pairs: Places of the two answers of each comparison, the smaller first.
        first_better: The probability that the first of them is better.
    """
    wins: dict[int, float] = {}
    for (first, second), p in zip(pairs, first_better, strict=True):
        wins[first] = wins.get(first, 0.0) + p
        wins[second] = wins.get(second, 0.0) + 1 - p
    ranked = sorted(wins, key=lambda place: (wins[place], -place))
    worst, best = ranked[0], ranked[-1]
    return pairs.index((min(worst, best), max(worst, best)))
