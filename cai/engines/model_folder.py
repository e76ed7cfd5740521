"""Where a model's files are, whether they are complete, and a hash of what they hold.

Knows files only: nothing here reads a tensor, encodes a text or starts an engine.
"""

import hashlib
import json
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

from cai.errors import EngineError
from cai.resources import model_path

_HUB_NAME = re.compile(r"[\w.-]+(/[\w.-]+)?")
_TEXT_FILES = ("*.json", "*.jinja", "*.txt", "*.model")
TOKENIZER_FILES = (
    "tokenizer.json",
    "tokenizer_config.json",
    "special_tokens_map.json",
    "added_tokens.json",
    "chat_template.jinja",
    "chat_template.json",
)
_WHOLE_FILE_BYTES = 64 << 20
_SAMPLES = 64
_SAMPLE_BYTES = 64 << 10


def find_model(model: str, revision: str | None = None, *, weights: bool = True, code: bool = False) -> Path:
    """Folder of a model, fetched from the hub where `model` is not a folder.

    Args:
        model: A folder, or a name on the Hugging Face hub.
        revision: Commit, tag or branch of a hub model.
        weights: Fetch and require safetensors weights too, not the tokenizer alone.
        code: Fetch the model's own Python files too.

    Raises:
        EngineError: There is no such model, it cannot be fetched, or files are missing.
    """
    folder = Path(model_path(model))
    if not folder.is_dir():
        folder = _fetch(model, revision, weights, code)
    _require(folder, weights)
    return folder


class AdaptedModel(NamedTuple):
    """The folder of a model, and that of an adapter which belongs on it."""

    folder: Path
    adapter: Path | None


def find_adapted(model: str, revision: str | None = None, *, code: bool = False) -> AdaptedModel:
    """The same where a model's folder may hold just an adapter, as training with LoRA leaves it.

    Args:
        model: A folder, or a name on the hub; an adapter names its base in adapter_config.json.
        revision: Commit, tag or branch of a hub model.
        code: Fetch the model's own Python files too.

    Raises:
        EngineError: There is no such model, or files are missing.
    """
    given = Path(model_path(model))
    settings = read_json(given / "adapter_config.json")
    if not settings or (given / "config.json").is_file():
        return AdaptedModel(find_model(model, revision, code=code), None)
    base = settings.get("base_model_name_or_path")
    if not isinstance(base, str):
        fix = "name the base in adapter_config.json, as `base_model_name_or_path`"
        raise EngineError("the adapter does not say to which model it belongs", where=str(given), fix=fix)
    return AdaptedModel(find_model(base, revision, code=code), given)


def _fetch(model: str, revision: str | None, weights: bool, code: bool) -> Path:
    if not _HUB_NAME.fullmatch(model) or model.startswith("."):
        raise EngineError(
            "there is no such model folder", where=model, fix="give the folder of a model, or its name on the hub"
        )
    import httpx
    from huggingface_hub import errors, snapshot_download

    patterns = [*_TEXT_FILES, *(("*.safetensors",) if weights else ()), *(("*.py",) if code else ())]
    try:
        return Path(snapshot_download(model, revision=revision, allow_patterns=patterns))
    except (errors.GatedRepoError, errors.RepositoryNotFoundError) as error:
        raise EngineError(
            "no such folder, and the hub has no model of this name that you may read",
            where=model,
            fix="check the name; for a gated model accept its terms and log in with `hf auth login`",
        ) from error
    except errors.RevisionNotFoundError as error:
        raise EngineError(f"the model has no revision {revision!r}", where=model, fix="check `revision`") from error
    except (errors.HFValidationError, errors.EntryNotFoundError, OSError, httpx.HTTPError) as error:
        raise EngineError(
            f"no such folder, and it could not be fetched from the hub ({type(error).__name__})",
            where=model,
            fix="check the name and the network, or give the folder of a model that is already here",
        ) from error


def _require(folder: Path, weights: bool) -> None:
    if not (folder / "tokenizer.json").is_file():
        raise EngineError(
            "the model folder has no tokenizer.json",
            where=str(folder),
            fix="save the tokenizer there in the fast format, with `tokenizer.save_pretrained(folder)` of transformers",
        )
    if not weights:
        return
    if not (folder / "config.json").is_file():
        raise EngineError(
            "the model folder has no config.json",
            where=str(folder),
            fix="give the folder that `model.save_pretrained` wrote; an adapter goes into the role's `adapter`",
        )
    if not weight_files(folder):
        raise EngineError(
            "the model folder has no weights (*.safetensors)",
            where=str(folder),
            fix="save the model there as safetensors; pickled weights (*.bin, *.pt) are not read",
        )


def weight_files(folder: Path) -> list[Path]:
    """The safetensors files of a model, by name."""
    return sorted(folder.glob("*.safetensors"))


def read_json(path: Path) -> dict[str, Any]:
    """A JSON object from a model's folder; empty if there is no such file.

    Raises:
        EngineError: The file is not a JSON object.
    """
    if not path.is_file():
        return {}
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise EngineError(f"not valid JSON: {error}", where=str(path), fix="fetch or save the model again") from error
    if not isinstance(value, dict):
        raise EngineError("not a JSON object", where=str(path), fix="fetch or save the model again")
    return value


def model_fingerprint(folder: Path, settings: Iterable[str], adapters: Iterable[Path] = ()) -> str:
    """Hash of all that determines what a model says: configuration, tokenizer, template, weights, `settings`.

    Neither paths nor times go in, so that a copied folder has the same fingerprint. Weight files of up to 64 MiB go in
    whole; of larger ones the first bytes (the names and shapes of the tensors) and 64 samples of 64 KiB, which tells
    two trainings of one model apart without reading it all.

    Args:
        folder: The model's folder.
        settings: Engine settings that change answers, such as the data type.
        adapters: Folders of LoRA adapters.
    """
    digest = hashlib.sha256()
    for setting in settings:
        _add(digest, setting.encode())
    _add_tokenizer(digest, folder)
    for name in ("config.json", "generation_config.json"):
        _add_file(digest, folder / name)
    for weights in weight_files(folder):
        _add_file(digest, weights)
    for adapter in adapters:
        for path in (adapter / "adapter_config.json", *weight_files(adapter)):
            _add_file(digest, path)
    return digest.hexdigest()[:32]


def tokenizer_fingerprint(folder: Path) -> str:
    """Hash of the tokenizer and the chat template."""
    digest = hashlib.sha256()
    _add_tokenizer(digest, folder)
    return digest.hexdigest()[:32]


def _add_tokenizer(digest: "hashlib._Hash", folder: Path) -> None:
    for name in TOKENIZER_FILES:
        _add_file(digest, folder / name)


def _add(digest: "hashlib._Hash", part: bytes) -> None:
    """Length first, so that no two lists of parts read the same."""
    digest.update(len(part).to_bytes(8, "big"))
    digest.update(part)


def _add_file(digest: "hashlib._Hash", path: Path) -> None:
    if not path.is_file():
        return
    size = path.stat().st_size
    _add(digest, path.name.encode())
    _add(digest, str(size).encode())
    with path.open("rb") as file:
        if size <= _WHOLE_FILE_BYTES:
            while block := file.read(1 << 20):
                digest.update(block)
            return
        for index in range(_SAMPLES):
            file.seek(index * (size - _SAMPLE_BYTES) // (_SAMPLES - 1))
            digest.update(file.read(_SAMPLE_BYTES))
