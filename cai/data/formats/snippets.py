"""Settings of trainers as text: YAML or a shell command, with lines on top that say how to use it."""

import re
from collections.abc import Mapping
from typing import Any

import yaml

MODEL = "MODEL"
REWARD_MODEL = "REWARD_MODEL"
TEMPLATE = "TEMPLATE"
NEMO_RL = "NEMO_RL"
REWARD_FUNCTION = "REWARD_MODULE.FUNCTION"

_PLACEHOLDERS = {
    MODEL: "the model to train",
    REWARD_MODEL: "a reward model",
    TEMPLATE: "the name that LLaMA-Factory gives to the chat template of the model",
    NEMO_RL: "the folder of NeMo-RL's checkout",
    REWARD_FUNCTION: "a Python function of yours that rewards answers",
}


def yaml_text(command: str, settings: Mapping[str, Any]) -> str:
    """A YAML file of a trainer.

    Args:
        command: How it is given to the trainer.
        settings: Keys in the order in which they shall be read.
    """
    body = yaml.dump(dict(settings), Dumper=_Plain, sort_keys=False, allow_unicode=True, default_flow_style=False)
    return f"# From this folder: {command}\n{_to_fill_in(command + body)}{body}"


def shell_text(lines: list[str]) -> str:
    """A shell script of one command over several lines."""
    command = " \\\n  ".join(lines)
    return f'#!/bin/sh\n{_to_fill_in(command)}cd "$(dirname "$0")" || exit\n{command}\n'


def _to_fill_in(text: str) -> str:
    found = [name for name in _PLACEHOLDERS if re.search(rf"(?<![\w.]){re.escape(name)}(?![\w.])", text)]
    return "".join(f"# Write in place of {name}: {_PLACEHOLDERS[name]}.\n" for name in found)


class _Plain(yaml.SafeDumper):
    """YAML in which a value that occurs twice is written twice."""

    def ignore_aliases(self, data: Any) -> bool:
        return True
