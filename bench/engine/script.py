"""The names and texts of a run: every message proves who wrote it, when, and that it is unchanged. Pure."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import NamedTuple

TEXT_BYTES = (120, 200)  # of a text: the usual length of what people write in a group
_TEXTS = 61  # prime, so that no number of senders makes all of them write the same
_LETTERS = "abcdefghijklmnopqrstuvwxyz     "
_LAG_MAX_US = 0xFFFFFF  # 16 s: a longer wait for one's turn is told as 16 s


class MessageId(NamedTuple):
    """One message of a run: its author, its number among theirs, when it was due and when it was really sent."""

    author: int
    number: int
    due_ns: int
    sent_ns: int


@dataclass(frozen=True)
class Script:
    """The names and texts of one run; `run` (4 characters) keeps them apart from those of other runs."""

    run: str
    seed: int = 1

    def user(self, number: int) -> str:
        return f"{self.run}-{number:x}"

    def device(self, number: int) -> str:
        """Return the device of a user, 22 characters (protocol.md "Identifiers and counters")."""
        return f"{self.run}-{number:x}".ljust(22, "-")

    def key(self, message: MessageId) -> str:
        """The idempotency key of a message; it holds the whole message, times in microseconds."""
        due_us = message.due_ns // 1000
        lag_us = min(_LAG_MAX_US, message.sent_ns // 1000 - due_us)
        return f"{self.run}{message.author:05x}{message.number:06x}{due_us:012x}{lag_us:06x}"

    def message(self, key: str) -> MessageId | None:
        """The message of a key; None when it is not of this run."""
        if len(key) != _KEY_CHARS or not key.startswith(self.run):
            return None
        due_us = int(key[15:27], 16)
        sent_us = due_us + int(key[27:], 16)
        return MessageId(int(key[4:9], 16), int(key[9:15], 16), due_us * 1000, sent_us * 1000)

    def texts(self) -> Texts:
        return Texts(self.seed)


_KEY_CHARS = 33


class Texts:
    def __init__(self, seed: int) -> None:
        chance = random.Random(seed)
        sizes = (chance.randint(*TEXT_BYTES) for _ in range(_TEXTS))
        self._texts = ["".join(chance.choices(_LETTERS, k=size)) for size in sizes]

    def of(self, author: int, number: int) -> str:
        return self._texts[(author * 7 + number) % _TEXTS]
