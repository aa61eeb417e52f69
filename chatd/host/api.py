"""The API of docs/api.md in Python: a method for what most back ends do, and `call` for every other route."""

import json
import socket
import time
from collections.abc import Iterable, Iterator, Mapping
from http.client import HTTPConnection, HTTPException, HTTPResponse, HTTPSConnection
from typing import Any, cast
from urllib.parse import quote, urlencode, urlsplit

from chatd.host.types import (
    Entry,
    MediaUsage,
    Message,
    OwnFile,
    PushDecision,
    PushTested,
    Room,
    Sticker,
    User,
    Written,
)

# An upload has at most 10,000 lines and 8 MiB.
LINES_MAX, BYTES_MAX = 10_000, 4 << 20
# Below the deadline of a request, and what the daemon waits at most is 30.
EVENTS_WAIT_S = 25
# What a page has at most.
PAGE = 200


class HostError(Exception):
    """A refusal. `code`, `retry` and `field` as in protocol.md "Error codes"; `problem` is the whole answer."""

    def __init__(self, problem: Mapping[str, Any]) -> None:
        super().__init__(f"{problem.get('code')}: {problem.get('detail', problem.get('title'))}")
        self.problem = dict(problem)
        self.code = str(problem.get("code", ""))
        self.status = int(problem.get("status", 0))
        self.retry = str(problem.get("retry", "never"))
        self.field = str(problem.get("field", ""))
        self.retry_after_ms = int(problem.get("retry_after", 1000))


