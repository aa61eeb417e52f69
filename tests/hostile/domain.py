"""Layer F, the content of packets: look-alikes, invisible text, edits of others, floods of reactions."""

from typing import Any

from tests.hostile.case import FOREIGN, HERS, HIS, OWN, RECALLED
from tests.hostile.client_bytes import asking
from tests.hostile.packets import Row, both, send, texting

# Ids of users are ASCII (protocol.md "Identifiers and counters"): none of these is a user.
NOBODY = {
    "Cyrillic a": "аdmin",
    "a raised A": "ᴬdmin",
    "a zero width space": "admin\u200b",
    "fullwidth": "ａｄｍｉｎ",
    "a ligature": "ﬁx",
    "a dotted I": "İ",
    "the Kelvin sign": "\u212a",
    "a space at the end": "admin ",
    "right to left": "\u202eadmin",
    "an isolate": "\u2066admin",
    "a byte order mark": "\ufeffadmin",
    "tag characters": "admin\U000e0061",
    "a variation selector": "admin\ufe0f",
    "a lone combining mark": "\u0301",
    "200 combining marks": "a" + "\u0301" * 200,
    "unassigned": "\u0378",
    "private use": "\ue000",
    "NUL": "admin\x00",
    "a line end": "admin\n",
    "nothing": "",
    "65 characters": "a" * 65,
    "a path": "../admin",
    "a quote": "admin' or 1=1--",
}

# Texts belong to the host app: they are carried as they are, byte for byte (protocol.md "Body").
TEXTS = {
    "fifty joined emoji": "\u200d".join(["👩"] * 50),
    "Zalgo": "Z" + "\u0300\u0301\u0302\u0303" * 900,
    "the widest ligature": "\ufdfd" * 2000,
    "only invisibles": "\u200b\u200c\u200d\u2060\ufeff",
    "right to left, never closed": "\u202e" * 500,
    "unassigned and private": "\u0378\ue000\U0010ffff",
    "control characters": "".join(map(chr, range(32))),
    "terminal commands": "\x1b[2J\x1b]0;owned\x07",
    "line separators": "a\u2028b\u2029c\x85d",
    "markup": "<script>alert(1)</script>{{7*7}}${jndi:ldap://x}",
    "a query": "'; drop table messages; --",
}

NO_EMOJI = {
    "NUL": "\0",
    "a blank": " ",
    "32 letters": "x" * 32,
    "two": "👍👍",
    "half a flag": "\U0001f1e6",
    "a joiner too many": "👩\u200d",
    "a variation selector alone": "\ufe0f",
    "a skin tone alone": "\U0001f3fd",
    "Zalgo": "👍" + "\u0301" * 8,
    "right to left": "\u202e👍",
}

LINK = {"type": "link", "url": "https://example.com/", "title": "t"}
NO_CARDS = {
    "no type": {"url": "https://example.com/"},
    "a type in capitals": {**LINK, "type": "Link"},
    "a type of 17 letters": {**LINK, "type": "l" * 17},
    "no title": {"type": "link", "url": "https://example.com/"},
    "a script": {**LINK, "url": "javascript:alert(1)"},
    "plain HTTP": {**LINK, "url": "http://example.com/"},
    "a name before the host": {**LINK, "url": "https://example.com@evil.example/"},
    "a backslash": {**LINK, "url": "https://evil.example\\@example.com/"},
    "a line end": {**LINK, "url": "https://example.com/\r\nSet-Cookie: a"},
    "an override of the direction": {**LINK, "url": "https://example.com/\u202egpj.exe"},
    "a picture from anywhere": {**LINK, "image": "https://evil.example/pixel.gif"},
    "a picture in itself": {**LINK, "image": "data:image/png;base64,AAAA"},
    "keys of another type": {**LINK, "invite": "A" * 22},
    "a place off the globe": {"type": "place", "lat": 900_000_001, "lon": 0},
    "a place far out": {"type": "place", "lat": 0, "lon": 2**53 - 1},
    "a place in fractions": {"type": "place", "lat": 0.5, "lon": 1},
    "an invite that is none": {"type": "room", "invite": "../../../../etc/passwd"},
    "a user who is none": {"type": "contact", "user": "a b"},
    "a claim of the host": {**LINK, "title": ["t"]},
}
SPANS = {
    "behind the text": [{"at": 2, "length": 1, "user": "alice"}],
    "of 2^53-1 characters": [{"at": 0, "length": 2**53 - 1, "user": "alice"}],
    "at -1": [{"at": -1, "length": 1, "user": "alice"}],
    "of nothing": [{"at": 0, "length": 0, "user": "alice"}],
    "one in another": [{"at": 0, "length": 2, "user": "alice"}, {"at": 1, "length": 1, "user": "alice"}],
    "of somebody else": [{"at": 0, "length": 1, "user": "bob"}],
}
ORIGINS = {"nothing": {}, "another": {"user": "alice", "time": 1}, "a post": {"room": FOREIGN, "seq": 1}}


def forward(key: str, seqs: list[int], source: str = OWN, room: str = OWN) -> dict[str, Any]:
    return asking("forward", room=room, key=key, seqs=seqs, **{"from": source})


