"""The rounds of one client: pages of rooms and account rows, and the cursor at their end (protocol.md "sync")."""

from typing import TYPE_CHECKING

from tests.simulation.history import Packet, Snapshot

if TYPE_CHECKING:
    from tests.simulation.client import SimClient

# The most seconds until a client asks for account rows that were not sent.
LAZY_S = 20


class Rounds:
    """The round under way. `rooms`: those that a full round named so far. `again`: another round is to follow."""

    def __init__(self, client: "SimClient") -> None:
        self._phone = client
        self.rooms: set[str] | None = None
        self.again = False
        self._under_way = False
        # Account rows named since the round began.
        self._named: set[tuple[str, str]] = set()

    def begin(self) -> None:
        """Begin a round."""
        self._under_way = True
        self._named.clear()

    def lost(self) -> None:
        """Forget the round under way, as the connection is gone."""
        self._under_way = self.again = False

    def welcomed(self, page: Packet) -> None:
        """Take the first page, in the hello reply."""
        self.rooms = set() if page.get("full") else None
        self.page({}, page)

    def page(self, request: Packet, page: Packet) -> None:
        client = self._phone
        for summary in page["rooms"]:
            client.summary(summary)
        for room in page.get("gone", ()):
            client.forget(room)
        self._take_rows(page)
        if "more" in page:
            client.connection.ask({"type": "sync", "more": page["more"]})  # type: ignore[union-attr]
            return
        for section in page.get("full_sections", ()):
            held = client.storage.rows.get(section, {})
            client.storage.rows[section] = {
                name: held[name] for name in held if (section, name) in self._named
            }
        self.store(page["cursor"])
        if self.rooms is not None:
            for room in [room for room in client.storage.timelines if room not in self.rooms]:
                client.forget(room)
            self.rooms = None
        self._under_way = False
        if self.again:
            self.synchronise()

    def synchronised(self, request: Packet, reply: Packet) -> None:
        """Take a page of a round; one that nobody goes on from is read by the checkers only."""
        if "cursor" in request or "more" in request:
            self.page(request, reply)
        else:
            self._phone.answers.append((request, reply))

    def synchronise(self) -> None:
        """Begin a round on the open connection, when the one under way has ended."""
        client = self._phone
        self.again = self._under_way
        if client.ready and not self._under_way:
            self.begin()
            request = {"type": "sync", "cursor": client.storage.cursor, "rooms": 2}
            client.connection.ask(request)  # type: ignore[union-attr]

    def account(self, push: Packet) -> None:
        """Take account rows that changed; announced ones are asked for a while later."""
        self._take_rows(push)
        if push.get("more"):
            self.again = True
            self._phone.environment.loop.call_later(self._phone.lane.pick(LAZY_S), self.synchronise)

    def store(self, cursor: str) -> None:
        """Store a cursor, and for the checkers the account rows it stands for."""
        client, storage = self._phone, self._phone.storage
        if cursor != storage.cursor:
            storage.cursor, storage.old_cursor = cursor, storage.old_cursor or storage.cursor
            rows = {section: dict(held) for section, held in storage.rows.items()}
            client.environment.snapshots.append(
                Snapshot(client.name, client.user, storage.epoch, cursor, rows, storage.views())
            )

    def _take_rows(self, packet: Packet) -> None:
        sections = packet.get("sections", {})
        self._phone.storage.take_rows(sections)
        self._named.update((section, row["name"]) for section, rows in sections.items() for row in rows)
