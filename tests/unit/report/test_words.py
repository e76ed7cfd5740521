"""Sentences say what the numbers say."""

import pytest

from cai.report.figures import change, number, share, table
from cai.report.words import duration, moved


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        (0.9, 0.1, "fall from 90.0% to 10.0%"),
        (0.1, 0.9, "rise from 10.0% to 90.0%"),
        (0.5, 0.5, "stay at 50.0%"),
        (None, 0.5, "go from unknown to 50.0%"),
        (0.5, None, "go from 50.0% to unknown"),
        (None, None, "are unknown"),
    ],
)
def test_a_change_is_named_for_its_direction(before: float | None, after: float | None, expected: str) -> None:
    assert moved(before, after) == expected


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [(None, "unknown"), (0.04, "0.0 s"), (59.4, "59.4 s"), (83.2, "1 min 23 s"), (7384, "2 h 03 min")],
)
def test_durations(seconds: float | None, expected: str) -> None:
    assert duration(seconds) == expected


def test_numbers() -> None:
    assert (number(None), number(1234), number(0.12345), number(2.0, 1)) == ("unknown", "1,234", "0.123", "2.0")
    assert (share(None), share(0.1234), share(0.0)) == ("unknown", "12.3%", "0.0%")
    assert (change(2, 1), change(1, 1.5)) == ("\N{MINUS SIGN}50.0%", "+50.0%")


def test_columns_of_numbers_are_known() -> None:
    found = table(("name", "n", "what"), [("1", "12", "a"), ("b", "unknown", "1"), ("c", "\N{MINUS SIGN}3", "2")])
    assert found.numeric == (False, True, False)
