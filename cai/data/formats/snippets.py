"""Settings of trainers as text: YAML with a line on top that says how to use it, and shell commands."""

from collections.abc import Mapping
from typing import Any

import yaml

MODEL = "MODEL"
"""Stands in every snippet for what the user wants to train."""


class _Plain(yaml.SafeDumper):
    """YAML in which a value that occurs twice is written twice."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


def yaml_text(command: str, settings: Mapping[str, Any]) -> str:
    """A YAML file of a trainer.

    Args:
        command: How it is given to the trainer.
        settings: Keys in the order in which they shall be read.
    """
    body = yaml.dump(dict(settings), Dumper=_Plain, sort_keys=False, allow_unicode=True, default_flow_style=False)
    return f"# From this folder: {command}\n# Put the model to train in place of {MODEL}.\n{body}"


def shell_text(lines: list[str]) -> str:
    """A shell script of one command over several lines."""
    command = " \\\n  ".join(lines)
    return f'#!/bin/sh\n# Put the model to train in place of {MODEL}.\ncd "$(dirname "$0")" || exit\n{command}\n'
