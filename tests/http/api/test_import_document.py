"""docs/import.md: its commands run as they are written, and its converters read exports as the services write them."""

import json
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any
from zipfile import ZipFile

from chatd.protocol.codec import decode_tree
from tests.kit.daemon import DaemonProcess, daemon_process
from tests.kit.document_commands import needs_curl, run_commands
from tests.kit.newcomer import ROOT, blocks

DOCUMENT = ROOT / "docs" / "import.md"
SECOND = 1_546_215_120
MS = SECOND * 1000

SLACK = {
    "users.json": [
        {
            "id": "U1",
            "name": "ann",
            "deleted": False,
            "is_bot": False,
            "profile": {"real_name": "Ann", "image_192": "https://a/1.png"},
        },
        {"id": "U2", "name": "ben", "profile": {"real_name": "Ben B", "display_name": "Ben"}},
        {"id": "U3", "name": "poll", "is_bot": True, "profile": {"real_name": "Poll"}},
    ],
    "channels.json": [
        {
            "id": "C1",
            "name": "general",
            "created": SECOND,
            "creator": "U1",
            "is_archived": False,
            "members": ["U1", "U2"],
        }
    ],
    "dms.json": [{"id": "D1", "created": SECOND, "members": ["U1", "U2"]}],
    "general/2018-12-31.json": [
        {
            "type": "message",
            "subtype": "channel_join",
            "user": "U1",
            "ts": f"{SECOND}.000100",
            "text": "<@U1> has joined",
        },
        {
            "type": "message",
            "user": "U1",
            "ts": f"{SECOND + 1}.000200",
            "thread_ts": f"{SECOND + 1}.000200",
            "reply_count": 1,
            "text": "Hi <@U2> &amp; <#C1|general>: <https://a.example|map>",
            "edited": {"user": "U1", "ts": f"{SECOND + 9}.000000"},
            "reactions": [{"name": "wave::skin-tone-2", "users": ["U2"], "count": 1}],
        },
        {
            "type": "message",
            "user": "U2",
            "ts": f"{SECOND + 3}.000300",
            "thread_ts": f"{SECOND + 1}.000200",
            "parent_user_id": "U1",
            "text": "Me!",
        },
        {
            "type": "message",
            "user": "U2",
            "ts": f"{SECOND + 2}.000300",
            "upload": True,
            "text": "",
            "files": [
                {
                    "id": "F1",
                    "name": "map.png",
                    "mimetype": "image/png",
                    "size": 12,
                    "url_private": "https://files.example/map.png",
                    "original_w": 3,
                }
            ],
        },
    ],
    "D1/2018-12-31.json": [{"type": "message", "user": "U1", "ts": f"{SECOND + 4}.5", "text": "psst"}],
}


def matrix(id: str, sender: str, at: int, content: Any, kind: str = "m.room.message", **keys: Any) -> Any:
    return {
        "type": kind,
        "event_id": id,
        "sender": f"@{sender}:hs.example",
        "origin_server_ts": MS + at,
        "room_id": "!r:hs.example",
        "content": content,
        "unsigned": {"age": 5},
        **keys,
    }


ELEMENT = {
    "room_name": "Garden",
    "room_creator": "Ann",
    "topic": "",
    "export_date": "1 January 2019",
    "exported_by": "Ann",
    "messages": [
        matrix("$0", "ann", 0, {"room_version": "6"}, "m.room.create", state_key=""),
        matrix(
            "$1",
            "ann",
            1,
            {"membership": "join", "displayname": "Ann"},
            "m.room.member",
            state_key="@ann:hs.example",
        ),
        matrix("$2", "b/b", 2, {"membership": "join"}, "m.room.member", state_key="@b/b:hs.example"),
        matrix("$3", "ann", 3, {"msgtype": "m.text", "body": "seeds"}),
        matrix(
            "$4",
            "b/b",
            4,
            {
                "msgtype": "m.text",
                "body": "> <@ann:hs.example> seeds\n\nyes",
                "m.relates_to": {"m.in_reply_to": {"event_id": "$3"}},
            },
        ),
        matrix(
            "$5",
            "ann",
            5,
            {
                "msgtype": "m.text",
                "body": "* Seeds",
                "m.new_content": {"msgtype": "m.text", "body": "Seeds"},
                "m.relates_to": {"rel_type": "m.replace", "event_id": "$3"},
            },
        ),
        matrix(
            "$6",
            "b/b",
            6,
            {"m.relates_to": {"rel_type": "m.annotation", "event_id": "$3", "key": "\U0001f44d"}},
            "m.reaction",
        ),
        matrix("$7", "b/b", 7, {}),
    ],
}


