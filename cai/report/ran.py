"""The first section: what was run, with which models, principles, seeds and versions, and whether the counts add up."""

from collections.abc import Iterator, Mapping
from pathlib import Path

from cai.config.roles import RolesConfig
from cai.data.counts import RunCounts
from cai.report.evaluation import Evaluation
from cai.report.figures import UNKNOWN, Fact, Section, Table, change, number, ratio, share, table
from cai.report.files import number_in
from cai.report.gather import Material
from cai.report.run import Run
from cai.report.training import Training
from cai.report.visible import visible
from cai.report.words import duration

_WHAT = ("", "")


def ran_section(material: Material) -> Section:
    """The section, with a table for each thing that was run."""
    tables: list[tuple[str, Table]] = []
    if material.stages:
        stages = [stage for stage in material.stages if stage.kind != "report"]
        lines = [(visible(s.name), visible(s.kind), visible(s.status), _took(s.seconds)) for s in stages]
        tables.append(("Stages", table(("stage", "kind", "status", "time"), lines)))
    for run in material.runs:
        title = f"Generation: {visible(run.name)}" if material.kind == "recipe" else "Generation"
        tables.append((title, table(_WHAT, list(_run_lines(run, material.path)))))
    if material.trainings:
        columns = ("training", "from", "rows", "steps", "tokens", "time")
        tables.append(
            ("Trainings", table(columns, [_training_line(found, material.path) for found in material.trainings]))
        )
    for _, found in material.evaluations:
        tables.append(("Evaluation", table(_WHAT, list(_evaluation_lines(found, material.path)))))
        models = [(visible(m.name), _short(m.path, material.path), number(m.prompts)) for m in found.models]
        tables.append(("Evaluated models", table(("model", "path", "prompts"), models)))
    versions = _versions(material)
    if versions:
        programs = [(visible(name), visible(str(version))) for name, version in sorted(versions.items())]
        tables.append(("Versions", table(_WHAT, programs)))
    return Section("what-was-run", "Settings and counts", tables=tuple(tables))


def key_facts(material: Material) -> tuple[Fact, ...]:
    """The numbers that stand at the top of the page."""
    facts: list[Fact] = []
    for _, evaluation in material.evaluations[-1:]:
        facts += _outcome_facts(evaluation)
    for training in material.trainings:
        if training.reward:
            note = f"calibration error {number(training.reward.ece)}"
            facts.append(Fact("reward model, held-out accuracy", share(training.reward.accuracy), note))
    if material.runs and not material.evaluations:
        facts += _run_facts(material.runs[0])
    return tuple(facts)


def reconciled(counts: RunCounts) -> str:
    """The line in which the counts must add up."""
    line = (
        f"{counts.prompts:,} prompts = {counts.trajectories:,} trajectories + {counts.filtered:,} filtered + "
        f"{counts.failed:,} failed"
    )
    return line + (f" + {counts.owed:,} still owed" if counts.owed else "")


def _outcome_facts(found: Evaluation) -> Iterator[Fact]:
    base, last = found.base, found.models[-1] if found.models else None
    if last is None:
        return
    names = (("harmful answers", "harm_rate"), ("harmless answered", "benign_answered_rate"))
    for name, key in (*names, ("harmless refused", "over_refusal_rate")):
        before = base.get(key) if base else None
        note = (
            f"{visible(last.name)}; {visible(found.baseline)} {share(before)}"
            if base is not last
            else visible(last.name)
        )
        yield Fact(name, share(last.get(key)), note)
    before, after = base.collapse.get("distinct_2") if base else None, last.collapse.get("distinct_2")
    if base is not last and before and after is not None:
        yield Fact("different word pairs", change(before, after), f"against {visible(found.baseline)}")


def _run_facts(run: Run) -> Iterator[Fact]:
    yield Fact("trajectories", number(run.counts.trajectories), f"of {run.counts.prompts:,} prompts")
    if run.oracle and run.oracle.by_revision:
        first, last = run.oracle.by_revision[0], run.oracle.by_revision[-1]
        yield Fact("harmful at the end", share(last.harm_rate), f"draft {share(first.harm_rate)}")
        answered = f"draft {share(first.benign_answered_rate)}"
        yield Fact("harmless answered", share(last.benign_answered_rate), answered)
    yield Fact("SFT rows", number(run.counts.sft_rows))
    labels = run.tally.labels
    flips = f"{share(ratio(labels.flips, labels.labels))} of the verdicts flip with the order"
    yield Fact("preference rows", number(run.counts.preference_rows), flips if labels.labels else "")


