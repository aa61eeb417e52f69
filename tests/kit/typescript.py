"""The types and vectors of the TypeScript client, generated from protocol.md.

`python -m tests.kit.typescript` writes web/sdk/src/core/packets.ts and web/sdk/test/vectors.json;
tests/web/test_typescript.py compares them with what is generated. Every cell of a column "Type" must parse by this
grammar, and so must the cells "Further keys" of the kinds of events:

    type    = one ["?"]
    one     = "[" type [", " type] "]" | "map of " one | "{" fields "}" [" of " one] | word [bound]
            | choice [" or " word [bound]]
    fields  = field {", " field}          field = "`" name "`" [" " type] ["?"]
    choice  = "`" name "`" {(", " | " or ") "`" name "`"}
    bound   = " ≤ " number [" bytes"] | " ≥ " number | " " number "–" number
"""

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.kit import document
from tests.kit.document import Row, Section

SDK = Path(__file__).parents[2] / "web" / "sdk"
PACKETS = SDK / "src" / "core" / "packets.ts"
VECTORS = SDK / "test" / "vectors.json"

OBJECTS = {
    "5.2": "Body",
    "5.3": "Attachment",
    "5.4": "RoomSummary",
    "5.5": "SyncPage",
    "5.6": "AccountRow",
    "20.1.1": "Contact",
    "20.1.2": "Circle",
    "20.4.1": "Audience",
    "20.4.2": "Privacy",
    "20.6.1": "Profile",
    "20.6.2": "Page",
    "21.4.2": "Button",
    "22.1.2": "PushOffer",
    "22.2.1": "PushPreferences",
    "24.1.1": "Policy",
    "24.2.2": "JoinRow RoomCard",
    "24.2.3": "Invite",
    "24.4.1": "Card",
    "24.4.2": "Span",
    "24.4.3": "MessageOrigin",
}

WORDS = {
    "str": "string",
    "u53": "number",
    "i53": "number",
    "ms": "number",
    "bool": "boolean",
    "flag": "boolean",
    "any": "unknown",
    **dict.fromkeys(("user", "room", "device", "key"), "string"),
    "role": '"member" | "admin" | "owner"',
    **{name: name for name in ("Event", *" ".join(OBJECTS.values()).split())},
}

UNTYPED = {"role": "string", "state": "string", "receipts": "ReceiptEntry[]"}
"""The types of keys that stand in braces without one and are not named like their type."""

LEFT_OUT = {"state"}
"""Keys in braces that have a default, so that they may be absent (protocol.md, "presence")."""

ENTRIES = {
    "ReactionCount": ("Event", "reactions"),
    "ReceiptEntry": ("ReceiptsPush", "receipts"),
    "PresenceEntry": ("PresencePush", "users"),
    "RoomHead": ("FocusReply", "rooms"),
    "MemberEntry": ("MembersListReply", "members"),
    "ReaderEntry": ("ReadersReply", "readers"),
    "DeviceEntry": ("DevicesListReply", "devices"),
    "PushDecision": ("PushDecisionsReply", "decisions"),
}
"""Names for the items of some arrays, which protocol.md writes in braces."""

SAME_REPLY = {"members.get": "members.list"}
"""Requests whose reply has the keys that another section describes."""

FRAME_BYTES_MAX = 8192
"""Negative frames above this size are left out: their size is all that is wrong with them."""


HEAD = """/** The packets of the protocol; generated from protocol.md by `python -m tests.kit.typescript`.
 *
 * They describe what a peer that keeps to the protocol sends: unknown keys are ignored, and an absent key has its
 * default. */"""


class Malformed(ValueError):
    """A cell does not parse by the grammar."""


@dataclass(frozen=True)
class Key:
    """A key of a packet: its TypeScript type, and whether it may be absent."""

    name: str
    type: str
    optional: bool
    meaning: str = ""

    def __str__(self) -> str:
        return f"{self.name}{'?' if self.optional else ''}: {self.type}"


