"""Axolotl: JSON lines for `chat_template`, `chat_template.default` (DPO), `bradley_terry.chat_template` and KTO.

Each message of an SFT row says whether it is trained on: without that Axolotl would also learn the assistant turns of
the prompt, which in red-team dialogues are often the harmful ones.
"""

from collections.abc import Mapping
from typing import Any, ClassVar

from cai.data.formats.base import Files, FormatName, NewRow, Place, Row, Table, What
from cai.data.formats.provenance import PREFERENCE_NAMES, RL_COLUMNS, SFT_NAMES, packed, unpacked
from cai.data.formats.snippets import MODEL, REWARD_FUNCTION, yaml_text
from cai.data.formats.turns import conversation, only_user_turn, plain_turns

_EXTRA = "`p_chosen` stays a column, which Axolotl ignores"
_EMPTY_SYSTEM = "Axolotl puts an empty system turn before a prompt that has none"
_CHATML = "Axolotl renders KTO data in ChatML; for a Llama 3 model set `type: llama3.argilla_chat`"
_REWARD_FUNCTION = "GRPO of Axolotl wants a reward function of your own, by the name of its module"


class Axolotl:
    """Axolotl (`axolotl train FILE.yaml`)."""

    name: ClassVar[FormatName] = "axolotl"

    @property
    def tables(self) -> Mapping[What, Table]:
        return {
            "sft": Table("sft", _sft, _sft_back),
            "preferences": Table("preferences", _preference, _preference_back, soft_label=_EXTRA),
            "reward": Table("preferences", _reward, _reward_back, soft_label=_EXTRA, note=_EMPTY_SYSTEM),
            "kto": Table("preferences", _kto, soft_label=_EXTRA, note=_CHATML),
            "rl": Table("prompts", _rl, note=_REWARD_FUNCTION),
        }

    def settings(self, files: Files) -> Mapping[str, str]:
        return {f"{what}.yaml": _snippet(what, splits) for what, splits in files.items()}


_METHODS: dict[What, dict[str, Any]] = {
    "sft": {"chat_template": "tokenizer_default"},
    "preferences": {"rl": "dpo", "chat_template": "tokenizer_default"},
    "reward": {
        "reward_model": True,
        "model_type": "AutoModelForSequenceClassification",
        "num_labels": 1,
        "chat_template": "tokenizer_default",
    },
    "kto": {"rl": "kto", "remove_unused_columns": False},
    "rl": {
        "rl": "grpo",
        "chat_template": "tokenizer_default",
        "skip_prepare_dataset": True,
        "trl": {"reward_funcs": [REWARD_FUNCTION], "num_generations": 8},
    },
}
_DATASETS: dict[What, dict[str, Any]] = {
    "sft": {
        "type": "chat_template",
        "field_messages": "messages",
        "roles_to_train": [],
        "train_on_eos": "turn",
        "message_field_training": "train",
    },
    "preferences": {"type": "chat_template.default"},
    "reward": {"type": "bradley_terry.chat_template"},
    "kto": {"type": "chatml.argilla_chat"},
    "rl": {},
}


def _snippet(what: What, splits: Mapping[str, list[str]]) -> str:
    found = {
        split: [{"path": file, "ds_type": "json", "split": "train", **_DATASETS[what]} for file in files]
        for split, files in splits.items()
    }
    settings = {"base_model": MODEL, **_METHODS[what], "datasets": found.get("train", [])}
    if "eval" in found:
        settings |= {"test_datasets": found["eval"]}
    settings |= {"sequence_len": 2048, "micro_batch_size": 1, "gradient_accumulation_steps": 8}
    settings |= {"learning_rate": 1e-5, "num_epochs": 1, "output_dir": f"out/{what}"}
    return yaml_text(f"axolotl train {what}.yaml", settings)


def _sft(row: Row, _: Place) -> list[NewRow]:
    messages: list[dict[str, Any]] = [{**turn, "train": False} for turn in plain_turns(row["prompt"])]
    messages += [{**turn, "train": True} for turn in plain_turns(row["completion"])]
    return [{"messages": messages, **packed(row, SFT_NAMES)}]


def _sft_back(row: Row) -> NewRow:
    turns = plain_turns(row["messages"])
    return {"prompt": turns[:-1], "completion": turns[-1:], **unpacked(row)}


def _preference(row: Row, _: Place) -> list[NewRow]:
    answers = {"chosen": plain_turns(row["chosen"])[-1], "rejected": plain_turns(row["rejected"])[-1]}
    kept = {"p_chosen": row["p_chosen"], **packed(row, PREFERENCE_NAMES)}
    return [{"messages": plain_turns(row["prompt"]), **answers, **kept}]


def _preference_back(row: Row) -> NewRow:
    answers = {"prompt": row["messages"], "chosen": [row["chosen"]], "rejected": [row["rejected"]]}
    return {**answers, "p_chosen": row["p_chosen"], **unpacked(row)}


def _reward(row: Row, _: Place) -> list[NewRow]:
    system, asked = only_user_turn(row["prompt"], system=True)
    answers = {"chosen": row["chosen"][0]["content"], "rejected": row["rejected"][0]["content"]}
    kept = {"p_chosen": row["p_chosen"], **packed(row, PREFERENCE_NAMES)}
    # Axolotl reads `system` of every row, and drops a null before it does.
    return [{"system": system, "input": asked, **answers, **kept}]


def _reward_back(row: Row) -> NewRow:
    system = [{"role": "system", "content": row["system"]}] if row["system"] else []
    answers = {name: [{"role": "assistant", "content": row[name]}] for name in ("chosen", "rejected")}
    prompt = [*system, {"role": "user", "content": row["input"]}]
    return {"prompt": prompt, **answers, "p_chosen": row["p_chosen"], **unpacked(row)}


def _kto(row: Row, _: Place) -> list[NewRow]:
    kept = {"p_chosen": row["p_chosen"], **packed(row, PREFERENCE_NAMES)}
    return [
        {"completion": conversation(row, answer), "label": answer == "chosen", **kept}
        for answer in ("chosen", "rejected")
    ]


def _rl(row: Row, _: Place) -> list[NewRow]:
    return [{"prompt": plain_turns(row["prompt"]), **packed(row, RL_COLUMNS)}]
