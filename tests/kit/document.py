"""protocol.md as data: its sections, tables, conversations, vectors, negative frames and replays.

It reads only what the document states; the meaning of the bytes of a vector is in vectors.py.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

PATH = Path(__file__).parents[2] / "protocol.md"

# Column title -> cell, without the backticks around it.
Row = dict[str, str]


@dataclass(frozen=True)
class Section:
    """A heading and its text, up to the next heading of any level."""

    level: int
    title: str
    text: str

    @property
    def number(self) -> str:
        """The number, as `9.3` of "9.3 `send`"; empty when the heading has none."""
        found = re.match(r"[\d.]*\d", self.title)
        return found[0] if found else ""

    @property
    def types(self) -> tuple[str, ...]:
        """The packet types named in the heading."""
        return tuple(re.findall(r"`([a-z_.]+)`", self.title))

    @property
    def tables(self) -> list[list[Row]]:
        return tables(self.text)

    def table(self, *, first: str) -> list[Row]:
        """Return the rows of all tables whose first column is titled `first`."""
        return [row for rows in self.tables if rows and next(iter(rows[0])) == first for row in rows]


@dataclass(frozen=True)
class Vector:
    """One conformance vector, exactly as the document states it."""

    name: str
    # C>S, S>C, any.
    direction: str
    title: str
    # msgpack, wrapper, server frame, client frame.
    form: str
    json_text: str
    payload: bytes
    # The sizes the document claims.
    payload_bytes: int
    json_bytes: int

    @property
    def value(self) -> Any:
        """The packet, with byte strings still in their JSON form."""
        return json.loads(self.json_text)

    @property
    def packets(self) -> list[dict[str, Any]]:
        return self.value if isinstance(self.value, list) else [self.value]


@dataclass(frozen=True)
class NegativeFrame:
    """A frame that breaks the protocol, and the answer of the server."""

    name: str
    # The first frame of a connection; otherwise it follows an accepted hello.
    first: bool
    # msgpack, json.
    subprotocol: str
    # binary, text.
    opcode: str
    payload: bytes
    # "close 4204", "error bad_request", "ignored".
    outcome: str
    title: str


@dataclass(frozen=True)
class Replay:
    """A replay vector: the steps of a client, and the replica it ends with."""

    name: str
    title: str
    steps: list[dict[str, Any]]


@dataclass(frozen=True)
class Line:
    """One frame of a conversation: `sender` is C or S, then its JSON."""

    sender: str
    json_text: str
    section: str

    @property
    def packets(self) -> list[dict[str, Any]]:
        value = json.loads(self.json_text)
        return value if isinstance(value, list) else [value]


@cache
def text() -> str:
    return PATH.read_text(encoding="utf-8")


@cache
def sections() -> tuple[Section, ...]:
    """Return all sections in order. Headings inside fenced blocks do not count."""
    found: list[Section] = []
    level, title, lines = 0, "", list[str]()
    fenced = False
    for line in text().splitlines():
        fenced ^= line.startswith("```")
        heading = None if fenced else re.match(r"(#+) (.*)", line)
        if heading is None:
            lines.append(line)
            continue
        found.append(Section(level, title, "\n".join(lines)))
        level, title, lines = len(heading[1]), heading[2], []
    found.append(Section(level, title, "\n".join(lines)))
    return tuple(found)


def section(number: str) -> Section:
    """Return the section with this number, such as "2.7" or "16"."""
    (found,) = (section for section in sections() if section.number == number)
    return found


def sections_of(type: str) -> list[Section]:
    """Return the sections whose heading names this packet type."""
    return [section for section in sections() if type in section.types]


def tables(text: str) -> list[list[Row]]:
    """Return the tables in a text: for each its rows, for each row its cells by column title."""
    found: list[list[Row]] = []
    titles: list[str] | None = None
    for line in text.splitlines():
        if not line.startswith("|"):
            titles = None
        elif titles is None:
            titles = cells(line)
            found.append([])
        elif not re.fullmatch(r"[|\- ]+", line):
            found[-1].append(dict(zip(titles, cells(line), strict=True)))
    return found


def cells(line: str) -> list[str]:
    """Return the cells of one row, which an escaped bar does not part; one word in backticks comes without them."""
    row = re.split(r"(?<!\\)\|", line.strip().removeprefix("|").removesuffix("|"))
    return [re.sub(r"^`([^`]*)`$", r"\1", cell.strip()) for cell in row]


def words(cell: str) -> dict[str, bool]:
    """Return the names in backticks of a cell, and whether a `?` follows each."""
    named = cell if "`" in cell else f"`{cell}`"
    return {name: mark == "?" for name, mark in re.findall(r"`([^`]+)`(\??)", named) if name}


def keys(type: str, *, first: str = "Key") -> dict[str, bool]:
    """Return the keys of a packet type by its tables titled `first`, and whether each is required."""
    rows = [row for section in sections_of(type) for row in section.table(first=first)]
    return {name: row["Default"] == "required" for row in rows for name in words(row[first])}


def errors() -> dict[str, str]:
    """Return the error codes with their `retry`."""
    return {row["code"]: row["retry"] for row in section("16").tables[0]}


def closes() -> dict[int, str]:
    """Return the close codes with their reason words, of all codes a server may use."""
    return {
        int(code): row["reason"]
        for row in section("15").tables[0]
        for code in row["Code"].split(", ")
        if code.isdigit()
    }


def limits() -> dict[str, int]:
    """Return the size limits with their defaults."""
    return {row["Key"]: int(row["Default"]) for row in section("2.7").tables[0]}


def thresholds() -> dict[str, int]:
    """Return the thresholds and times of protocol.md "Thresholds"."""
    return {row["Name"]: int(row["Value"]) for row in section("12.1").tables[0]}


def index() -> dict[str, Row]:
    """Return the requests of the index of all packets, by type."""
    return {row["Request"]: row for row in section("3.4").table(first="Request")}


def pushes() -> dict[str, Row]:
    """Return the pushes of the index of all packets, by type."""
    return {row["Push"]: row for row in section("3.4").table(first="Push")}


def conversations() -> Iterator[Line]:
    """Return every frame of every conversation. A frame may continue on indented lines."""
    for section in sections():
        for block in re.findall(r"^```conversation\n(.*?)^```", section.text, re.S | re.M):
            for frame in re.split(r"^(?=[CS]> )", block, flags=re.M):
                if frame:
                    yield Line(frame[0], frame[3:].strip(), section.title)


def vectors() -> list[Vector]:
    """Return all vectors, in the order of the document."""
    return [vector(section) for section in sections() if re.match(r"C\d+ ", section.title)]


def vector(section: Section) -> Vector:
    name, direction, title = section.title.split(" ", 2)
    sizes = re.search(r"^(\d+) bytes ([a-z ]+), (\d+) bytes json\.$", section.text, re.M)
    assert sizes is not None, f"{name}: its sizes are not stated"
    return Vector(
        name=name,
        direction=direction,
        title=title,
        form=sizes[2],
        json_text=block(section, "json"),
        payload=bytes.fromhex(block(section, "hex")),
        payload_bytes=int(sizes[1]),
        json_bytes=int(sizes[3]),
    )


def block(section: Section, language: str) -> str:
    """Return the content of the one fenced block of this language in a section."""
    (found,) = blocks(section, language)
    return found


def blocks(section: Section, language: str) -> list[str]:
    """Return the content of all fenced blocks of this language."""
    return re.findall(rf"^```{language}\n(.*?)\n?^```", section.text, re.S | re.M)


def replays() -> list[Replay]:
    """Return all replay vectors, in the order of the document."""
    return [replay(section) for section in sections() if re.match(r"R\d+ ", section.title)]


def replay(section: Section) -> Replay:
    name, title = section.title.split(" ", 1)
    return Replay(name, title, [json.loads(line) for line in block(section, "replay").splitlines()])


def negative_frames() -> list[NegativeFrame]:
    """Return all negative frames, with their bytes built."""
    known = {vector.name: vector.payload for vector in vectors()}
    return [negative_frame(row, known) for row in section("17.3").tables[0]]


def negative_frame(row: Row, known: dict[str, bytes]) -> NegativeFrame:
    literal = row["Sent as"] == "text"
    return NegativeFrame(
        name=row["Name"],
        first=row["When"] == "first",
        subprotocol=row["On"],
        opcode=row["Sent as"].removeprefix("raw "),
        payload=row["Frame"].encode() if literal else built(row["Frame"], known),
        outcome=row["Outcome"],
        title=row["What it is"],
    )


def built(parts: str, known: dict[str, bytes]) -> bytes:
    """The bytes of a frame written in parts: hex, the name of a vector, `*65` behind either to repeat it.

    >>> built("92 C16*2", {"C16": b"."})
    b'\\x92..'
    """
    frame = b""
    for part in parts.split():
        word, _, times = part.partition("*")
        frame += (known[word] if word in known else bytes.fromhex(word)) * int(times or 1)
    return frame