def stream(id: str, user: str, at: int, text: str, **keys: Any) -> Any:
    time = f"2018-12-31T00:12:{at:02}.5Z"
    return {
        "id": id,
        "text": text,
        "type": "regular",
        "user": {"id": user, "name": user.title(), "image": ""},
        "attachments": [],
        "latest_reactions": [],
        "created_at": time,
        "updated_at": time,
        "deleted_at": None,
        **keys,
    }


STREAM = [
    {
        "channel": {
            "id": "white-room",
            "type": "messaging",
            "cid": "messaging:white-room",
            "name": "White",
            "created_at": "2018-12-31T00:12:00.123456789Z",
            "created_by": {"id": "tom"},
            "member_count": 2,
        },
        "members": [
            {
                "user_id": user,
                "user": {"id": user, "name": user.title()},
                "channel_role": role,
                "created_at": "2018-12-31T00:12:00Z",
            }
            for user, role in (("tom", "channel_member"), ("una", "channel_moderator"))
        ],
        "messages": [
            stream(
                "s2",
                "una",
                2,
                "yes",
                quoted_message_id="s1",
                deleted_at="2018-12-31T00:13:00Z",
                type="deleted",
            ),
            stream(
                "s1",
                "tom",
                1,
                "hi",
                attachments=[{"type": "image", "image_url": "https://a/i.png", "fallback": "i.png"}],
                latest_reactions=[{"type": "love", "user_id": "una", "score": 1}],
            ),
            stream("s3", "una", 3, "so", parent_id="s1", type="reply"),
        ],
    }
]


def sendbird(id: int, user: str, at: int, text: str, **keys: Any) -> Any:
    return {
        "message_id": id,
        "type": "MESG",
        "channel_url": "sb_1",
        "user": {"user_id": user, "nickname": user.title(), "profile_url": ""},
        "message": text,
        "created_at": MS + at,
        "updated_at": 0,
        "is_removed": False,
        "data": "",
        "file": {},
        **keys,
    }


SENDBIRD = {
    "channels.json": {
        "channels": [
            {
                "channel_url": "sb_1",
                "name": "Zoo",
                "cover_url": "",
                "created_at": SECOND,
                "is_distinct": False,
                "is_public": False,
                "created_by": {"user_id": "vic"},
                "members": [
                    {"user_id": user, "nickname": user.title(), "state": "joined", "role": ""}
                    for user in ("vic", "wim")
                ],
            }
        ],
        "next": "",
    },
    "messages-1.json": {
        "messages": [
            sendbird(
                1, "vic", 1, "lions", reactions=[{"key": "thumbs_up", "user_ids": ["wim"], "updated_at": MS}]
            ),
            sendbird(2, "wim", 2, "and", parent_message_id=1, updated_at=MS + 5),
            {**sendbird(3, "", 3, "wim joined"), "type": "ADMM", "user": None},
            sendbird(
                4,
                "wim",
                4,
                "",
                type="FILE",
                file={"url": "https://a/f.pdf", "type": "application/pdf", "name": "f.pdf", "size": 3},
            ),
        ]
    },
}


