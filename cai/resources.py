"""Where the files that ship with the package are: constitutions, prompts, pipelines, the sandbox model.

In a checkout they lie beside the package; in an installed wheel under `cai/_data`.
"""

from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent
_BUNDLED = _PACKAGE / "_data"


def resource(*parts: str) -> Path:
    """Path of a shipped file or folder, such as `resource("constitution", "sandbox.yaml")`."""
    base = _BUNDLED if _BUNDLED.is_dir() else _PACKAGE.parent
    return base.joinpath(*parts)


SHIPPED_MODELS = {"cai-sandbox": _PACKAGE / "sandbox" / "model"}
"""Models inside the package, by the name under which a pipeline or the command line asks for them."""

SHIPPED_PROMPTS = {
    "cai-sandbox": _PACKAGE / "sandbox" / "prompts.jsonl",
    "cai-sandbox-training": _PACKAGE / "sandbox" / "training_prompts.jsonl",
}
"""Files of prompts inside the package, by name: held-out ones to measure with, and others to train on."""


def model_path(model: str) -> str:
    """The folder of a shipped model; any other name as it is."""
    return str(SHIPPED_MODELS.get(model, model))


def prompts_path(prompts: str) -> Path:
    """The file of shipped prompts; any other path as it is."""
    return SHIPPED_PROMPTS.get(prompts, Path(prompts))


def find(path: str, kind: str) -> Path:
    """Resolve a path given by a user; a bare shipped name such as `constitution/sandbox.yaml` works from any folder.

    Args:
        path: What the user wrote.
        kind: Folder of shipped files to fall back to: `constitution`, `prompts` or `pipelines`.
    """
    given = Path(path)
    if given.exists():
        return given
    shipped = resource(kind, given.name) if given.parent.name in ("", kind) and not given.is_absolute() else given
    return shipped if shipped.exists() else given
