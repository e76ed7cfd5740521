"""Batches of pairs, cut answers, and the loss that TRL's trainer is given."""

import pytest
import torch

from cai.training.reward_trainer import PairCollator, cut_answers, drawn_cuts

PAD = 9
ROWS = [
    {"prompt_ids": [1, 2], "chosen_ids": [3, 4, 5, 6], "rejected_ids": [7, 8], "p_chosen": 0.9, "row": 4},
    {"prompt_ids": [1], "chosen_ids": [3, 4], "rejected_ids": [7, 8, 8], "p_chosen": 0.6, "row": 2},
]


def test_a_batch_has_the_chosen_answers_first() -> None:
    batch = PairCollator(PAD)(ROWS)
    assert batch["input_ids"].tolist() == [
        [1, 2, 3, 4, 5, 6],
        [1, 3, 4, PAD, PAD, PAD],
        [1, 2, 7, 8, PAD, PAD],
        [1, 7, 8, 8, PAD, PAD],
    ]
    assert batch["attention_mask"].sum(1).tolist() == [6, 3, 4, 4]
    assert batch["prompt_length"].tolist() == [2, 1]
    assert batch["p_chosen"].tolist() == pytest.approx([0.9, 0.6])
    assert batch["row"].tolist() == [4, 2]


def test_both_answers_of_a_pair_are_cut_to_one_length_and_prompts_stay() -> None:
    batch = PairCollator(PAD)(ROWS)
    cut = cut_answers(batch, PAD, [0.5, 1.0])
    assert cut["input_ids"].tolist() == [
        [1, 2, 3, PAD, PAD, PAD],
        [1, 3, 4, PAD, PAD, PAD],
        [1, 2, 7, PAD, PAD, PAD],
        [1, 7, 8, PAD, PAD, PAD],
    ]
    assert cut["attention_mask"].sum(1).tolist() == [3, 3, 3, 3]
    assert torch.equal(cut["attention_mask"], (cut["input_ids"] != PAD).long())


def test_a_pair_that_is_not_cut_stays_whole() -> None:
    batch = PairCollator(PAD)(ROWS)
    cut = cut_answers(batch, PAD, [None, None])
    assert torch.equal(cut["input_ids"], batch["input_ids"])
    assert torch.equal(cut["attention_mask"], batch["attention_mask"])


def test_cuts_are_drawn_by_row_and_epoch() -> None:
    rows = list(range(400))
    first = drawn_cuts(rows, 0.3, seed=1, epoch=0)
    assert drawn_cuts(rows[::-1], 0.3, seed=1, epoch=0) == first[::-1]
    assert drawn_cuts(rows, 0.3, seed=1, epoch=1) != first
    shares = [cut for cut in first if cut is not None]
    assert 80 < len(shares) < 160
    assert all(0.5 <= share <= 1 for share in shares)
    assert drawn_cuts(rows, 0.0, seed=1, epoch=0) == [None] * 400
