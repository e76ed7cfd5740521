r"""verl: Parquet. `messages` for SFT, its five columns for RL prompts, and three texts for reward data.

verl renders no chat template over reward data and has no DPO of its own: a pair is a prompt and two answers as texts,
the prompt as "\n\nHuman: ...\n\nAssistant:" like in its own example. The messages lie in columns beside them, for
trainers built on verl and for the way back.
"""

from collections.abc import Mapping
from typing import Any, ClassVar

import pyarrow as pa

from cai.data.formats.base import Files, FormatName, NewRow, Place, Row, Table, What
from cai.data.formats.provenance import (
    PREFERENCE_NAMES,
    RL_COLUMNS,
    SFT_NAMES,
    columns,
    fields_of,
)
from cai.data.formats.snippets import MODEL, REWARD_MODEL, yaml_text
from cai.data.formats.turns import conversation, plain_turns, system_and_rest
from cai.data.tables import MESSAGES, PREFERENCE_SCHEMA, SFT_SCHEMA
from cai.data.transcripts import join_turns
from cai.records import Message

DATA_SOURCE = "constitutional-ai"
_PROVENANCE = ("p_chosen", *PREFERENCE_NAMES)
_EXTRA = "`p_chosen` stays a column, which verl ignores"
_ALL_TURNS = (
    "verl learns every assistant turn of a conversation, also those of the prompt, and has no way to leave one out"
)
_TEXT_ONLY = "verl reads texts without a chat template, and trains no reward model and no DPO on them by itself"
_TEXTS = [(name, pa.string()) for name in ("prompt", "chosen", "rejected")]
_MESSAGE_COLUMNS = [(f"{name}_messages", MESSAGES) for name in ("prompt", "chosen", "rejected")]

CHAT_SCHEMA = pa.schema([("messages", MESSAGES), *fields_of(SFT_SCHEMA, SFT_NAMES)])
PAIR_SCHEMA = pa.schema([*_TEXTS, *_MESSAGE_COLUMNS, *fields_of(PREFERENCE_SCHEMA, _PROVENANCE)])
RL_SCHEMA = pa.schema(
    [
        ("data_source", pa.string()),
        ("prompt", MESSAGES),
        ("ability", pa.string()),
        ("reward_model", pa.struct([("style", pa.string()), ("ground_truth", pa.string())])),
        (
            "extra_info",
            pa.struct([("split", pa.string()), ("index", pa.int64()), *fields_of(PREFERENCE_SCHEMA, RL_COLUMNS)]),
        ),
    ]
)


class Verl:
    """verl (`torchrun -m verl.trainer.sft_trainer`, `python -m verl.trainer.main_ppo`)."""

    name: ClassVar[FormatName] = "verl"

    @property
    def tables(self) -> Mapping[What, Table]:
        return {
            "sft": Table("sft", _sft, _sft_back, CHAT_SCHEMA, note=_ALL_TURNS),
            "preferences": Table("preferences", _pair, _pair_back, PAIR_SCHEMA, _EXTRA, _TEXT_ONLY),
            "reward": Table("preferences", _pair, _pair_back, PAIR_SCHEMA, _EXTRA, _TEXT_ONLY),
            "rl": Table("prompts", _rl, None, RL_SCHEMA),
        }

    def settings(self, files: Files) -> Mapping[str, str]:
        return {f"{what}.yaml": _snippet(what, files[what]) for what in files}


def _snippet(what: What, splits: Mapping[str, list[str]]) -> str:
    data: dict[str, Any] = {"train_files": splits.get("train", []), "val_files": splits.get("eval")}
    here = "--config-path=$PWD --config-name"
    if what == "sft":
        data |= {"messages_key": "messages", "max_length": 2048}
        settings = {"defaults": ["sft_trainer_engine", "_self_"], "data": data, "model": {"path": MODEL}}
        return yaml_text(f"torchrun -m verl.trainer.sft_trainer {here}=sft", _searched(settings))
    if what == "rl":
        # PPO wants files to validate on; without held-out prompts it gets the others.
        data = {**data, "val_files": data["val_files"] or data["train_files"], "prompt_key": "prompt"}
        data |= {"reward_fn_key": "data_source"}
        settings = {"defaults": ["ppo_trainer", "_self_"], "data": data}
        engine = {"name": "vllm"}
        settings |= {"actor_rollout_ref": {"model": {"path": MODEL}, "rollout": engine}}
        settings |= {"reward": {"reward_model": {"enable": True, "model_path": REWARD_MODEL, "rollout": engine}}}
        return yaml_text(f"python -m verl.trainer.main_ppo {here}=rl", _searched(settings))
    keys = {f"{name}_key": name for name in ("prompt", "chosen", "rejected")}
    reader = "verl.utils.dataset.RMDataset(parquet_files, tokenizer, prompt_key, chosen_key, rejected_key)"
    return yaml_text(reader, {"parquet_files": splits.get("train", []), "eval_files": splits.get("eval", []), **keys})


def _searched(settings: Mapping[str, Any]) -> dict[str, Any]:
    """verl's own defaults, found by Hydra inside its package."""
    return {"hydra": {"searchpath": ["pkg://verl.trainer.config"]}, **settings}


def _sft(row: Row, _: Place) -> list[NewRow]:
    return [{"messages": conversation(row, "completion"), **columns(row, SFT_NAMES)}]


def _sft_back(row: Row) -> NewRow:
    return {"prompt": row["messages"][:-1], "completion": row["messages"][-1:], **columns(row, SFT_NAMES)}


def _pair(row: Row, _: Place) -> list[NewRow]:
    prompt = plain_turns(row["prompt"])
    system, rest = system_and_rest(prompt)
    asked = join_turns(Message(turn["role"], turn["content"]) for turn in rest)  # type: ignore[arg-type]
    answers = {name: plain_turns(row[name]) for name in ("chosen", "rejected")}
    return [
        {
            "prompt": f"{system or ''}{asked}\n\nAssistant:",
            **{name: f" {turns[0]['content']}" for name, turns in answers.items()},
            "prompt_messages": prompt,
            **{f"{name}_messages": turns for name, turns in answers.items()},
            **columns(row, _PROVENANCE),
        }
    ]


def _pair_back(row: Row) -> NewRow:
    answers = {name: row[f"{name}_messages"] for name in ("prompt", "chosen", "rejected")}
    return {**answers, **columns(row, _PROVENANCE)}


def _rl(row: Row, place: Place) -> list[NewRow]:
    return [
        {
            "data_source": DATA_SOURCE,
            "prompt": plain_turns(row["prompt"]),
            "ability": "harmlessness",
            "reward_model": {"style": "model", "ground_truth": ""},
            "extra_info": {"split": place.split, "index": place.number, **columns(row, RL_COLUMNS)},
        }
    ]
