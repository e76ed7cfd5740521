"""NeMo-RL: JSON lines. OpenAI messages for SFT, ranked completions for DPO and reward models, `input` for GRPO.

`message_loss_mask` lets only the answer be learnt, where the version of NeMo-RL knows it. Its reader of plain prompts
holds one user turn.
"""

from collections.abc import Mapping
from typing import Any, ClassVar

from cai.data.formats.base import Files, FormatName, NewRow, Place, Row, Table, What
from cai.data.formats.provenance import PREFERENCE_NAMES, RL_COLUMNS, SFT_NAMES, packed, unpacked
from cai.data.formats.snippets import MODEL, NEMO_RL, REWARD_MODEL, yaml_text
from cai.data.formats.turns import conversation, only_user_turn, plain_turns

_EXTRA = "`p_chosen` stays a column, which NeMo-RL ignores"
_MASK = "a NeMo-RL that does not know `message_loss_mask` learns the assistant turns of the prompt too"


class NemoRl:
    """NeMo-RL (`uv run examples/run_sft.py`, `run_dpo.py`, `run_rm.py`, `run_grpo.py`)."""

    name: ClassVar[FormatName] = "nemo-rl"

    @property
    def tables(self) -> Mapping[What, Table]:
        return {
            "sft": Table("sft", _sft, _sft_back, note=_MASK),
            "preferences": Table("preferences", _preference, _preference_back, soft_label=_EXTRA),
            "reward": Table("preferences", _preference, _preference_back, soft_label=_EXTRA),
            "rl": Table("prompts", _rl),
        }

    def settings(self, files: Files) -> Mapping[str, str]:
        return {f"{what}.yaml": _snippet(what, files[what]) for what in files}


_RANKED = {"dataset_name": "PreferenceDataset"}
_DATASETS: dict[What, dict[str, Any]] = {
    "sft": {"dataset_name": "openai_format", "chat_key": "messages", "processor": "sft_processor"},
    "preferences": _RANKED,
    "reward": _RANKED,
    "rl": {
        "dataset_name": "ResponseDataset",
        "input_key": "input",
        "output_key": "output",
        "processor": "math_hf_data_processor",
        "env_name": "reward_model",
    },
}
_NO_PROMPTS: dict[str, Any] = {"prompt_file": None, "system_prompt_file": None}
"""The example configuration of GRPO puts a request for chain of thought around every prompt."""

_ANSWERS = ("chosen", "rejected")
_RUNS: dict[What, str] = {"sft": "sft", "preferences": "dpo", "reward": "rm", "rl": "grpo"}
_DEFAULTS: dict[What, str] = {"sft": "sft", "preferences": "dpo", "reward": "rm", "rl": "grpo_rm_1B"}


def _snippet(what: What, splits: Mapping[str, list[str]]) -> str:
    # All that the file it inherits from says of its own datasets has to be said again, or it would hold for ours.
    def dataset(split: str) -> dict[str, Any] | None:
        if split not in splits:
            return None
        return {"data_path": splits[split][0], "split": "train", **_DATASETS[what], **_NO_PROMPTS}

    data = {"train": dataset("train"), "validation": dataset("eval"), "default": _NO_PROMPTS}
    settings: dict[str, Any] = {"defaults": f"{NEMO_RL}/examples/configs/{_DEFAULTS[what]}.yaml", "data": data}
    settings |= {"policy": {"model_name": MODEL, "tokenizer": {"name": MODEL, "chat_template": "default"}}}
    if what == "rl":
        settings |= {"env": {"reward_model": {"enabled": True, "model_name": REWARD_MODEL}}}
    script = f"{NEMO_RL}/examples/run_{_RUNS[what]}.py"
    return yaml_text(f"uv run --project {NEMO_RL} {script} --config {what}.yaml", settings)


def _sft(row: Row, _: Place) -> list[NewRow]:
    mask = [0] * len(row["prompt"]) + [1] * len(row["completion"])
    return [{"messages": conversation(row, "completion"), "message_loss_mask": mask, **packed(row, SFT_NAMES)}]


def _sft_back(row: Row) -> NewRow:
    return {"prompt": row["messages"][:-1], "completion": row["messages"][-1:], **unpacked(row)}


def _preference(row: Row, _: Place) -> list[NewRow]:
    ranked = [{"rank": rank, "completion": plain_turns(row[name])} for rank, name in enumerate(_ANSWERS)]
    kept = {"p_chosen": row["p_chosen"], **packed(row, PREFERENCE_NAMES)}
    return [{"context": plain_turns(row["prompt"]), "completions": ranked, **kept}]


def _preference_back(row: Row) -> NewRow:
    chosen, rejected = sorted(row["completions"], key=lambda found: int(found["rank"]))
    answers = {"chosen": chosen["completion"], "rejected": rejected["completion"]}
    return {"prompt": row["context"], **answers, "p_chosen": row["p_chosen"], **unpacked(row)}


def _rl(row: Row, _: Place) -> list[NewRow]:
    asked = only_user_turn(row["prompt"], system=False)[1]
    return [{"input": asked, "output": "", **packed(row, RL_COLUMNS)}]
