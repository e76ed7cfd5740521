"""How the comparisons of a file are judged: principles, method, labelers, and what determines each label."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from cai.config.labeling import LabelingConfig
from cai.config.roles import EngineConfig, RoleConfig
from cai.constitution.load import load_constitution
from cai.constitution.schema import Principle
from cai.dialogue import Stagecraft
from cai.engines.identity import model_identity
from cai.labeling.base import LabelMethod
from cai.labeling.build import build_labels
from cai.labeling.principles import comparison_principles, question_alone
from cai.records import Comparison, content_hash
from cai.resources import find, resource


class Origin(NamedTuple):
    """Name and version of the constitution; a question of one's own has none."""

    constitution: str | None
    version: str | None


class Asked(NamedTuple):
    """By which principles a comparison is judged, and the hash of everything that determines its label."""

    principles: tuple[Principle, ...]
    hash: str


@dataclass(frozen=True)
class LabelPlan:
    """Everything that can be wrong before the first comparison, loaded and checked."""

    seed: int
    principles: tuple[Principle, ...]
    per_comparison: int
    origin: Origin
    method: LabelMethod
    roles: Mapping[str, RoleConfig]
    engines: Mapping[str, EngineConfig]
    identity: str

    def asked(self, comparison: Comparison) -> Asked:
        """What is asked of a comparison.

        Raises:
            RequestError: No principle applies to it.
            TemplateError: Prompt and answers are too long together.
        """
        drawn = comparison_principles(self.principles, comparison.prompt, self.seed, self.per_comparison)
        return Asked(drawn, content_hash(comparison.id, self.identity, self.method.asked(comparison, drawn), self.seed))


def plan_of(config: LabelingConfig) -> LabelPlan:
    """Load the constitution, the templates and the method.

    Raises:
        ConstitutionError: The constitution is missing or not valid.
        TemplateError: A template is missing or not valid.
        EngineError: Files of a labeler's model are missing.
    """
    generate = config.pipeline.generate
    if config.question is not None:
        principles, origin = question_alone(config.question), Origin(None, None)
    else:
        constitution = load_constitution(find(config.constitution or "", "constitution"))
        principles, origin = constitution.principles, Origin(constitution.name, constitution.version)
    shipped = resource("prompts")
    prompts = Path(generate.prompts_dir) if generate.prompts_dir else shipped
    method = build_labels(generate.labels, Stagecraft(prompts, generate.form, shipped), generate.seed)
    roles = {role: config.pipeline.all_roles[role] for role in method.roles}
    engines = {role.engine: config.pipeline.engines[role.engine] for role in roles.values()}
    identities = {
        name: [model_identity(engines[role.engine], role.adapter), role.adapter, role.sampling.model_dump(mode="json")]
        for name, role in roles.items()
    }
    return LabelPlan(
        generate.seed, principles, generate.labels.principles, origin, method, roles, engines, content_hash(identities)
    )
