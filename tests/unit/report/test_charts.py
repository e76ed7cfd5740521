"""Names on axes are all different, and short."""

from cai.report.charts import MOST_ROWS, labels, part_bars, series
from cai.report.palette import SERIES, WIDTH


def test_names_that_begin_alike_stay_apart() -> None:
    names = ["x" * 200 + "a", "x" * 200 + "b", "", "short"]
    found = labels(names)
    assert list(found) == names
    assert len(set(found.values())) == 4
    assert all(len(text) <= 64 for text in found.values())
    assert found[""] == "(no name)" and found["short"] == "short"


def test_more_names_than_colours() -> None:
    names = [str(number) for number in range(9)]
    assert list(series(names)) == names
    assert series(names)["0"] == series(names)[str(len(SERIES))]


def test_a_list_of_names_is_as_high_as_it_is_long() -> None:
    rows = [{"name": str(n), "whole": n, "part": 0, "text": ""} for n in range(MOST_ROWS)]
    short, long = (part_bars(rows[:count], "#bf3b1f", "things").to_dict() for count in (2, MOST_ROWS))
    assert short["width"] == long["width"] == WIDTH
    assert long["height"] > 3 * short["height"]
