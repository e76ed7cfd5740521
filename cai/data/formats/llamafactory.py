"""LLaMA-Factory: JSON lines in its sharegpt form, with the `dataset_info.json` that describes them.

In that form user and assistant alternate, the user first, after at most one system turn; LLaMA-Factory skips any other
row with a warning, so such rows are left out here and counted.
"""

import json
from collections.abc import Mapping
from typing import Any, ClassVar

from cai.data.formats.base import Files, FormatName, NewRow, Place, Row, Table, Turns, What
from cai.data.formats.provenance import PREFERENCE_NAMES, RL_COLUMNS, SFT_NAMES, packed, unpacked
from cai.data.formats.snippets import MODEL, REWARD_MODEL, TEMPLATE, yaml_text
from cai.data.formats.turns import check_alternating, conversation

_TO = {"system": "system", "user": "human", "assistant": "gpt"}
_FROM = {tag: role for role, tag in _TO.items()}
_EXTRA = "`p_chosen` stays a column, which LLaMA-Factory ignores"


class LlamaFactory:
    """LLaMA-Factory (`llamafactory-cli train FILE.yaml`)."""

    name: ClassVar[FormatName] = "llamafactory"

    @property
    def tables(self) -> Mapping[What, Table]:
        return {
            "sft": Table("sft", _sft, _sft_back),
            "preferences": Table("preferences", _preference, _preference_back, soft_label=_EXTRA),
            "reward": Table("preferences", _preference, _preference_back, soft_label=_EXTRA),
            "kto": Table("preferences", _kto, soft_label=_EXTRA),
            "rl": Table("prompts", _rl),
        }

    def settings(self, files: Files) -> Mapping[str, str]:
        info = {
            f"cai_{what}_{split}": {"file_name": names[0], **_INFO[what]}
            for what, splits in files.items()
            for split, names in splits.items()
        }
        snippets = {f"{what}.yaml": _snippet(what, files[what]) for what in files}
        return {"dataset_info.json": json.dumps(info, indent=2) + "\n", **snippets}


_INFO: dict[What, dict[str, Any]] = {
    "sft": {"formatting": "sharegpt", "columns": {"messages": "conversations"}},
    "preferences": {
        "formatting": "sharegpt",
        "ranking": True,
        "columns": {"messages": "conversations", "chosen": "chosen", "rejected": "rejected"},
    },
    "kto": {"formatting": "sharegpt", "columns": {"messages": "conversations", "kto_tag": "label"}},
}
_INFO |= {"reward": _INFO["preferences"], "rl": _INFO["sft"]}
_METHODS: dict[What, dict[str, Any]] = {
    # Only the last turn is learnt: the assistant turns of a prompt are not ours, and may be harmful.
    "sft": {"stage": "sft", "mask_history": True},
    "preferences": {"stage": "dpo", "pref_beta": 0.1, "pref_loss": "sigmoid"},
    "reward": {"stage": "rm"},
    "kto": {"stage": "kto", "pref_beta": 0.1},
    "rl": {"stage": "ppo", "reward_model": REWARD_MODEL},
}


def _snippet(what: What, splits: Mapping[str, list[str]]) -> str:
    settings = {"model_name_or_path": MODEL, **_METHODS[what], "do_train": True, "finetuning_type": "lora"}
    settings |= {"dataset_dir": ".", "dataset": f"cai_{what}_train"}
    if "eval" in splits and what != "rl":
        settings |= {"eval_dataset": f"cai_{what}_eval", "eval_strategy": "epoch"}
    settings |= {"template": TEMPLATE, "cutoff_len": 2048, "output_dir": f"out/{what}"}
    return yaml_text(f"llamafactory-cli train {what}.yaml", settings)


def _sft(row: Row, _: Place) -> list[NewRow]:
    return [{"conversations": _shared(conversation(row, "completion")), **packed(row, SFT_NAMES)}]


def _sft_back(row: Row) -> NewRow:
    turns = _ours(row["conversations"])
    return {"prompt": turns[:-1], "completion": turns[-1:], **unpacked(row)}


def _preference(row: Row, _: Place) -> list[NewRow]:
    check_alternating(conversation(row, "chosen"))
    answers = {name: _tagged(row[name])[0] for name in ("chosen", "rejected")}
    kept = {"p_chosen": row["p_chosen"], **packed(row, PREFERENCE_NAMES)}
    return [{"conversations": _tagged(row["prompt"]), **answers, **kept}]


def _preference_back(row: Row) -> NewRow:
    answers = {name: _ours([row[name]]) for name in ("chosen", "rejected")}
    return {"prompt": _ours(row["conversations"]), **answers, "p_chosen": row["p_chosen"], **unpacked(row)}


def _kto(row: Row, _: Place) -> list[NewRow]:
    kept = {"p_chosen": row["p_chosen"], **packed(row, PREFERENCE_NAMES)}
    return [
        {"conversations": _shared(conversation(row, answer)), "label": answer == "chosen", **kept}
        for answer in ("chosen", "rejected")
    ]


def _rl(row: Row, _: Place) -> list[NewRow]:
    # The form wants an answer; an empty one is what LLaMA-Factory itself puts where there is none.
    turns = [*row["prompt"], {"role": "assistant", "content": ""}]
    return [{"conversations": _shared(turns), **packed(row, RL_COLUMNS)}]


def _shared(turns: Turns) -> Turns:
    check_alternating(turns)
    return _tagged(turns)


def _tagged(turns: Turns) -> Turns:
    return [{"from": _TO[turn["role"]], "value": turn["content"]} for turn in turns]


def _ours(turns: Turns) -> Turns:
    return [{"role": _FROM[turn["from"]], "content": turn["value"]} for turn in turns]
