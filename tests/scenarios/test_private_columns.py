"""Columns for the server's own use are never sent to others: every such column holds a canary."""

import sqlite3
from pathlib import Path
from typing import Any

import msgpack
import pytest

from chatd.core.friends import Befriend
from tests.kit.auth_matrix import PreparedRoom, request_of, rows
from tests.kit.client import TestClient, fresh_key
from tests.kit.clients import Clients
from tests.kit.daemon import RunningDaemon

WHO = "user = 'ann'"
OPERATION = "kind != 'message'"

# Private columns of ann, the others' rows, and of requests by ann: (table, column): whose rows.
PRIVATE = {
    ("users", "password"): WHO,
    ("users", "generation"): WHO,
    ("users", "revoked_before"): WHO,
    ("users", "created_at"): WHO,
    ("users", "restricted_until"): WHO,
    ("users", "restricted_reason"): WHO,
    ("devices", "device"): WHO,
    ("devices", "app"): WHO,
    ("devices", "os"): WHO,
    ("devices", "revoked_before"): WHO,
    ("members", "first_visible"): WHO,
    ("members", "read"): WHO,  # ann shows no receipts
    ("members", "delivered"): WHO,
    ("members", "read_ordinal"): WHO,
    ("members", "own_unread"): WHO,
    ("members", "mentions"): WHO,
    ("members", "muted_until"): WHO,
    ("members", "extras"): WHO,
    ("members", "standing"): WHO,
    ("rooms", "client_key"): "creator = 'ann'",
    ("rooms", "client_digest"): "creator = 'ann'",
    ("events", "client_key"): OPERATION,
    ("events", "digest"): "1",
    ("unlogged", "client_key"): "1",
    ("unlogged", "digest"): "1",
    ("unlogged", "time"): "1",
    ("account_rows", "body"): WHO,
    ("section_rows", "body"): WHO,
    **{("joins", name): WHO for name in ("text", "time")},
    **{
        ("invites", name): WHO
        for name in (
            "invite",
            "client_key",
            "created_at",
            "expires_at",
            "uses",
            "uses_max",
            "approve",
            "label",
            "revoked",
        )
    },
    ("api_keys", "name"): "1",
    ("api_keys", "scopes"): "1",
    ("api_keys", "digest"): "1",
    ("api_keys", "earlier"): "1",
    ("api_keys", "created_at"): "1",
    ("audit", "time"): "1",
    ("audit", "key"): "1",
    ("audit", "action"): "1",
    ("audit", "target"): "1",
    ("audit", "request"): "1",
    ("audit", "acted_as"): "1",
    ("pages", "page"): WHO,
    ("members", "notify"): WHO,
    **{
        ("push_tokens", name): WHO
        for name in (
            "device",
            "purpose",
            "platform",
            "app",
            "environment",
            "token",
            "p256dh",
            "auth",
            "digest",
            "registered_at",
            "epoch",
        )
    },
    ("bots", "secret"): "1",
    ("filters", "words"): "1",
    ("filters", "patterns"): "1",
    ("events", "ignored"): WHO,
    **{
        ("reports", name): "1"
        for name in (
            "client_key",
            "reason",
            "text",
            "time",
            "changed_at",
            "claimed_by",
            "note",
            "actions",
            "evidence",
        )
    },
    **{("files", name): "owner = 'ann'" for name in ("client_key", "length", "source", "due_at")},
    ("objects", "digest"): "1",
    ("objects", "free_at"): "1",
    ("media_blocked", "digest"): "1",
    **{
        ("contacts", name): "owner = 'ann'"
        for name in ("circles", "remark", "note", "via", "since", "expires", "quiet", "tries", "known")
    },
}
UNIQUE = {"client_key", "device"}  # a canary each

