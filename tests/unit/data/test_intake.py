"""What becomes of prompts before any is answered."""

from typing import Any

import pytest

from cai.config.stages import GenerateConfig
from cai.data.intake import Intake
from cai.data.splits import split_of
from cai.errors import StorageError
from cai.records import Message, Prompt

BREAD = "How do I bake a good loaf of bread at home without a machine and with little time?"


def prompt(text: str) -> Prompt:
    return Prompt.of((Message("system", "Write to a@b.example"), Message("user", text)), "p.txt:1", "vcr", ("t",))


def surveyed(prompts: list[Prompt], **filters: Any) -> tuple[Intake, list[Prompt]]:
    intake = Intake(GenerateConfig.model_validate({"filters": {"prompts": filters}}))
    intake.survey(intake.prompts(prompts))
    return intake, list(intake.prompts(prompts))


def test_by_default_near_duplicates_are_left_out_and_nothing_else() -> None:
    intake, prompts = surveyed([prompt(text) for text in (BREAD, BREAD.upper() + "!", "hi", "{{{{" * 30)])
    reasons = [intake.reason(each) for each in prompts]
    assert sorted(reasons[:2], key=str) == [None, "near-duplicate"]
    assert reasons[2:] == [None, None]
    assert intake.split(prompts[0]) == intake.split(prompts[1])


def test_a_prompt_that_another_filter_drops_takes_no_other_with_it() -> None:
    two = [prompt(BREAD), prompt(BREAD + " Yes.")]
    drops = {"unit": "characters", "max": len(BREAD)}
    intake, prompts = surveyed(two, length=drops)
    assert [intake.reason(each) for each in prompts] == [None, "too long"]
    drops = {"unit": "characters", "min": len(BREAD) + 1}
    intake, prompts = surveyed(two, length=drops)
    assert [intake.reason(each) for each in prompts] == ["too short", None]


def test_masked_prompts_are_others_and_keep_the_rest() -> None:
    intake, (masked, same) = surveyed([prompt("I am x@y.example"), prompt("hi")], personal_data={})
    assert [turn.content for turn in masked.messages] == ["Write to <EMAIL>", "I am <EMAIL>"]
    assert masked.id == Prompt.of(masked.messages, "other").id
    assert (masked.source, masked.hazard, masked.tags) == ("p.txt:1", "vcr", ("t",))
    assert same.messages[1].content == "hi"
    assert intake.reason(masked) is None


def test_personal_data_can_be_dropped() -> None:
    intake, prompts = surveyed([prompt("hi")], personal_data={"action": "drop"})
    assert intake.reason(prompts[0]) == "personal data: email"


@pytest.mark.parametrize("near", [None, 0.8])
def test_splits_of_prompts_that_stand_alone_are_drawn_as_ever(near: float | None) -> None:
    config = GenerateConfig.model_validate({"split": {"eval": 0.3, "near_duplicates": near}, "seed": 3})
    intake = Intake(config)
    prompts = [prompt(f"Question {n}") for n in range(40)]
    intake.survey(prompts)
    assert [intake.split(each) for each in prompts] == [split_of(each.id, config.split, 3) for each in prompts]


def test_a_full_disk_ends_the_survey_with_what_to_do() -> None:
    intake = Intake(GenerateConfig())
    intake._groups._scratch.put("PRAGMA max_page_count = 6")
    with pytest.raises(StorageError):
        intake.survey(prompt(f"{number * 7919} " * 30) for number in range(2000))
