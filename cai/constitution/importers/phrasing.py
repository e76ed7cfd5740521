"""The texts that an imported rule lacks, phrased around those that it has.

They are meant to work at once and to be reworded by people; nothing of the source is changed.
"""

from collections.abc import Mapping

from cai.constitution.importers.base import Rule

_OF_A_STATEMENT = {
    "critique_request": (
        'Here is a rule for answers: "{statement}" Name the specific places in the assistant\'s last answer that break '
        "it or fall short of it, and say why. If there are none, say so."
    ),
    "revision_request": (
        'Rewrite the assistant\'s last answer so that it keeps this rule: "{statement}" Leave as it is what keeps it '
        "already."
    ),
    "comparison_question": 'Which answer better keeps this rule: "{statement}"',
}
_OF_A_SELF_DESCRIPTION = {
    "critique_request": (
        'A good assistant can say of itself: "{statement}" Name the specific places in the assistant\'s last answer '
        "that do not fit these words, and say why. If there are none, say so."
    ),
    "revision_request": (
        "Rewrite the assistant's last answer as an assistant would write it that can truly say of itself: "
        '"{statement}" Leave as it is what fits already.'
    ),
    "comparison_question": 'Which answer comes from an assistant that can more truly say of itself: "{statement}"',
}
_OF_A_PAIR = {
    "statement": "A good answer already is as this request would make it: {revision_request}",
    "comparison_question": "Which answer has less need of this request? {revision_request}",
}
_OF_A_COMPARISON = {
    "statement": "A good answer is one that would be chosen by these words: {comparison_question}",
    "critique_request": (
        'These words tell the better of two answers: "{comparison_question}" Name the specific places in which the '
        "assistant's last answer would lose by them to a better one, and say why."
    ),
    "revision_request": (
        "Rewrite the assistant's last answer so that it would be chosen over the old one by these words: "
        '"{comparison_question}"'
    ),
}


def phrased(rule: Rule) -> Mapping[str, str]:
    """The texts that the rule lacks, by the field of a principle."""
    taken = rule.taken
    made = {name: text.format(**taken) for name, text in _phrases(rule).items()}
    return {name: text for name, text in made.items() if name not in taken}


def _phrases(rule: Rule) -> Mapping[str, str]:
    if rule.statement is not None:
        return _OF_A_SELF_DESCRIPTION if rule.first_person else _OF_A_STATEMENT
    return _OF_A_COMPARISON if rule.revision_request is None else _OF_A_PAIR
