"""The answers of push services, read with distrust: bounded words, whatever was sent."""

from collections.abc import Mapping

import msgspec
from msgspec import Struct

from chatd.egress.retry_after import retry_after_s
from chatd.push.interface import Answer, Delivery, Result

DETAIL_MAX = 64
RETRY_AFTER_MAX_S = 86_400.0


def word_of(text: object) -> str:
    """Return a text of a service as a word for the trace: printable ASCII, at most 64 characters."""
    shown = text if isinstance(text, str) else ""
    return "".join(one if one.isascii() and one.isprintable() else "?" for one in shown[:DETAIL_MAX])


def answer(
    delivery: Delivery, result: Result, detail: str = "", status: int = 0, retry_after: float = 0.0
) -> Answer:
    return Answer(delivery.number, result, word_of(detail), status, retry_after)


def pause_of(header: str, now_ms: int) -> float:
    """Return the seconds that a header Retry-After asks for; 0 when it does not."""
    return min(max(retry_after_s(header, now_ms) or 0.0, 0.0), RETRY_AFTER_MAX_S)


class Fault(Struct, frozen=True):
    """A fault as Apple tells it. `timestamp`: Unix ms from which on the device is gone."""

    reason: str = ""
    timestamp: int = 0


class Detail(Struct, frozen=True):
    errorCode: str = ""
    fieldViolations: list[Mapping[str, object]] = []


class Status(Struct, frozen=True):
    message: str = ""
    status: str = ""
    details: list[Detail] = []


class GoogleFault(Struct, frozen=True):
    error: Status = Status()


class Rejections(Struct, frozen=True):
    """An answer of a gateway: the tokens that are dead."""

    rejected: list[str] = []


_fault = msgspec.json.Decoder(Fault)
_google = msgspec.json.Decoder(GoogleFault)
_rejections = msgspec.json.Decoder(Rejections)
UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)


def fault_of(body: bytes) -> Fault:
    """Return the fault that APNs tells of; an empty one when it tells none."""
    try:
        return _fault.decode(body)
    except UNREADABLE:
        return Fault()


def google_fault_of(body: bytes) -> Status:
    """Return the fault that FCM tells of; an empty one when it tells none."""
    try:
        return _google.decode(body).error
    except UNREADABLE:
        return Status()


def rejected_of(body: bytes) -> list[str]:
    """Return the tokens that a gateway says are dead. Raises ValueError for an answer that is none."""
    try:
        return _rejections.decode(body).rejected
    except UNREADABLE:
        raise ValueError("no answer of a push gateway") from None
