"""By which principles a comparison is judged: those of a constitution that are drawn for it, or one question alone."""

from collections.abc import Sequence

from cai.constitution.draw import draw
from cai.constitution.schema import Principle, applies
from cai.errors import RequestError
from cai.records import Prompt


def question_alone(question: str) -> tuple[Principle, ...]:
    """A principle that asks this one question of every comparison."""
    texts = dict.fromkeys(("statement", "critique_request", "revision_request", "comparison_question"), question)
    return (Principle.model_validate({"id": "question", **texts}),)


def comparison_principles(principles: Sequence[Principle], prompt: Prompt, seed: int, k: int) -> tuple[Principle, ...]:
    """`k` of the principles that apply to the comparison of answers to a prompt, or all if there are fewer.

    Args:
        principles: Of the constitution.
        prompt: What the answers answer.
        seed: Of the run; the draw is from it and the prompt's id.
        k: How many.

    Raises:
        RequestError: None applies.
    """
    found = [each for each in principles if applies(each, prompt.hazard, prompt.tags, "comparison")]
    if not found:
        raise RequestError("no principle applies to the comparison", where=prompt.id)
    return draw(found, seed, prompt.id, 0, k)
