"""The pace of the outbox against the rates of the server: both are pure, so a minute of them takes a moment."""

import pytest

from chatd.client.core.errors import error_from
from chatd.client.core.outbox import Outbox, Window
from chatd.core.rates import Abuse, Rate, TokenBucket, retry_after_ms, take

WINDOW = Window(frame_bytes=65536)
BURST, EVERY_S = 20, 0.2
START = 1000.0


class Server:
    """One user's writes; the abort rule of batches."""

    def __init__(self):
        self.meter = TokenBucket(Rate(EVERY_S, BURST))
        self.abuse = Abuse()
        self.refusals = 0

    def answers(self, outbox, frame, now):
        """Carry out what may be, in order; whatever stands behind a refusal is aborted."""
        refusal = None
        for entry in frame:
            if refusal is not None:
                outbox.refused(
                    entry, error_from({"code": "aborted", "retry": "later", "retry_after": 0}), now
                )
                continue
            wait_s, _ = take([("user", self.meter)], now)
            if not wait_s:
                outbox.done(entry.key)
                continue
            self.refusals += 1
            self.abuse.refused(now, wait_s, grace_s=2.0, window_s=60.0)
            refusal = {"code": "rate_limited", "retry": "later", "retry_after": retry_after_ms(wait_s)}
            outbox.refused(entry, error_from({**refusal, "scope": "user"}), now)


@pytest.mark.parametrize(("rooms", "messages"), [(40, 1), (1, 90), (7, 20), (100, 1)])
@pytest.mark.parametrize("answer_s", [0.001, 0.3])
def test_an_outbox_is_empty_as_soon_as_the_rate_allows_and_never_abuses(rooms, messages, answer_s):
    outbox, server, now = Outbox(), Server(), START
    for message in range(messages):
        for room in range(rooms):
            packet = {"type": "send", "room": f"r{room}", "key": f"{room}-{message}"}
            outbox.add(outbox.entry(packet, 100))
    while len(outbox):
        frames = outbox.take(now, WINDOW)
        for place, frame in enumerate(frames):
            server.answers(outbox, frame, now + answer_s + place / 1000)
        now = max(now + answer_s, outbox.next_at(now) or now)
    count = rooms * messages
    assert server.abuse.count == 0
    assert server.refusals <= 2 * count
    assert now - START < (count - BURST) * (EVERY_S + answer_s) + 2
