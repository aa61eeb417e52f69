from itertools import product

import pytest

from chatd.session.phases import NEXT, Happening, Phase, advance

ACCEPTED, GREETING, READY, CLOSING = Phase
HELLO, HELLO_OK, CLOSE = Happening

LEGAL = {
    (ACCEPTED, HELLO): GREETING,
    (ACCEPTED, CLOSE): CLOSING,
    (GREETING, HELLO_OK): READY,
    (GREETING, CLOSE): CLOSING,
    (READY, CLOSE): CLOSING,
    (CLOSING, CLOSE): CLOSING,
    (CLOSING, HELLO_OK): CLOSING,
}


@pytest.mark.parametrize(("phase", "happening"), list(product(Phase, Happening)), ids=lambda e: e.name)
def test_every_phase_answers_every_happening(phase, happening):
    if (phase, happening) in LEGAL:
        assert advance(phase, happening) is LEGAL[phase, happening]
    else:
        with pytest.raises(KeyError):
            advance(phase, happening)


def test_nothing_leads_out_of_closing():
    assert set(NEXT[CLOSING].values()) == {CLOSING}


def test_every_phase_can_close():
    assert all(advance(phase, CLOSE) is CLOSING for phase in Phase)
