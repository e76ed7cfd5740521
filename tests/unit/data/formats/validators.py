"""What the trainers' documentation and readers ask of a row: each function says what is wrong with one, or None.

They know nothing of our formats. Versions that they follow: LLaMA-Factory 0.9.5 (data/README.md), Axolotl 0.19 (docs/
dataset-formats, docs/rlhf.qmd, docs/reward_modelling.qmd), OpenRLHF 0.11, verl 0.9, NeMo-RL (docs/guides).
"""

from collections.abc import Callable, Mapping
from typing import Any

Row = Mapping[str, Any]
Check = Callable[[Row], str | None]
ROLES = ("system", "user", "assistant")


def messages(value: Any, *, last: str | None = None) -> str | None:
    """A list of messages with known roles and texts, which ends with a role."""
    if not isinstance(value, list) or not value:
        return "no list of messages"
    for message in value:
        if not isinstance(message, dict) or message.get("role") not in ROLES:
            return f"a role that is not known: {message}"
        if not isinstance(message.get("content"), str):
            return "a content that is no text"
    return None if last in (None, value[-1]["role"]) else f"the last turn is not of {last}"


def texts(row: Row, *names: str) -> str | None:
    return next((f"{name} is no text" for name in names if not isinstance(row.get(name), str)), None)


def axolotl_sft(row: Row) -> str | None:
    wrong = messages(row.get("messages"), last="assistant")
    if wrong:
        return wrong
    flags = [message.get("train") for message in row["messages"]]
    if not all(isinstance(flag, bool) for flag in flags):
        return "a message without a flag in the field that message_field_training names"
    return None if flags[-1] else "the last turn is not trained on, of which Axolotl warns"


def axolotl_preferences(row: Row) -> str | None:
    answers = [row.get("chosen"), row.get("rejected")]
    return messages(row.get("messages"), last="user") or messages(answers, last="assistant")


def axolotl_reward(row: Row) -> str | None:
    # `system` is called optional, but the reader takes it of every row, after it has dropped what is null.
    return texts(row, "system", "input", "chosen", "rejected")


def axolotl_kto(row: Row) -> str | None:
    if "prompt" in row:
        return "a column prompt, which the reader would overwrite"
    wrong = messages(row.get("completion"), last="assistant")
    return wrong or (None if isinstance(row.get("label"), bool) else "label is not true or false")


def rl_prompt(row: Row) -> str | None:
    return messages(row.get("prompt"), last="user")


def openrlhf_sft(row: Row) -> str | None:
    return messages(row.get("messages"), last="assistant")


def openrlhf_pair(row: Row) -> str | None:
    wrong = messages(row.get("chosen"), last="assistant") or messages(row.get("rejected"), last="assistant")
    if wrong:
        return wrong
    # For DPO the prompt is taken from `chosen`, and cut off `rejected` by its length.
    return None if row["chosen"][:-1] == row["rejected"][:-1] else "the two conversations begin differently"


def openrlhf_reward(row: Row) -> str | None:
    return openrlhf_pair(row) or (None if isinstance(row.get("margin"), float) else "margin is no number")


def openrlhf_rl(row: Row) -> str | None:
    wrong = rl_prompt(row)
    if wrong:
        return wrong
    pictured = any("<image>" in message["content"] for message in row["prompt"])
    return "a text that OpenRLHF takes for a picture" if pictured else None


def verl_sft(row: Row) -> str | None:
    return messages(row.get("messages"), last="assistant")


def verl_reward(row: Row) -> str | None:
    return texts(row, "prompt", "chosen", "rejected")


def verl_rl(row: Row) -> str | None:
    judge, extra = row.get("reward_model"), row.get("extra_info")
    if not isinstance(judge, dict) or judge.get("style") not in ("rule", "model") or "ground_truth" not in judge:
        return "reward_model has no style or ground_truth"
    if (
        not isinstance(extra, dict)
        or not isinstance(extra.get("index"), int)
        or not isinstance(extra.get("split"), str)
    ):
        return "extra_info has no index or split"
    return rl_prompt(row) or texts(row, "data_source", "ability")


def nemo_rl_sft(row: Row) -> str | None:
    wrong = messages(row.get("messages"), last="assistant")
    mask = row.get("message_loss_mask")
    if wrong or mask is None:
        return wrong
    if len(mask) != len(row["messages"]) or any(flag not in (0, 1) for flag in mask):
        return "message_loss_mask does not have a 0 or 1 for each message"
    learnt = [message["role"] for flag, message in zip(mask, row["messages"], strict=True) if flag]
    return None if set(learnt) == {"assistant"} else "message_loss_mask selects other turns than the assistant's"


