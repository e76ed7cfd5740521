"""The losses of training, as pure functions of a batch, each with its equation and source.

Every function takes tensors of shape [B], one value for each pair (or answer), and returns the loss of each: the caller
weighs and averages. Nothing here knows a model, a batch's columns or a trainer.

Signs and words: `d` is chosen minus rejected, `s` the logistic function, and a *log-ratio* is
`log pi(y|x) - log ref(y|x)`, summed over the tokens of the answer y.
"""

import torch
from torch import Tensor
from torch.nn.functional import logsigmoid


def reward_loss(
    chosen: Tensor, rejected: Tensor, p_chosen: Tensor | None = None, margin: Tensor | None = None
) -> Tensor:
    """Bradley-Terry loss of a reward model, with a soft target and a margin.

    Hard target: `-log s(d)` with `d = r(x, y+) - r(x, y-)` (Ouyang et al. 2022, arXiv 2203.02155, equation 1).
    Soft target p: `-p log s(d) - (1-p) log s(-d)`, the cross-entropy to the probability p that the judge gave (Bai et
    al. 2022, arXiv 2212.08073, section 4); least at `d = log(p / (1-p))`. p = 1 is the hard target.
    Margin m: the better answer must lead by m, `-log s(d - m)` (Touvron et al. 2023, arXiv 2307.09288, equation 2).
    With a soft target this is meant of whichever answer is the better one: `-p log s(d - m) - (1-p) log s(-d - m)`, so
    that exchanging the answers (and p with 1-p) changes nothing.

    Args:
        chosen: Rewards of the chosen answers. # [B]
        rejected: Rewards of the rejected answers. # [B]
        p_chosen: Probability that the chosen answer is better, in [0, 1]; None is 1 throughout. # [B]
        margin: Lead that is asked for, at least 0; None is 0 throughout. # [B]

    Returns:
        Loss of each pair. # [B]
    """
    lead = chosen - rejected
    asked = torch.zeros_like(lead) if margin is None else margin
    return _expected(-logsigmoid(lead - asked), -logsigmoid(-lead - asked), p_chosen)


def centring_loss(chosen: Tensor, rejected: Tensor) -> Tensor:
    """Keeps rewards near zero, for Bradley-Terry fixes them only up to a constant.

    `(r(x, y+) + r(x, y-))^2` (Eisenstein et al. 2023, arXiv 2312.09244, equation 2); added to `reward_loss` with a
    small coefficient such as 0.01.

    Args:
        chosen: Rewards of the chosen answers. # [B]
        rejected: Rewards of the rejected answers. # [B]

    Returns:
        Loss of each pair. # [B]
    """
    return (chosen + rejected).square()


def dpo_loss(chosen: Tensor, rejected: Tensor, beta: float, p_chosen: Tensor | None = None) -> Tensor:
    """DPO, with a hard or a soft target.

    Hard: `-log s(beta d)` with d the difference of the log-ratios (Rafailov et al. 2023, arXiv 2305.18290, equation 7).
    Soft target p: `-p log s(beta d) - (1-p) log s(-beta d)`: the same cross-entropy as `reward_loss`, on DPO's implicit
    reward. With one p for all pairs it is conservative DPO (Mitchell 2023, "A note on DPO with noisy preferences").
    Its gradient is zero where `s(beta d) = p`: a pair of which the judge was unsure is not pushed apart without end.

    Args:
        chosen: Log-ratios of the chosen answers. # [B]
        rejected: Log-ratios of the rejected answers. # [B]
        beta: Strength of the tie to the reference, above 0.
        p_chosen: Probability that the chosen answer is better, in [0, 1]; None is 1 throughout. # [B]

    Returns:
        Loss of each pair. # [B]
    """
    lead = beta * (chosen - rejected)
    return _expected(-logsigmoid(lead), -logsigmoid(-lead), p_chosen)


