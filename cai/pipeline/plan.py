"""What a run will do, loaded and checked: constitution, prompts, critique mode, label method, and its fingerprint."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from cai.config.pipeline import RunConfig
from cai.config.stages import GenerateConfig
from cai.constitution.load import load_constitution
from cai.constitution.schema import Constitution, Principle, Stage, applies
from cai.critique.base import CritiqueMode
from cai.critique.build import build_critique
from cai.dialogue import Stagecraft
from cai.engines.base import Engine
from cai.errors import ConstitutionError
from cai.labeling.base import LabelMethod
from cai.labeling.build import build_labels
from cai.records import Prompt, content_hash
from cai.resources import find, resource

REVISE = "revision/revise"
"""The template with which a revision is asked for."""
REVISE_VALUES = ("revision_request", "constraints")

# Settings of the generation stage that change when work is done, or what is exported, but no answer of any model.
NOT_IN_THE_FINGERPRINT = {"max_in_flight", "prompts_dir", "sft"}


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

    def principles(self, prompt: Prompt, stage: Stage) -> list[Principle]:
        """The principles that apply to a prompt in a stage; never empty.

        Raises:
            ConstitutionError: None applies.
        """
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
            pipeline.roles.model_dump(mode="json"),
            {key: engine.fingerprint for key, engine in engines.items()},
            self.constitution.fingerprint,
            self.craft.fingerprint_parts(),
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
    prompts = Path(generate.prompts_dir) if generate.prompts_dir else resource("prompts")
    craft = Stagecraft(prompts, generate.form)
    critique = build_critique(generate.critique)
    for template, offered in {**critique.templates, REVISE: REVISE_VALUES}.items():
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
