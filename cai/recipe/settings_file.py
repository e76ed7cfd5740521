"""Writes settings as YAML that our own reader takes back unchanged: no aliases, quotes where a text is like a number.

PyYAML writes for YAML 1.1, where other texts than in 1.2 need quotes.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from cai.store.atomic import make_folder, write_text
from cai.yaml_source import plain_scalar

_HEADER = "# Written by `cai run` for its stage {name}; an edit here is overwritten. Edit the pipeline file.\n"


class _Dumper(yaml.SafeDumper):
    def ignore_aliases(self, data: Any) -> bool:
        """Always: a value that occurs twice is written twice."""
        return True


def _text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    style = None if isinstance(plain_scalar(text), str) else '"'
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_Dumper.add_representer(str, _text)


def settings_text(name: str, settings: Mapping[str, Any]) -> str:
    """Settings (plain JSON values) of a stage as the text of a file."""
    body: str = yaml.dump(dict(settings), Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=100)
    return _HEADER.format(name=name) + body


def write_settings(path: Path, name: str, settings: Mapping[str, Any]) -> None:
    """Write the settings file of a stage.

    Raises:
        StorageError: The file cannot be written.
    """
    make_folder(path.parent)
    write_text(path, settings_text(name, settings))
