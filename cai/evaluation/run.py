"""One evaluation, from its sets of prompts to evaluation.json. One engine runs at a time."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from cai.config.evaluation import EvaluationConfig, HarmMethod
from cai.engines.identity import model_identity
from cai.engines.model_folder import find_model
from cai.errors import UsageError
from cai.evaluation.answering import Answers, answer
from cai.evaluation.asking import Replies, Workplace, ask, stagecraft
from cai.evaluation.figures import Row
from cai.evaluation.judge import HarmRubric, Rating
from cai.evaluation.one_engine import OneEngine, key_of
from cai.evaluation.oracle import Oracle
from cai.evaluation.preference import Match, Referee, matches_of
from cai.evaluation.results import Judgement, Outcome, result_of, write_results
from cai.evaluation.reward import load_scorer, scored
from cai.evaluation.stats import EvaluationStats
from cai.evaluation.suites import Item, PromptSet, load_sets
from cai.records import Label
from cai.refusals.detector import detect_refusal
from cai.store.atomic import make_folder, write_text
from cai.store.journal import Journal
from cai.store.ledger import Ledger

LEDGER = "evaluation.db"


@dataclass(frozen=True)
class _Plan:
    """Everything that can be wrong before the first answer, loaded and checked."""

    config: EvaluationConfig
    sets: tuple[PromptSet, ...]
    method: HarmMethod
    oracle: Oracle | None
    rubric: HarmRubric | None
    referee: Referee | None

    @property
    def items(self) -> list[Item]:
        return [item for found in self.sets for item in found.items]


async def evaluate(
    config: EvaluationConfig, out: Path, oracle: Oracle | None, stats: EvaluationStats
) -> dict[str, Any]:
    """Evaluate, and write evaluation.json, config.json and the responses of each model.

    If it is cancelled, all answers and verdicts so far are kept and the same command goes on from there.

    Args:
        config: The resolved settings.
        out: Folder of the results; made if it is absent.
        oracle: Something that knows the truth in a world of its own, or None.
        stats: Counters, kept up to date for whoever watches.

    Returns:
        What evaluation.json holds.

    Raises:
        CaiError: Whatever ended it before its time, with its exit code.
    """
    plan = _plan(config, oracle)
    _claim(out)
    with Journal.open(out / LEDGER) as journal:
        write_text(out / "config.json", config.model_dump_json(indent=2) + "\n")
        async with OneEngine(out / "logs") as engines:
            place = Workplace(config, Ledger(journal), stats, engines)
            prompts = {item.prompt.id: item.prompt for item in plan.items}
            # A model that is the judge too comes last: its engine stays up.
            judge = key_of(config.judge) if config.judge else None
            order = sorted(config.models, key=lambda name: key_of(config.models[name]) == judge)
            answers = {name: await answer(place, name, prompts) for name in order}
            rows = {name: _rows(plan, answers[name]) for name in config.models}
            rows, matches, judgement = await _judged(place, plan, answers, rows)
        rows = await _rewarded(place, rows, out / "logs" / "reward.log")
        stats.begin("working out the figures")
        outcomes = [Outcome(answers[name], rows[name]) for name in config.models]
        result = result_of(config, plan.sets, plan.method, outcomes, (matches, judgement))
        write_results(out, result, outcomes)
    return result


def _plan(config: EvaluationConfig, oracle: Oracle | None) -> _Plan:
    sets = load_sets(config)
    method = harm_method(config, sets, oracle)
    for model in config.models.values():
        stagecraft(config, model)
        model_identity(model.engine, model.adapter)
    if config.reward_model is not None:
        find_model(config.reward_model)
    rubric = referee = None
    if config.judge is not None:
        craft = stagecraft(config, config.judge)
        identity = model_identity(config.judge.engine, config.judge.adapter)
        if method == "judge":
            rubric = HarmRubric(craft, config.harm.rubric, identity, config.judge.adapter)
        if config.preferences.asked and len(config.models) > 1:
            referee = Referee(config, craft, identity)
    return _Plan(config, sets, method, oracle if method == "oracle" else None, rubric, referee)


def harm_method(config: EvaluationConfig, sets: Sequence[PromptSet], oracle: Oracle | None) -> HarmMethod:
    """How harm is found out, with `auto` decided.

    Raises:
        UsageError: The oracle is asked for, but there is none for these prompts.
    """
    wanted = config.harm.method
    if wanted not in ("auto", "oracle"):
        return wanted
    strange = next((i for found in sets for i in found.items if oracle is None or not oracle.knows(i.prompt)), None)
    if strange is None:
        return "oracle"
    if wanted == "oracle":
        what = "the oracle cannot read this prompt" if oracle else "there is no oracle"
        raise UsageError(what, where=strange.prompt.source, fix="set harm.method to judge or none")
    return "judge" if config.judge is not None else "none"


def _claim(out: Path) -> None:
    """Take a folder that is new, empty, or of an earlier evaluation."""
    if out.exists() and not out.is_dir():
        raise UsageError("this is a file, not a folder", where=str(out), fix="choose another folder")
    if out.exists() and not (out / LEDGER).exists() and any(out.iterdir()):
        fix = "choose a new or empty folder"
        raise UsageError("the folder is not empty and holds no evaluation", where=str(out), fix=fix)
    make_folder(out / "logs")


def _rows(plan: _Plan, answers: Answers) -> list[Row]:
    """What can be said of a model's answers without a judge."""
    rows = []
    for item in plan.items:
        given = answers.by_prompt.get(item.prompt.id)
        if given is None:
            continue
        row = Row(item, given, detect_refusal(item.prompt.messages[-1].content, given.text))
        if plan.oracle is not None:
            verdict = plan.oracle.verdict(item.prompt, given.text)
            row = replace(row, harm=float(verdict.harmful), harmful=verdict.harmful, verdict=verdict)
        rows.append(row)
    return rows


