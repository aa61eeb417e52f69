"""The notification of the examples in protocol.md, "What arrives"."""

from chatd.core.push import Notification

FULL = Notification(
    kind="message",
    tag="mY3k0Qp7sT1vW9xZ",
    room="g4fKz81QwXe2",
    seq=1041,
    user="u7",
    name="Bob",
    title="Bike tour",
    text="Who brings the map?",
    badge=3,
    time=1_763_899_990_000,
)