def nemo_rl_preferences(row: Row) -> str | None:
    wrong = messages(row.get("context"), last="user")
    found = row.get("completions")
    if wrong or not isinstance(found, list) or len(found) != 2:
        return wrong or "there are not two completions"
    if found[0].get("rank") == found[1].get("rank"):
        return "a tie"
    return next((said for one in found if (said := messages(one.get("completion"), last="assistant"))), None)


def nemo_rl_rl(row: Row) -> str | None:
    return texts(row, "input", "output")


def llamafactory(info: Row) -> Check:
    """The rules for the rows of an entry of dataset_info.json."""
    if info.get("formatting", "alpaca") == "alpaca":
        return lambda row: _alpaca(row, info)
    return lambda row: _sharegpt(row, info)


def _alpaca(row: Row, info: Row) -> str | None:
    columns = {"prompt": "instruction", "query": "input", "response": "output", **info.get("columns", {})}
    history = row.get(columns.get("history", ""), [])
    if not isinstance(history, list) or any(len(pair) != 2 for pair in history):
        return "history is not a list of pairs"
    answers = ("chosen", "rejected") if info.get("ranking") else ("response",)
    return texts(row, columns["prompt"], *(columns[name] for name in answers))


def _sharegpt(row: Row, info: Row) -> str | None:
    columns = info.get("columns", {})
    tags = {"role_tag": "from", "content_tag": "value", "user_tag": "human", "assistant_tag": "gpt"}
    tags |= {"system_tag": "system"} | info.get("tags", {})
    turns = row.get(columns.get("messages", "conversations"))
    if not isinstance(turns, list) or not turns:
        return "no list of messages"
    wrong = next((f"not a turn: {turn}" for turn in turns if texts(turn, tags["role_tag"], tags["content_tag"])), None)
    if wrong:
        return wrong
    roles = [turn[tags["role_tag"]] for turn in turns]
    roles = roles[1:] if roles and roles[0] == tags["system_tag"] else roles
    wanted = [tags["user_tag"], tags["assistant_tag"]]
    if any(role != wanted[index % 2] for index, role in enumerate(roles)):
        return "user and assistant do not alternate"
    ranking = bool(info.get("ranking"))
    if len(roles) % 2 != int(ranking) or not roles:
        return "the number of turns is odd" if not ranking else "the number of turns before the answers is even"
    if ranking:
        answers = [row.get(columns["chosen"]), row.get(columns["rejected"])]
        if any(not isinstance(one, dict) or one.get(tags["role_tag"]) != tags["assistant_tag"] for one in answers):
            return "an answer is not a turn of the assistant"
        return next((said for one in answers if (said := texts(one, tags["content_tag"]))), None)
    if "kto_tag" in columns and not isinstance(row.get(columns["kto_tag"]), bool):
        return "the label is not true or false"
    return None


def llamafactory_v1_pair(row: Row) -> str | None:
    """The form of its coming version: two conversations, of whose turns each has parts and a weight."""
    for name in ("chosen_messages", "rejected_messages"):
        turns = row.get(name)
        if not isinstance(turns, list) or not turns or turns[-1].get("role") != "assistant":
            return f"{name} does not end with the assistant"
        for turn in turns:
            if turn.get("role") not in ROLES or not isinstance(turn.get("loss_weight"), int | float):
                return "a turn without a role or a weight"
            if any(texts(part, "type", "value") for part in turn["content"]):
                return "a part that is no text"
    return None


CHECKS: dict[tuple[str, str], Check] = {
    ("axolotl", "sft"): axolotl_sft,
    ("axolotl", "preferences"): axolotl_preferences,
    ("axolotl", "reward"): axolotl_reward,
    ("axolotl", "kto"): axolotl_kto,
    ("axolotl", "rl"): rl_prompt,
    ("openrlhf", "sft"): openrlhf_sft,
    ("openrlhf", "preferences"): openrlhf_pair,
    ("openrlhf", "reward"): openrlhf_reward,
    ("openrlhf", "rl"): openrlhf_rl,
    ("verl", "sft"): verl_sft,
    ("verl", "preferences"): verl_reward,
    ("verl", "reward"): verl_reward,
    ("verl", "rl"): verl_rl,
    ("nemo-rl", "sft"): nemo_rl_sft,
    ("nemo-rl", "preferences"): nemo_rl_preferences,
    ("nemo-rl", "reward"): nemo_rl_preferences,
    ("nemo-rl", "rl"): nemo_rl_rl,
}
"""By trainer and kind of data; LLaMA-Factory's rules follow from its dataset_info.json."""
