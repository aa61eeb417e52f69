"""The cost of a call, counted the same on every machine: instructions of the interpreter, and bytes handed to
decoders written in C, each of which reads its bytes once."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

import msgpack
import pytest

from chatd.protocol import codec, request_id

DECODERS = (
    "_lenient",
    "_lenient_json",
    "_batch",
    "_batch_json",
    "_envelope",
    "_envelope_json",
    "_tree_json",
    "_id",
    "_id_json",
    "_word",
    "_word_json",
)


class Counter:
    """A replacement of a decoder that counts its bytes."""

    def __init__(self, decoder: Any, spent: list[int]) -> None:
        self._decoder = decoder
        self._spent = spent

    def decode(self, data: Any) -> Any:
        self._spent[0] += len(bytes(data))
        return self._decoder.decode(data)


class Tree(Counter):
    """A replacement of the one decoder that builds maps of any keys: it must get no keys except texts."""

    def decode(self, data: Any) -> Any:
        msgpack.unpackb(bytes(data), strict_map_key=True, unicode_errors="replace")
        return super().decode(data)


@contextmanager
def counted() -> Iterator[Callable[[Callable[[], object]], int]]:
    """Yield a function that returns the cost of a call."""
    spent = [0]
    with pytest.MonkeyPatch.context() as patch:
        for name in DECODERS:
            patch.setattr(codec, name, Counter(getattr(codec, name), spent))
        for name in ("from_msgpack", "from_json"):
            decoder = getattr(codec.CHAT, name).__self__
            patch.setattr(codec.CHAT, name, Counter(decoder, spent).decode)
        patch.setattr(codec, "_tree", Tree(codec._tree, spent))
        patch.setattr(request_id, "_string", Counter(request_id._string, spent))

        def cost(call: Callable[[], object]) -> int:
            spent[0] = 0
            return executed(call) + spent[0]

        yield cost


def executed(call: Callable[[], object]) -> int:
    """Return the number of instructions that the interpreter executes in Python code under a call."""
    count, before = 0, sys.gettrace()

    def trace(frame: FrameType, event: str, _: object) -> Any:
        nonlocal count
        frame.f_trace_opcodes, frame.f_trace_lines = True, False
        count += event == "opcode"
        return trace

    sys.settrace(trace)
    try:
        call()
    finally:
        sys.settrace(before)
    return count
