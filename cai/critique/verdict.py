"""A critic's verdict as JSON that the engine holds to a schema, read back and checked against the answer."""

import json
import re
from collections.abc import Mapping

from cai.constitution.brief import Brief
from cai.critique.base import Ask
from cai.dialogue import Dialogue
from cai.records import Verdict

VERDICT = "critique/verdict"
"""The template with which a verdict is asked for."""
VERDICT_VALUES = ("statement",)

MAX_EVIDENCE_CHARS = 240
SCHEMA = json.dumps(
    {
        "type": "object",
        "properties": {
            "violates": {"type": "boolean"},
            "severity": {"type": "integer", "enum": [0, 1, 2, 3, 4]},
            "evidence": {"type": "string", "maxLength": MAX_EVIDENCE_CHARS},
        },
        "required": ["violates", "severity", "evidence"],
        "additionalProperties": False,
    }
)
_QUOTES = "\"'`\u201c\u201d\u201e\u2018\u2019\u00ab\u00bb"


async def ask_verdict(
    dialogue: Dialogue, answer: str, brief: Brief, ask: Ask, stage: str, *, role: str = "critic", max_new_tokens: int
) -> Verdict | None:
    """Ask for a verdict; None if what comes back is not one, as it may be from a server that holds to no schema.

    Args:
        dialogue: What the critic has before it; the dialogue itself stays as it is.
        answer: The answer that is judged, to look the evidence up in.
        brief: What it is judged by.
        ask: Asks for this round.
        stage: Name of the step.
        role: Who judges.
        max_new_tokens: Longest verdict.
    """
    asked = dialogue.asked(VERDICT, statement=brief.statement)
    reply = await ask.fill(role, stage, asked, SCHEMA, max_new_tokens)
    return read_verdict(reply.text, answer)


def read_verdict(text: str, answer: str) -> Verdict | None:
    """The verdict that a text holds, if it holds one and nothing else.

    Args:
        text: What the critic wrote.
        answer: The answer that it is about.
    """
    try:
        # An engine may let control characters stand in a string as they are.
        row = json.loads(text, strict=False)
    except (ValueError, RecursionError):
        return None
    if not isinstance(row, Mapping):
        return None
    violates, severity, evidence = row.get("violates"), row.get("severity"), row.get("evidence")
    if not isinstance(violates, bool) or not isinstance(evidence, str):
        return None
    if isinstance(severity, bool) or not isinstance(severity, int) or not 0 <= severity <= 4:
        return None
    evidence = evidence.strip()[:MAX_EVIDENCE_CHARS]
    return Verdict(violates, severity, evidence, is_quote(evidence, answer))


def is_quote(evidence: str, answer: str) -> bool:
    """Whether words are really in an answer; case, white space and quotation marks around them do not count."""
    wanted = _plain(evidence)
    return bool(wanted) and wanted in _plain(answer)


def _plain(text: str) -> str:
    return re.sub(r"\s+", " ", text).strip().strip(_QUOTES).strip().casefold()
