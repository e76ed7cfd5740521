import subprocess
import sys

import pytest

from cai.near.bands import BandShape, band_shape, bands


@pytest.mark.parametrize("threshold", [0.05, 0.5, 0.7, 0.8, 0.9, 0.99, 1.0])
def test_the_bands_find_nearly_all_pairs_at_the_threshold(threshold: float) -> None:
    shape = band_shape(threshold)
    assert shape.cuts * shape.rows <= 128
    assert shape.recall(threshold) >= 0.98


def test_the_bands_of_the_usual_threshold_hardly_ever_meet_by_chance() -> None:
    assert band_shape(0.8).recall(0.2) < 0.001


def test_equal_sets_have_equal_bands_and_others_share_none() -> None:
    shape = BandShape(18, 7)
    first = bands(frozenset({"bread", "water"}), shape)
    assert first == bands(frozenset({"water", "bread"}), shape)
    assert not set(first) & set(bands(frozenset({"stone", "cloud"}), shape))


def test_bands_are_the_same_in_another_process() -> None:
    code = "from cai.near.bands import *; print(bands(frozenset({'bread', 'water'}), BandShape(3, 7)))"
    other = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert other.stdout.strip() == str(bands(frozenset({"bread", "water"}), BandShape(3, 7)))


def test_a_very_long_text_is_taken_in_parts() -> None:
    pieces = frozenset(f"{number:05}" for number in range(20000))
    shape = BandShape(18, 7)
    parts = [bands(frozenset(part), shape) for part in (sorted(pieces)[:9000], sorted(pieces)[9000:])]
    assert bands(pieces, shape) != parts[0]
    assert len(bands(pieces, shape)) == 18
    assert bands(pieces, shape) == bands(frozenset(sorted(pieces, reverse=True)), shape)
