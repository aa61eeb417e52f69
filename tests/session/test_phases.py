from itertools import product

import pytest

from chatd.session.phases import NEXT, Phase, PhaseEvent, advance

ACCEPTED, GREETING, READY, CLOSING = Phase
HELLO, HELLO_OK, CLOSE = PhaseEvent

LEGAL = {
    (ACCEPTED, HELLO): GREETING,
    (ACCEPTED, CLOSE): CLOSING,
    (GREETING, HELLO_OK): READY,
    (GREETING, CLOSE): CLOSING,
    (READY, CLOSE): CLOSING,
    (CLOSING, CLOSE): CLOSING,
    (CLOSING, HELLO_OK): CLOSING,
}


@pytest.mark.parametrize(("phase", "phase_event"), list(product(Phase, PhaseEvent)), ids=lambda e: e.name)
def test_every_phase_answers_every_happening(phase, phase_event):
    if (phase, phase_event) in LEGAL:
        assert advance(phase, phase_event) is LEGAL[phase, phase_event]
    else:
        with pytest.raises(KeyError):
            advance(phase, phase_event)


def test_nothing_leads_out_of_closing():
    assert set(NEXT[CLOSING].values()) == {CLOSING}


def test_every_phase_can_close():
    assert all(advance(phase, CLOSE) is CLOSING for phase in Phase)
