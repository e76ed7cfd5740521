"""The trait files of Open Character Training: `[{"trait": "I ...", "questions": ["..."]}]`, the assistant speaking."""

from typing import Any, ClassVar

from cai.constitution.importers.base import Found, Rule, Source, cleaned, other_keys, text_at
from cai.errors import ConstitutionError

_PARTS = ("trait", "questions")


class TraitsImporter:
    """Each trait becomes a statement; its questions are prompts to try it on."""

    format: ClassVar[str] = "traits"
    about: ClassVar[str] = "Open Character Training's JSON: traits in the first person, with questions"

    def recognises(self, source: Source) -> bool:
        data = source.data
        return isinstance(data, list) and any(isinstance(item, dict) and "trait" in item for item in data)

    def read(self, source: Source) -> Found:
        data = source.data
        if not isinstance(data, list) or not data:
            what = "this should be a JSON list of objects with a `trait` each"
            raise ConstitutionError(what, where=source.name, fix="correct the file, or name another --format")
        rules = tuple(_rule(item, f"trait {index}", source) for index, item in enumerate(data))
        extra = {str(key): None for item in data for key in item}
        return Found(rules, other_keys(extra, _PARTS))


def _rule(item: Any, where: str, source: Source) -> Rule:
    statement = text_at(item, "trait", source, where)
    questions = item.get("questions") or []
    if not isinstance(questions, list) or not all(isinstance(question, str) for question in questions):
        what = f"`{where}.questions` should be a list of texts"
        raise ConstitutionError(what, where=source.name, fix="correct the file")
    filled = tuple(text for text in map(cleaned, questions) if text)
    return Rule(where, statement=statement, first_person=True, questions=filled)
