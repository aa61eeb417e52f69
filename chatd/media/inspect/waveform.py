"""The loudness of a voice note, in 64 digits."""

import av
from av.container import InputContainer

BARS, LEVELS = 64, 31
DIGITS = "0123456789abcdefghijklmnopqrstuv"
RATE_HZ = 8000  # of the samples that are looked at: loudness needs no more
SILENCE = 328  # 1 % of the loudest there is: noise in a quiet room is not to look like speech
# Packets that are decoded each, six minutes of them, and how many of the later ones.
WHOLE_MAX, LATER = 18_000, 8


def waveform(container: InputContainer) -> str:
    """Return the loudest of each 64th, relative to the loudest of all. Raises av.FFmpegError."""
    resampler = av.AudioResampler(format="s16", layout="mono", rate=RATE_HZ)
    peaks: list[int] = []
    stream = container.streams.audio[0]
    for number, packet in enumerate(container.demux(stream)):
        if number > WHOLE_MAX and number % LATER:
            peaks.append(peaks[-1] if peaks else 0)
            continue
        for frame in packet.decode():
            for part in resampler.resample(frame):
                samples = memoryview(part.planes[0])[: part.samples * 2].cast("h")
                peaks.append(max(max(samples), -min(samples)) if part.samples else 0)
    return drawn(peaks)


def drawn(peaks: list[int]) -> str:
    """Return a digit for each 64th of these."""
    if not peaks:
        raise ValueError("there is no sound in it")
    loudest, count = max(SILENCE, *peaks), len(peaks)
    bars = (
        max(peaks[bar * count // BARS : max(bar * count // BARS + 1, (bar + 1) * count // BARS)])
        for bar in range(BARS)
    )
    return "".join(DIGITS[round(LEVELS * peak / loudest)] for peak in bars)
