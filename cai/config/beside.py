"""Paths in a pipeline file that name something beside it, so that a project works from whatever folder it is used.

A relative path is looked for beside the file first; what is not there stays as it is written, and is then looked for in
the current folder and among the shipped files. What comes from the command line is never touched, nor is a file that
says `paths: here`, as `cai run` writes them for its stages.
"""

from pathlib import Path
from typing import Any

from cai.yaml_source import YamlSource

_FILES = ("constitution", "path")
_FOLDERS = ("prompts_dir",)
_SOURCES = "sources"


def looked_for_beside(source: YamlSource, file: Path) -> YamlSource:
    """The source itself, in whose data paths of what lies beside `file` lead there from the current folder."""
    if not isinstance(source.data, dict) or source.data.get("paths") != "here":
        source.data = _placed(source.data, file.parent)
    return source


def _placed(data: Any, folder: Path) -> Any:
    if isinstance(data, list):
        return [_placed(item, folder) for item in data]
    if not isinstance(data, dict):
        return data
    return {key: _value(key, value, folder) for key, value in data.items()}


def _value(key: str, value: Any, folder: Path) -> Any:
    if key == "prompts":
        return _prompts(value, folder)
    if isinstance(value, str) and key in (*_FILES, *_FOLDERS):
        return _beside(value, folder, is_folder=key in _FOLDERS)
    return _placed(value, folder)


def _prompts(value: Any, folder: Path) -> Any:
    """A path, a source or several; in an evaluation, sets by their names."""
    if isinstance(value, str):
        return _beside(value, folder)
    if isinstance(value, list):
        return [_prompts(item, folder) for item in value]
    if not isinstance(value, dict):
        return value
    if "path" in value:
        return _placed(value, folder)
    keys = (_SOURCES,) if _SOURCES in value else tuple(value)
    return {key: _prompts(item, folder) if key in keys else item for key, item in value.items()}


def _beside(path: str, folder: Path, *, is_folder: bool = False) -> str:
    there, here = folder / path, Path(path)
    try:
        found = there.is_dir() if is_folder else there.is_file()
        # As it is written, if both are the same: a run then says what its pipeline says.
        return str(there) if found and not (here.exists() and here.samefile(there)) else path
    except (OSError, ValueError):
        # A text that is no path, such as one with a null character, is told apart when it is opened.
        return path
