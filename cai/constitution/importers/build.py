"""From files of other projects to one constitution: which format each has, and what becomes of its rules."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from cai.constitution.importers.anthropic import AnthropicImporter
from cai.constitution.importers.base import TEXTS, Importer, Rule, Source, cleaned
from cai.constitution.importers.commented import commented_yaml
from cai.constitution.importers.hazards import guessed_hazards
from cai.constitution.importers.lists import ListsImporter
from cai.constitution.importers.llm_swarm import LlmSwarmImporter
from cai.constitution.importers.naming import name_of, unique_slug
from cai.constitution.importers.phrasing import phrased
from cai.constitution.importers.traits import TraitsImporter
from cai.constitution.schema import AppliesTo, Change, Constitution, Principle, Stage
from cai.errors import ConstitutionError, StorageError
from cai.yaml_model import did_you_mean, validate_source
from cai.yaml_source import MAX_BYTES, parse_yaml

IMPORTERS: dict[str, Importer] = {
    importer.format: importer
    for importer in (AnthropicImporter(), LlmSwarmImporter(), TraitsImporter(), ListsImporter())
}
"""Importers by the name of their format, in the order in which a file is offered to them."""

AUTO = "auto"
VERSION = "1.0.0"
_MOST_BYTES = 8 * MAX_BYTES


@dataclass(frozen=True, slots=True)
class Imported:
    """A constitution from elsewhere.

    `rules` is the rule that each principle was made of, by the principle's id; `formats` the format of each file;
    `dropped` sentences about what has no place here; `text` the commented YAML, which reads back as `constitution`.
    """

    constitution: Constitution
    rules: Mapping[str, Rule]
    formats: Mapping[str, str]
    dropped: tuple[str, ...]
    text: str

    def questions(self) -> Iterator[dict[str, Any]]:
        """The questions of the rules as rows of a file of prompts, each with the id of its principle as a tag."""
        for key, rule in self.rules.items():
            yield from ({"prompt": question, "tags": [key]} for question in rule.questions)


def import_constitution(
    files: Sequence[Path], format_: str = AUTO, name: str | None = None, *, guess_hazards: bool = False
) -> Imported:
    """Read one or several files into one constitution.

    Where some rules are only for criticism and others only for comparison, as in the paper's two files, each is used in
    the stage that it was written for. A rule that was there before, word for word, is left out.

    Args:
        files: The files; their rules follow each other.
        format_: A key of `IMPORTERS`, or `auto` to tell it from each file.
        name: Name of the constitution; by default made from that of the first file.
        guess_hazards: Mark each principle with hazards by its words.

    Raises:
        ConstitutionError: A file cannot be read as its format; says where.
        StorageError: A file is there but the system does not let it be read.
    """
    if name is not None and name_of(name) != name:
        what = f"`{name}` is no name: it should be lower-case words joined by hyphens"
        raise ConstitutionError(what, where="--name", fix=f"write {name_of(name) or 'house-rules'}")
    sources = [_read(file) for file in files]
    importers = [_importer(source, format_) for source in sources]
    rules: list[Rule] = []
    dropped: list[str] = []
    for source, importer in zip(sources, importers, strict=True):
        found = importer.read(source)
        if not found.rules:
            raise ConstitutionError("there is no rule in this file", where=source.name, fix=importer.about)
        several = f"{source.name}, " if len(sources) > 1 else ""
        rules += [replace(rule, where=several + rule.where) for rule in found.rules]
        dropped += [f"{source.name}: {what}" for what in found.dropped]
    rules, again = _different(rules)
    dropped += [f"{again} rules that say the same as another"] if again else []
    asked = sum(len(rule.questions) for rule in rules)
    dropped += [f"{asked} questions to try the rules on: they are prompts"] if asked else []
    named, by_stage = _named(rules), _are_by_stage(rules)
    constitution = Constitution(
        name=name or name_of(Path(sources[0].name).stem) or "imported",
        version=VERSION,
        description=f"Imported from {', '.join(source.name for source in sources)}.",
        source=", ".join(f"{one.name} ({two.format})" for one, two in zip(sources, importers, strict=True)),
        changelog=(Change(version=VERSION, note="Imported; what the source did not have was phrased on import."),),
        principles=tuple(_principle(key, rule, by_stage=by_stage, guess=guess_hazards) for key, rule in named.items()),
    )
    formats = {source.name: importer.format for source, importer in zip(sources, importers, strict=True)}
    text = commented_yaml(constitution, named, _heading(constitution, dropped))
    _check_reads_back(text, constitution)
    return Imported(constitution, named, formats, tuple(dropped), text)


def _read(file: Path) -> Source:
    try:
        with file.open("rb") as opened:
            raw = opened.read(_MOST_BYTES + 1)
        text = raw.decode("utf-8-sig")
    except FileNotFoundError:
        raise ConstitutionError("there is no such file", where=str(file), fix="check the path") from None
    except IsADirectoryError:
        raise ConstitutionError("this is a folder", where=str(file), fix="name a file in it") from None
    except OSError as error:
        raise StorageError(f"the file cannot be read: {error.strerror}", where=str(file)) from error
    except UnicodeDecodeError:
        raise ConstitutionError("the file is not UTF-8", where=str(file), fix="save it as UTF-8") from None
    if len(raw) > _MOST_BYTES:
        raise ConstitutionError(
            "the file is too large", where=str(file), fix="the limit is 8 MiB; is it the right file?"
        )
    try:
        data = json.loads(text)
    except (ValueError, RecursionError) as error:
        if text.lstrip()[:1] in ("{", "[") and file.suffix == ".json":
            place = f"{file}:{error.lineno}:{error.colno}" if isinstance(error, json.JSONDecodeError) else str(file)
            raise ConstitutionError("this is not JSON", where=place, fix="check just before here") from None
        data = None
    return Source(" ".join(cleaned(file.name).split()) or "a file", text, data)


def _importer(source: Source, format_: str) -> Importer:
    if format_ in IMPORTERS:
        return IMPORTERS[format_]
    if format_ != AUTO:
        fix = did_you_mean(format_, (AUTO, *IMPORTERS), "formats")
        raise ConstitutionError(f"there is no format `{format_}`", where="--format", fix=fix)
    for importer in IMPORTERS.values():
        if importer.recognises(source):
            return importer
    known = "; ".join(f"{key}: {importer.about}" for key, importer in IMPORTERS.items())
    raise ConstitutionError("this is none of the formats that can be read", where=source.name, fix=known)


def _different(rules: Sequence[Rule]) -> tuple[list[Rule], int]:
    """The rules without repetitions, and how many those were."""
    first: dict[Any, Rule] = {}
    for rule in rules:
        first.setdefault(tuple(rule.taken.items()), rule)
    return list(first.values()), len(rules) - len(first)


def _named(rules: Sequence[Rule]) -> dict[str, Rule]:
    named: dict[str, Rule] = {}
    for rule in rules:
        words = rule.statement or rule.revision_request or rule.comparison_question or ""
        named[unique_slug(words, named)] = rule
    return named


def _are_by_stage(rules: Sequence[Rule]) -> bool:
    """Whether every rule was written for one stage, and both stages have some."""
    comparing = {rule.comparison_question is not None for rule in rules}
    return comparing == {True, False} and all(rule.statement is None for rule in rules)


def _principle(key: str, rule: Rule, *, by_stage: bool, guess: bool) -> Principle:
    texts = {**rule.taken, **phrased(rule)}
    stage: Stage = "critique" if rule.comparison_question is None else "comparison"
    return Principle(
        id=key,
        **{name: texts[name] for name in TEXTS},
        hazards=guessed_hazards(" ".join(rule.taken.values())) if guess else (),
        tags=rule.tags,
        applies_to=AppliesTo(stages=(stage,)) if by_stage else AppliesTo(),
    )


def _heading(constitution: Constitution, dropped: Sequence[str]) -> list[str]:
    return [
        f"{constitution.description} Each principle says which of its texts are the source's own and which were made "
        "on import, as patterns to be reworded. The ids were made from the words; keep them when you edit.",
        *(f"Left out: {what}." for what in dropped),
    ]


def _check_reads_back(text: str, constitution: Constitution) -> None:
    if len(text.encode()) > MAX_BYTES:
        what = f"{len(constitution.principles)} principles are more than a constitution file can hold (1 MiB)"
        raise ConstitutionError(what, fix="import a part of them")
    again = validate_source(parse_yaml(text, "the imported constitution"), Constitution, ConstitutionError)
    if again != constitution:
        raise AssertionError("an imported constitution does not read back as it was written")
