"""The JSON of Hugging Face's llm-swarm: `{"constitutions": [{"critic", "revision"}], "system_chat": [...]}`."""

from typing import Any, ClassVar

from cai.constitution.importers.base import Found, Rule, Source, other_keys, text_at
from cai.errors import ConstitutionError

_RULES, _CHATS = "constitutions", "system_chat"
_PARTS = ("critic", "revision")


class LlmSwarmImporter:
    """Pairs of a critique and a revision request; the example conversations beside them are no principles."""

    format: ClassVar[str] = "llm-swarm"
    about: ClassVar[str] = "llm-swarm's JSON: a list of critic and revision texts, with example conversations"

    def recognises(self, source: Source) -> bool:
        return isinstance(source.data, dict) and _RULES in source.data

    def read(self, source: Source) -> Found:
        data = source.data if isinstance(source.data, dict) else {}
        pairs = data.get(_RULES)
        if not isinstance(pairs, list) or not pairs:
            what = f"`{_RULES}` should be a list with at least one rule"
            raise ConstitutionError(what, where=source.name, fix="correct the file, or name another --format")
        rules = tuple(_rule(pair, f"{_RULES}[{index}]", source) for index, pair in enumerate(pairs))
        extra = {str(key): None for pair in pairs for key in pair}
        return Found(
            rules, (*_chats(data.get(_CHATS)), *other_keys(data, (_RULES, _CHATS)), *other_keys(extra, _PARTS))
        )


def _rule(pair: Any, where: str, source: Source) -> Rule:
    critique, revision = (text_at(pair, part, source, where) for part in _PARTS)
    return Rule(where, critique_request=critique, revision_request=revision)


def _chats(chats: Any) -> tuple[str, ...]:
    if not isinstance(chats, list) or not chats:
        return ()
    what = f"{len(chats)} example conversations ({_CHATS})"
    return (f"{what}: examples belong into a template folder, as fewshot/critique_revision.yaml",)
