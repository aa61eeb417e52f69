"""Layer E, packets that are well formed and wrong: at the wrong time, of a wrong shape, with impossible numbers."""

from typing import Any

from tests.hostile.case import ENCODINGS, FOREIGN, HERS, HIS, NOWHERE, OWN, Case, When
from tests.hostile.client_bytes import asking, packet_frame
from tests.kit.tokens import token_for

DEVICE = "mallorys-device-000002"
# The first number that is none: u53 ends below it.
SOONEST = 2**53
# The direct room of mallory and alice.
DIRECT = "dMallorysDir"

Row = tuple[int, str, dict[str, Any] | list[dict[str, Any]], str]


def hello(**changes: Any) -> dict[str, Any]:
    """Return a first packet; a change to None leaves the key out."""
    keys = {"version": 1, "token": token_for("mallory"), "device": DEVICE, **changes}
    return asking("hello", **{name: value for name, value in keys.items() if value is not None})


def send(key: str, body: Any, room: str = OWN, **more: Any) -> dict[str, Any]:
    return asking("send", room=room, key=key, body=body, **more)


def unasked(packet: dict[str, Any]) -> dict[str, Any]:
    """Return the same packet without an id."""
    return {name: value for name, value in packet.items() if name != "id"}


def texting(key: str, text: str) -> dict[str, Any]:
    return send(key, {"text": text})


FIRST: list[Row] = [
    (92, "a ping first", asking("ping"), "close 4204"),
    (92, "a message first", texting("too-early", "hi"), "close 4204"),
    (92, "an auth first", asking("auth", token=token_for("mallory")), "close 4204"),
    (92, "a batch that begins with a ping", [asking("ping"), hello()], "close 4204"),
    (92, "something unknown first", asking("future"), "error unknown_type then close 4204"),
    (94, "a token of 4,097 characters", hello(token="x" * 4097), "error too_large then close 4204"),
    (94, "a token of 4,096 characters", hello(token="x" * 4096), "error token_invalid then close 4101"),
    (94, "an empty token", hello(token=""), "error bad_request then close 4204"),
    (95, "a hello without an id", unasked(hello()), "close 4204"),
    (97, "version 2 is right", hello(version=2), "ok"),
    (97, "version 2^31 is right", hello(version=2**31), "ok"),
    (97, "version 2^53", hello(version=SOONEST), "error bad_request then close 4204"),
    (97, "version 0", hello(version=0), "error not_supported then close 4203"),
    (97, "version -1", hello(version=-1), "error bad_request then close 4204"),
    (98, "a hello without a version", hello(version=None), "error bad_request then close 4204"),
    (98, "a hello without a token", hello(token=None), "error bad_request then close 4204"),
    (98, "a hello without a device", hello(device=None), "error bad_request then close 4204"),
    (98, "a device of 21 characters", hello(device="d" * 21), "error bad_request then close 4204"),
    (98, "33 features", hello(features=["f"] * 33), "error too_large then close 4204"),
    (98, "features nobody knows are right", hello(features=["f"] * 32), "ok"),
    (101, "a cursor nobody gave", hello(cursor="AAAA"), "ok"),
    (101, "a cursor that is none", hello(cursor="*" * 60), "ok"),
    (101, "a cursor of 8 kB", hello(cursor="x" * 8192), "close 1009"),
    (101, "an epoch nobody knows", hello(epoch="nope", cursor="AAAA"), "ok"),
    (101, "9 rooms in focus", hello(focus=[NOWHERE] * 9), "error too_large then close 4204"),
    (101, "one room in focus 8 times", hello(focus=[OWN] * 8), "ok"),
    (101, "a stranger's room in focus", hello(focus=[FOREIGN]), "ok"),
    (101, "10,000 rooms in focus", hello(focus=[NOWHERE] * 10_000), "close 1009"),
    (105, "no summaries", hello(rooms=0), "error bad_request then close 4204"),
    (105, "10^9 summaries are right", hello(rooms=10**9), "ok"),
    (105, "2^53 inline events", hello(events=SOONEST), "error bad_request then close 4204"),
]  # fmt: skip

