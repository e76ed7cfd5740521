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


def sandbox_model() -> Path:
    """Folder of the embedded sandbox model."""
    return _PACKAGE / "sandbox" / "model"


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
