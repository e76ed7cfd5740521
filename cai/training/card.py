"""The model card: what the model was made from, and how."""

import json
from collections.abc import Mapping
from typing import Any

from cai.config.training import TrainConfig
from cai.store.atomic import write_text
from cai.training.output import TrainingFolder

_TITLES = {
    "sft": "Supervised fine-tuning on revised answers",
    "reward": "A reward model from preferences",
    "dpo": "Direct preference optimisation",
    "kto": "Kahneman-Tversky optimisation",
}


def write_card(folder: TrainingFolder, config: TrainConfig, summary: Mapping[str, Any]) -> None:
    """Write README.md, with the header that model hubs read."""
    write_text(folder.path / "README.md", card(config, summary))


def card(config: TrainConfig, summary: Mapping[str, Any]) -> str:
    """The text of the card; a pure function of settings and summary."""
    parts = [
        _header(config),
        f"# {_TITLES[config.kind]}\n",
        f"Trained from `{config.model}` with `cai train {config.kind}`. {_about(config)}\n",
        "## Data\n\n" + _table(["source", "rows", "weight", "held out", "fingerprint"], _sources(summary)),
        "## Result\n\n" + _table(["figure", "value"], _figures(summary)),
        "## Settings\n\n```json\n" + json.dumps(_settings(config), indent=2) + "\n```\n",
    ]
    return "\n".join(parts)


def _header(config: TrainConfig) -> str:
    pipeline = "text-classification" if config.kind == "reward" else "text-generation"
    library = "peft" if _is_adapter(config) else "transformers"
    return (
        f"---\nbase_model: {json.dumps(config.model)}\nlibrary_name: {library}\npipeline_tag: {pipeline}\n"
        f"tags:\n- constitutional-ai\n- {config.kind}\n---\n"
    )


def _about(config: TrainConfig) -> str:
    what = "an adapter (LoRA) to be loaded over that model" if _is_adapter(config) else "all weights"
    return f"This folder holds {what}, the tokenizer and chat template unchanged."


def _is_adapter(config: TrainConfig) -> bool:
    """A reward model is whole, because its head belongs to no base model."""
    return config.lora is not None and config.kind != "reward"


def _sources(summary: Mapping[str, Any]) -> list[list[str]]:
    return [
        [f"`{row['path']}`", f"{row['rows']:,}", f"{row['weight']:g}", f"{row['heldout']:,}", row["fingerprint"]]
        for row in summary["data"]
    ]


def _figures(summary: Mapping[str, Any]) -> list[list[str]]:
    lines = [["steps", f"{summary['steps']:,}"], ["tokens", f"{summary['tokens']:,}"]]
    if summary["train_loss"] is not None:
        lines.append(["mean training loss", f"{summary['train_loss']:.4f}"])
    heldout = summary.get("heldout") or {}
    lines += [
        [f"held-out {name.replace('_', ' ')}", f"{value:.4f}"]
        for name, value in sorted(heldout.items())
        if value is not None
    ]
    return lines


def _settings(config: TrainConfig) -> dict[str, Any]:
    return config.model_dump(mode="json", exclude={"data", "model", "report_to"})


def _table(header: list[str], lines: list[list[str]]) -> str:
    rule = ["---", *["---:"] * (len(header) - 1)]
    return "".join(f"| {' | '.join(cells)} |\n" for cells in [header, rule, *lines])
