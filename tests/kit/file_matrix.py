"""The permissions of files: the table tests/authorization/files.txt, its users and its requests."""

import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from chatd.core.file_links import LinkClaims, signed
from tests.kit.auth_matrix import Row
from tests.kit.client import TestClient
from tests.kit.clients import Clients
from tests.kit.daemon import RunningDaemon
from tests.kit.http import Answer
from tests.kit.live_notes import Listener, pages
from tests.kit.media_client import MediaClient, attached
from tests.kit.media_rows import MediaRows
from tests.kit.tokens import earlier_token, token_for
from tests.kit.waiting import until

TABLE = Path(__file__).parents[1] / "authorization" / "files.txt"
WORDS = ("read", "send", "create")
# Columns of users who are turned away everywhere.
ENDED = ("banned", "expired", "revoked")
KEYS = ("media", "moderation")
# Columns of users who were in the room when the message was sent.
INSIDE = ("removed", "deleted", "member", "admin", "owner", "direct", "uploader", *ENDED)
UPLOADER = "author"
DATA = b"what is shown"


def rows() -> dict[str, Row]:
    """Return the rows of the table by name."""
    lines = [line.split() for line in TABLE.read_text().splitlines() if line and not line.startswith("#")]
    (_, _, *columns), *body = lines
    return {name: Row(name, word, dict(zip(columns, cells, strict=True))) for name, word, *cells in body}


@dataclass
class Case:
    """What a user of a column meets.

    `unfinished`: an upload, "" where none is asked for. `shown`, `unused`: an avatar, and one that was.
    `link`: "" where the user never got one.
    """

    column: str
    user: str
    token: str
    room: str
    seq: int
    file: str
    unfinished: str
    shown: str
    unused: str
    link: str = ""

    @property
    def place(self) -> dict[str, Any]:
        return {"room": self.room, "seq": self.seq, "file": self.file}

    @property
    def path(self) -> str:
        return f"{self.room}/{self.seq}/{self.file}"