async def _judged(
    place: Workplace, plan: _Plan, answers: Mapping[str, Answers], rows: dict[str, list[Row]]
) -> tuple[dict[str, list[Row]], list[Match], Judgement | None]:
    """The judge's two tasks with one start of its engine: ratings of harm, and comparisons."""
    config = plan.config
    if config.judge is None:
        return rows, [], None
    rated = [(name, index) for name in rows for index, row in enumerate(rows[name]) if plan.rubric and row.item.harmful]
    texts = {name: {key: given.text for key, given in found.by_prompt.items()} for name, found in answers.items()}
    matches = matches_of(config, texts, plan.items) if plan.referee else []
    asked = [match for match in matches if not match.equal]
    questions = [
        *(partial(_rate, plan.rubric, rows[name][index]) for name, index in rated if plan.rubric),
        *(partial(plan.referee.question, match) for match in asked if plan.referee),
    ]
    replies = await ask(place, "judge", "judging", config.judge, questions)
    ratings = [None if body is None else Rating(**body) for body in replies.bodies[: len(rated)]]
    for (name, index), rating in zip(rated, ratings, strict=True):
        if rating is not None:
            harmful = rating.value >= config.harm.threshold
            rows[name][index] = replace(rows[name][index], harm=rating.value, harmful=harmful)
    settled = [match for match in matches if match.equal] + _settled(asked, replies.bodies[len(rated) :])
    return rows, settled, _judgement(config, replies, ratings)


def _rate(rubric: HarmRubric, row: Row) -> Any:
    return rubric.question(row.item.prompt, row.answer.text)


def _settled(asked: Sequence[Match], bodies: Sequence[dict[str, Any] | None]) -> list[Match]:
    pairs = zip(asked, bodies, strict=True)
    return [replace(match, label=Label.from_dict(body)) for match, body in pairs if body is not None]


def _judgement(config: EvaluationConfig, replies: Replies, ratings: Sequence[Rating | None]) -> Judgement:
    assert config.judge is not None
    masses = [rating.mass for rating in ratings if rating is not None]
    return Judgement(
        identity=model_identity(config.judge.engine, config.judge.adapter),
        failures=replies.failures,
        mean_rating_mass=sum(masses) / len(masses) if masses else None,
    )


async def _rewarded(place: Workplace, rows: dict[str, list[Row]], log: Path) -> dict[str, list[Row]]:
    model = place.config.reward_model
    if model is None:
        return rows
    place.stats.begin("loading the reward model")
    scorer = load_scorer(model, log)
    place.stats.begin("scoring with the reward model", sum(map(len, rows.values())))
    return {name: await scored(scorer, rows[name], place.stats) for name in rows}
