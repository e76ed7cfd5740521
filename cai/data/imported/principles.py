"""The principles that rounds of others name, by our ids: those of a constitution, and the ones that it does not have.

A row names a principle by its id or by the text of a request. A constitution can be made of what was found.
"""

import re

from cai.constitution.importers.base import Rule, cleaned
from cai.constitution.importers.commented import commented_yaml
from cai.constitution.importers.naming import unique_slug
from cai.constitution.schema import Change, Constitution, Principle
from cai.data.imported.rows import ImportedRound
from cai.records import content_hash

_SLUG = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")
_LONGEST_ID = 64
_VERSION = "1.0.0"
_STATEMENT = 'A good answer leaves little to say to this request: "{0}"'
_REVISION = 'Rewrite the assistant\'s last answer so that there is less to say to this request: "{0}"'
_BARE = "The principle {0}, of which the rows say no more than its name."
_BARE_CRITIQUE = "Name the specific ways in which the assistant's last answer breaks the principle {0}."
_BARE_REVISION = "Rewrite the assistant's last answer so that it keeps the principle {0}."
_BARE_QUESTION = "Which answer better keeps the principle {0}?"
_QUESTION = 'Which answer leaves less to say to this request: "{0}"'


class PrincipleIds:
    """Ids by the names that rows use; a name that is new gets an id, and keeps it."""

    def __init__(self, constitution: Constitution | None) -> None:
        self._ids: dict[str, str] = {}
        self._rules: dict[str, Rule] = {}
        """What is known of each principle that the constitution does not have, by its id."""
        self._taken: set[str] = set()
        for principle in constitution.principles if constitution else ():
            self._taken.add(principle.id)
            for text in (principle.statement, principle.critique_request, principle.revision_request, principle.id):
                self._ids[_same(text)] = principle.id

    @property
    def unknown(self) -> tuple[str, ...]:
        """Ids of the principles that the constitution does not have, in the order in which they were found."""
        return tuple(self._rules)

    def of(self, round_: ImportedRound) -> tuple[str, ...]:
        """The ids of the principles of a round."""
        request = round_.revision_request if len(round_.principles) == 1 else None
        return tuple(dict.fromkeys(self._id(name, request) for name in round_.principles))

    def _id(self, name: str, revision_request: str | None) -> str:
        known = self._ids.get(_same(name))
        if known is not None:
            return known
        text = cleaned(name) or f"principle {content_hash(name)[:8]}"
        is_id = len(name) <= _LONGEST_ID and _SLUG.fullmatch(name) is not None and name not in self._taken
        found = name if is_id else unique_slug(text, self._taken)
        request = cleaned(revision_request or "") or None
        self._ids[_same(name)] = found
        self._taken.add(found)
        self._rules[found] = Rule(
            f"found as `{found}`", critique_request=None if is_id else text, revision_request=request
        )
        return found

    def constitution(self, name: str, source: str) -> tuple[Constitution, str]:
        """A constitution of all that was found, and its YAML."""
        constitution = Constitution(
            name=name,
            version=_VERSION,
            description="Made from the principles that imported trajectories name.",
            source=source,
            changelog=(Change(version=_VERSION, note="Made on import; what the rows did not say was phrased then."),),
            principles=tuple(_principle(key, rule) for key, rule in self._rules.items()),
        )
        heading = ["The principles that imported trajectories name.", "Reword what was made on import before use."]
        return constitution, commented_yaml(constitution, self._rules, heading)


def _principle(key: str, rule: Rule) -> Principle:
    request = rule.critique_request
    if request is None:
        return Principle(
            id=key,
            statement=_BARE.format(key),
            critique_request=_BARE_CRITIQUE.format(key),
            revision_request=rule.revision_request or _BARE_REVISION.format(key),
            comparison_question=_BARE_QUESTION.format(key),
        )
    return Principle(
        id=key,
        statement=_STATEMENT.format(request),
        critique_request=request,
        revision_request=rule.revision_request or _REVISION.format(request),
        comparison_question=_QUESTION.format(request),
    )


def _same(text: str) -> str:
    """What two ways to write the same request have in common."""
    return " ".join(text.casefold().split()).rstrip(".?!: ")
