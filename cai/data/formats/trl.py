"""TRL: Parquet in its own conversational types, which are ours with other columns beside them.

TRL drops the columns that a trainer does not know, so provenance and `p_chosen` travel as they are. Reward models may
have a `margin`; no other trainer of TRL has a place for a soft label.
"""

from collections.abc import Mapping
from typing import ClassVar

import pyarrow as pa

from cai.data.formats.base import Files, FormatName, NewRow, Place, Row, Table, What
from cai.data.formats.provenance import (
    PREFERENCE_NAMES,
    RL_COLUMNS,
    columns,
    fields_of,
    margin,
)
from cai.data.formats.snippets import MODEL, REWARD_MODEL, yaml_text
from cai.data.formats.turns import conversation, plain_turns
from cai.data.tables import MESSAGES, PREFERENCE_SCHEMA, SFT_SCHEMA

_PROVENANCE = ("p_chosen", *PREFERENCE_NAMES)
_FIELDS = fields_of(PREFERENCE_SCHEMA, _PROVENANCE)
REWARD_SCHEMA = pa.schema([("chosen", MESSAGES), ("rejected", MESSAGES), ("margin", pa.float64()), *_FIELDS])
KTO_SCHEMA = pa.schema([("prompt", MESSAGES), ("completion", MESSAGES), ("label", pa.bool_()), *_FIELDS])
RL_SCHEMA = pa.schema([("prompt", MESSAGES), *fields_of(PREFERENCE_SCHEMA, RL_COLUMNS)])

_EXTRA = "`p_chosen` stays a column, which TRL ignores"


class Trl:
    """Hugging Face TRL (its trainers, or `trl sft`, `trl dpo`, `trl reward`, `trl kto`, `trl grpo`)."""

    name: ClassVar[FormatName] = "trl"

    @property
    def tables(self) -> Mapping[What, Table]:
        return {
            "sft": Table("sft", lambda row, _: [dict(row)], dict, SFT_SCHEMA),
            "preferences": Table("preferences", lambda row, _: [dict(row)], dict, PREFERENCE_SCHEMA, _EXTRA),
            "reward": Table(
                "preferences", _reward, _reward_back, REWARD_SCHEMA, "`margin` = 2 x `p_chosen` - 1, used in the loss"
            ),
            "kto": Table("preferences", _kto, None, KTO_SCHEMA, _EXTRA),
            "rl": Table("prompts", _rl, None, RL_SCHEMA),
        }

    def settings(self, files: Files) -> Mapping[str, str]:
        return {f"{what}.yaml": self._snippet(what, "eval" in files[what]) for what in files}

    def _snippet(self, what: What, has_eval: bool) -> str:
        command = {"sft": "sft", "preferences": "dpo", "reward": "reward", "kto": "kto", "rl": "grpo"}[what]
        settings = {"model_name_or_path": MODEL, "dataset_name": f"./{what}"}
        if has_eval:
            settings |= {"dataset_test_split": "eval", "eval_strategy": "epoch"}
        if what == "rl":
            settings |= {"reward_model_name_or_path": REWARD_MODEL}
        settings |= {"output_dir": f"out/{what}"}
        return yaml_text(f"trl {command} --config {what}.yaml", settings)


def _reward(row: Row, _: Place) -> list[NewRow]:
    return [
        {
            "chosen": conversation(row, "chosen"),
            "rejected": conversation(row, "rejected"),
            "margin": margin(row["p_chosen"]),
            **columns(row, _PROVENANCE),
        }
    ]


def _reward_back(row: Row) -> NewRow:
    answers = {"prompt": row["chosen"][:-1], "chosen": row["chosen"][-1:], "rejected": row["rejected"][-1:]}
    return answers | columns(row, _PROVENANCE)


def _kto(row: Row, _: Place) -> list[NewRow]:
    return [
        {"prompt": row["prompt"], "completion": row[answer], "label": answer == "chosen", **columns(row, _PROVENANCE)}
        for answer in ("chosen", "rejected")
    ]


def _rl(row: Row, _: Place) -> list[NewRow]:
    return [{"prompt": plain_turns(row["prompt"]), **columns(row, RL_COLUMNS)}]
