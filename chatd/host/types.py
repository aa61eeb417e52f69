"""The answers of the API, as far as most back ends use them; keys that are not named here are there all the same."""

from typing import Any, Required, TypedDict


class User(TypedDict, total=False):
    """An account."""

    user: Required[str]
    name: str
    avatar: str
    kind: str
    version: int
    disabled: bool
    created_at: int


class Room(TypedDict, total=False):
    """A room. `users`: the two of a direct room. `duplicate`: the request that made it was repeated."""

    room: Required[str]
    kind: Required[str]
    title: str
    avatar: str
    public: bool
    data: Any
    members: int
    seq: int
    ordinal: int
    creator: str
    users: list[str]
    policy: dict[str, Any]
    about: str
    tags: list[str]
    announcement: int
    duplicate: bool
    not_added: list[str]


class Written(TypedDict, total=False):
    """The place of what was stored. `duplicate`: it was there before."""

    seq: int
    ordinal: int
    time: int
    duplicate: bool


class Message(TypedDict, total=False):
    """A message in current state; a recalled one has no `body`."""

    seq: Required[int]
    user: str
    time: int
    key: str
    body: dict[str, Any]
    edited: int
    recalled: bool


class OwnFile(TypedDict, total=False):
    """A file of a user. `size`: the bytes that it counts. `attached`: a message, a card or a room holds it."""

    file: Required[str]
    kind: Required[str]
    size: Required[int]
    created_at: Required[int]
    name: str
    attached: bool


class Sticker(TypedDict):
    """A picture that everybody may send."""

    name: str
    file: str


class UsedKind(TypedDict):
    kind: str
    files: int
    bytes: int


class UsedBy(TypedDict):
    """A user or a room with what is charged to them; the name "" is the host app."""

    name: str
    bytes: int
    files: int


class MediaUsage(TypedDict):
    """`bytes`: on the disk; `free_bytes`: of them, those that go soon. `uploading`: files that are not whole."""

    files: int
    uploading: int
    bytes: int
    free_bytes: int
    kinds: list[UsedKind]
    users: list[UsedBy]
    rooms: list[UsedBy]


class Entry(TypedDict, total=False):
    """An entry of the event feed (docs/events.md). `id`: the cursor behind it."""

    id: Required[str]
    type: Required[str]
    time: int
    room: str
    event: dict[str, Any]
    by: str
    user: str
    users: list[str]
    change: str
    online: list[str]
    offline: list[str]


class PushDecision(TypedDict, total=False):
    """A decision about a notification (docs/push.md). `device` is absent where it was the same for all."""

    time: Required[int]
    kind: Required[str]
    outcome: Required[str]
    device: str
    room: str
    seq: int
    detail: str


class PushTested(TypedDict):
    """A test of one device. `detail`: the word of the push service, `status`: its status."""

    device: str
    platform: str
    app: str
    outcome: str
    detail: str
    status: int
