"""What a run will do, loaded and checked: constitution, prompts, critique mode, label method, and its fingerprint."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from cai.config.pipeline import RunConfig
from cai.config.stages import GenerateConfig
from cai.constitution.brief import Brief, briefs
from cai.constitution.draw import draw
from cai.constitution.load import load_constitution
from cai.constitution.schema import Constitution, Principle, Stage, applies
from cai.critique.base import CritiqueMode
from cai.critique.build import build_critique
from cai.critique.own import source_hash
from cai.critique.verdict import VERDICT, VERDICT_VALUES
from cai.dialogue import Stagecraft
from cai.engines.base import Engine
from cai.errors import ConstitutionError, UsageError
from cai.labeling.base import LabelMethod
from cai.labeling.build import build_labels
from cai.records import Prompt, content_hash
from cai.resources import find, resource

REVISE = "revision/revise"
"""The template with which a revision is asked for."""
REVISE_VALUES = ("revision_request", "constraints")

IN_ORDER = ("sequential", "all")

# Settings of the generation stage that change when work is done, or what is exported, but no answer of any model.
NOT_IN_THE_FINGERPRINT = {"max_in_flight", "prompts_dir", "sft", "filters"}


@dataclass(frozen=True)
class Plan:
    """Everything that a record needs, apart from engines and journal."""

    config: RunConfig
    constitution: Constitution
    craft: Stagecraft
    critique: CritiqueMode
    labels: LabelMethod

    @property
    def generate(self) -> GenerateConfig:
        """The settings of the stage."""
        return self.config.pipeline.generate

    @property
    def requests(self) -> tuple[str, ...]:
        """All that is said to a critic and a reviser, and that no answer may repeat."""
        found = [text for p in self.constitution.principles for text in (p.critique_request, p.revision_request)]
        return *found, *self.craft.library.texts

    def briefs(self, prompt: Prompt) -> list[Brief]:
        """What each round of critique is about; empty without rounds.

        Raises:
            ConstitutionError: No principle applies to the prompt.
        """
        settings = self.generate
        if not settings.rounds:
            return []
        principles = self._applying(prompt, "critique")
        return briefs(principles, settings.principles, settings.seed, prompt.id, prompt.hazard, settings.rounds)

    def judging(self, prompt: Prompt) -> tuple[Principle, ...]:
        """The principles by which answers to a prompt are compared, drawn by weight; at least one.

        Raises:
            ConstitutionError: No principle applies to the prompt.
        """
        settings = self.generate
        return draw(self._applying(prompt, "comparison"), settings.seed, prompt.id, 0, settings.labels.principles)

    def _applying(self, prompt: Prompt, stage: Stage) -> list[Principle]:
        found = [p for p in self.constitution.principles if applies(p, prompt.hazard, prompt.tags, stage)]
        if not found:
            raise ConstitutionError(
                f"no principle applies to the {stage} of this prompt (hazard {prompt.hazard}, tags {prompt.tags})",
                where=f"{self.constitution.name} {self.constitution.version}",
                fix="add a principle without applies_to",
            )
        return found

    def fingerprint(self, engines: Mapping[str, Engine]) -> str:
        """Hash of all that determines a finished record; `engines` are started, by their key."""
        pipeline = self.config.pipeline
        return content_hash(
            self.generate.model_dump(mode="json", exclude=NOT_IN_THE_FINGERPRINT),
            {name: role.model_dump(mode="json") for name, role in pipeline.all_roles.items()},
            {key: engine.fingerprint for key, engine in engines.items()},
            self.constitution.fingerprint,
            # Where principles are taken in the order of the file, that order counts too.
            [p.id for p in self.constitution.principles] if self.generate.principles.strategy in IN_ORDER else [],
            self.craft.fingerprint_parts(),
            source_hash(self.generate.critique) if self.generate.critique.kind == "own" else None,
        )


def build_plan(config: RunConfig) -> Plan:
    """Load everything that a run reads before its first prompt.

    Raises:
        ConstitutionError: The constitution is missing, not valid, or has no principle for a stage that the run has.
        TemplateError: A template is missing or not valid.
    """
    generate = config.pipeline.generate
    constitution = load_constitution(find(config.constitution, "constitution"))
    for stage in _stages(generate):
        _check_stage(constitution, stage)
    shipped = resource("prompts")
    prompts = Path(generate.prompts_dir) if generate.prompts_dir else shipped
    craft = Stagecraft(prompts, generate.form, shipped)
    if generate.critique.kind == "own" and not config.allow_code:
        raise UsageError(
            f"the pipeline wants to run code: {generate.critique.mode}",
            where="generate.critique",
            fix="read that file, then allow it with --allow-code",
        )
    critique = build_critique(generate.critique)
    verdict = {VERDICT: VERDICT_VALUES} if generate.verdict else {}
    for template, offered in {**critique.templates, **verdict, REVISE: REVISE_VALUES}.items():
        craft.library.expect(template, offered)
    return Plan(config, constitution, craft, critique, build_labels(generate.labels, craft, generate.seed))


def _stages(config: GenerateConfig) -> tuple[Stage, ...]:
    return ("critique", "comparison") if config.rounds else ("comparison",)


def _check_stage(constitution: Constitution, stage: Stage) -> None:
    if not any(stage in (p.applies_to.stages or (stage,)) for p in constitution.principles):
        raise ConstitutionError(
            f"no principle is for the {stage}",
            where=f"{constitution.name} {constitution.version}",
            fix=f"let applies_to.stages of some principle hold {stage}, or leave it out",
        )
