"""The JSON files of the Constitutional AI paper: critique and revision requests in pairs, or comparison instructions.

Pairs: `{"NAME": {"prompt": ["\\n\\nCritiqueRequest: ...\\n\\nCritique:"], "edit_request": "\\n\\nRevisionRequest: ...
\\n\\nRevision:"}}`. Comparisons: `["\\nChoose ... Options:"]`. The words around the request belong to the transcript.
"""

import re
from typing import Any, ClassVar

from cai.constitution.importers.base import Found, Rule, Source, cleaned, text_at
from cai.errors import ConstitutionError

_PARTS = ("prompt", "edit_request")
_CRITIQUE = re.compile(r"\A\s*CritiqueRequest:(.*?)(?:Critique:)?\s*\Z", re.DOTALL)
_REVISION = re.compile(r"\A\s*RevisionRequest:(.*?)(?:Revision:)?\s*\Z", re.DOTALL)
_OPTIONS = re.compile(r"\s*Options:\s*\Z")


class AnthropicImporter:
    """Pairs and comparisons, one kind a file; give both files to have both."""

    format: ClassVar[str] = "anthropic"
    about: ClassVar[str] = "the paper's JSON: pairs of critique and revision requests, or comparison instructions"

    def recognises(self, source: Source) -> bool:
        data = source.data
        if isinstance(data, dict):
            return any(isinstance(value, dict) and set(_PARTS) & set(value) for value in data.values())
        return isinstance(data, list) and any(isinstance(item, str) for item in data)

    def read(self, source: Source) -> Found:
        if isinstance(source.data, dict):
            return _pairs(source, source.data)
        if isinstance(source.data, list):
            return Found(tuple(_comparison(item, index, source) for index, item in enumerate(source.data)))
        raise ConstitutionError(
            "this is neither a JSON object of pairs nor a JSON list of comparisons", where=source.name, fix="see docs"
        )


def _pairs(source: Source, data: dict[str, Any]) -> Found:
    rules, unused = [], 0
    for name, pair in data.items():
        where = cleaned(str(name)) or "a rule"
        requests = pair.get("prompt") if isinstance(pair, dict) else None
        if not isinstance(requests, list) or not requests or not isinstance(requests[0], str):
            what = f"`{where}.prompt` should be a list with the text of the critique request"
            raise ConstitutionError(what, where=source.name, fix="correct the file")
        unused += len(requests) - 1
        critique = _inner(_CRITIQUE, requests[0], f"{where}.prompt", source)
        revision = _inner(_REVISION, text_at(pair, "edit_request", source, where), f"{where}.edit_request", source)
        rules.append(Rule(where, critique_request=critique, revision_request=revision))
    return Found(tuple(rules), (f"{unused} further wordings of critique requests",) if unused else ())


def _comparison(item: Any, index: int, source: Source) -> Rule:
    text = _OPTIONS.sub("", cleaned(item)) if isinstance(item, str) else ""
    if not text:
        what = f"item {index} should be the text of a comparison instruction"
        raise ConstitutionError(what, where=source.name, fix="correct the file")
    return Rule(f"item {index}", comparison_question=text)


def _inner(pattern: re.Pattern[str], text: str, where: str, source: Source) -> str:
    """The request alone; a file whose texts stand without the transcript's words is taken as it is."""
    match = pattern.match(text)
    inner = cleaned(match[1] if match else text)
    if not inner:
        raise ConstitutionError(f"`{where}` holds no request", where=source.name, fix="correct the file")
    return inner
