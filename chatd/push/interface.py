"""The contract of a sender: it speaks the protocols of push services, and keeps nothing that has to outlive it.

It decides nothing: what waits, what replaces what, how often and how fast is the queue's (push/queue.py). Deliveries
and answers are plain values because the sender may be another process.
"""

from collections.abc import Callable, Sequence
from typing import Literal, NamedTuple, Protocol

from chatd.core.push import Address, Notification

Form = Literal["alert", "badge", "background"]
"""How the phone takes it: shown, as a number on the icon alone, or by the app without a word."""

Result = Literal["sent", "retry", "busy", "dead", "refused", "credential"]
"""`sent`: the service took it. `retry`: try again soon. `busy`: slow down, and try again after `retry_after_s`.
`dead`: there is no such device any more. `refused`: the service will never take it, which is a defect of ours.
`credential`: the service does not know our key, or the key cannot be read: the app has to be paused."""


# Details of answers that no service gave: there is no process that sends, or it ended.
NO_SENDER, SENDER_ENDED = "no sender", "the sender ended"
# Of `Answer.since`: it is compared by the store.
SINCE_MAX = (1 << 53) - 1


class Delivery(NamedTuple):
    """One notification for one device. `number`: chosen by the queue, never used twice. `expires_at`: Unix ms."""

    number: int
    address: Address
    notification: Notification
    form: Form = "alert"
    is_urgent: bool = True
    expires_at: int = 0


class Answer(NamedTuple):
    """What became of a delivery. `detail`: the word of the service, at most 64 characters, for the trace.

    `environment`: the one that worked, where it is another than that of the address. `since`: Unix ms from which on the
    service knows that the device is gone, 0 when it did not say. `is_stranger`: of a server that a device named, which
    says nothing about the service.
    """

    number: int
    result: Result
    detail: str = ""
    status: int = 0
    retry_after_s: float = 0.0
    environment: str = ""
    since: int = 0
    is_stranger: bool = False


class Sender(Protocol):
    """Made with the apps of the configuration and a function that takes answers in batches, in any order."""

    def send(self, deliveries: Sequence[Delivery]) -> None:
        """Begin to send. Every delivery gets one answer, also when the process that sends dies: then `retry`."""

    async def close(self) -> None:
        """End all connections. What is under way is answered `retry`, or not at all."""


OnAnswers = Callable[[Sequence[Answer]], None]