class Cell:
    """A parser of one cell."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0

    def whole(self) -> tuple[str, bool]:
        """Return the type of the cell, and whether a `?` says that it may be absent."""
        found = self.type()
        if self._at != len(self._text):
            raise Malformed(f"{self._text!r} from {self._at} on")
        return found

    def whole_fields(self) -> list[Key]:
        """Return the keys of a cell that lists some."""
        # A cell of one name came without its backticks.
        self._text = re.sub(r"^\w+$", r"`\g<0>`", self._text)
        keys = self.fields(bare={}) if self._text else []
        if self._at != len(self._text):
            raise Malformed(f"{self._text!r} from {self._at} on")
        return keys

    def type(self) -> tuple[str, bool]:
        found = self.one()
        return found, self.take(r"\?") is not None

    def one(self) -> str:
        if self.take(r"\["):
            item, _ = self.type()
            if self.take(", "):
                second, _ = self.type()
                self.need(r"\]")
                return f"[{item}, {second}]"
            self.need(r"\]")
            return f"({item})[]" if " " in item and not item.startswith("{") else f"{item}[]"
        if self.take("map of "):
            return f"{{ [name: string]: {self.one()} }}"
        if self.take(r"\{"):
            return self.record()
        if choice := self.take(r"`(\w+)`(?:(?:, | or )`\w+`)*"):
            words = " | ".join(f'"{name}"' for name in re.findall(r"`(\w+)`", choice[0]))
            return f"{words} | {self.word()}" if self.take(" or ") else words
        return self.word()

    def word(self) -> str:
        word = self.need(r"\w+")[0]
        if word not in WORDS:
            raise Malformed(f"{word!r} in {self._text!r} is no type")
        self.take(r" ≤ \d+( bytes)?| ≥ \d+| \d+–\d+")
        return WORDS[word]

    def record(self) -> str:
        start = self._at
        end = self._text.find("} of ", start)
        bare: dict[str, str] = UNTYPED
        if end >= 0 and "{" not in self._text[start:end]:
            bare = dict.fromkeys(re.findall(r"`(\w+)`", self._text[start:end]), "")
        keys = self.fields(bare)
        self.need(r"\}")
        if self.take(" of "):
            of = self.one()
            keys = [Key(key.name, of, key.optional) for key in keys]
        return "{ " + "; ".join(map(str, keys)) + " }"

    def fields(self, bare: dict[str, str]) -> list[Key]:
        keys = [self.field(bare)]
        while self.take(", "):
            keys.append(self.field(bare))
        return keys

    def field(self, bare: dict[str, str]) -> Key:
        name = self.need(r"`(\w+)`")[1]
        if self.take(" "):
            return Key(name, *self.type())
        type = bare.get(name, WORDS.get(name, ""))
        return Key(name, type, self.take(r"\?") is not None or name in LEFT_OUT)

    def take(self, pattern: str) -> re.Match[str] | None:
        found = re.compile(pattern).match(self._text, self._at)
        if found is not None:
            self._at = found.end()
        return found

    def need(self, pattern: str) -> re.Match[str]:
        found = self.take(pattern)
        if found is None:
            raise Malformed(f"{self._text!r}: no {pattern!r} at {self._at}")
        return found


def typed(cell: str, section: Section) -> tuple[str, bool]:
    """Return the type that a cell of the column "Type" states; a choice of one word lost its backticks on the way."""
    is_choice = cell not in WORDS and f"| `{cell}` |" in section.text
    return Cell(f"`{cell}`" if is_choice else cell).whole()


def keys_of(section: Section, *, first: str) -> list[Key]:
    """Return the keys of the tables of a section whose first column is titled `first`."""
    return [
        key for row in section.table(first=first) if "Type" in row for key in row_keys(row, section, first)
    ]


def row_keys(row: Row, section: Section, first: str) -> Iterator[Key]:
    type, may_be_absent = typed(row["Type"], section)
    on_all = row.get("On kinds", "all") == "all"
    default = row.get("Default", row.get("Group", "required"))
    optional = may_be_absent or not on_all or default != "required"
    for name in document.words(row[first]):
        yield Key(name, type, optional, plain(row["Meaning"]))


def plain(meaning: str) -> str:
    return meaning.replace("*/", "* /").removesuffix(".")


def event() -> list[Key]:
    """Return the keys of an event: those of the table, and the further ones of the kinds."""
    section = document.section("5.1")
    keys = {key.name: key for key in keys_of(section, first="Key")}
    for row in section.table(first="kind"):
        for key in Cell(row["Further keys"]).whole_fields():
            if not key.type:
                assert key.name in keys, f"{key.name} has no type"
                continue
            known = keys.get(key.name)
            parts = [] if known is None else known.type.split(" | ")
            type = " | ".join([*parts, *(() if key.type in parts else (key.type,))])
            meaning = known.meaning if known else f"On {row['kind'].replace('`', '')}"
            keys[key.name] = Key(key.name, type, True, meaning)
    return list(keys.values())


def camel(type: str) -> str:
    return "".join(part.capitalize() for part in re.split(r"[._]", type))


def reply_keys(request: str) -> list[Key]:
    """Return the keys of the `ok` to a request: named by the index, typed by its section or that of the objects."""
    described = (request, SAME_REPLY.get(request, ""))
    places = [
        keys_of(section, first="Reply key") for name in described for section in document.sections_of(name)
    ]
    places += [
        keys_of(document.section("9.1"), first="Reply key"),
        keys_of(document.section("5.5"), first="Key"),
    ]
    known = {key.name: key for place in reversed(places) for key in place}
    cell = document.index()[request]["Reply"]
    if cell in ("bare", "no reply") or cell.startswith("`error`"):
        return []
    return [
        Key(name, known[name].type, optional, known[name].meaning)
        for name, optional in document.words(cell).items()
    ]


def request_keys(request: str) -> list[Key]:
    found = [key for section in document.sections_of(request) for key in keys_of(section, first="Key")]
    listed = document.words(document.index()[request]["Keys"]) if document.index()[request]["Keys"] else {}
    return [key for key in found if key.name in listed]


def push_keys(push: str) -> list[Key]:
    """Return the keys of a push; a section that describes several pushes has one table for all."""
    found = [key for section in document.sections_of(push) for key in keys_of(section, first="Push key")]
    listed = document.words(document.pushes()[push]["Keys"])
    return [key for key in found if key.name in listed]


def declared(name: str, keys: list[Key], about: str, type: str = "") -> str:
    lines = [f"/** {about} */", f"export type {name} = {{"]
    lines += [f'  type: "{type}";'] if type else []
    for key in keys:
        lines += [f"  /** {key.meaning} */"] if key.meaning else []
        lines.append(f"  {key};")
    return "\n".join([*lines, "};"])


def packets() -> str:
    """Return the TypeScript of all packets."""
    requests, pushes = list(document.index()), list(document.pushes())
    parts = [
        HEAD,
        "/** A packet as it is sent, or as it was decoded. */\nexport type Packet = { [key: string]: any };",
        declared("Event", event(), 'One entry in the log of a room (protocol.md, "Event").'),
    ]
    for number, names in OBJECTS.items():
        section = document.section(number)
        title = section.title.partition(" ")[2]
        described = [rows for rows in section.tables if {"Key", "Type"} <= rows[0].keys()]
        for place, name in enumerate(names.split()):
            # A section of one object may have further tables, which have more of its keys.
            tables = described if " " not in names else described[place : place + 1]
            keys = [key for rows in tables for row in rows for key in row_keys(row, section, "Key")]
            parts.append(declared(name, keys, f'Protocol.md, "{title}".'))
    errors = [key for key in keys_of(document.section("3.2"), first="Key") if key.name not in ("type", "id")]
    errors = [Key(key.name, key.type, key.name != "code", key.meaning) for key in errors]
    parts.append(declared("ErrorReply", errors, 'A refusal (protocol.md, "error").'))
    acks = keys_of(document.section("9.1"), first="Reply key")
    parts.append(declared("Ack", acks, 'The reply to a mutation (protocol.md, "Mutations and their key").'))
    for type in requests:
        parts.append(
            declared(f"{camel(type)}Request", request_keys(type), f"`{type}`, from the client.", type)
        )
        parts.append(declared(f"{camel(type)}Reply", reply_keys(type), f"The `ok` to `{type}`."))
    for type in pushes:
        parts.append(declared(f"{camel(type)}Push", push_keys(type), f"`{type}`, from the server.", type))
    for name, (owner, key) in ENTRIES.items():
        parts.append(f'export type {name} = NonNullable<{owner}["{key}"]>[number];')
    parts.append(union("Request", [f"{camel(type)}Request" for type in requests]))
    parts.append(union("Push", [f"{camel(type)}Push" for type in pushes]))
    rows = "\n".join(f'  "{type}": {camel(type)}Reply;' for type in requests)
    codes = "\n  | ".join(f'"{code}"' for code in document.errors())
    parts.append(
        f'/** The error codes (protocol.md, "Error codes"). */\nexport type ErrorCode =\n  | {codes};'
    )
    parts.append(f"/** The reply to each request. */\nexport type Replies = {{\n{rows}\n}};")
    return "\n\n".join(parts) + "\n"


def union(name: str, members: list[str]) -> str:
    return f"export type {name} =\n  | " + "\n  | ".join(members) + ";"


def vectors() -> str:
    """Return the vectors, negative frames and replays as JSON, one a line."""
    lists: dict[str, list[dict[str, Any]]] = {
        "vectors": [
            {
                "name": each.name,
                "direction": each.direction,
                "title": each.title,
                "form": each.form,
                "json": each.json_text,
                "hex": each.payload.hex(),
            }
            for each in document.vectors()
        ],
        "negative": [
            {
                "name": each.name,
                "on": each.subprotocol,
                "as": each.opcode,
                "hex": each.payload.hex(),
                "outcome": each.outcome,
                "title": each.title,
            }
            for each in document.negative_frames()
            if len(each.payload) <= FRAME_BYTES_MAX
        ],
        "attention": [
            {
                "room": json.loads(row["Example"]),
                "push": json.loads(row["push"]),
                "level": row["Level"],
                "badge": int(row["Badge"]),
            }
            for row in document.section("22.3.1").tables[0]
        ],
        "replays": [
            {"name": each.name, "title": each.title, "steps": each.steps} for each in document.replays()
        ],
    }
    bodies = [f'"{name}": [\n' + ",\n".join(map(line, items)) + "\n]" for name, items in lists.items()]
    return "{\n" + ",\n".join(bodies) + "\n}\n"


def line(item: dict[str, Any]) -> str:
    return json.dumps(item, ensure_ascii=False, separators=(",", ":"))


GENERATED: dict[Path, Callable[[], str]] = {PACKETS: packets, VECTORS: vectors}

if __name__ == "__main__":
    for path, generate in GENERATED.items():
        path.write_text(generate(), encoding="utf-8")
