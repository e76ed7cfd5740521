"""OpenRLHF: JSON lines of message lists, rendered by the model's chat template (`--data.apply_chat_template`).

Its reward model can use a `margin`; it has no KTO. Its reader of prompts takes `<image>` in a text for a picture.
"""

from collections.abc import Mapping
from typing import ClassVar

from cai.data.formats.base import CannotHold, Files, FormatName, NewRow, Place, Row, Table, What
from cai.data.formats.provenance import PREFERENCE_NAMES, RL_COLUMNS, SFT_NAMES, margin, packed, unpacked
from cai.data.formats.snippets import MODEL, REWARD_MODEL, shell_text
from cai.data.formats.turns import conversation, plain_turns

_MARGIN = "`margin` = 2 x `p_chosen` - 1, used with --model.margin_loss_enable"
_EXTRA = "`p_chosen` stays a column, which OpenRLHF ignores"


class OpenRlhf:
    """OpenRLHF (`python -m openrlhf.cli.train_sft`, `train_dpo`, `train_rm`, `train_ppo_ray`)."""

    name: ClassVar[FormatName] = "openrlhf"

    @property
    def tables(self) -> Mapping[What, Table]:
        return {
            "sft": Table("sft", _sft, _sft_back),
            "preferences": Table("preferences", _preference, _preference_back, soft_label=_EXTRA),
            "reward": Table("preferences", _reward, _preference_back, soft_label=_MARGIN),
            "rl": Table("prompts", _rl),
        }

    def settings(self, files: Files) -> Mapping[str, str]:
        return {f"{what}.sh": _script(what, files[what]) for what in files}


_SCRIPTS: dict[What, str] = {
    "sft": "train_sft",
    "preferences": "train_dpo",
    "reward": "train_rm",
    "rl": "train_ppo_ray",
}
_KEYS: dict[What, list[str]] = {
    "sft": ["--data.input_key messages"],
    "preferences": ["--data.chosen_key chosen", "--data.rejected_key rejected"],
    "reward": ["--data.chosen_key chosen", "--data.rejected_key rejected", "--model.margin_loss_enable"],
    "rl": ["--data.input_key prompt", f"--reward.model_name_or_path {REWARD_MODEL}"],
}


def _script(what: What, splits: Mapping[str, list[str]]) -> str:
    model = "--actor.model_name_or_path" if what == "rl" else "--model.model_name_or_path"
    data = "--data.prompt_dataset" if what == "rl" else "--data.dataset"
    lines = [f"deepspeed --module openrlhf.cli.{_SCRIPTS[what]}", f"{model} {MODEL}"]
    if what == "rl":
        lines[0] = f"python -m openrlhf.cli.{_SCRIPTS[what]}"
    lines += [f"{data} {file}" for file in splits.get("train", [])]
    if what != "rl":
        # PPO evaluates only by a remote reward model or an agent.
        lines += [f"--eval.dataset {file} --eval.split train" for file in splits.get("eval", [])]
    return shell_text([*lines, *_KEYS[what], "--data.apply_chat_template", f"--ckpt.output_dir out/{what}"])


def _sft(row: Row, _: Place) -> list[NewRow]:
    return [{"messages": conversation(row, "completion"), **packed(row, SFT_NAMES)}]


def _sft_back(row: Row) -> NewRow:
    return {"prompt": row["messages"][:-1], "completion": row["messages"][-1:], **unpacked(row)}


def _preference(row: Row, _: Place) -> list[NewRow]:
    answers = {name: conversation(row, name) for name in ("chosen", "rejected")}
    return [{**answers, "p_chosen": row["p_chosen"], **packed(row, PREFERENCE_NAMES)}]


def _reward(row: Row, place: Place) -> list[NewRow]:
    return [{**found, "margin": margin(row["p_chosen"])} for found in _preference(row, place)]


def _preference_back(row: Row) -> NewRow:
    answers = {"prompt": row["chosen"][:-1], "chosen": row["chosen"][-1:], "rejected": row["rejected"][-1:]}
    return {**answers, "p_chosen": row["p_chosen"], **unpacked(row)}


def _rl(row: Row, _: Place) -> list[NewRow]:
    prompt = plain_turns(row["prompt"])
    if any("<image>" in turn["content"] for turn in prompt):
        raise CannotHold("<image> in a text, which OpenRLHF takes for a picture")
    return [{"prompt": prompt, "datasource": "cai", **packed(row, RL_COLUMNS)}]
