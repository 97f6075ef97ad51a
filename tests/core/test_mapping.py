"""Memory of mapped arrays goes back to the system, and nothing else changes."""

import sys
from pathlib import Path

import numpy as np
import pytest
from numpy.lib.format import open_memmap

from sarvlm_app.core.mapping import give_back

ROWS, COLS = 4000, 2000


def held_kb() -> int:
    """Of this process, pages of files and of shared memory."""
    told = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    return sum(int(told[name].split()[0]) for name in ("RssFile", "RssShmem"))


@pytest.fixture
def mapped(tmp_path):
    array = open_memmap(tmp_path / "a.npy", mode="w+", dtype=np.float32, shape=(ROWS, COLS))
    array[:] = np.arange(ROWS, dtype=np.float32)[:, None]
    return array


@pytest.mark.skipif(sys.platform != "linux", reason="tells memory as Linux does")
def test_memory_goes_back_and_comes_again_with_what_was_written(mapped):
    before = held_kb()
    give_back(mapped)
    assert held_kb() < before - 0.8 * mapped.nbytes / 1024
    assert (mapped[:, 7] == np.arange(ROWS)).all()


@pytest.mark.parametrize("rows", [(0, 100), (17, 18), (3990, 9999), (50, 50)])
def test_rows_of_a_part_stay_what_they_are(mapped, rows):
    part = mapped[100:3000]
    part[rows[0] : rows[1]] += 0.5
    expected = np.array(mapped)
    give_back(part, *rows)
    np.testing.assert_array_equal(mapped, expected)


def test_other_arrays_are_left_alone(mapped):
    for array in (
        np.zeros((3, 4)),
        mapped[:0],
        mapped[:, ::2],
        np.memmap.__new__(np.memmap, mapped.filename, np.uint8),
    ):
        give_back(array)
