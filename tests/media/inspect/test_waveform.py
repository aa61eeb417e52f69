"""The loudness of a note as 64 digits."""

import pytest

pytest.importorskip("av")

from chatd.media.inspect.waveform import drawn


def test_each_digit_is_the_loudest_of_its_part():
    assert drawn([*range(0, 32_000, 500)])[::9] == "049dimrv"
    peaks = [1000] * 6400
    peaks[3250] = 31_000
    assert drawn(peaks) == "1" * 32 + "v" + "1" * 31


def test_a_short_note_fills_all_digits():
    assert drawn([0, 31_000]) == "0" * 32 + "v" * 32
    assert drawn([5000]) == "v" * 64


def test_silence_is_flat():
    assert drawn([3] * 100) == "0" * 64
    with pytest.raises(ValueError, match="no sound"):
        drawn([])
