"""What is written of a labelled comparison: a line about the label, and a preference row for trainers."""

from typing import Any

from cai.comparisons.given import Given
from cai.comparisons.plan import Origin
from cai.records import Label


def label_row(given: Given, label: Label) -> dict[str, Any]:
    """The label of one row of the file, with every vote; `right` is the answer that the file says is better."""
    decided = None if label.p_a == 0.5 else "a" if label.p_a > 0.5 else "b"
    return {"row": given.number, "right": given.right, "preferred": decided, **label.to_dict()}


def failed_row(number: int, reason: str) -> dict[str, Any]:
    """A row of the file that has no label, and why."""
    return {"row": number, "failed": reason}


def preference_row(given: Given, label: Label, origin: Origin) -> dict[str, Any] | None:
    """The columns of the preference dataset, and `p_a`, `response_a` and `response_b` beside them; None for a tie.

    A tie prefers nothing, and must not become two answers of which one is called the better.
    """
    if label.p_a == 0.5:
        return None
    comparison = given.comparison
    prompt = comparison.prompt
    a, b = ([{"role": "assistant", "content": text}] for text in (comparison.response_a, comparison.response_b))
    a_wins = label.p_a > 0.5
    return {
        "prompt": [turn.to_dict() for turn in prompt.messages],
        "chosen": a if a_wins else b,
        "rejected": b if a_wins else a,
        "p_chosen": label.p_a if a_wins else 1 - label.p_a,
        "comparison_id": label.comparison_id,
        "prompt_id": prompt.id,
        "principle_ids": list(dict.fromkeys(vote.principle_id for vote in label.votes)),
        "constitution": origin.constitution,
        "constitution_version": origin.version,
        "comparison_source": comparison.source,
        "method": label.method,
        "flipped": label.flipped,
        "label_mass": label.label_mass,
        "source": "ai",
        "hazard": prompt.hazard,
        "tags": list(prompt.tags),
        "p_a": label.p_a,
        "row": given.number,
    }
