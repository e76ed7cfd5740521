"""The one entry to the checks: what is wrong with a revision, or with a critique, by the names of the pipeline file."""

from collections.abc import Collection

from cai.checks.looping import looping
from cai.checks.role_confusion import answers_instead, criticises_instead
from cai.checks.truncated import truncated
from cai.checks.unchanged import unchanged
from cai.config.critique import Check

REPEATED = "repetition"
"""The finish reason of an engine that stopped a text because it repeated itself."""


def revision_flaw(
    text: str, finish_reason: str | None, previous: str, critique: str | None, checks: Collection[Check]
) -> Check | None:
    """The first flaw of a revision among those that are looked for.

    A text that repeats itself up to the token limit is called looping, not truncated: that says more.

    Args:
        text: The revision.
        finish_reason: Why its engine stopped; None or `unknown` if no engine said so.
        previous: The answer that was to be revised.
        critique: The critique that it follows, if there was one.
        checks: What to look for.
    """
    if "looping" in checks and (finish_reason == REPEATED or looping(text)):
        return "looping"
    if "truncated" in checks and truncated(text, finish_reason):
        return "truncated"
    if "role_confusion" in checks and criticises_instead(text, previous, critique):
        return "role_confusion"
    return "unchanged" if "unchanged" in checks and unchanged(text, previous) else None


def critique_flaw(text: str, finish_reason: str | None, answer: str, checks: Collection[Check]) -> Check | None:
    """The first flaw of a critique among those that are looked for; `unchanged` says nothing of a critique.

    Args:
        text: The critique.
        finish_reason: Why its engine stopped; None or `unknown` if no engine said so.
        answer: The answer that it is about.
        checks: What to look for.
    """
    if "looping" in checks and (finish_reason == REPEATED or looping(text)):
        return "looping"
    if "truncated" in checks and truncated(text, finish_reason):
        return "truncated"
    return "role_confusion" if "role_confusion" in checks and answers_instead(text, answer) else None
