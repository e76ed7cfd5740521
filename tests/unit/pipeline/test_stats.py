"""Counters of a session: what is done, and the clock of the work alone."""

from cai.pipeline.stats import RunStats
from cai.records import Usage


def test_done_is_whatever_needs_no_more_work() -> None:
    stats = RunStats(finished=1, failed=2, duplicates=3, skipped=4, in_flight=9)
    assert stats.done == 10


def test_steps_and_tokens_add_up() -> None:
    stats = RunStats()
    stats.count("draft", Usage(1, 2, 3))
    stats.count("draft", Usage(1, 2, 3))
    stats.count("label", Usage(5, 0, 0))
    assert stats.steps == {"draft": 2, "label": 1}
    assert stats.usage == Usage(7, 4, 6)


def test_the_clock_runs_while_there_is_work() -> None:
    stats = RunStats()
    assert stats.elapsed_s == 0
    stats.begin_work()
    assert stats.phase == "generating"
    stats.end_work("writing")
    worked = stats.elapsed_s
    assert worked > 0
    stats.end_work("still writing")
    assert (stats.elapsed_s, stats.phase) == (worked, "still writing")
