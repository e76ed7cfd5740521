"""Reading a file of feedback without a run."""

from collections.abc import Callable
from pathlib import Path

import pytest

from cai.feedback.columns import Columns
from cai.feedback.formats.read import entries
from cai.feedback.judgement import Judgement


@pytest.fixture
def judged() -> Callable[..., list[Judgement | str]]:
    """What was found in a file, row by row."""

    def read(path: Path, format_: str, *columns: str) -> list[Judgement | str]:
        return [entry.found for entry in entries(path, format_, Columns.of(columns))]

    return read
