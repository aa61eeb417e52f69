import io
import logging

from chatd.config.model import Log
from chatd.telemetry.log_ring import LogRing
from chatd.telemetry.logs import logging_to


def numbers(ring: LogRing, after: int, count: int = 100) -> list[int]:
    return [line.number for line in ring.after(after, count)]


def test_lines_are_numbered_and_the_oldest_go():
    ring = LogRing(3)
    assert numbers(ring, 0) == []
    for number in range(1, 6):
        ring.append(20, f"line {number}")
    assert numbers(ring, 0) == [3, 4, 5]
    assert numbers(ring, 3) == [4, 5]
    assert numbers(ring, 0, 2) == [3, 4]
    assert numbers(ring, 5) == numbers(ring, 99) == []


def test_the_log_keeps_its_lines_as_it_writes_them():
    stream, ring = io.StringIO(), LogRing(10)
    with logging_to(stream, Log(format="json"), ring):
        logging.getLogger("chatd.x").warning("seen %s", "token=abcdef", extra={"user": "u1"})
        logging.getLogger("chatd.x").debug("not at this level")
    [line] = ring.after(0, 10)
    assert stream.getvalue() == line.text + "\n"
    assert line.level == logging.WARNING
    assert "[redacted]" in line.text
    assert "abcdef" not in line.text
