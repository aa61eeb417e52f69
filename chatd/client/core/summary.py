"""A room as the list of rooms shows it: the summary of protocol.md, "RoomSummary", typed; pure."""

from collections.abc import Mapping, Sequence
from dataclasses import MISSING, dataclass, fields, replace
from typing import Any, cast

from .packets import Event, RoomSummary


def role_of(entry: Mapping[str, Any]) -> str:
    """Return the role in a packet; any that is not known is `member` (protocol.md, "Forward compatibility")."""
    role: str = entry.get("role", "member")
    return role if role in ("admin", "owner") else "member"


@dataclass(frozen=True, slots=True)
class Summary:
    """The keys of a RoomSummary; an absent key has its default. Times are Unix milliseconds."""

    room: str
    seq: int = 0
    ordinal: int = 0
    time: int = 0
    read: int = 0
    unread: int = 0
    unread_mentions: int = 0
    title: str = ""
    avatar: str = ""
    data: object = None
    public: bool = False
    peer: str = ""
    """The other user; set in 1:1 rooms only."""
    peer_read: int = 0
    peer_delivered: int = 0
    members: int = 0
    role: str = "member"
    muted_until: int = 0
    """Muted until this time; 0 not muted, 1 for ever."""
    pinned: bool = False
    hidden: bool = False
    request: bool = False
    """A message request: somebody wrote whom this user has not accepted (protocol.md, "Direct rooms and message
    requests")."""
    asked: int = 0
    """Own texts that wait for the peer to accept, of `request_texts`."""
    wallpaper: str = ""
    """The picture behind the chat: a word, or an address, of the app."""
    notify: str = ""
    """Which messages the user is told of: `all`, `mentions` or `none`; empty: as the account says."""
    played: Sequence[int] = ()
    """The voice notes that the user heard, the newest 64."""
    peer_played: Sequence[int] = ()
    """Those of the user that the peer heard, as far as they show it."""
    kind: str = "group"
    policy: Mapping[str, object] | None = None
    """The rules that are not the default of the kind of the room (protocol.md, "Policy")."""
    about: str = ""
    tags: Sequence[str] = ()
    announcement: int = 0
    """The message that is the announcement of the group; 0 none."""
    comments: str = ""
    """Of a channel: the group of its comments (protocol.md, "Comments")."""
    channel: str = ""
    """Of that group: the channel."""
    nickname: str = ""
    silenced_until: int = 0
    """The user may not write until this time; 1 for ever."""
    joins: int = 0
    """The number of users who wait for an admin; for those who may decide."""
    unread_mark: bool = False
    folder: int = 0
    """The folder of the list that the room is in: 1 the archive, 0 none."""
    deleted: Sequence[Sequence[int]] = ()
    """First and last number of the messages that the user deleted for themself."""
    kept: int = 0
    """Messages of a direct room up to this one stay, whatever its `retain_s` (protocol.md, "Retention")."""
    first_visible: int = 1
    log_floor: int = 1
    preview: Event | None = None
    """The latest message, when it was asked for."""

    @classmethod
    def from_packet(cls, packet: RoomSummary) -> "Summary":
        """Return the summary of a packet; unknown keys are ignored."""
        known: dict[str, Any] = {name: value for name, value in packet.items() if name in DEFAULTS}
        return cls(packet["room"], **known | {"role": role_of(packet)})

    def packet(self) -> RoomSummary:
        """Return the packet it came from, without keys at their default."""
        pairs = ((name, getattr(self, name)) for name in DEFAULTS)
        changed = {name: value for name, value in pairs if value != DEFAULTS[name]}
        return cast(RoomSummary, {"room": self.room} | changed)


DEFAULTS = {entry.name: entry.default for entry in fields(Summary) if entry.default is not MISSING}

SETTINGS = ("title", "avatar", "public", "data", "about", "tags", "comments", "channel")
"""The keys of a `settings` event that replace those of the summary."""


def shown_in(summary: Summary, event: Event) -> Summary:
    """Return the summary with a post as its preview, or with what a `settings` event changes."""
    if event["kind"] != "settings":
        return replace(summary, preview=event, time=max(summary.time, event.get("time", 0)))
    changed: dict[str, Any] = {name: value for name, value in event.items() if name in SETTINGS}
    if "policy" in event:
        changed["policy"] = {**(summary.policy or {}), **event["policy"]}
    return replace(summary, **changed)