# Columns whose value members may see, is one of a few, or only places and orders rows.
PLAIN = {
    "meta": {"key", "value"},
    "filters": {"name", "does", "reason"},
    "event_feed": {"stamp", "time", "count", "bytes", "entries"},
    "imported_rooms": {"name", "room"},
    "rooms": {
        "number", "name", "kind", "creator", "created_at", "seq", "ordinal", "time", "log_floor", "last_message",
        "members", "title", "avatar", "public", "data", "deleted_by", "uncounted", "written", "stamp",
        # Of a group, as its members see it.
        "details", "retain_s", "purged", "purged_ordinal", "listed",
    },
    "members": {"user", "room", "role", "joined_at", "pinned", "hidden", "gone", "standing", "stamp",
                "unread_mark", "folder"},
    "events": {
        "position", "kind", "user", "time", "ordinal", "target", "changed", "stamp", "mentions", "blob",
    },
    "unlogged": {"room", "user"},
    "direct": {"room", "a", "b"},
    "memberships": {"user", "rooms"},
    "reactions": {"room", "seq", "user", "emoji"},
    "users": {"user", "name", "avatar", "version", "receipts", "presence", "disabled", "kind", "restriction"},
    "devices": {"user", "last_seen", "removed"},
    "account_rows": {"number", "user", "name", "stamp"},
    "section_rows": {"number", "user", "section", "name", "stamp"},
    "joins": {"room", "user", "kind", "by"},
    "listed": {"name", "room"},
    "invites": {"room", "user"},
    "scheduled": {"user", "key", "at"},
    "account_state": {"user", "stamp"},
    "push_tokens": {"user"},
    "push_alerts": {"number", "stamp", "user", "kind", "author", "time", "room"},
    "days": {"day", "stamp"},
    "api_keys": {"id", "expires_at", "earlier_until"},
    "audit": {"number"},
    "bots": {"bot", "commands", "welcome", "sees", "hook"},
    "pages": {"user", "handle", "verified", "stamp"},
    "graph_feeds": {"feed", "n"},
    "consumers": {"name", "cursor", "state"},
    "parked": {"number", "consumer", "entry", "time", "status"},
    "erasures": {
        "user", "asked", "messages", "reports", "done", "due", "checked", "found", "reopened", "receipt",
    },
    "exports": {"user", "asked", "done", "file", "bytes"},
    "deleted_rooms": {"room", "deleted_at"},
    "report_subjects": {"number", "user", "room", "reporters"},
    "reports": {"number", "subject", "state", "reporter", "user", "room", "seq"},
    "files": {"file", "owner", "kind", "purpose", "state", "reserved", "facts", "room", "created_at"},
    "renditions": {"file", "variant", "object", "mime"},
    "objects": {"object", "size", "refs"},
    "attached": {"position", "file"},
    "held": {"holder", "file"},
    "media_usage": {"account", "bytes", "files"},
    "contacts": {"number", "owner", "user", "state", "blocked", "following", "stamp"},
}  # fmt: skip

FIRST = 77_700_101  # canaries that are numbers count from here; no clock, seq or size comes near


def test_every_column_is_plain_or_has_a_canary(tmp_path: Path) -> None:
    script = "".join(
        path.read_text()
        for path in sorted(Path(__file__).parents[2].glob("chatd/storage/sqlite/migrations/*.sql"))
    )
    with sqlite3.connect(":memory:") as connection:
        connection.executescript(script)
        tables = [
            name for (name,) in connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")
        ]
        found = {
            (table, column)
            for table in tables
            for (column,) in connection.execute("SELECT name FROM pragma_table_info(?)", (table,))
        }
    connection.close()
    assert found == set(PRIVATE) | {(table, column) for table, columns in PLAIN.items() for column in columns}


