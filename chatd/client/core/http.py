"""HTTP/1.1 as files need it (RFC 9112): the heads of a request and of its answer, and the length of a body; pure."""

from collections.abc import Mapping
from dataclasses import dataclass

HEAD_MAX = 16_384
"""Most bytes of the head of an answer."""


@dataclass(frozen=True, slots=True)
class Head:
    """The beginning of an answer; the names of its headers are in small letters."""

    status: int
    headers: Mapping[str, str]

    @property
    def is_last(self) -> bool:
        """Whether the connection ends with this answer."""
        return "close" in self.headers.get("connection", "").lower()

    @property
    def is_chunked(self) -> bool:
        """Whether the body comes in chunks that name their length."""
        return "chunked" in self.headers.get("transfer-encoding", "").lower()

    def number(self, name: str) -> int | None:
        """Return a header that is a number; None if there is none."""
        value = self.headers.get(name, "")
        return int(value) if value.isascii() and value.isdecimal() else None


def request_head(method: str, host: str, target: str, headers: Mapping[str, str]) -> bytes:
    """Return the head of a request. Raises ValueError for a header that would end its line."""
    lines = [f"{method} {target} HTTP/1.1", f"Host: {host}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    if any(mark in line for line in lines for mark in "\r\n\0"):
        raise ValueError("a header with a line break")
    return "\r\n".join([*lines, "", ""]).encode("latin-1")


def head_from(raw: bytes) -> Head:
    """Return the head of an answer, given up to its empty line. Raises ValueError for anything else."""
    first, *lines = raw.decode("latin-1").rstrip("\r\n").split("\r\n")
    version, status, *_ = [*first.split(" "), ""]
    if not version.startswith("HTTP/1.") or not status.isdecimal() or len(status) != 3:
        raise ValueError("not an answer of HTTP/1.1")
    pairs = [line.partition(":") for line in lines]
    headers = {name.strip().lower(): value.strip() for name, _, value in pairs}
    if version == "HTTP/1.0":
        headers.setdefault("connection", "close")
    return Head(int(status), headers)


def length_of(method: str, head: Head) -> int | None:
    """Return the bytes of the body; None when only its end tells."""
    if method == "HEAD" or head.status in (204, 304):
        return 0
    return None if head.is_chunked else head.number("content-length")


def span_of(content_range: str) -> tuple[int, int | None]:
    """Return the first byte that a `Content-Range` names, -1 without one, and of how many; None when it does not
    say."""
    span, _, whole = content_range.removeprefix("bytes ").partition("/")
    first = span.partition("-")[0]
    return int(first) if first.isdecimal() else -1, int(whole) if whole.isdecimal() else None
