"""Agreement beyond chance, of two raters or of many. Pure functions of what was said; nothing here knows feedback."""

from collections import Counter
from collections.abc import Hashable, Iterable, Sequence


def cohen_kappa(pairs: Iterable[tuple[Hashable, Hashable]]) -> float | None:
    """Cohen's kappa of two raters, (p_o - p_e) / (1 - p_e).

    Cohen 1960, "A coefficient of agreement for nominal scales".

    Args:
        pairs: What the first and the second rater said of each unit.

    Returns:
        1 for full agreement, 0 for as much as chance gives; None where it is not defined: without any unit, or if both
        said one and the same thing throughout.
    """
    both = Counter(pairs)
    total = both.total()
    if not total:
        return None
    first: Counter[Hashable] = Counter()
    second: Counter[Hashable] = Counter()
    for (one, other), count in both.items():
        first[one] += count
        second[other] += count
    observed = sum(count for (one, other), count in both.items() if one == other) / total
    expected = sum(first[said] * second[said] for said in first) / total**2
    return None if expected == 1 else (observed - expected) / (1 - expected)


def krippendorff_alpha(units: Iterable[Sequence[Hashable]]) -> float | None:
    """Krippendorff's alpha for nominal data, 1 - D_o / D_e.

    Krippendorff 2011, "Computing Krippendorff's Alpha-Reliability". Any number of raters, who need not be the same for
    each unit, nor equally many; units that one rater alone judged do not count.

    Args:
        units: What was said of each unit, in any order.

    Returns:
        1 for full agreement, 0 for as much as chance gives; None where it is not defined, as with `cohen_kappa`.
    """
    of_values: Counter[Hashable] = Counter()
    disagreed = 0.0
    for unit in units:
        said = Counter(unit)
        size = said.total()
        if size < 2:
            continue
        of_values.update(said)
        # Ordered pairs of unequal values within the unit, each unit weighted by 1 / (m - 1).
        disagreed += (size**2 - sum(count**2 for count in said.values())) / (size - 1)
    total = of_values.total()
    by_chance = total**2 - sum(count**2 for count in of_values.values())
    return None if not by_chance else 1 - (total - 1) * disagreed / by_chance
