"""What a process takes of the machine is that of the process, and its failure is no result."""

from __future__ import annotations

import subprocess

import pytest

from benchmarks.processes import MIB, cpu_seconds, fresh, knows_memory, peak, resident, usage


def test_the_processor_time_is_that_of_the_process() -> None:
    """One that counts to millions takes more than one that does nothing."""
    assert 0 < cpu_seconds("-c", "pass") < cpu_seconds("-c", "for _ in range(20_000_000): pass")


def test_a_process_that_fails_is_an_error() -> None:
    """Its time is not taken for that of the work."""
    with pytest.raises(subprocess.CalledProcessError, match="exit status 3"):
        usage("-c", "raise SystemExit(3)")


def peak_and_resident(size: int) -> tuple[int, int]:
    """Hold so many bytes for a moment, and return the peak and what is held afterwards."""
    bytes(size)
    held = bytearray(b"x") * size
    del held
    return peak(), resident()


@pytest.mark.skipif(not knows_memory(), reason="this system does not tell how much memory a process has")
def test_the_peak_stays_when_the_memory_is_given_back() -> None:
    """A fresh process begins with a peak of its own, whatever this one has."""
    most, now = fresh(peak_and_resident, 100 * MIB)
    assert most - now > 50 * MIB
    assert fresh(peak) < 100 * MIB
