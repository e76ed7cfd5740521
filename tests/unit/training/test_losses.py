"""Losses against values computed by hand, their limits, and the direction in which they push."""

import math

import pytest
import torch
from torch import Tensor, tensor

from cai.training.losses import (
    centring_loss,
    dpo_loss,
    hinge_loss,
    ipo_loss,
    kto_loss,
    kto_reference_point,
    reward_loss,
    robust_loss,
)


def log_sigmoid(x: float) -> float:
    return -math.log1p(math.exp(-x))


def close(actual: Tensor, expected: list[float]) -> None:
    torch.testing.assert_close(actual, tensor(expected), rtol=1e-5, atol=1e-6)


def test_the_reward_loss_with_a_hard_target() -> None:
    close(reward_loss(tensor([2.0, 0.0]), tensor([1.0, 3.0])), [-log_sigmoid(1.0), -log_sigmoid(-3.0)])
    close(reward_loss(tensor([0.0]), tensor([0.0])), [math.log(2)])


def test_the_reward_loss_with_a_soft_target() -> None:
    loss = reward_loss(tensor([2.0, 0.0]), tensor([1.0, 3.0]), tensor([0.8, 0.6]))
    expected = [
        -0.8 * log_sigmoid(1.0) - 0.2 * log_sigmoid(-1.0),
        -0.6 * log_sigmoid(-3.0) - 0.4 * log_sigmoid(3.0),
    ]
    close(loss, expected)


def test_the_reward_loss_with_a_margin() -> None:
    close(reward_loss(tensor([2.0]), tensor([1.0]), margin=tensor([0.5])), [-log_sigmoid(0.5)])
    both = reward_loss(tensor([2.0]), tensor([1.0]), tensor([0.8]), tensor([0.5]))
    close(both, [-0.8 * log_sigmoid(0.5) - 0.2 * log_sigmoid(-1.5)])


def test_exchanging_the_answers_and_the_target_changes_nothing() -> None:
    a, b, p, margin = tensor([1.5, -0.3]), tensor([0.2, 0.9]), tensor([0.9, 0.55]), tensor([0.4, 0.1])
    torch.testing.assert_close(reward_loss(a, b, p, margin), reward_loss(b, a, 1 - p, margin))
    torch.testing.assert_close(dpo_loss(a, b, 0.3, p), dpo_loss(b, a, 0.3, 1 - p))


def test_certainty_is_the_hard_target() -> None:
    a, b, margin = torch.randn(8), torch.randn(8), torch.rand(8)
    torch.testing.assert_close(reward_loss(a, b, torch.ones(8), margin), reward_loss(a, b, margin=margin))
    torch.testing.assert_close(dpo_loss(a, b, 0.1, torch.ones(8)), dpo_loss(a, b, 0.1))
    torch.testing.assert_close(robust_loss(a, b, 0.1, 0.0), dpo_loss(a, b, 0.1))


def test_a_soft_target_is_met_where_the_lead_says_the_same_probability() -> None:
    p = 0.8
    lead = tensor([math.log(p / (1 - p))], requires_grad=True)
    reward_loss(lead, torch.zeros(1), tensor([p])).sum().backward()
    assert lead.grad is not None
    close(lead.grad, [0.0])
    ratio = tensor([math.log(p / (1 - p)) / 0.1], requires_grad=True)
    dpo_loss(ratio, torch.zeros(1), 0.1, tensor([p])).sum().backward()
    assert ratio.grad is not None
    close(ratio.grad, [0.0])


def test_a_target_in_double_precision_leaves_the_precision_of_the_rewards() -> None:
    loss = reward_loss(tensor([2.0]), tensor([1.0]), torch.tensor([0.8], dtype=torch.float64))
    assert loss.dtype == torch.float32


def test_centring_is_least_when_the_two_rewards_cancel() -> None:
    close(centring_loss(tensor([2.0, -1.0]), tensor([1.0, 1.0])), [9.0, 0.0])


def test_dpo() -> None:
    close(dpo_loss(tensor([3.0]), tensor([-1.0]), 0.5), [-log_sigmoid(2.0)])
    soft = dpo_loss(tensor([3.0]), tensor([-1.0]), 0.5, tensor([0.7]))
    close(soft, [-0.7 * log_sigmoid(2.0) - 0.3 * log_sigmoid(-2.0)])