def write_exports(directory: Path) -> None:
    with ZipFile(directory / "slack-export.zip", "w") as export:
        for name, content in SLACK.items():
            export.writestr(name, json.dumps(content))
    (directory / "room-export.json").write_text(json.dumps(ELEMENT))
    (directory / "stream-export.json").write_text(json.dumps(STREAM))
    (directory / "sendbird-export").mkdir()
    for name, content in SENDBIRD.items():
        (directory / "sendbird-export" / name).write_text(json.dumps(content))
    (directory / "docs").symlink_to(ROOT / "docs")


def rooms(daemon: DaemonProcess) -> dict[str, list[Any]]:
    """Return the messages of each room by its name elsewhere, as (author, ms since the first second, the rest)."""
    with closing(sqlite3.connect(daemon.database)) as database:
        found: dict[str, list[Any]] = {}
        statement = """
            SELECT i.name, e.blob FROM imported_rooms i
            JOIN events e ON e.position >> 32 = i.room AND e.kind = 'message' ORDER BY e.position
        """
        for name, blob in database.execute(statement):
            event = decode_tree(blob)
            rest = {
                key: value
                for key, value in event.items()
                if key not in ("seq", "kind", "user", "time", "key")
            }
            found.setdefault(name, []).append((event["user"], event["time"] - MS, rest))
        return found


EXPECTED = {
    "C1": [
        (
            "U1",
            1000,
            {
                "body": {"text": "Hi @Ben & #general: map (https://a.example)"},
                "edited": MS + 9000,
                "reactions": [{"emoji": ":wave:", "count": 1}],
            },
        ),
        (
            "U2",
            2000,
            {
                "body": {
                    "attachments": [
                        {
                            "url": "https://files.example/map.png",
                            "mime": "image/png",
                            "name": "map.png",
                            "size": 12,
                            "width": 3,
                        }
                    ]
                }
            },
        ),
        ("U2", 3000, {"body": {"text": "Me!", "thread": 2}}),
    ],
    "D1": [("U1", 4500, {"body": {"text": "psst"}})],
    "!r:hs.example": [
        (
            "@ann:hs.example",
            3,
            {"body": {"text": "Seeds"}, "edited": MS + 5, "reactions": [{"emoji": "\U0001f44d", "count": 1}]},
        ),
        ("@b_b:hs.example", 4, {"body": {"text": "yes", "reply_to": 2}}),
        ("@b_b:hs.example", 7, {"recalled": True}),
    ],
    "messaging:white-room": [
        (
            "tom",
            1500,
            {
                "body": {
                    "text": "hi",
                    "attachments": [{"url": "https://a/i.png", "mime": "image/*", "name": "i.png"}],
                },
                "reactions": [{"emoji": ":love:", "count": 1}],
            },
        ),
        ("una", 2500, {"recalled": True}),
        ("una", 3500, {"body": {"text": "so", "thread": 2}}),
    ],
    "sb_1": [
        ("vic", 1, {"body": {"text": "lions"}, "reactions": [{"emoji": ":thumbs_up:", "count": 1}]}),
        ("wim", 2, {"body": {"text": "and", "reply_to": 2}, "edited": MS + 5}),
        (
            "wim",
            4,
            {
                "body": {
                    "attachments": [
                        {"url": "https://a/f.pdf", "mime": "application/pdf", "name": "f.pdf", "size": 3}
                    ]
                }
            },
        ),
    ],
}


@needs_curl
async def test_the_commands_work_and_what_every_converter_wrote_is_here(tmp_path: Path) -> None:
    write_exports(tmp_path)
    async with daemon_process(tmp_path) as daemon:
        output = await run_commands(DOCUMENT, daemon, tmp_path)
        for block in blocks(DOCUMENT):
            assert block.language not in ("json", "text") or block.text.strip() in output, output
        assert "mended" not in output.replace('"mended":{}', "")
        found = rooms(daemon)
    assert {name: found[name] for name in EXPECTED} == EXPECTED
