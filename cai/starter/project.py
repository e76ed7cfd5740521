"""Writes the files of a new project into a folder: all of them, or none if one would take the place of another.

Without a model the project is about the embedded sandbox and speaks its words; with a model it is a general one.
"""

import json
import re
from pathlib import Path

from cai.errors import UsageError
from cai.resources import SHIPPED_MODELS, resource
from cai.store.atomic import make_folder, reporting, write_text

_HERE = Path(__file__).parent
_OWN = ("README.md", "constitution.yaml", "pipeline.yaml", "prompts.jsonl")
_SCHEMAS = {
    "schema/constitution.schema.json": ("constitution", "schema", "constitution.schema.json"),
    "schema/pipeline.schema.json": ("pipelines", "schema", "pipeline.schema.json"),
}
_PLACE_OF_THE_MODEL = re.compile(r"\bmodel: MODEL$", re.MULTILINE)


def write_starter(folder: Path, model: str | None = None, *, force: bool = False) -> tuple[Path, ...]:
    """Write a starter project; other files of the folder stay as they are.

    Args:
        folder: Made if it is not there.
        model: Folder or hub name of a model; None, or the sandbox's name, for the sandbox.
        force: Write over files of the same names.

    Returns:
        The files, those for people first.

    Raises:
        UsageError: A file of one of the names is there already, or the model has no usable name.
        StorageError: The folder or a file cannot be written.
    """
    texts = {folder / name: text for name, text in _texts(model).items()}
    with reporting(folder):
        if folder.exists() and not folder.is_dir():
            raise UsageError("this is a file, not a folder", where=str(folder), fix="choose another folder")
        there = [path.name for path in texts if path.exists()]
    if there and not force:
        fix = "choose another folder, or give --force to write over them"
        raise UsageError(f"the folder has {', '.join(there)} already", where=str(folder), fix=fix)
    for path, text in texts.items():
        make_folder(path.parent)
        write_text(path, text)
    return tuple(texts)


def _texts(model: str | None) -> dict[str, str]:
    general = model is not None and model not in SHIPPED_MODELS
    source = _HERE / ("general" if general else "sandbox")
    texts = {name: (source / name).read_text(encoding="utf-8") for name in _OWN}
    if general and model is not None:
        texts["pipeline.yaml"] = _PLACE_OF_THE_MODEL.sub(lambda _: f"model: {_model(model)}", texts["pipeline.yaml"])
    texts |= {name: resource(*parts).read_text(encoding="utf-8") for name, parts in _SCHEMAS.items()}
    return texts | {".gitignore": (_HERE / "gitignore").read_text(encoding="utf-8")}


def _model(model: str) -> str:
    """The model as YAML. A folder is named by its whole path, for the project may be used from anywhere."""
    if not model.strip() or not model.isprintable():
        raise UsageError("this is no name of a model", where="--model", fix="give a folder or a hub name, ORG/NAME")
    return json.dumps(str(Path(model).resolve()) if Path(model).is_dir() else model, ensure_ascii=False)
