"""From the options of a command to a resolved run: which pipeline file, which prompts, which model."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cai.errors import UsageError

if TYPE_CHECKING:
    from cai.config.pipeline import RunConfig

SANDBOX_PIPELINE = "pipelines/sandbox.yaml"
DEFAULT_PIPELINE = "pipelines/default.yaml"
SANDBOX = "cai-sandbox"
_KINDS = ("vllm", "openai", "scripted")

PromptsArgument = Annotated[
    Path | None,
    typer.Argument(
        metavar="PROMPTS",
        help="Prompts: .jsonl, .json, .csv, .parquet, .txt or hf:ORG/NAME. Without it: the sandbox's.",
        show_default=False,
    ),
]
ConstitutionOption = Annotated[Path | None, typer.Option("--constitution", "-c", help="Constitution file (YAML).")]
PipelineOption = Annotated[Path | None, typer.Option("--pipeline", "-p", help="Pipeline file (YAML).")]
ModelOption = Annotated[
    str | None, typer.Option("--model", "-m", help="Folder, hub name or served name; without it: the sandbox model.")
]
EngineOption = Annotated[str | None, typer.Option("--engine", help="vllm, openai or scripted.")]
BaseUrlOption = Annotated[
    list[str] | None, typer.Option("--base-url", help="Address of a server, ending in /v1; may be repeated.")
]
RoundsOption = Annotated[int | None, typer.Option("--rounds", min=0, max=64, help="Rounds of critique and revision.")]
LimitOption = Annotated[int | None, typer.Option("--limit", "-n", min=1, help="Take at most this many prompts.")]
SeedOption = Annotated[int | None, typer.Option("--seed", help="Seed of every draw.")]
SetOption = Annotated[
    list[str] | None,
    typer.Option("--set", help="Override any setting, such as generate.max_in_flight=32; may be repeated."),
]
AllowCodeOption = Annotated[
    bool, typer.Option("--allow-code", help="Run Python files that the pipeline names, such as a critique mode.")
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON object on stdout.")]


@dataclass(frozen=True)
class Choices:
    """What the user chose on the command line; None where nothing was said."""

    prompts: Path | None = None
    constitution: Path | None = None
    pipeline: Path | None = None
    model: str | None = None
    engine: str | None = None
    base_urls: Sequence[str] = ()
    rounds: int | None = None
    limit: int | None = None
    seed: int | None = None
    overrides: Sequence[str] = ()
    allow_code: bool = False

    @property
    def kind(self) -> str | None:
        """The kind of engine that was asked for; an address asks for a server."""
        return self.engine or ("openai" if self.base_urls else None)

    @property
    def pipeline_file(self) -> Path:
        """The file named, or the sandbox's recipe if no other model was asked for, or the default one."""
        if self.pipeline is not None:
            return self.pipeline
        return Path(SANDBOX_PIPELINE if self.model is None and self.kind in (None, "vllm") else DEFAULT_PIPELINE)


def resolve(choices: Choices) -> "RunConfig":
    """Everything spelled out: defaults, then the pipeline file, then the command line.

    Raises:
        UsageError: Something is missing or does not fit together.
        EngineError: A server was named without a model, and it is not there to be asked.
    """
    from cai.config.pipeline import RunConfig
    from cai.config.resolve import load_pipeline

    pipeline = load_pipeline(choices.pipeline_file, [*_engine_overrides(choices), *_overrides(choices)])
    constitution = str(choices.constitution) if choices.constitution else pipeline.constitution
    if constitution is None:
        raise UsageError("no constitution is named", fix="give --constitution FILE, or name one in the pipeline file")
    prompts = str(choices.prompts) if choices.prompts else pipeline.prompts
    if prompts is None:
        raise UsageError("no prompts are named", fix="give a file of prompts: cai generate PROMPTS ...")
    # Its stages are for `cai run`.
    alone = pipeline.model_copy(update={"stages": ()})
    return RunConfig(
        pipeline=alone, constitution=constitution, prompts=prompts, limit=choices.limit, allow_code=choices.allow_code
    )


def _engine_overrides(choices: Choices) -> list[str]:
    """--model, --engine and --base-url describe the engine `default` between them.

    An engine of the kind that the pipeline names keeps its other settings; one of another kind starts afresh.
    """
    kind, named = choices.kind, _kind_of(choices.pipeline_file)
    if kind not in (None, *_KINDS):
        raise UsageError(f"there is no engine {kind!r}", where="--engine", fix=f"use one of {', '.join(_KINDS)}")
    if choices.base_urls and kind != "openai":
        raise UsageError(f"the {kind} engine takes no address", where="--base-url", fix="leave it out, or use openai")
    chosen = {"model": choices.model, "base_urls": list(choices.base_urls)}
    if kind in (None, named):
        return [f"engines.default.{key}={json.dumps(value)}" for key, value in chosen.items() if value]
    if kind == "openai":
        if not choices.base_urls:
            fix = "give --base-url http://HOST:PORT/v1"
            raise UsageError("the openai engine needs the address of a server", where="--engine", fix=fix)
        from cai.cli.served import served_model

        chosen["model"] = choices.model or served_model(choices.base_urls)
    elif kind == "vllm" and not choices.model:
        raise UsageError("the vllm engine needs a model", where="--engine", fix="give --model FOLDER_OR_NAME")
    return [f"engines.default={json.dumps({'kind': kind} | {key: value for key, value in chosen.items() if value})}"]


def _kind_of(pipeline: Path) -> str | None:
    """The kind of the engine `default` in a pipeline file; None if it does not say, or cannot be read so far."""
    from cai.resources import find
    from cai.yaml_source import read_yaml

    file = find(str(pipeline), "pipelines")
    if not file.is_file():
        return None
    try:
        kind = read_yaml(file).data["engines"]["default"]["kind"]
    except (OSError, KeyError, TypeError):
        # What is wrong with the file is said when it is loaded.
        return None
    return kind if isinstance(kind, str) else None


def _overrides(choices: Choices) -> list[str]:
    named = {"generate.rounds": choices.rounds, "generate.seed": choices.seed}
    return [*(f"{key}={value}" for key, value in named.items() if value is not None), *choices.overrides]