class FileMatrix:
    """A daemon with the uploader; `case` prepares what a user meets, with a fresh room."""

    def __init__(self, daemon: RunningDaemon, clients: Clients, uploader: TestClient) -> None:
        self.daemon = daemon
        self.avatars: list[str] = []
        self.clients = clients
        self.uploader = uploader
        assert daemon.app.media is not None
        self.url = f"http://{daemon.app.media.address}"
        self.files = MediaClient(self.url, token_for(UPLOADER))
        self._keys: dict[str, str] = {}
        self._count = 0

    @classmethod
    async def open(cls, daemon: RunningDaemon) -> "FileMatrix":
        clients = Clients(daemon.url)
        matrix = cls(daemon, clients, await clients.connect(UPLOADER))
        for scope in KEYS:
            made = await daemon.api("POST", "/v1/keys", name=scope, scopes=[scope])
            matrix._keys[scope] = made.json["secret"]
        matrix.avatars = [await matrix.files.upload(DATA) for _ in range(2)]
        MediaRows(daemon.database).hold(f"avatar:u:{UPLOADER}", matrix.avatars[0])
        return matrix

    async def case(self, name: str, column: str, *allow: str) -> Case:
        """Prepare what a request of the row `name` by a user of a column meets. `allow`: the words of their token."""
        self._count += 1
        user = UPLOADER if column == "uploader" else f"{column}{self._count}"
        token = self._keys.get(column) or self._token(user, column, allow)
        room, seq, file = await self._placed(column, user)
        unfinished = await self._unfinished() if name in ("head", "patch", "delete") else ""
        if name == "live":
            unfinished = await self._spoken(room)
        case = Case(column, user, token, room, seq, file, unfinished, *self.avatars)
        if column in INSIDE and column != "expired" and name.startswith("link"):
            case.link = await self._link(case)
        await self._changed(case)
        if name.endswith("/recalled") and column != "deleted":
            await self.uploader.recall(room, seq)
        return case

    def _token(self, user: str, column: str, allow: tuple[str, ...]) -> str:
        if column == "nobody":
            return ""
        words = list(allow or WORDS)
        if column == "expired":
            return token_for(user, iat=1000, exp=2000, allow=words)
        return earlier_token(user, allow=words)

    async def _placed(self, column: str, user: str) -> tuple[str, int, str]:
        """Return a message that holds a file, in a room where the user is what the column says."""
        file = await self.files.upload(DATA)
        if column == "direct":
            room = await self.uploader.open_direct(user)
        else:
            more = [user] if column in INSIDE and column != "uploader" else []
            room = await self.uploader.create_group("group", *more, public=column == "passer_by")
        if column in ("admin", "owner"):
            await self.uploader.mutate("members.role", room, users=[{"user": user, "role": column}])
        seq = (await self.uploader.mutate("send", room, body=attached(file)))["seq"]
        if column == "late":
            await self.uploader.mutate("members.add", room, users=[user])
        return room, seq, file

    async def _unfinished(self) -> str:
        begun = await self.files.begin(len(DATA))
        return begun.headers["location"].rpartition("/")[2]

    async def _spoken(self, room: str) -> str:
        """Return a live note of the uploader, of which something can be heard."""
        begun = await self.files.begin(None, "voice", live=room)
        file = begun.headers["location"].rpartition("/")[2]
        await self.files.append(file, b"".join(pages(2)[:3]))
        return file

    async def _link(self, case: Case) -> str:
        client = await self.clients.connect(case.user, token=case.token)
        (link,) = (await client.request({"type": "file.link", "places": [case.place]}))["links"]
        await client.hang_up()
        return str(link["url"]).removeprefix(self.url + "/v1/media/")

    async def _changed(self, case: Case) -> None:
        """From now on the user is what the column says."""
        if case.column == "removed":
            await self.uploader.mutate("members.remove", case.room, users=[case.user])
        elif case.column == "deleted":
            await self.uploader.mutate("room.delete", case.room)
        elif case.column == "banned":
            await self.daemon.api("PUT", f"/v1/users/{case.user}", disabled=True, seen=False)
        elif case.column == "revoked":
            await self.daemon.api("POST", f"/v1/users/{case.user}/revoke", seen=False)

    async def outcome(self, name: str, case: Case) -> str:
        """Make the request of a row; return its outcome in the words of the table."""
        if name.startswith(("file.", "sticker.")):
            return await self._asked(name, case)
        if name.startswith("link"):
            path = self._ended(case) if name == "link/ended" else case.link
            return str((await MediaClient(self.url, "").fetch(path)).status) if path else "-"
        if name == "live":
            return await self._heard(case)
        answer = await REQUESTS[name](MediaClient(self.url, case.token), case)
        assert (DATA in answer.body) == (answer.status == 200 and name != "head"), answer
        if case.unfinished:
            await self.files.drop(case.unfinished)
        return str(answer.status)

    async def _heard(self, case: Case) -> str:
        address = f"{self.url}/v1/media/live/{case.room}/{case.unfinished}"
        listener = await Listener.open(address, case.token)
        await until(lambda: listener.heard if listener.status == 200 else listener.status)
        await listener.close()
        await self.files.drop(case.unfinished)
        return str(listener.status)

    def _ended(self, case: Case) -> str:
        if case.column in (*KEYS, "nobody"):
            return ""
        claims = LinkClaims(case.user, "", int(time.time()) - 1, mark=1 << 50)
        key = self.daemon.app.context.media.link_key
        return signed(key, f"/v1/media/{case.path}", claims).removeprefix("/v1/media/")

    async def _asked(self, name: str, case: Case) -> str:
        """Send a command; return the code of a refusal, or how the connection ended."""
        if case.column in (*KEYS, "nobody"):
            return "-"
        client = await self.clients.open(case.user, token=case.token)
        hello = await client.reply_to(client.hello())
        if hello["type"] == "error":
            await client.stop_listening()
            return str(client.link.close_code)
        request = {"type": name} | ({"places": [case.place]} if name == "file.link" else {})
        reply = await client.reply_to(request)
        await client.hang_up()
        if reply["type"] == "error":
            return str(reply["code"])
        return "ok" if reply.get("links", True) else "none"


REQUESTS: dict[str, Callable[[MediaClient, Case], Awaitable[Answer]]] = {
    "begin": lambda files, case: files.begin(
        len(DATA), **({"owner": "of_a_key"} if case.column in KEYS else {})
    ),
    "head": lambda files, case: files.head(case.unfinished),
    "patch": lambda files, case: files.append(case.unfinished, DATA),
    "delete": lambda files, case: files.drop(case.unfinished),
    "delete/held": lambda files, case: files.drop(case.file),
    "get": lambda files, case: files.fetch(case.path),
    "get/recalled": lambda files, case: files.fetch(case.path),
    "get/moved": lambda files, case: files.fetch(f"{case.room}/{max(1, case.seq - 1)}/{case.file}"),
    "own": lambda files, case: files.fetch(f"own/{case.file}"),
    "public": lambda files, case: files.fetch(f"public/{case.shown}"),
    "public/unused": lambda files, case: files.fetch(f"public/{case.unused}"),
}
