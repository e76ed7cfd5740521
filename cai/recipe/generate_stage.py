"""A generate stage in full: the pipeline as this stage sees it, with models and prompts of earlier stages put in."""

from dataclasses import dataclass, field
from typing import Any

from cai.config.pipeline import PipelineConfig
from cai.config.prompts import PromptsConfig, as_mixture
from cai.config.recipe import GenerateStage, references
from cai.config.roles import EngineConfig, RoleConfig
from cai.errors import UsageError
from cai.recipe.engines import engine_ruling, model_input, with_model
from cai.recipe.names import Names
from cai.recipe.plan import Input, PlannedStage, templates_inputs

# What changes when work is done, but no result; the templates are read by their content.
_NOT_RULING = {"max_in_flight", "prompts_dir"}


@dataclass
class _Cast:
    """Engines and roles while names are put in; `makers` says which stage makes a model or adapter, by its place.

    `others` are the roles that the settings of generation add: critics, labelers, the second model.
    """

    engines: dict[str, EngineConfig]
    roles: dict[str, RoleConfig]
    others: dict[str, RoleConfig] = field(default_factory=dict)
    makers: dict[str, str | None] = field(default_factory=dict)

    @property
    def used(self) -> dict[str, EngineConfig]:
        """The engines that some role uses."""
        return {role.engine: self.engines[role.engine] for role in (self.roles | self.others).values()}

    def serve(self, key: str, value: str, names: Names) -> None:
        """Put the model that a name stands for into an engine, and its adapter into the roles that have none."""
        if self.engines[key].kind == "openai":
            return
        model = names.served(value)
        self.engines[key] = with_model(self.engines[key], model.path, model.revision)
        self.makers[f"engines.{key}.model"] = model.stage
        for name, role in self.roles.items():
            if model.adapter and role.engine == key and role.adapter is None:
                self.adapt(name, model.adapter, model.adapter_stage)

    def adapt(self, role: str, adapter: str, stage: str | None) -> None:
        """Give an adapter to a role."""
        self.roles[role] = self.roles[role].model_copy(update={"adapter": adapter})
        self.makers[f"roles.{role}.adapter"] = stage

    def reads(self) -> list[Input]:
        """Every model and adapter."""
        found: list[Input] = []
        for key, engine in self.used.items():
            found += model_input(f"engines.{key}", engine, self.makers.get(f"engines.{key}.model"))
        for name, role in (self.roles | self.others).items():
            if role.adapter:
                at = f"roles.{name}.adapter"
                found.append(Input(at, "model", role.adapter, self.makers.get(at)))
        return found


def plan_generate(stage: GenerateStage, names: Names, merged: PipelineConfig) -> PlannedStage:
    """The stage in full.

    Args:
        stage: The stage.
        names: Names of the stages before it.
        merged: The pipeline with the settings of this stage laid over it.

    Raises:
        UsageError: Neither it nor the pipeline names a constitution, or prompts.
    """
    cast = _cast(stage, names, merged)
    given = merged.prompts
    if given is None:
        raise _unnamed("prompts", stage)
    # Only a stage may name another; the pipeline's own prompts are always a path.
    prompts = names.mixture(given) if stage.prompts else given
    constitution = merged.constitution
    if constitution is None:
        raise _unnamed("constitution", stage)
    resolved = merged.model_copy(
        update={
            "engines": cast.engines,
            "roles": merged.roles.model_copy(update=cast.roles),
            "prompts": prompts,
            # They were looked for when the recipe was read.
            "paths": "here",
            "description": f"The stage {stage.name} of {merged.name}.",
        }
    )
    out, file = names.out(stage.name), names.settings_file(stage.name)
    limit = () if stage.limit is None else ("--limit", str(stage.limit))
    return PlannedStage(
        name=stage.name,
        kind=stage.kind,
        out=out,
        settings_file=file,
        settings=resolved.model_dump(mode="json", exclude={"stages"}),
        arguments=("generate", "--pipeline", str(file), *limit, "--out", str(out), "--json"),
        reads=(
            *cast.reads(),
            Input("constitution", "constitution", constitution),
            *_prompts_read(prompts, given, names),
            *templates_inputs(merged.generate.prompts_dir),
            *_code_read(merged),
        ),
        ruling={
            "generate": merged.generate.model_dump(mode="json", exclude=_NOT_RULING),
            "engines": {key: engine_ruling(engine) for key, engine in cast.used.items()},
            "roles": {name: role.model_dump(mode="json", exclude={"adapter"}) for name, role in cast.roles.items()},
            "limit": stage.limit,
            **_mixture_ruling(prompts),
        },
    )


def _code_read(merged: PipelineConfig) -> tuple[Input, ...]:
    """The Python file of a critique mode of the user's own."""
    critique = merged.generate.critique
    return (Input("critique", "code", critique.mode.rpartition(":")[0]),) if critique.kind == "own" else ()


def _prompts_read(prompts: str | PromptsConfig, given: str | PromptsConfig, names: Names) -> list[Input]:
    """Each source, by what it is now and what the stage calls it."""
    pairs = list(zip(as_mixture(prompts).sources, as_mixture(given).sources, strict=True))
    single = len(pairs) == 1
    return [
        Input(
            "prompts" if single else f"prompts.{index}",
            "prompts",
            now.path,
            names.stage(called.path) if now.path != called.path else None,
        )
        for index, (now, called) in enumerate(pairs)
    ]


def _mixture_ruling(prompts: str | PromptsConfig) -> dict[str, Any]:
    """How sources are read and mixed; where they lie does not matter, what they hold is an input."""
    if isinstance(prompts, str):
        return {}
    dumped = prompts.model_dump(mode="json")
    return {"prompts": {**dumped, "sources": [source | {"path": ""} for source in dumped["sources"]]}}


def _cast(stage: GenerateStage, names: Names, merged: PipelineConfig) -> _Cast:
    roles = {name: getattr(merged.roles, name) for name in type(merged.roles).model_fields}
    others = {name: role for name, role in merged.all_roles.items() if name not in roles}
    cast = _Cast(dict(merged.engines), roles, others)
    places = list(references(stage))
    for at, value, wants in places:
        if wants == "adapter":
            cast.adapt(str(at[1]), names.adapter(value), names.stage(value))
    for at, value, wants in places:
        if wants == "model":
            cast.serve(str(at[1]), value, names)
    return cast


def _unnamed(what: str, stage: GenerateStage) -> UsageError:
    fix = f"add `{what}: FILE` to the pipeline or to the stage, or give --set {what}=FILE"
    return UsageError(f"the stage `{stage.name}` has no {what}", where=f"stages.{stage.name}", fix=fix)
