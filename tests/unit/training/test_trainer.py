"""The order of rows: random over steps, by length within one, and the same again for the same seed and epoch."""

from cai.training.trainer import StepSampler

LENGTHS = [5 + 37 * number % 85 for number in range(50)]


def order(seed: int = 1, epoch: int = 0) -> list[int]:
    sampler = StepSampler(LENGTHS, 8, seed)
    sampler.set_epoch(epoch)
    return list(sampler)


def test_every_row_comes_once_an_epoch() -> None:
    assert sorted(order()) == list(range(50))
    assert len(StepSampler(LENGTHS, 8, 1)) == 50


def test_rows_of_a_step_are_by_length_longest_first() -> None:
    rows = order()
    for start in range(0, 50, 8):
        lengths = [LENGTHS[row] for row in rows[start : start + 8]]
        assert lengths == sorted(lengths, reverse=True)


def test_steps_are_random_draws() -> None:
    rows = order()
    means = [sum(LENGTHS[row] for row in rows[start : start + 8]) / 8 for start in range(0, 48, 8)]
    assert means != sorted(means) and means != sorted(means, reverse=True)
    assert rows != order(seed=2)
    assert rows != order(epoch=1)


def test_seed_and_epoch_decide_alone() -> None:
    assert order(epoch=2) == order(epoch=2)
