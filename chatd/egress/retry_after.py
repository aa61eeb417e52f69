"""The header Retry-After: seconds, or a date (RFC 9110, 10.2.3)."""

from email.utils import parsedate_to_datetime


def retry_after_s(text: str, now_ms: int) -> float | None:
    """Return the seconds that a receiver asks for; None when it does not, or not in a way one can read.

    >>> retry_after_s("120", 0), retry_after_s("Thu, 01 Jan 1970 00:01:00 GMT", 0), retry_after_s("soon", 0)
    (120.0, 60.0, None)
    """
    if text.isascii() and text.isdigit():
        return float(text[:9])
    try:
        return parsedate_to_datetime(text).timestamp() - now_ms / 1000
    except (ValueError, OverflowError):
        return None
