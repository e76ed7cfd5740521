from collections.abc import Callable

import pytest

from cai.filters.base import Answer, Candidate
from cai.records import Message, Prompt


@pytest.fixture
def asked() -> Callable[..., Candidate]:
    """A prompt with answers, the second of which is the rejected one."""

    def make(prompt: str, *answers: str, tags: tuple[str, ...] = (), flaw: str | None = None) -> Candidate:
        found = Prompt.of((Message("user", prompt),), "p.txt:1", None, tags)
        return Candidate(found, tuple(Answer(text, index == 0, flaw) for index, text in enumerate(answers)))

    return make
