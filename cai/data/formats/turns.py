"""Conversations taken apart and put together, as several formats want them. It knows no trainer."""

from cai.data.formats.base import CannotHold, Row, Turns

_OPENS_LATE = "a system turn after the first turn"
_NOT_ALTERNATING = "user and assistant do not alternate, the user first"


def plain_turns(turns: Turns) -> Turns:
    """Turns with a role and a content, in this order, and nothing else."""
    return [{"role": turn["role"], "content": turn["content"]} for turn in turns]


def conversation(row: Row, answer: str) -> Turns:
    """The prompt of a row, followed by the answer in the column `answer`."""
    return plain_turns([*row["prompt"], *row[answer]])


def system_and_rest(turns: Turns) -> tuple[str | None, Turns]:
    """The system turn that opens a conversation, if one does, and the other turns.

    Raises:
        CannotHold: There is a system turn elsewhere.
    """
    opened = turns[0]["role"] == "system"
    rest = turns[1:] if opened else turns
    if any(turn["role"] == "system" for turn in rest):
        raise CannotHold(_OPENS_LATE)
    return (turns[0]["content"] if opened else None), rest


def check_alternating(turns: Turns) -> None:
    """Check that user and assistant take turns, the user first, after at most one system turn.

    Raises:
        CannotHold: They do not.
    """
    _, rest = system_and_rest(turns)
    if any(turn["role"] != ("user", "assistant")[index % 2] for index, turn in enumerate(rest)):
        raise CannotHold(_NOT_ALTERNATING)


def only_user_turn(turns: Turns, *, system: bool) -> tuple[str, str]:
    """The system text ("" if none) and the one user turn of a prompt.

    Args:
        turns: The prompt.
        system: Whether a system turn may open it.

    Raises:
        CannotHold: The prompt has more than that, or a system turn that could not be told from none.
    """
    said, rest = system_and_rest(turns)
    if len(rest) != 1:
        raise CannotHold("a prompt of several turns")
    if said is not None and not system:
        raise CannotHold("a system turn")
    if said == "":
        raise CannotHold("a system turn without a text")
    return said or "", rest[0]["content"]
