"""From what was gathered to the parts of a page: which sections there are, in which order, and what is left out."""

from collections.abc import Iterator
from dataclasses import dataclass

from cai.report import evaluation_figures as judged
from cai.report import label_figures, run_figures
from cai.report import preference_figures as preferred
from cai.report import training_figures as trained
from cai.report.answers import chosen_answers
from cai.report.evaluation import Evaluation
from cai.report.figures import Fact, Figure, LeftOut, Section, number, share
from cai.report.gather import Material
from cai.report.people import people_section
from cai.report.ran import ran_section
from cai.report.run import Run
from cai.report.training import Training
from cai.report.visible import visible


@dataclass(frozen=True, slots=True)
class Part:
    """Sections that belong together: of one stage, or of the whole."""

    id: str
    title: str
    sections: tuple[Section, ...]


def parts_of(material: Material) -> tuple[Part, ...]:
    """Every part that has something to show, the outcome first."""
    found = [Part("about", "What was run", (ran_section(material),))]
    several = len(material.evaluations) > 1
    for name, evaluation in material.evaluations:
        title = f"What changed: {visible(name)}" if several else "What changed"
        found.append(Part(_slug("outcome", name), title, tuple(_outcome(_prefix(material, name), evaluation))))
    for run in material.runs:
        title = f"The data of stage {visible(run.name)}" if material.kind == "recipe" else "The data"
        sections = tuple(_data(_prefix(material, run.name), run))
        found.append(Part(_slug("data", run.name), title, sections))
    trainings = tuple(_training(_prefix(material, t.name), t) for t in material.trainings)
    if trainings:
        found.append(Part("training", "Training", trainings))
    return tuple(part for part in found if part.sections)


_MARKS = " What a round took away is struck through on the left; what it put in is underlined on the right."


def left_out(material: Material) -> tuple[LeftOut, ...]:
    """The sections that a page of this kind could have and this one has not, with the reason."""
    found = []
    if not any(run.oracle for run in material.runs):
        reason = "no oracle knows the truth about these answers; `cai eval` can ask a judge"
        found.append(LeftOut("harm by revision", reason if material.runs else "no data were generated here"))
    if not material.runs:
        found += [
            LeftOut(name, "no data were generated here") for name in ("labels", "principles", "lengths", "trajectories")
        ]
    for run in material.runs:
        found += _left_out_of_run(run)
    if not material.evaluations:
        reason = "nothing was evaluated here; `cai eval` compares models"
        found += [
            LeftOut(name, reason) for name in ("harm by training stage", "helpfulness and harmlessness", "collapse")
        ]
    for _, evaluation in material.evaluations:
        found += _left_out_of_evaluation(evaluation)
    if not material.trainings:
        found.append(LeftOut("training curves", "nothing was trained here"))
    if not any(training.reward for training in material.trainings):
        found.append(LeftOut("calibration of the reward model", "there is no finished reward model here"))
    return tuple(dict.fromkeys(found))


def _left_out_of_run(run: Run) -> Iterator[LeftOut]:
    if not run.tally.records:
        yield LeftOut(f"figures of {visible(run.name)}", "no record is finished yet")
        return
    if not run.tally.rounds:
        yield LeftOut(f"principles of {visible(run.name)}", "it has no rounds of revision")
    if not run.tally.labels.labels:
        yield LeftOut(f"labels of {visible(run.name)}", "it has no label")


def _left_out_of_evaluation(evaluation: Evaluation) -> Iterator[LeftOut]:
    if not judged.placed(evaluation):
        yield LeftOut("helpfulness and harmlessness", "harm or answered harmless requests are unknown")
    if not evaluation.preferences:
        yield LeftOut("win rates", "no judge compared the models")


def _data(prefix: str, run: Run) -> Iterator[Section]:
    tally = run.tally
    if run.oracle and run.oracle.by_revision:
        figures: tuple[Figure, ...] = (run_figures.harm_by_revision(prefix, run.oracle),)
        if tally.rounds:
            figures += (run_figures.changes_by_round(prefix, run),)
        yield Section(f"{prefix}rounds", "Revisions" if tally.rounds else "Harm", _oracle_lead(run), figures=figures)
    elif tally.rounds and tally.records:
        yield Section(f"{prefix}rounds", "Revisions", figures=(run_figures.changes_by_round(prefix, run),))
    if tally.records:
        figures = (run_figures.hazards(prefix, run), run_figures.lengths(prefix, run))
        if any(found.drawn for found in tally.principles.values()):
            figures = (run_figures.principles(prefix, run), *figures)
        title = "Principles, hazards and lengths" if tally.rounds else "Hazards and lengths"
        yield Section(f"{prefix}principles", title, figures=figures)
    if tally.labels.labels:
        figures = (label_figures.label_probabilities(prefix, run), label_figures.label_mass(prefix, run))
        if tally.labels.spreads:
            figures += (label_figures.labelers(prefix, run),)
        yield Section(f"{prefix}labels", "AI labels", facts=label_figures.label_facts(run), figures=figures)
    yield from people_section(prefix, run.path)
    if run.stories:
        lead = f"{len(run.stories)} records out of {run.counts.prompts:,}, chosen to be looked at." + _MARKS * bool(
            tally.rounds
        )
        yield Section(f"{prefix}trajectories", "Trajectories", lead, stories=run.stories)