LATER: list[Row] = [
    (91, "an unknown type", asking("future"), "error unknown_type"),
    (91, "a type in capitals", asking("Ping"), "error unknown_type"),
    (91, "a type with a space", asking("ping "), "error unknown_type"),
    (91, "no type", {"id": 1}, "error bad_request"),
    (91, "an empty type", asking(""), "error unknown_type"),
    (91, "a push of the server", asking("event", room=OWN, events=[]), "error unknown_type"),
    (91, "a type of 10 kB", asking("x" * 10_000), "error unknown_type"),
    (93, "a second hello", hello(), "error bad_request"),
    (93, "a second hello as somebody else", hello(token=token_for("alice")), "error bad_request"),
    (93, "auth with a fresh token is right", asking("auth", token=token_for("mallory")), "ok"),
    (93, "auth as somebody else", asking("auth", token=token_for("alice")), "error auth_mismatch"),
    (93, "auth with nonsense", asking("auth", token="nonsense"), "error token_invalid"),
    (95, "an id twice at once", [asking("history", room=OWN), asking("history", room=OWN)], "ok"),
    (95, "id 0", {"type": "ping", "id": 0}, "ignored"),
    (95, "id -1", {"type": "ping", "id": -1}, "ignored"),
    (95, "id 2^53", {"type": "ping", "id": SOONEST}, "ignored"),
    (95, "id 2^64-1", {"type": "ping", "id": 2**64 - 1}, "ignored"),
    (95, "an id in words", {"type": "ping", "id": "1"}, "ignored"),
    (95, "no id", {"type": "ping"}, "ignored"),
    *((95, f"an id where none is needed: {type}", asking(type, **more), "ok")
      for type, more in (("pong", {}), ("typing", {"room": OWN}), ("delivered", {"rooms": []}))),
    (98, "a message without a room", asking("send", key="roomless", body={"text": "x"}), "error bad_request"),
    (98, "a message without a key", asking("send", room=OWN, body={"text": "x"}), "error bad_request"),
    (98, "a message without a body", asking("send", room=OWN, key="bodiless"), "error bad_request"),
    (98, "null for a body", send("null-body", None), "error bad_request"),
    (98, "a list for a body", send("list-body", []), "error bad_request"),
    (98, "null for a text", send("null-text", {"text": None}), "error bad_request"),
    (98, "nothing in a body", send("empty-body", {}), "error bad_request"),
    (98, "no attachments", send("none-attached", {"attachments": []}), "error bad_request"),
    (98, "11 attachments",
     send("many-attached", {"attachments": [{"url": "u", "mime": "m"}] * 11}), "error too_large"),
    (98, "an attachment without an address", send("no-address", {"attachments": [{"mime": "m"}]}), "error bad_request"),
    (98, "null for a room", asking("typing", room=None), "error bad_request"),
    (99, "an empty text", texting("empty-text", ""), "error bad_request"),
    (99, "one space", texting("one-space", " "), "ok"),
    (99, "8,193 bytes", texting("8193-bytes", "x" * 8193), "ok"),
    (99, "16,376 bytes are right", texting("16376-bytes", "x" * (16_384 - 9)), "ok"),
    (99, "one byte too much", texting("16377-bytes", "x" * (16_384 - 8)), "error too_large"),
    (99, "8,192 characters of 4 bytes", texting("4-bytes-each", "👋" * 8192), "error too_large"),
    (100, "an empty key", texting("", "x"), "error bad_request"),
    (100, "a key of 37 characters", texting("k" * 37, "x"), "error bad_request"),
    (100, "a key with a space", texting("a key of his", "x"), "error bad_request"),
    (100, "a key with a line end", texting("key-of-his\n", "x"), "error bad_request"),
    (100, "a key of 60 kB", texting("k" * 60_000, "x"), "error bad_request"),
    (100, "a key of 1 MB", texting("k" * 1_000_000, "x"), "close 1009"),
    (100, "a key again with another text",
     [unasked(texting("used-already", "one")), texting("used-already", "two")], "error conflict"),
    (100, "a key again for another operation",
     [unasked(texting("used-for-send", "one")), asking("recall", room=OWN, key="used-for-send", target=HIS)],
     "error conflict"),
    (100, "a key again in another room is right",
     [unasked(texting("in-two-rooms", "one")), send("in-two-rooms", {"text": "two"}, DIRECT)], "ok"),
    (100, "a key of somebody else is right", texting("key-of-alice", "mine"), "ok"),
    (101, "a log from 0", asking("log", room=OWN, **{"from": 0}), "error bad_request"),
    (101, "a log from -1", asking("log", room=OWN, **{"from": -1}), "error bad_request"),
    (101, "a log from far above the end is right", asking("log", room=OWN, **{"from": SOONEST - 1}), "ok"),
    (101, "a log from 2^53", asking("log", room=OWN, **{"from": SOONEST}), "error bad_request"),
    (101, "a log that ends before it begins", asking("log", room=OWN, **{"from": 3, "to": 1}), "ok"),
    (101, "a log of an unknown room", asking("log", room=NOWHERE, **{"from": 1}), "error not_found"),
    (101, "a log of a stranger's room", asking("log", room=FOREIGN, **{"from": 1}), "error not_found"),
    (101, "a room of 13 characters", asking("room.get", room=OWN + "x"), "error bad_request"),
    (101, "a room with a line end", asking("room.get", room=OWN[:-1] + "\n"), "error bad_request"),
    (101, "201 rooms delivered",
     asking("delivered", rooms=[{"room": OWN, "seq": 1}] * 201), "error too_large"),
    (101, "one room delivered 200 times", asking("delivered", rooms=[{"room": OWN, "seq": 1}] * 200), "ok"),
    (101, "10,000 rooms delivered",
     asking("delivered", rooms=[{"room": OWN, "seq": 1}] * 10_000), "close 1009"),
    (101, "9 rooms in focus", asking("focus", rooms=[NOWHERE] * 9), "error too_large"),
    (101, "a room in focus twice", asking("focus", rooms=[OWN, OWN]), "ok"),
    (101, "201 users watched", asking("watch", users=["alice"] * 201), "error too_large"),
    (102, "two rounds of sync at once", [unasked(asking("sync")), asking("sync")], "ok"),
    (102, "a batch of 64 rounds of sync", [unasked(asking("sync"))] * 63 + [asking("sync")], "ok"),
    (103, "a read mark above the end", asking("read", room=OWN, seq=SOONEST - 1), "ok"),
    (103, "a read mark backwards", [unasked(asking("read", room=OWN, seq=5)), asking("read", room=OWN, seq=0)], "ok"),
    (103, "a read mark of 2^53", asking("read", room=OWN, seq=SOONEST), "error bad_request"),
    (103, "a read mark in a stranger's room", asking("read", room=FOREIGN, seq=1), "error not_found"),
    (103, "a delivered mark in a stranger's room", asking("delivered", rooms=[{"room": FOREIGN, "seq": 1}]), "ok"),
    (104, "a cursor that is none", asking("sync", cursor="*"), "error bad_cursor"),
    (104, "a cursor of 60 kB", asking("sync", cursor="x" * 60_000), "error bad_cursor"),
    (104, "a page of nobody's round", asking("sync", more="AAAA.30"), "error bad_cursor"),
    (104, "a page of members that is none", asking("members.list", room=OWN, more="\x00"), "error bad_cursor"),
    (104, "a page of readers that is none", asking("readers", room=OWN, seq=HERS, more="👋"), "error bad_cursor"),
    *((105, f"a limit of {limit} to {type}", asking(type, room=OWN, limit=limit, **more), outcome)
      for type, more in (("log", {"from": 1}), ("history", {}), ("members.list", {}), ("readers", {"seq": HERS}))
      for limit, outcome in ((0, "error bad_request"), (-1, "error bad_request"), (10**9, "error too_large"),
                             (2**53, "error bad_request"))),
    (105, "no numbers of messages", asking("messages", room=OWN, seqs=[]), "error bad_request"),
    (105, "101 numbers of messages", asking("messages", room=OWN, seqs=[HIS] * 101), "error too_large"),
    (105, "one number 100 times", asking("messages", room=OWN, seqs=[HIS] * 100), "ok"),
    (105, "before, after and around", asking("history", room=OWN, before=9, after=1, around=4), "error bad_request"),
]  # fmt: skip


def sent(packets: dict[str, Any] | list[dict[str, Any]], encoding: str) -> bytes:
    """Return a packet, or several in frames of their own."""
    return b"".join(
        packet_frame(one, encoding) for one in ([packets] if isinstance(packets, dict) else packets)
    )


def both(rows: list[Row], when: When) -> tuple[Case, ...]:
    """Return each row in both encodings: they have the same outcome."""
    return tuple(
        Case(number, what, sent(packets, encoding), outcome, when, encoding)
        for number, what, packets, outcome in rows
        for encoding in ENCODINGS
    )


CASES = (*both(FIRST, "first"), *both(LATER, "later"))