def ipo_loss(chosen: Tensor, rejected: Tensor, beta: float, lengths: tuple[Tensor, Tensor] | None = None) -> Tensor:
    """IPO: a lead of `1 / (2 beta)` and no more.

    `(d - 1 / (2 beta))^2` (Azar et al. 2023, arXiv 2310.12036, equation 17, where beta is called tau). The equation is
    written for the log-ratios of whole answers; a sum over tokens grows with the answer, and the squared loss with its
    square, so the field (TRL, and by its account the authors themselves) divides each log-ratio by the number of tokens
    of its answer. With `lengths` this does the same; without, it is the equation as printed.

    Args:
        chosen: Log-ratios of the chosen answers. # [B]
        rejected: Log-ratios of the rejected answers. # [B]
        beta: The regularisation, above 0.
        lengths: Tokens of the chosen and of the rejected answers, to average by; None takes the sums. # [B], [B]

    Returns:
        Loss of each pair. # [B]
    """
    if lengths is not None:
        chosen = chosen / lengths[0].clamp(min=1)
        rejected = rejected / lengths[1].clamp(min=1)
    return (chosen - rejected - 1 / (2 * beta)).square()


def hinge_loss(chosen: Tensor, rejected: Tensor, beta: float) -> Tensor:
    """Hinge on DPO's implicit reward: nothing more is asked of a pair whose lead is 1.

    `max(0, 1 - beta d)`: the hinge of SLiC-HF (Zhao et al. 2023, arXiv 2305.10425) on log-ratios in place of
    log-probabilities, which Liu et al. 2023 (RSO, arXiv 2309.06657) call hinge-norm.

    Args:
        chosen: Log-ratios of the chosen answers. # [B]
        rejected: Log-ratios of the rejected answers. # [B]
        beta: Scale of the implicit reward, above 0.

    Returns:
        Loss of each pair. # [B]
    """
    return torch.relu(1 - beta * (chosen - rejected))


def robust_loss(chosen: Tensor, rejected: Tensor, beta: float, flip_rate: float) -> Tensor:
    """DPO for labels of which a known share is the wrong way round; unbiased, so single losses may be negative.

    `(-(1-e) log s(beta d) + e log s(-beta d)) / (1 - 2e)` (Chowdhury et al. 2024, arXiv 2403.00409, section 3): its
    mean over labels flipped with probability e is the DPO loss of the true ones.

    Args:
        chosen: Log-ratios of the chosen answers. # [B]
        rejected: Log-ratios of the rejected answers. # [B]
        beta: Strength of the tie to the reference, above 0.
        flip_rate: The share e of wrong labels, in [0, 0.5).

    Returns:
        Loss of each pair. # [B]
    """
    lead = beta * (chosen - rejected)
    right, wrong = -logsigmoid(lead), -logsigmoid(-lead)
    return ((1 - flip_rate) * right - flip_rate * wrong) / (1 - 2 * flip_rate)


def kto_reference_point(log_ratios: Tensor) -> Tensor:
    """The point from which KTO measures gains and losses: an estimate of KL(pi || ref), without gradient.

    `z0 = max(0, mean(log-ratios))` over answers that belong to other prompts of the batch (Ethayarajh et al. 2024,
    arXiv 2402.01306, section 4). On several devices, gather the log-ratios first.

    Args:
        log_ratios: Log-ratios of mismatched prompts and answers. # [B]

    Returns:
        A scalar. # []
    """
    return log_ratios.detach().mean().clamp(min=0)


def kto_loss(
    log_ratios: Tensor,
    desirable: Tensor,
    reference_point: Tensor,
    beta: float,
    weights: tuple[float, float] = (1.0, 1.0),
) -> Tensor:
    """KTO: single answers that are known to be good or bad, no pairs.

    `w_d (1 - s(beta (h - z0)))` for a desirable answer and `w_u (1 - s(beta (z0 - h)))` for another, h its log-ratio
    (Ethayarajh et al. 2024, arXiv 2402.01306, equation 7).

    Args:
        log_ratios: Log-ratios of the answers. # [B]
        desirable: Whether each answer is a good one (bool). # [B]
        reference_point: z0, from `kto_reference_point`. # []
        beta: How soon gains and losses saturate, above 0.
        weights: Of desirable and of undesirable answers; to balance classes, their ratio should be that of the numbers
            of undesirable and desirable answers.

    Returns:
        Loss of each answer. # [B]
    """
    gain = beta * (log_ratios - reference_point)
    return torch.where(desirable, weights[0] * torch.sigmoid(-gain), weights[1] * torch.sigmoid(gain))


def _expected(if_chosen: Tensor, if_rejected: Tensor, p_chosen: Tensor | None) -> Tensor:
    """Mean of the two hard losses over which answer is the better one."""
    if p_chosen is None:
        return if_chosen
    p = p_chosen.to(if_chosen.dtype)
    return p * if_chosen + (1 - p) * if_rejected
