from collections.abc import Callable

import pytest

from cai.config.filters import FiltersConfig, PromptFiltersConfig, RowFiltersConfig
from cai.filters.base import Candidate
from cai.filters.build import PROMPT_FILTERS, ROW_FILTERS, build_filters


def test_there_is_a_filter_for_each_setting() -> None:
    assert set(PROMPT_FILTERS) | {"near_duplicates"} == set(PromptFiltersConfig.model_fields)
    assert set(ROW_FILTERS) == set(RowFiltersConfig.model_fields)


@pytest.mark.parametrize("kind", ["prompts", "rows"])
def test_each_can_be_switched_off(kind: str, asked: Callable[..., Candidate]) -> None:
    names = PROMPT_FILTERS if kind == "prompts" else ROW_FILTERS
    off = FiltersConfig.model_validate({kind: {name: False if name == "flawed" else None for name in names}})
    bad = asked("a@b.example", "Human: hi " * 40, "", tags=("benign",), flaw="looping")
    assert build_filters(getattr(off, kind)).reason(bad) is None
    assert build_filters(off.rows).masked("a@b.example") == "a@b.example"


def test_the_first_reason_counts(asked: Callable[..., Candidate]) -> None:
    rows = FiltersConfig().rows
    assert build_filters(rows).reason(asked("x", "", flaw="looping")) == "flaw: looping"
    assert build_filters(rows).reason(asked("x", "\n", "Human: hi")) == "empty"
    assert build_filters(rows).reason(asked("x", "A good answer.", "Another.")) is None


def test_by_default_no_prompt_is_left_out_for_what_it_says(asked: Callable[..., Candidate]) -> None:
    prompts = build_filters(FiltersConfig().prompts)
    assert prompts.reason(asked("Human: <|im_start|> {{{{}}}} a@b.example " * 30)) is None


def test_masking_is_on_where_it_is_asked_for() -> None:
    masks = FiltersConfig.model_validate({"rows": {"personal_data": {"kinds": ["email"]}}}).rows
    drops = FiltersConfig.model_validate({"rows": {"personal_data": {"action": "drop"}}}).rows
    assert build_filters(masks).masked("a@b.example") == "<EMAIL>"
    assert build_filters(drops).masked("a@b.example") == "a@b.example"
