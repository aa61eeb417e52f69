"""Files: what arrived otherwise than it was sent is found, a slow answer is missed, and a row can be measured alone."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bench.client.files import BadNetwork
from bench.scenarios import media
from bench.targets.target import MISSED, Yardstick
from tests.bench.test_target_rows import GLANCE, small_files
from tests.kit.soak import in_a_soak

SHORT = replace(GLANCE, duration_s=0.5)
REFERENCE = Yardstick(core_ms=1.75, flush_ms=0.18, send_ms=0.002)


async def test_a_byte_that_a_network_changes_is_a_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    small_files(monkeypatch)
    monkeypatch.setattr(BadNetwork, "passed", lambda network, piece: piece.replace(b"\x07", b"\x08"))
    measured = await media.measure(SHORT, ["cut"], 0.0)
    assert not measured.correct
    (figure,) = (figure for figure in media.ROWS["cut"] if figure.key == "cut_faults")
    assert figure.verdict(measured.value(figure)) == MISSED


@in_a_soak
async def test_connections_break_as_the_seed_says_and_all_bytes_arrive(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    small_files(monkeypatch)
    measured = await media.measure(SHORT, ["cut"], 0.2)
    assert measured.figures["cut_cuts"]
    assert measured.figures["cut_faults"] == 0