def _oracle_lead(run: Run) -> str:
    told = run.oracle
    if told is None or told.verdict_accuracy is None:
        return "The oracle of the sandbox world judged every answer."
    lead = (
        f"The oracle of the sandbox world judged every answer. {told.verdict_accuracy:.1%} of the critiques say rightly"
    )
    lead += " whether their principle was broken"
    return lead + (
        f"; {told.label_accuracy:.1%} of the labels agree with it." if told.label_accuracy is not None else "."
    )


def _outcome(prefix: str, found: Evaluation) -> Iterator[Section]:
    if not found.models:
        return
    figures = [judged.by_stage(prefix, found)]
    if judged.placed(found):
        figures.append(judged.plane(prefix, found))
    if any(model.by_hazard for model in found.models):
        figures.append(judged.harm_by_hazard(prefix, found))
    yield Section(f"{prefix}outcome", "Harm and helpfulness", _method(found), figures=tuple(figures))
    wins = []
    if any(pair.win_rate is not None for pair in found.preferences):
        wins.append(preferred.win_rates(prefix, found))
    if any(rating.rating is not None for rating in found.ratings):
        wins.append(preferred.ratings(prefix, found))
    if wins:
        yield Section(f"{prefix}preferences", "Preferences", figures=tuple(wins))
    base = found.base
    if len(found.models) > 1 and base and any(base.collapse.values()):
        yield Section(f"{prefix}signs", "Collapse", figures=(judged.collapse(prefix, found),))
    compared = chosen_answers(found)
    if compared:
        lead = "The same prompts before and after, chosen to be looked at."
        yield Section(f"{prefix}answers", "Answers side by side", lead, stories=compared)


def _method(found: Evaluation) -> str:
    how = {
        "oracle": "The oracle of the sandbox world judged every answer.",
        "judge": f"A judge rated answers to harmful prompts from 0 to 4; {found.harmful_from:g} or more is harmful.",
    }.get(found.harm_method, "Nobody judged harm: what is shown rests on the refusal detector.")
    sets = ", ".join(f"{visible(name)} ({n:,})" if n is not None else visible(name) for name, _, n in found.sets)
    return f"{how} Prompts: {sets}." if sets else how


def _training(prefix: str, training: Training) -> Section:
    figures = []
    for metric, title in (("loss", "Loss"), ("accuracy", "Accuracy"), ("margin", "Margin")):
        curve = training.curves.get(metric)
        if curve and curve.kept:
            figures.append(trained.curve(prefix, training, metric, title))
    reward = training.reward
    facts = []
    if reward:
        facts = [
            Fact("held-out accuracy", share(reward.accuracy)),
            Fact("calibration error", number(reward.ece), "after the temperature was fitted"),
        ]
        if trained.has_reliability(reward):
            figures.append(trained.reliability(prefix, reward))
        if reward.by_hazard:
            figures.append(trained.accuracy_by_hazard(prefix, reward.by_hazard))
        if reward.by_length:
            figures.append(trained.accuracy_by_length(prefix, reward.by_length))
    return Section(f"{prefix}training", _title(training), _training_lead(training), tuple(facts), tuple(figures))


_KINDS = {"sft": "supervised fine-tuning", "reward": "reward model", "dpo": "DPO", "kto": "KTO"}


def _title(training: Training) -> str:
    return f"{visible(training.name)}: {_KINDS.get(training.kind, visible(training.kind) or 'training')}"


def _training_lead(training: Training) -> str:
    summary = training.summary
    if not summary:
        return "This training has not ended."
    said = [f"{visible(str(summary.get('steps')))} steps from {visible(str(summary.get('base_model')))}"]
    rows = summary.get("data")
    if isinstance(rows, list):
        total = sum(int(row.get("rows") or 0) for row in rows if isinstance(row, dict))
        said.append(f"{total:,} rows")
    return f"{', '.join(said)}."


def _prefix(material: Material, name: str) -> str:
    return f"{_slug(name)}-" if material.kind == "recipe" else ""


def _slug(*parts: str) -> str:
    text = "-".join(parts).lower()
    return "".join(c if c.isascii() and (c.isalnum() or c == "-") else "-" for c in text)
