"""A principle under which answers are criticised."""

import pytest

from cai.constitution.schema import Principle


@pytest.fixture
def kind() -> Principle:
    return Principle(
        id="kind",
        statement="Be kind.",
        critique_request="Is it kind?",
        revision_request="Make it kind.",
        comparison_question="Which is kinder?",
    )
