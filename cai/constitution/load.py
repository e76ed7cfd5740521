"""Reads a constitution from YAML; every problem of the file is reported with its line and the nearest right word.

It knows the schema and the shipped files, and nothing of what a constitution is used for.
"""

from collections.abc import Iterable
from pathlib import Path

from cai.constitution.schema import Constitution, repeated
from cai.errors import ConstitutionError
from cai.resources import find, resource
from cai.yaml_model import load_yaml_model, nearest
from cai.yaml_source import Problem, YamlSource, shortened

FOLDER = "constitution"


def load_constitution(path: Path | str) -> Constitution:
    """Read and validate a constitution.

    Args:
        path: A file; the name of a shipped one (`harmlessness.yaml`) works from any folder.

    Raises:
        ConstitutionError: With every problem of the file, one a line: `file:line:col: key path ... (fix)`.
        StorageError: The file is there but cannot be read.
    """
    file = find(str(path), FOLDER)
    if not file.is_file():
        raise _missing(file)
    return load_yaml_model(file, Constitution, ConstitutionError, _repeated_ids)


def shipped_constitutions() -> tuple[str, ...]:
    """Names of the shipped constitutions, as `load_constitution` takes them."""
    return tuple(sorted(f"{FOLDER}/{file.name}" for file in resource(FOLDER).glob("*.yaml")))


def _missing(file: Path) -> ConstitutionError:
    what = "this is a folder, not a constitution file" if file.is_dir() else "there is no such constitution file"
    shipped = shipped_constitutions()
    best = nearest(f"{FOLDER}/{file.name}", shipped)
    guess = f"did you mean {best}? " if best else ""
    return ConstitutionError(what, where=str(file), fix=f"{guess}shipped: {', '.join(shipped) or 'none'}")


def _repeated_ids(source: YamlSource) -> Iterable[Problem]:
    """The schema finds these too, but only once everything else is right."""
    rules = source.data.get("principles") if isinstance(source.data, dict) else None
    ids = [rule.get("id") if isinstance(rule, dict) else None for rule in rules] if isinstance(rules, list) else []
    named = [name if isinstance(name, str) else (index,) for index, name in enumerate(ids)]
    for index, first in repeated(named):
        what = f"`principles[{index}].id`: `{shortened(str(ids[index]))}` is already the id of principles[{first}]"
        yield Problem(source.place_of(("principles", index, "id")), what)