ROWS: list[Row] = [
    *((106, f"a user: {what}", asking("room.direct", user=user), "error bad_request") for what, user in NOBODY.items()),
    *((106, f"a member: {what}", asking("room.create", key="nobodies-room", kind="group", title="t", users=[user]),
       "error bad_request") for what, user in NOBODY.items()),
    (107, "a title of invisibles only",
     asking("room.update", room=OWN, key="invisible-title", title="\u200b\u2060\ufeff"), "ok"),
    (107, "a title of 257 characters", asking("room.update", room=OWN, key="long-title", title="x" * 257),
     "error too_large"),
    *((109 if what == "Zalgo" or "ligature" in what else 108, f"a message: {what}", texting(f"text-{number:04}", text),
       "ok") for number, (what, text) in enumerate(TEXTS.items())),
    (110, "the title of another room",
     asking("room.create", key="same-title-1", kind="group", title="own"), "ok"),
    (110, "the title of another room in fullwidth",
     asking("room.create", key="same-title-2", kind="group", title="ｏｗｎ"), "ok"),
    (111, "everybody is mentioned", send("everybody", {"text": "x", "mentions": ["*"]}), "ok"),
    (111, "51 mentions", send("51-mentions", {"text": "x", "mentions": ["alice"] * 51}), "error too_large"),
    (111, "1,000 mentions", send("1000-mentions", {"text": "x", "mentions": ["alice"] * 1000}), "error too_large"),
    (111, "a stranger is mentioned", send("stranger", {"text": "x", "mentions": ["bob", "nobody"]}), "ok"),
    (111, "a mention that is no user", send("no-user", {"text": "x", "mentions": ["@all"]}), "error bad_request"),
    (112, "edit what another said",
     asking("edit", room=OWN, key="edit-hers", target=HERS, body={"text": "x"}), "error forbidden"),
    (112, "edit what was recalled",
     asking("edit", room=OWN, key="edit-recalled", target=RECALLED, body={"text": "x"}), "error conflict"),
    (112, "edit what is no message",
     asking("edit", room=OWN, key="edit-created", target=1, body={"text": "x"}), "error not_found"),
    (112, "edit what is not there yet",
     asking("edit", room=OWN, key="edit-future", target=2**53 - 1, body={"text": "x"}), "error not_found"),
    (112, "edit in a stranger's room",
     asking("edit", room=FOREIGN, key="edit-foreign", target=2, body={"text": "x"}), "error not_found"),
    (112, "recall twice", asking("recall", room=OWN, key="recall-twice", target=RECALLED), "error conflict"),
    (113, "a reaction of 60 kB",
     asking("react", room=OWN, key="react-60kb", target=HIS, emoji="x" * 60_000, set=True),
     "error too_large"),
    (113, "a reaction of 67 bytes",
     asking("react", room=OWN, key="react-67", target=HIS, emoji="\u200d".join(["👩"] * 10), set=True),
     "error too_large"),
    *((113, f"a reaction: {what}", asking("react", room=OWN, key="react-form", target=HIS, emoji=emoji, set=True),
       "error bad_request") for what, emoji in NO_EMOJI.items()),
    (113, "an empty reaction", asking("react", room=OWN, key="react-empty", target=HIS, emoji="", set=True),
     "error bad_request"),
    (113, "a reaction in a word is right",
     asking("react", room=OWN, key="react-word", target=HIS, emoji=":no:", set=True), "ok"),
    (113, "a reaction to nothing", asking("react", room=OWN, key="react-none", target=1, emoji="👍", set=True),
     "error not_found"),
    (114, "an answer to itself", send("answer-itself", {"text": "x", "reply_to": 2**53 - 1}), "ok"),
    (114, "an answer to 0", send("answer-zero", {"text": "x", "reply_to": 0}), "error bad_request"),
    (116, "removes himself",
     asking("members.remove", room=OWN, key="remove-self", users=["mallory"]), "error bad_request"),
    (116, "takes the role from the last owner", asking("members.role", room=OWN, key="last-owner", users=[
        {"user": "mallory", "role": "member"}]), "error forbidden"),
    (116, "gives a role nobody knows", asking("members.role", room=OWN, key="role-god", users=[
        {"user": "alice", "role": "god"}]), "error bad_request"),
    *((166, f"a card: {what}", send("no-card-at-all", {"text": "x", "card": card}), "error bad_request")
      for what, card in NO_CARDS.items()),
    (166, "a card of 4 kB of a type that is not known",
     send("card-large", {"card": {**LINK, "type": "later", "data": "x" * 4096}}), "error too_large"),
    (166, "a card with a key nobody knows is right", send("card-more", {"card": {**LINK, "verified": True}}), "ok"),
    *((166, f"a span {what}", send("no-span-at-all", {"text": "hi", "mentions": ["alice"], "spans": spans}),
       "error bad_request") for what, spans in SPANS.items()),
    (166, "51 spans", send("51-spans", {"text": "x", "spans": [{"at": 0, "length": 1, "user": "alice"}] * 51}),
     "error too_large"),
    *((166, f"an origin: {what}", send("forged-origin", {"text": "x", "forwarded": origin}), "error bad_request")
      for what, origin in ORIGINS.items()),
    *((166, f"an origin put into an edit: {what}", asking("edit", room=OWN, key="forged-edit", target=HIS, body={
        "text": "x", "forwarded": origin}), "error bad_request") for what, origin in ORIGINS.items()),
    (166, "forward out of a stranger's room", forward("forward-out", [2], FOREIGN), "error not_found"),
    (166, "forward into a stranger's room", forward("forward-in", [HIS], room=FOREIGN), "error not_found"),
    (166, "forward what was recalled", forward("forward-gone", [RECALLED]), "error not_found"),
    (166, "forward what is no message", forward("forward-none", [1]), "error not_found"),
    (166, "forward what is not there yet", forward("forward-soon", [2**53 - 1]), "error not_found"),
    (166, "forward 101 messages", forward("forward-many", [HIS] * 101), "error too_large"),
    (166, "forward nothing", forward("forward-zero", []), "error bad_request"),
]  # fmt: skip

CASES = both(ROWS, "later")