def plant(database: Path) -> list[str]:
    """Put a canary into every private column; the canaries as they would look in JSON."""
    connection = sqlite3.connect(database)
    canaries: list[str] = []
    with connection:
        place = ("ann", "device", "alert", "apns", "", "", "token", b"", b"", b"", 0, "")
        connection.execute(f"INSERT INTO push_tokens VALUES ({', '.join('?' * len(place))})", place)
        connection.execute(
            "INSERT INTO files VALUES ('f', 'ann', 'k', 'file', 'message', 'uploading', 1, 1, x'01', x'80', NULL, 1, 1)"
        )
        connection.execute("INSERT INTO joins VALUES (1, 'ann', 'asked', '', 'text', 1)")
        connection.execute("INSERT INTO invites VALUES ('i', 1, 'ann', 'k', 1, 1, 0, 0, 0, 'label', 0)")
        row = "INSERT INTO section_rows (user, section, name, body, stamp) VALUES ('ann', 'joins', 'r', x'80', 1)"
        connection.execute(row)
        connection.execute("INSERT INTO objects VALUES ('f', x'02', 1, 0, 1)")
        connection.execute("INSERT INTO media_blocked VALUES (x'03')")
        for (table, column), where in PRIVATE.items():
            canary = str(FIRST + len(canaries))
            kind = connection.execute(
                "SELECT type FROM pragma_table_info(?) WHERE name = ?", (table, column)
            ).fetchone()[0]
            # Extras are a map, of which members see what is named for them.
            blob = f"x'{msgpack.packb({'private': canary} if column == 'extras' else canary).hex()}'"
            value = {"INTEGER": canary, "BLOB": blob}.get(kind, f"'{canary}'")
            if column in UNIQUE:
                value = f"'{canary}' || hex(randomblob(4))"
            changed = connection.execute(f"UPDATE {table} SET {column} = {value} WHERE {where}").rowcount
            assert changed > 0, f"no row has {table}.{column}"
            canaries.append(canary)
    connection.close()
    return canaries


async def _live(clients: Clients, daemon: RunningDaemon) -> tuple[str, str]:
    """ann leaves something in every table; bob is in a group and a direct room of theirs."""
    for other in ("bob", "carl", "dan"):
        await daemon.app.writer.submit_and_wait("ann", Befriend(other))
    room, (ann, bob, _) = await clients.in_group("ann", "bob", "carl")
    await bob.request({"type": "report", "key": fresh_key(), "reason": "other", "user": "ann"})
    await ann.request({"type": "profile.set", "bio": "words"})
    direct = await ann.open_direct("bob")
    await daemon.api("PUT", "/v1/users/ann", name="Ann", password_hash="$argon2id$x")
    hook = {"url": "https://example.com", "secret": "whsec_" + "A" * 32}
    await daemon.api("PUT", "/v1/bots/weather", hook=hook)
    await daemon.api("PUT", "/v1/filters/odd", does="flag", words=["odd"], patterns=["o.d"])
    await daemon.api("POST", "/v1/keys", name="backend", scopes=["users"])
    await ann.request({"type": "preferences", "receipts": False})
    for place in (room, direct):
        seq = (await ann.send(place, "words", body={"mentions": ["bob"]}))["seq"]
        await ann.edit(place, seq, "other words")
        await ann.react(place, seq, "👍")
        await ann.read(place, seq)
    for _ in range(3):  # above large_members, so that one reaction and one coming are not logged
        await ann.mutate("members.add", room, users=["dan"])
        await ann.mutate("members.remove", room, users=["dan"])
    return room, direct


async def _looks_everywhere(client: TestClient, room: str) -> None:
    for name, row in rows().items():
        if name in ("pong", "auth", "room.leave", "room.delete", "mode"):
            continue
        packet = {**request_of(name, PreparedRoom(room=room, own=2, others=2)), "key": fresh_key()}
        if row.word not in ("send", "create"):
            del packet["key"]  # of mutations only: their acknowledgement has the position of the room
        if name in ("watch", "users.get"):
            packet["users"] = ["ann", "carl"]
        await client.reply_to(packet)


SWITCHED_ON = {name: {"enabled": True} for name in ("people", "events", "bots", "moderation")}


@pytest.mark.settings(delivery={"large_members": 2}, **SWITCHED_ON)
async def test_no_canary_ever_travels(daemon: RunningDaemon, clients: Clients) -> None:
    room, direct = await _live(clients, daemon)
    await clients.leave()
    clients.peers.clear()
    await daemon.stop()
    canaries = plant(daemon.database)
    await daemon.start_again()
    clients.url = daemon.url
    peers = [await clients.open(user, encoding="json") for user in ("bob", "carl", "mallory")]
    for client in peers:
        await client.say_hello(events=50, previews=True, focus=[room, direct], features=["account", "people"])
    for client in peers:
        for place in (room, direct):
            await _looks_everywhere(client, place)
            await client.catch_up()
    heard: list[Any] = [frame for client in peers for frame in client.link.frames_received]
    assert len(heard) > 100
    text = "\n".join(map(str, heard))
    assert "other words" in text
    assert [canary for canary in canaries if canary in text] == []
    assert "argon2" not in text