def test_ipo_over_whole_answers_and_by_token() -> None:
    close(ipo_loss(tensor([3.0]), tensor([-1.0]), 0.25), [(4.0 - 2.0) ** 2])
    close(ipo_loss(tensor([3.0]), tensor([-1.0]), 0.25, (tensor([6]), tensor([2]))), [(0.5 + 0.5 - 2.0) ** 2])
    close(ipo_loss(tensor([2.0]), tensor([0.0]), 0.25), [0.0])


def test_ipo_of_an_empty_answer_is_finite() -> None:
    close(ipo_loss(tensor([0.0]), tensor([1.0]), 0.5, (tensor([0]), tensor([2]))), [(0.0 - 0.5 - 1.0) ** 2])


def test_hinge() -> None:
    close(hinge_loss(tensor([3.0, 30.0, -2.0]), tensor([1.0, 1.0, 2.0]), 0.1), [0.8, 0.0, 1.4])


def test_robust() -> None:
    expected = (-0.9 * log_sigmoid(1.0) + 0.1 * log_sigmoid(-1.0)) / 0.8
    close(robust_loss(tensor([2.0]), tensor([0.0]), 0.5, 0.1), [expected])


def test_the_robust_loss_is_unbiased_under_flipped_labels() -> None:
    a, b, rate = tensor([1.2, -0.4]), tensor([0.3, 2.0]), 0.2
    seen = (1 - rate) * robust_loss(a, b, 0.5, rate) + rate * robust_loss(b, a, 0.5, rate)
    torch.testing.assert_close(seen, dpo_loss(a, b, 0.5))


def test_kto() -> None:
    loss = kto_loss(tensor([2.0, 2.0]), tensor([True, False]), tensor(0.5), 0.4, (1.0, 3.0))
    gain = 1 / (1 + math.exp(-0.4 * 1.5))
    close(loss, [1 - gain, 3 * gain])


def test_the_reference_point_is_never_negative_and_has_no_gradient() -> None:
    ratios = tensor([1.0, 2.0], requires_grad=True)
    point = kto_reference_point(ratios)
    assert point.item() == 1.5
    assert not point.requires_grad
    assert kto_reference_point(tensor([-3.0, 1.0])).item() == 0.0


@pytest.mark.parametrize(
    "loss",
    [
        reward_loss,
        lambda a, b: reward_loss(a, b, tensor([0.9])),
        lambda a, b: dpo_loss(a, b, 0.1),
        lambda a, b: dpo_loss(a, b, 0.1, tensor([0.9])),
        lambda a, b: ipo_loss(a, b, 0.1),
        lambda a, b: hinge_loss(a, b, 0.1),
        lambda a, b: robust_loss(a, b, 0.1, 0.1),
    ],
    ids=["reward", "soft reward", "dpo", "soft dpo", "ipo", "hinge", "robust"],
)
def test_every_loss_of_pairs_raises_the_chosen_and_lowers_the_rejected_answer(loss: object) -> None:
    chosen, rejected = tensor([0.1], requires_grad=True), tensor([0.2], requires_grad=True)
    loss(chosen, rejected).sum().backward()  # type: ignore[operator]
    assert chosen.grad is not None
    assert rejected.grad is not None
    assert chosen.grad.item() < 0 < rejected.grad.item()


def test_kto_raises_good_answers_and_lowers_bad_ones() -> None:
    ratios = tensor([0.1, 0.1], requires_grad=True)
    kto_loss(ratios, tensor([True, False]), tensor(0.0), 0.1).sum().backward()
    assert ratios.grad is not None
    assert ratios.grad[0].item() < 0 < ratios.grad[1].item()


def test_extreme_rewards_stay_finite() -> None:
    a, b = tensor([1e4, -1e4]), tensor([-1e4, 1e4])
    for loss in (reward_loss(a, b, tensor([0.5, 0.5])), dpo_loss(a, b, 1.0), robust_loss(a, b, 1.0, 0.1)):
        assert torch.isfinite(loss).all()
