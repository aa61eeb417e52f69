"""A message and its changes: the operations of the log of a room folded into one current state; pure.

The one rule (protocol.md, "Event"): an operation counts only if its `seq` is above the `changed` of the message. So
replaying a log, in part or twice, gives the same message.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

from .bots import Rows, buttons_of
from .packets import Body, Event


@dataclass(frozen=True, slots=True)
class Message:
    """A message in its current state. Numbers that do not apply are 0."""

    room: str
    seq: int
    user: str
    time: int
    """Unix milliseconds, clock of the server."""
    ordinal: int = 0
    """The number among the messages that count as unread; 0: silent."""
    key: str = ""
    body: Body | None = None
    """None after a recall."""
    changed: int = 0
    """`seq` of the last event that changed it."""
    edited: int = 0
    """Time of the last edit."""
    recalled: bool = False
    pinned: bool = False
    reactions: Mapping[str, int] = field(default_factory=dict)
    """Emoji and count."""
    mine: frozenset[str] = frozenset()
    """Own reactions."""
    composed_at: int = 0
    post: int = 0
    """The post of the channel that it comments on (protocol.md, "Comments")."""

    @property
    def text(self) -> str:
        """The text of the body, empty if there is none."""
        text = (self.body or {}).get("text", "")
        return text if isinstance(text, str) else ""

    @property
    def buttons(self) -> Rows:
        """The buttons below it, in rows; only bots and official accounts have any."""
        return buttons_of(self.body)


def message_from(room: str, event: Event) -> Message:
    """Return the message of a `message` event, which is always served in its current state (protocol.md, "Event")."""
    return Message(
        room=room,
        seq=event["seq"],
        user=event.get("user", ""),
        time=event.get("time", 0),
        ordinal=event.get("ordinal", 0),
        key=event.get("key", ""),
        body=event.get("body"),
        changed=event.get("changed", 0),
        edited=event.get("edited", 0),
        recalled=event.get("recalled", False),
        pinned=event.get("pinned", False),
        reactions=_counts(event),
        mine=frozenset(event.get("mine", ())),
        composed_at=event.get("composed_at", 0),
        post=event.get("post", 0),
    )


def changed_by(message: Message, operation: Event, me: str) -> Message:
    """Return the message after `operation`; the same object if the operation is older than its state.

    `me` is the own user, whose reactions move `mine`.
    """
    if operation["seq"] <= message.changed:
        return message
    return replace(OPERATIONS[operation["kind"]](message, operation, me), changed=operation["seq"])


def emptied(message: Message) -> Message:
    """Return the message without its body, known to be recalled though its state is not known otherwise."""
    return replace(message, body=None, recalled=True)


def with_own_reaction(message: Message, emoji: str, *, present: bool) -> Message:
    """Return the message with the own reaction, which the log of a large room does not hold (protocol.md, "react")."""
    return replace(message, mine=_with(message.mine, emoji, present))


def _edit(message: Message, operation: Event, me: str) -> Message:
    # Without a body, the message was recalled since, and the recall follows. The time of its edit stays true.
    return replace(message, edited=operation.get("time", 0), body=operation.get("body", message.body))


def _recall(message: Message, operation: Event, me: str) -> Message:
    return emptied(message)


def _reaction(message: Message, operation: Event, me: str) -> Message:
    emoji, present = operation.get("emoji", ""), operation.get("set", False)
    counts = dict(message.reactions)
    counts[emoji] = counts.get(emoji, 0) + (1 if present else -1)
    if counts[emoji] <= 0:
        del counts[emoji]
    mine = _with(message.mine, emoji, present) if operation.get("user") == me else message.mine
    return replace(message, reactions=counts, mine=mine)


def _reactions(message: Message, operation: Event, me: str) -> Message:
    return replace(message, reactions=_counts(operation))


def _pin(message: Message, operation: Event, me: str) -> Message:
    return replace(message, pinned=operation.get("set", False))


def concerns(erased: Event, message: Message) -> bool:
    """Whether an `erased` acts on a message (protocol.md, "Erased people")."""
    below = erased["seq"]
    is_between = erased.get("from", 0) <= message.seq <= min(erased.get("to", below), below - 1)
    return is_between and message.user == erased.get("user")


OPERATIONS: dict[str, Callable[[Message, Event, str], Message]] = {
    "edit": _edit,
    "recall": _recall,
    "erased": _recall,
    "reaction": _reaction,
    "reactions": _reactions,
    "pin": _pin,
}
"""Every kind of event that changes a message, with the function that returns the message after it; `changed` is set
for all of them."""


def _counts(event: Event) -> Mapping[str, int]:
    return {entry["emoji"]: entry["count"] for entry in event.get("reactions", ())}


def _with(emojis: frozenset[str], emoji: str, present: bool) -> frozenset[str]:
    return emojis | {emoji} if present else emojis - {emoji}