class Host:
    """A connection to the API, for one thread. `url`: its address, or `unix:` and the path of the admin socket.

    `key`: `ck_...`; the admin socket needs none. A request that is refused for now, or whose connection broke, is
    repeated up to `attempts` times: repeating is harmless, because what makes something has a key.
    """

    def __init__(self, url: str, key: str = "", *, timeout_s: float = 30.0, attempts: int = 3) -> None:
        self._url = url
        self._headers = {"Authorization": f"Bearer {key}"} if key else {}
        self._timeout_s = timeout_s
        self._attempts = attempts
        self._connection: HTTPConnection | None = None

    def close(self) -> None:
        """Close the connection; the next request opens another one."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def __enter__(self) -> "Host":
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    # --- users

    def put_user(self, user: str, **values: Any) -> User:
        """Add or change an account: `name`, `avatar`, `disabled` and others. What is not given stays."""
        return cast("User", self.call("PUT", f"/v1/users/{quote(user)}", values))

    def put_users(self, users: Iterable[Mapping[str, Any]]) -> list[HostError]:
        """Add or change many accounts, each with its `user`; return the refusals, whose `problem` has the `user`."""
        refused = []
        for some in _uploads(users):
            lines = b"".join(line for _, line in some)
            for answer in self._request("PUT", "/v1/users", lines, "application/x-ndjson").splitlines():
                told = json.loads(answer)
                if not told.get("ok"):
                    refused.append(HostError({**told, "user": some[told["line"] - 1][0]}))
        return refused

    def token(self, user: str, **values: Any) -> str:
        """Return a token for a phone, signed by chatd; `device`, `ttl_s`, `allow`."""
        return str(self.call("POST", "/v1/tokens", {"user": user, **values})["token"])

    def revoke(self, user: str, device: str = "") -> None:
        """Refuse every token issued until now, and end the connections that use them."""
        self.call("POST", f"/v1/users/{quote(user)}/revoke", {"device": device} if device else {})

    # --- rooms. `as_`: in whose place, and with whose rights; without it the app acts.

    def make_room(self, key: str, title: str, users: Iterable[str], *, as_: str = "", **values: Any) -> Room:
        """Return the group that was made with this key, now or before."""
        asked = {"key": key, "title": title, "users": [*users], **_as(as_), **values}
        return cast("Room", self.call("POST", "/v1/rooms", asked))

    def direct_room(self, one: str, other: str, *, as_: str = "") -> Room:
        """Return the direct room of two users."""
        return cast("Room", self.call("POST", "/v1/rooms/direct", {"users": [one, other], **_as(as_)}))

    def put_members(self, room: str, users: Iterable[str], role: str = "", *, as_: str = "") -> list[str]:
        """Make users members, with `role` if there is one; return those who could not be added."""
        asked = {"users": [*users], **({"role": role} if role else {}), **_as(as_)}
        found: list[str] = self.call("PUT", f"/v1/rooms/{room}/members", asked).get("not_added", [])
        return found

    def remove_member(self, room: str, user: str, *, as_: str = "", **how: Any) -> None:
        """Remove a member; with `ban` (and `until`, Unix ms) for good, with `recall` also what they wrote in a day."""
        query = {**_as(as_), **{name: json.dumps(value) for name, value in how.items()}}
        self.call("DELETE", f"/v1/rooms/{room}/members/{quote(user)}", query=query)

    def update_room(self, room: str, *, as_: str = "", **values: Any) -> Room:
        """Change settings or rules of a room; `title`, `policy`, `about` and what else `PATCH` of the API takes."""
        return cast("Room", self.call("PATCH", f"/v1/rooms/{room}", {**_as(as_), **values}))

    # --- messages

    def post(self, room: str, as_: str, key: str, text: str = "", **body: Any) -> Written:
        """Post a message of a user, once for its key."""
        asked = {"as": as_, "key": key, "body": {**({"text": text} if text else {}), **body}}
        return cast("Written", self.call("POST", f"/v1/rooms/{room}/messages", asked))

    def notice(self, room: str, key: str, text: str = "", **body: Any) -> Written:
        """Post a text of the app, which has no author, once for its key."""
        asked = {"key": key, "body": {**({"text": text} if text else {}), **body}}
        return cast("Written", self.call("POST", f"/v1/rooms/{room}/notices", asked))

    def recall(self, room: str, seq: int, *, as_: str = "") -> None:
        """Take a message back for everybody."""
        self.call("DELETE", f"/v1/rooms/{room}/messages/{seq}", query=_as(as_))

    def messages(self, room: str, *, after: int | None = None, as_: str = "") -> Iterator[Message]:
        """Yield the messages of a room page by page: behind `after` upwards, or without it from the newest down."""
        asked: dict[str, Any] = {"limit": PAGE, **_as(as_), **({} if after is None else {"after": after})}
        while True:
            page = self.call("GET", f"/v1/rooms/{room}/messages", query=asked)
            yield from page["messages"] if after is not None else reversed(page["messages"])
            if "more" not in page:
                return
            asked = {"limit": PAGE, **_as(as_), "more": page["more"]}

    # --- files (docs/media.md). They are uploaded on the port of media, with a key of scope `media`.

    def files(self, user: str) -> Iterator[OwnFile]:
        """Yield the files of a user page by page, the newest first."""
        asked: dict[str, Any] = {"limit": PAGE}
        while True:
            page = self.call("GET", f"/v1/users/{quote(user)}/files", query=asked)
            yield from page["files"]
            if "more" not in page:
                return
            asked["more"] = page["more"]

    def take_down(self, file: str, *, block: bool = False) -> None:
        """Take a file, and all of the same bytes, out of every message, card and room.

        `block`: the same bytes are refused from now on.
        """
        self.call("DELETE", f"/v1/files/{file}", query={"block": "true"} if block else None)

    def media_usage(self) -> MediaUsage:
        """Return what all files take, by kind and for the users and rooms that have most."""
        return cast("MediaUsage", self.call("GET", "/v1/media/usage"))

    def stickers(self) -> list[Sticker]:
        """Return the stickers that everybody may send."""
        return cast("list[Sticker]", self.call("GET", "/v1/stickers")["stickers"])

    def put_sticker(self, sticker: str, file: str) -> None:
        """Offer a file of kind `sticker`, which a key uploaded, to everybody under this name."""
        self.call("PUT", f"/v1/stickers/{quote(sticker)}", {"file": file})

    def remove_sticker(self, sticker: str) -> None:
        """Offer a sticker no longer; messages that have it keep it."""
        self.call("DELETE", f"/v1/stickers/{quote(sticker)}")

    # --- what happens

    def events(self, after: str = "", types: Iterable[str] = ()) -> Iterator[Entry]:
        """Yield what happens, for ever, from behind the cursor `after`: first what is kept, then as it comes.

        Store the `id` of what you have handled: it is the cursor to go on with.
        """
        wanted = {"types": ",".join(types)} if types else {}
        while True:
            page = self.call("GET", "/v1/events", query={**wanted, "after": after, "wait": EVENTS_WAIT_S})
            yield from page["events"]
            after = page["next"]

    # --- notifications

    def test_push(self, user: str, device: str = "", *, dry_run: bool = False) -> list[PushTested]:
        """Send a test notification to the devices of a user; return what each push service said of it."""
        asked = {"user": user, "dry_run": dry_run, **({"device": device} if device else {})}
        return cast("list[PushTested]", self.call("POST", "/v1/push/test", asked)["devices"])

    def push_decisions(self, user: str, room: str = "", seq: int = 0) -> list[PushDecision]:
        """Return what became of the notifications of a user in the last day, the newest first."""
        given = {"user": user, "limit": 200, "room": room, "seq": seq}
        query = {name: value for name, value in given.items() if value}
        return cast("list[PushDecision]", self.call("GET", "/v1/push/decisions", query=query)["decisions"])

    # --- any route

    def call(
        self, method: str, path: str, body: Any = None, *, query: Mapping[str, Any] | None = None
    ) -> dict[str, Any]:
        """Send a request to any route and return its answer. Raises HostError, OSError."""
        content = None if body is None else json.dumps(body).encode()
        target = f"{path}?{urlencode(query)}" if query else path
        answer: dict[str, Any] = json.loads(self._request(method, target, content, "application/json"))
        return answer

    def _request(self, method: str, target: str, body: bytes | None, kind: str) -> bytes:
        for attempt in range(1, self._attempts + 1):
            try:
                answer = self._answer(method, target, body, kind)
                content = answer.read()
            except (OSError, HTTPException) as error:
                self.close()
                if attempt == self._attempts:
                    raise error if isinstance(error, OSError) else ConnectionError(str(error)) from error
                continue
            if answer.status == 200:
                return content
            refusal = HostError(_problem(answer.status, content))
            if refusal.retry != "later" or attempt == self._attempts:
                raise refusal
            time.sleep(refusal.retry_after_ms / 1000)
        raise AssertionError("no attempt")

    def _answer(self, method: str, target: str, body: bytes | None, kind: str) -> HTTPResponse:
        if self._connection is None:
            self._connection = _connected(self._url, self._timeout_s)
        self._connection.request(method, target, body, {**self._headers, "Content-Type": kind})
        return self._connection.getresponse()


class _UnixConnection(HTTPConnection):
    """A connection to a Unix socket."""

    def __init__(self, path: str, timeout_s: float) -> None:
        super().__init__("chatd", timeout=timeout_s)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self._path)


def _connected(url: str, timeout_s: float) -> HTTPConnection:
    if url.startswith("unix:"):
        return _UnixConnection(url.removeprefix("unix:"), timeout_s)
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError(f"{url} is not http://HOST:PORT, https://HOST:PORT or unix:PATH")
    kind = HTTPSConnection if parts.scheme == "https" else HTTPConnection
    return kind(parts.hostname, parts.port, timeout=timeout_s)


def _as(user: str) -> dict[str, str]:
    return {"as": user} if user else {}


def _problem(status: int, content: bytes) -> dict[str, Any]:
    """Return a refusal; one of a proxy in between has no code."""
    try:
        problem = json.loads(content)
    except ValueError:
        problem = None
    if isinstance(problem, dict) and "code" in problem:
        return problem
    return {
        "status": status,
        "code": "",
        "retry": "later" if status >= 500 else "never",
        "title": f"HTTP {status}",
    }


def _uploads(users: Iterable[Mapping[str, Any]]) -> Iterator[list[tuple[str, bytes]]]:
    """Yield users with their lines in portions that are one upload each."""
    some: list[tuple[str, bytes]] = []
    size = 0
    for user in users:
        line = json.dumps(user).encode() + b"\n"
        if some and (len(some) == LINES_MAX or size + len(line) > BYTES_MAX):
            yield some
            some, size = [], 0
        some.append((str(user.get("user", "")), line))
        size += len(line)
    if some:
        yield some
