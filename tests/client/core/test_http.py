"""The heads of HTTP/1.1, and the length of a body."""

import pytest

from chatd.client.core.http import head_from, length_of, request_head, span_of

ANSWER = b'HTTP/1.1 206 Partial Content\r\nContent-Length: 12\r\nETag:  "x"\r\nX: \r\n\r\n'


def test_a_request_has_a_head():
    raw = request_head("GET", "m.example:81", "/a?b", {"Range": "bytes=3-"})
    assert raw == b"GET /a?b HTTP/1.1\r\nHost: m.example:81\r\nRange: bytes=3-\r\n\r\n"


@pytest.mark.parametrize("value", ["a\r\nB: c", "a\nb", "\0"])
def test_no_value_ends_its_line(value):
    with pytest.raises(ValueError, match="line break"):
        request_head("GET", "m", "/", {"A": value})


def test_the_head_of_an_answer_is_read():
    head = head_from(ANSWER)
    assert (head.status, head.headers["etag"], head.number("content-length"), head.is_last) == (
        206,
        '"x"',
        12,
        False,
    )
    assert head.number("x") is None
    assert head_from(b"HTTP/1.0 200 OK\r\n\r\n").is_last


@pytest.mark.parametrize(
    "raw", [b"\r\n\r\n", b"SSH-2.0-x\r\n\r\n", b"HTTP/1.1 two\r\n\r\n", b"HTTP/1.1 2000\r\n\r\n"]
)
def test_anything_else_is_no_answer(raw):
    with pytest.raises(ValueError, match="not an answer"):
        head_from(raw)


@pytest.mark.parametrize(
    ("method", "lines", "length"),
    [
        ("GET", "200\r\nContent-Length: 5", 5),
        ("HEAD", "200\r\nContent-Length: 5", 0),
        ("PATCH", "204", 0),
        ("GET", "200", None),
        ("GET", "200\r\nContent-Length: 5\r\nTransfer-Encoding: chunked", None),
        ("GET", "200\r\nContent-Length: -5", None),
    ],
)
def test_the_length_of_a_body(method, lines, length):
    assert length_of(method, head_from(f"HTTP/1.1 {lines}\r\n\r\n".encode())) == length


@pytest.mark.parametrize(
    ("value", "span"),
    [("bytes 3-9/10", (3, 10)), ("bytes */10", (-1, 10)), ("bytes 3-9/*", (3, None)), ("", (-1, None))],
)
def test_a_range_of_an_answer(value, span):
    assert span_of(value) == span
