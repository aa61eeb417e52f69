"""Rules that every frame of a client keeps, whatever the scenario: each has a name, by which protocol.md "Requirements
of a client" refers to it, and the chapter it comes from; pure, time comes in as an argument.
"""

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, urlsplit

from .codec import Packet
from .cursors import Cursors
from .limits import LimitsInForce
from .schema import KEYED, wrong_with
from .waits import Waits

RULES: Mapping[str, str] = {
    "frame": "a frame holds one packet or more, in the encoding of the connection (2.3, 2.5)",
    "limits": "frames, batches, lists and pages keep to the limits in force (2.7)",
    "form": "a packet has the keys of its type, of their types and within their bounds (3.4, 16)",
    "url": "there is no token in the URL, and no credentials in a header (2.1)",
    "hello-first": "hello is the first packet of a connection, and the only one (6.1)",
    "id": "an id is unique among the unanswered requests of its connection (3)",
    "one-connection": "at most one connection, and one attempt, at a time (6.1)",
    "after-bye": "after `bye` the client sends nothing (6.7)",
    "reconnect": "after 4200 to 4299, and while suspended, nothing reconnects by itself (6.1, 15)",
    "retry-after": "what was refused for now comes again no sooner than it was told (3.2, 6.1, 9.2)",
    "never": "what was refused for good does not come again by itself (3.2)",
    "key": "a key is of one mutation, and a mutation keeps its key (9.1, 9.2)",
    "one-frame": "at most one unanswered frame with sends a room (9.2)",
    "order": "messages of a room are sent in the order they were posted (9.2)",
    "cursor": "a cursor is one of the server, of this epoch, and of a round that was told to its end (6.3, 4.1)",
    "device": "the device id never changes (4)",
    "token": "a token that was called expired is not sent again (6.4)",
    "read-rate": "at most one `read` per room in 2 s (10.1)",
    "typing-rate": "at most one `typing` per room in 3 s (10.6)",
    "delivered-rate": "at most one `delivered` in 5 s (10.2)",
    "ping-rate": "at most one `ping` in 5 s (6.6)",
    "pong": "a `ping` of the server is answered at once (6.6)",
    "jitter": "the waits before reconnects are drawn at random (6.1)",
    "growth": "the longest wait doubles with each attempt (6.1)",
    "close-code": "a client closes with 1000, 1001, or 3000 to 4999 (14)",
}

EARLY_S = 0.02
"""A real timer may come so much too soon."""

PONG_S = 2.0
AFTER_BYE_S = 1.0
"""On a real clock a packet may be under way when `bye` is sent."""


@dataclass(frozen=True)
class Violation:
    """One frame that breaks a rule."""

    rule: str
    at: float
    reason: str

    def __str__(self) -> str:
        return f"{self.rule}: {self.reason} [{RULES[self.rule]}]"


@dataclass
class Request:
    """A request that has no answer yet."""

    packet: Packet
    frame: int


