"""Settings come back from their file as they were."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cai.recipe.settings_file import settings_text
from cai.yaml_source import parse_yaml

TEXTS = st.text(st.characters(exclude_categories=("Cc", "Cs", "Cn")), max_size=20)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**9), 10**9) | st.floats(allow_nan=False, allow_infinity=False) | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=8,
)


@settings(deadline=None)
@given(st.dictionaries(TEXTS, VALUES, max_size=4))
def test_every_value_comes_back(values: dict[str, Any]) -> None:
    source = parse_yaml(settings_text("x", values), "x")
    assert source.problems == []
    assert (source.data or {}) == values


@pytest.mark.parametrize(
    "text", ["1e-4", "null", "yes", "0x1f", "1_000", "~", "", " a", "2026-01-01", "a: b", "- x", "\n"]
)
def test_texts_that_look_like_something_else_stay_texts(text: str) -> None:
    assert parse_yaml(settings_text("x", {"key": text}), "x").data == {"key": text}


def test_a_value_that_occurs_twice_is_written_twice() -> None:
    same = ["a"]
    assert parse_yaml(settings_text("x", {"one": same, "two": same}), "x").data == {"one": ["a"], "two": ["a"]}


def test_the_file_says_that_it_is_made() -> None:
    assert settings_text("sft", {}).startswith("# Written by `cai run` for its stage sft;")
