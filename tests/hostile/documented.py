"""Every documented outcome, in the words of a case: any other outcome of a bad input is a defect."""

from tests.kit import document

# A server repeats the codes that a client may send.
CLIENT_CODES = (1000, 1001, *range(3000, 4000), *range(4300, 5000))
ENDINGS = frozenset(f"close {code}" for code in (1005, *CLIENT_CODES, *document.closes()))
ANSWERS = frozenset({"ok", "ignored", "cut", *(f"error {code}" for code in document.errors())})
REFUSALS = frozenset(f"status {status}" for status in (101, 200, 400, 401, 403, 404, 405, 426, 431, 503))


def is_documented(outcome: str) -> bool:
    """Whether protocol.md knows this outcome; of two, one after the other, both."""
    return all(part in ENDINGS | ANSWERS | REFUSALS for part in outcome.split(" then "))