class Checks:
    """Watches one client through one scenario. `virtual`: its clock is exact. `early_s`: how far a timer may be off."""

    def __init__(self, *, virtual: bool) -> None:
        self.violations: list[Violation] = []
        self.early_s = 1e-6 if virtual else EARLY_S
        self._virtual = virtual
        self._open: int | None = None
        self._ending = False
        self._bye_at: float | None = None
        self._hello: Packet | None = None
        self._hellos = 0
        self._frames = 0
        self._requests: dict[int, Request] = {}
        self._contents: dict[str, str] = {}
        self._keys: dict[str, str] = {}
        self._not_before: dict[str, float] = {}
        self._final: set[str] = set()
        self._connect_after = float("-inf")
        self._stopped: str = ""
        self._limits = LimitsInForce()
        self._posted: dict[str, list[str]] = {}
        self._sent: dict[str, set[str]] = {}
        self._cursors = Cursors()
        self._device = ""
        self._expired: set[str] = set()
        self._last: dict[tuple[str, str], float] = {}
        self._pinged_at: float | None = None
        self._waits = Waits()

    def ended(self, now: float) -> None:
        """Judge what only the whole shows."""
        if self._pinged_at is not None and self._open is not None and now - self._pinged_at > PONG_S:
            self._break("pong", now, "there was no `pong`")
        for rule, why in (("jitter", self._waits.not_random()), ("growth", self._waits.not_growing())):
            if why:
                self._break(rule, now, why)

    # The app.

    def posted(self, room: str, key: str) -> None:
        """Note that the user posted a message, which has this key."""
        self._posted.setdefault(room, []).append(key)

    def woken(self, *, front: bool = True) -> None:
        """Note that the app is in front, or else that the network is back, which ends no stop."""
        self._stopped = "" if front else self._stopped
        self._waits.woken()

    def suspended(self) -> None:
        """Note that the app may not run any more."""
        self._stopped = "the app is suspended"

    def restarted(self, *, empty: bool) -> None:
        """Note that the app was started, with an empty storage or with the one it had."""
        self.woken()
        self._requests.clear()
        self._connect_after = float("-inf")
        self._open = None
        if empty:
            self._cursors = Cursors()
            self._device = ""

    def restored(self, cursor: str, rooms: Collection[str], now: float) -> None:
        """Judge what a client has after it was started again, before it heard anything."""
        for why in self._cursors.wrong_store(cursor, rooms):
            self._break("cursor", now, why)

    def resent(self, key: str) -> None:
        """Note that the user wants a failed message sent again."""
        self._final.discard(key)

    # Connections.

    def connecting(self, path: str, headers: Mapping[str, str], now: float) -> None:
        """Judge an attempt to connect."""
        query = parse_qs(urlsplit(path).query)
        if {"token", "access_token"} & set(query) or "authorization" in {name.lower() for name in headers}:
            self._break("url", now, f"the request for {path.partition('?')[0]} carries credentials")
        if self._open is not None and not self._ending:
            self._break("one-connection", now, "there is an open connection already")
        if now < self._connect_after - self.early_s:
            left = self._connect_after - now
            self._break("retry-after", now, f"it connects {left:.3f} s too soon")
        if self._stopped:
            self._break("reconnect", now, f"it connects although {self._stopped}")
        self._waits.connecting(now)

    def refused(self, status: int, retry_after: int | None, now: float) -> None:
        """Note that the attempt got this answer."""
        self._lost(now, retry_after or 0)

    def connected(self, number: int, now: float) -> None:
        """Note a new connection."""
        self._open, self._ending, self._bye_at = number, False, None
        self._hello, self._frames = None, 0
        self._hellos = 0
        self._requests.clear()
        # Rates are of one connection: its timers end with it.
        self._last.clear()
        self._limits = LimitsInForce()
        self._pinged_at = None

    def disconnected(self, number: int, now: float) -> None:
        """Note its end."""
        if self._open == number:
            self._open = None

    def server_ended(self, code: int, now: float) -> None:
        """Note that the server closed or lost it. `bye` has said the code before."""
        self._ending = True
        if self._bye_at is None:
            self._closed(code, now, 0)

    def client_ended(self, code: int, now: float) -> None:
        """Judge that the client closed it; 0: dropped it."""
        if code and code not in (1000, 1001) and not 3000 <= code <= 4999:
            self._break("close-code", now, f"it closed with {code}")
        self._lost(now, 0)

    def _closed(self, code: int, now: float, retry_after_s: float) -> None:
        if 4200 <= code <= 4299:
            self._stopped = f"it was closed with {code}"
        if code == 4005:
            self._cursors.resync()
        if 4100 <= code <= 4199:
            # It asks for a token first: no delay of a backoff.
            self._waits.put_off()
            self._connect_after = max(self._connect_after, now + retry_after_s)
            return
        self._lost(now, retry_after_s)

    def _lost(self, now: float, retry_after_s: float) -> None:
        self._waits.lost(now, retry_after_s)
        if retry_after_s:
            self._connect_after = max(self._connect_after, now + retry_after_s)

    # Frames of the client.

    def bad_frame(self, reason: str, now: float) -> None:
        """Note a frame that is none."""
        self._break("frame", now, reason)

    def frame(self, link: int, packets: Sequence[Packet], size: int, now: float) -> None:
        """Judge a frame and its packets."""
        self._frames += 1
        if why := self._limits.wrong_with_frame(len(packets), size):
            self._break("limits", now, why)
        if self._bye_at is not None and now > self._bye_at + (0 if self._virtual else AFTER_BYE_S):
            self._break("after-bye", now, f"it sent {packets[0].get('type')}")
        for packet in packets:
            if why := wrong_with(packet):
                self._break("form", now, why)
                # It counts as what it was meant to be, or everything behind it would be wrong, too.
                self._hello = packet if packet.get("type") == "hello" else self._hello
            else:
                self._packet(packet, now)

    def _packet(self, packet: Packet, now: float) -> None:
        kind = packet["type"]
        if why := self._limits.wrong_with_packet(packet):
            self._break("limits", now, why)
        if self._hello is None and kind != "hello":
            self._break("hello-first", now, f"the first packet is {kind}")
        if "id" in packet:
            if packet["id"] in self._requests:
                self._break("id", now, f"{kind} has the id {packet['id']} of a request without an answer")
            self._requests[packet["id"]] = Request(packet, self._frames)
        if kind == "hello":
            self._take_hello(packet, now)
        for why in self._cursors.wrong(packet["cursor"]) if kind == "sync" and "cursor" in packet else ():
            self._break("cursor", now, why)
        if kind in KEYED:
            self._mutation(packet, now)
        if kind == "pong":
            self._pinged_at = None
        if kind == "ping":
            self._rate("ping-rate", "", 5.0, now)
        if kind == "delivered":
            self._rate("delivered-rate", "", 5.0, now)
        if kind in ("read", "typing"):
            self._rate(f"{kind}-rate", packet["room"], 2.0 if kind == "read" else 3.0, now)

    def _take_hello(self, packet: Packet, now: float) -> None:
        if self._hello is not None:
            self._break("hello-first", now, "a second hello on one connection")
        self._hello = packet
        if self._device and packet["device"] != self._device:
            self._break("device", now, f"the device was {self._device}, and is {packet['device']}")
        self._device = packet["device"]
        if packet["token"] in self._expired:
            self._break("token", now, "it shows a token again that was called expired")
        self._waits.mode = packet.get("mode", "foreground")
        for why in self._cursors.wrong_hello(packet):
            self._break("cursor", now, why)

    def _mutation(self, packet: Packet, now: float) -> None:
        kind, key = packet["type"], packet["key"]
        content = _content(packet)
        if self._contents.setdefault(key, content) != content:
            self._break("key", now, f"the key {key} was of something else before")
        other = self._keys.setdefault(content, key)
        if kind == "send" and other != key and other not in self._final:
            self._break("key", now, f"this message had the key {other} before, and has {key}")
        if (until := self._not_before.get(key, now)) - self.early_s > now:
            self._break("retry-after", now, f"{kind} {key} comes {until - now:.3f} s too soon")
        if key in self._final:
            self._break("never", now, f"{kind} {key} was refused for good")
        if kind == "send":
            self._order(packet, now)

    def _order(self, packet: Packet, now: float) -> None:
        room, key = packet["room"], packet["key"]
        for request in self._requests.values():
            same = request.packet["type"] == "send" and request.packet["room"] == room
            if same and request.frame != self._frames and request.packet["key"] != key:
                self._break("one-frame", now, f"{key} is sent while another frame of its room has no answer")
                break
        sent, posted = self._sent.setdefault(room, set()), self._posted.get(room, [])
        if key not in sent and key in posted:
            before = [other for other in posted[: posted.index(key)] if other not in sent]
            if before and not set(before) & self._final:
                self._break("order", now, f"{key} is sent before {before[0]}, which was posted earlier")
        sent.add(key)

    def _rate(self, rule: str, room: str, interval_s: float, now: float) -> None:
        last = self._last.get((rule, room))
        if last is not None and now - last < interval_s - self.early_s:
            self._break(rule, now, f"{now - last:.3f} s after the one before")
        self._last[rule, room] = now

    # Packets of the server.

    def sent(self, packet: Packet, now: float) -> None:
        """Note a packet of the server."""
        kind = packet.get("type")
        if kind in ("ok", "error"):
            request = self._requests.pop(packet.get("id", 0), None)
            if request is not None:
                self._answered(request.packet, packet, now)
            return
        self._cursors.push(packet)
        if kind == "ping":
            self._pinged_at = now
        elif kind == "bye":
            self._bye_at = now
            self._ending = True
            self._closed(packet.get("close", 0), now, packet.get("retry_after", 0) / 1000)

    def _answered(self, request: Packet, reply: Packet, now: float) -> None:
        kind = request["type"]
        if reply["type"] == "error":
            self._refused(request, reply, now)
            return
        if kind == "hello":
            self._waits.ready(now)
            self._limits.welcome(reply.get("limits", {}))
            self._cursors.welcome(reply)
        elif kind == "sync":
            self._cursors.page(reply)

    def _refused(self, request: Packet, reply: Packet, now: float) -> None:
        kind, retry_s = request["type"], reply.get("retry_after", 0) / 1000
        if kind in ("hello", "auth") and reply.get("code") == "token_expired":
            self._expired.add(request["token"])
        if kind == "hello" and retry_s:
            self._connect_after = max(self._connect_after, now + retry_s)
        if "key" in request:
            if reply.get("retry", "never") == "later":
                self._not_before[request["key"]] = now + retry_s
            elif reply.get("retry", "never") == "never":
                self._final.add(request["key"])

    def _break(self, rule: str, now: float, reason: str) -> None:
        self.violations.append(Violation(rule, now, reason))


def _content(packet: Packet) -> str:
    """Return a mutation without what may differ when it is sent again."""
    kept: dict[str, Any] = {
        name: value for name, value in packet.items() if name not in ("id", "key", "composed_at")
    }
    return json.dumps(kept, sort_keys=True, default=repr)
