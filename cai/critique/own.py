"""A critique mode from a user's own Python file. Loading it runs the file, so the user must have asked for that."""

import hashlib
import importlib.util
import sys
from pathlib import Path
from typing import cast

from cai.config.critique import OwnModeConfig
from cai.critique.base import CritiqueMode
from cai.errors import UsageError


def load_own(config: OwnModeConfig) -> CritiqueMode:
    """Run the file and make the mode with its settings.

    Raises:
        UsageError: There is no such file or class, the file cannot be run, or the class is not a critique mode.
    """
    path, class_name = _place(config)
    name = f"cai_own_{source_hash(config)}"
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise UsageError("this is not a Python file", where=str(path), fix="name a file that ends in .py")
    module = importlib.util.module_from_spec(spec)
    # Dataclasses and pickling look a class up by its module.
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
        made = getattr(module, class_name)(**config.settings)
    except Exception as error:
        # It is the user's code, and may raise anything at all; what it raised stays attached.
        raise UsageError(
            f"the critique mode cannot be made: {type(error).__name__}: {error}",
            where=f"{path}:{class_name}",
            fix="run the file by itself; the class is made with generate.critique.settings",
        ) from error
    if not callable(getattr(made, "critique", None)) or not hasattr(made, "templates"):
        raise UsageError(
            f"{class_name} is no critique mode: it needs `templates` and `critique`",
            where=str(path),
            fix="see docs/extending.md",
        )
    return cast(CritiqueMode, made)


def source_hash(config: OwnModeConfig) -> str:
    """Hash of the file's text: records made with another text of it are owed again.

    Raises:
        UsageError: There is no such file.
    """
    path, _ = _place(config)
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()[:16]
    except OSError as error:
        raise UsageError(
            f"the file cannot be read: {error.strerror or error}", where=str(path), fix="check generate.critique.mode"
        ) from None


def _place(config: OwnModeConfig) -> tuple[Path, str]:
    path, colon, class_name = config.mode.rpartition(":")
    if not colon or not path or not class_name.isidentifier():
        raise UsageError(
            f"`{config.mode}` does not name a file and a class",
            where="generate.critique.mode",
            fix="write it as path/of/file.py:ClassName",
        )
    return Path(path), class_name
