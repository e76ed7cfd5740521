"""Splits are drawn from the id alone."""

import pytest

from cai.config.stages import SplitConfig
from cai.data.groups import Place
from cai.data.splits import split_of, split_of_group
from cai.records import content_hash

PINNED = ["train", "train", "train", "train", "train", "train", "train", "train"]
IDS = [content_hash(i) for i in range(4000)]


def test_shares_are_met() -> None:
    config = SplitConfig(eval=0.1, mode="disjoint", sft=0.25)
    drawn = [split_of(i, config, 0) for i in IDS]
    assert drawn.count("eval") / 4000 == pytest.approx(0.1, abs=0.02)
    assert drawn.count("sft") / 4000 == pytest.approx(0.225, abs=0.03)
    assert set(drawn) == {"eval", "sft", "preference"}


def test_shared_mode_knows_train_and_eval_only() -> None:
    assert {split_of(i, SplitConfig(), 0) for i in IDS} == {"train", "eval"}
    assert {split_of(i, SplitConfig(eval=0), 0) for i in IDS} == {"train"}


def test_evaluation_does_not_depend_on_the_mode_and_grows_with_its_share() -> None:
    def kept(config: SplitConfig) -> set[str]:
        return {i for i in IDS if split_of(i, config, 3) == "eval"}

    assert kept(SplitConfig(eval=0.1)) == kept(SplitConfig(eval=0.1, mode="disjoint", sft=0.9))
    assert kept(SplitConfig(eval=0.1)) < kept(SplitConfig(eval=0.2))


def test_a_draw_is_pinned_and_depends_on_the_seed() -> None:
    assert [split_of(content_hash(i), SplitConfig(eval=0.3), 7) for i in range(8)] == PINNED
    assert [split_of(i, SplitConfig(eval=0.3), 7) for i in IDS] != [split_of(i, SplitConfig(eval=0.3), 8) for i in IDS]


def test_a_group_goes_where_its_leader_goes() -> None:
    config = SplitConfig(eval=0.3, mode="disjoint")
    for leader in IDS[:50]:
        place = Place(leader, 3, None)
        assert split_of_group(place, 1000, config, 5) == split_of(leader, config, 5)


def test_a_group_larger_than_the_evaluation_split_stays_out_of_it() -> None:
    config = SplitConfig(eval=0.3)
    held_out = [leader for leader in IDS[:200] if split_of(leader, config, 5) == "eval"]
    assert {split_of_group(Place(leader, 30, None), 100, config, 5) for leader in held_out} == {"eval"}
    assert {split_of_group(Place(leader, 31, None), 100, config, 5) for leader in held_out} == {"train"}
    assert {split_of_group(Place(leader, 10, None), 12, config, 5) for leader in held_out} == {"eval"}