def _run_lines(run: Run, inside: Path) -> Iterator[tuple[str, str]]:
    pipeline, settings = run.config.pipeline, run.config.pipeline.generate
    yield "counts", reconciled(run.counts)
    for verb, reasons in (("filtered", run.counts.filtered_reasons), ("failed", run.counts.failed_reasons)):
        for reason, count in sorted(reasons.items(), key=lambda item: (-item[1], item[0]))[:10]:
            yield verb, f"{count:,}: {visible(reason)[:300]}"
    yield "rows written", f"{run.counts.sft_rows:,} for SFT, {run.counts.preference_rows:,} preferences"
    for name, left_out in (("SFT", run.counts.sft_left_out), ("preferences", run.counts.preference_left_out)):
        if left_out:
            parts = (f"{count:,} {visible(reason)[:80]}" for reason, count in sorted(left_out.items()))
            yield f"left out of {name}", ", ".join(parts)
    yield "pipeline", visible(f"{pipeline.name}. {pipeline.description}".strip())
    named = " ".join(part for part in (run.rules.name, run.rules.version) if part) or "name unknown"
    yield "constitution", visible(f"{named} ({run.rules.path})")
    limit = f", the first {run.config.limit:,}" if run.config.limit else ""
    turns = f"; {run.tally.several_turns:,} with several turns" if run.tally.several_turns else ""
    yield "prompts", visible(f"{run.config.prompts}{limit}{turns}")
    yield from _models(run, inside).items()
    compared = settings.comparison.source.replace("_", " ")
    rounds = f"{settings.rounds}, {settings.critique.kind.replace('_', ' ')}" if settings.rounds else "none"
    yield "rounds", f"{rounds}; {settings.form} form"
    under = f"{settings.labels.principles} principle{'s' if settings.labels.principles > 1 else ''}"
    yield "comparison", f"{compared}; {settings.labels.kind} labels under {under}"
    yield "seed", str(settings.seed)
    if run.session:
        yield "begun", f"{_moment(run.session.started_at)}, session {run.session.number}"
        yield "ended", _moment(run.session.ended_at or "not yet")
    cut = ", ".join(f"{count:,} of stage {visible(stage)}" for stage, count in sorted(run.tally.cut.items()))
    yield "cut at the token limit", cut or "none"


def _evaluation_lines(found: Evaluation, inside: Path) -> Iterator[tuple[str, str]]:
    yield "baseline", visible(found.baseline) or UNKNOWN
    yield "harm", f"judged by {visible(found.harm_method)}" if found.harm_method not in ("", "none") else "not judged"
    judge = found.row.get("judge")
    if isinstance(judge, Mapping):
        yield "judge", _short(str(judge.get("path")), inside)
    for name, path, prompts in found.sets:
        yield "prompts", f"{visible(name)}: {number(prompts)} of {_short(path, inside)}"
    yield "seed", visible(str(found.row.get("seed", UNKNOWN)))


def _models(run: Run, inside: Path) -> Mapping[str, str]:
    """Who did what: roles that share engine and sampling stand together."""
    pipeline = run.config.pipeline
    found: dict[str, list[str]] = {}
    for role in RolesConfig.model_fields:
        settings = getattr(pipeline.roles, role)
        engine = pipeline.engines[settings.engine]
        adapter = f" with adapter {_short(settings.adapter, inside)}" if settings.adapter else ""
        model = f"{_short(engine.model, inside)}{adapter}"
        told = f"{model} ({engine.kind}), temperature {settings.sampling.temperature:g}"
        found.setdefault(told, []).append(role)
    return {", ".join(roles): told for told, roles in found.items()}


def _training_line(found: Training, inside: Path) -> tuple[str, ...]:
    summary = found.summary
    data = summary.get("data")
    rows = sum(int(row.get("rows") or 0) for row in data if isinstance(row, dict)) if isinstance(data, list) else None
    base = summary.get("base_model") or found.settings.get("model") or "unknown"
    steps, tokens, seconds = (number_in(summary, key) for key in ("steps", "tokens", "seconds"))
    return (
        visible(f"{found.name} ({found.kind})" if found.kind != found.name else found.name),
        _short(str(base), inside),
        number(rows),
        number(steps),
        number(tokens),
        _took(seconds),
    )


def _took(seconds: float | None) -> str:
    return "" if seconds is None else duration(seconds)


def _short(path: str, inside: Path) -> str:
    """A path as seen from the folder that the page is about."""
    for start in (str(inside), str(inside.resolve())):
        path = path.removeprefix(f"{start}/")
    return visible(path)


def _versions(material: Material) -> dict[str, object]:
    versions: dict[str, object] = {}
    told = [found.summary.get("versions") for found in material.trainings]
    told += [found.row.get("versions") for _, found in material.evaluations]
    for row in (*told, *(run.versions for run in material.runs)):
        if isinstance(row, Mapping):
            versions |= row
    return versions


def _moment(text: str) -> str:
    """A time of the journal, to the minute: `2026-05-31T12:00:00.000+00:00` is long to read."""
    return f"{text[:10]} {text[11:16]} UTC" if text[10:11] == "T" else text
