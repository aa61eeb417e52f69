"""The wording of messages and changes in a terminal, as short pieces of styled text. Pure."""

import time
import unicodedata
from collections.abc import Collection, Mapping
from urllib.parse import urlsplit

from chatd.cli.chat.attachments import attachment_label
from chatd.client import ChatError, Message

Piece = tuple[str, str]
"""A text and its style, a key of screen.STYLES; "" is plain."""

Line = tuple[Piece, ...]

BADGES = {"bot": " [bot]", "official": " [official]"}
"""What stands behind the name of an account that is no person."""

REJECTIONS = {
    "direct_rooms": "you opened too many conversations today",
    "mentions": "you mention too many people in a minute",
    "links": "your account is too new for links",
    "limited": "the moderators limit what you may do for now",
}
"""The server's own reasons of `rejected` (protocol.md, "Screening"); others are words of the host app."""

PENDING, STORED, DELIVERED, READ, HEARD = "…", "✓", "✓✓", "✓✓ read", "✓✓ heard"
EXCERPT = 60  # characters


def message_line(message: Message, me: str, kind: str = "person") -> Line:
    """Return one message as a line: time, number, author, text, reactions. `kind` is that of the author."""
    author = "own" if message.user == me else "other"
    pieces = [
        (f"{clock(message.time)} ", "faint"),
        (f"#{message.seq} ", "faint"),
        (f"{clean(message.user)}{BADGES.get(kind, '')}: ", author),
        *forwarded(message),
        content(message),
    ]
    marks = [
        mark for mark, applies in ((" (edited)", message.edited), (" (pinned)", message.pinned)) if applies
    ]
    pieces += [(mark, "faint") for mark in marks]
    if message.reactions and not message.recalled:
        pieces.append(("  " + reactions(message.reactions), "note"))
    return tuple(pieces)


def content(message: Message) -> Piece:
    """Return the text of a message, or a placeholder."""
    if message.recalled:
        return "message recalled", "faint"
    attachments = (message.body or {}).get("attachments") or ()
    named = " ".join(f"[{clean(attachment_label(one))}]" for one in attachments)
    card = card_label(_mapping((message.body or {}).get("card")))
    text = " ".join(part for part in (clean(message.text), card, named) if part)
    return (text, "") if text else ("(no text)", "faint")


def card_label(card: Mapping[str, object]) -> str:
    """Return what a card is, its title, and the host that it leads to; empty without one."""
    if not card:
        return ""
    host = urlsplit(str(card.get("url", ""))).netloc
    title = card.get("title") or card.get("user") or ""
    parts = [clean(str(part)) for part in (title, host) if part]
    return f"[{clean(str(card.get('type', 'card'))).capitalize()}{': ' if parts else ''}{', '.join(parts)}]"


def forwarded(message: Message) -> Line:
    """Return a piece that says that a message was forwarded, and by whom it is, as far as it is told."""
    origin = (message.body or {}).get("forwarded")
    if not isinstance(origin, Mapping):
        return ()
    author = origin.get("user")
    return ((f"forwarded{f' from {clean(str(author))}' if author else ''}: ", "faint"),)


def note_line(text: str) -> Line:
    """Return a line of the program itself."""
    return ((f"-- {text}", "note"),)


def buttons_line(message: Message) -> Line | None:
    """Return the buttons below a message with the numbers to press them by; None without any."""
    buttons = [button for row in message.buttons for button in row]
    pieces: list[Piece] = [(f"   #{message.seq} ", "faint")]
    for number, button in enumerate(buttons, start=1):
        pieces.append((f"({number}) ", "own"))
        pieces.append((f"{clean(button.label)}{' ↗' if button.url else ''}  ", ""))
    return tuple(pieces) if buttons else None


def refusal(error: Exception) -> str:
    """Return why something was refused, as the end of a sentence."""
    if not isinstance(error, ChatError):
        return str(error)
    until = clock(1000 * time.time() + (error.retry_after or 0))
    if error.name == "rejected":
        reason = clean(error.reason or "not allowed here")
        return REJECTIONS.get(reason, f"it was kept out: {reason.replace('_', ' ')}")
    if error.name == "muted" and error.scope == "room":
        return f"you are silenced in this room, at least until {until}"
    if error.name == "muted":
        return f"the moderators silenced you, at least until {until}"
    return f"you may write slowly only, next at {until}" if error.scope == "slow" else str(error)


def change_line(before: Message | None, after: Message) -> Line | None:
    """Return a line about a change of a message that is shown; None for an invisible change."""
    number = (f"#{after.seq} ", "faint")
    if after.recalled:
        return None if before is not None and before.recalled else (number, ("was recalled", "note"))
    if before is None or before.edited != after.edited:
        return (number, ("now reads: ", "note"), content(after))
    if before.reactions != after.reactions:
        return (number, (reactions(after.reactions) or "has no reactions any more", "note"))
    if before.pinned != after.pinned:
        return (number, ("was pinned" if after.pinned else "was unpinned", "note"))
    return None


def event_line(event: Mapping[str, object]) -> Line | None:
    """Return a line about membership, roles, settings or a notice; None for other events."""
    actor, users = clean(str(event.get("user", "the app"))), _users(event)
    words = {
        "created": f"{actor} made this room",
        "joined": f"{users or actor} joined",
        "left": f"{users or actor} left",
        "removed": f"{actor} removed {users}",
        "role": f"{actor} changed the role of {users}",
        "settings": f"{actor} changed the settings of the room",
        "erased": f"what {actor} wrote was taken away"
        if event.get("from")
        else f"{actor} is gone, and what they wrote",
        "announcement": f"{actor} announced #{event.get('target')}"
        if event.get("set")
        else f"{actor} took the announcement away",
        "nickname": f"{users or actor} is called {clean(str(event.get('nickname')))} here"
        if event.get("nickname")
        else f"{users or actor} has no nickname here any more",
        "silenced": _silenced(actor, users, event.get("until")),
        "notice": clean(str(_mapping(event.get("body")).get("text", ""))),
    }
    fallback = event.get("fallback")
    said = words.get(str(event.get("kind"))) or (clean(fallback) if isinstance(fallback, str) else "")
    return ((f"-- {said}", "note"),) if said else None


def reactions(counts: Mapping[str, int]) -> str:
    """Return reactions with their counts, the most frequent first."""
    ordered = sorted(counts.items(), key=lambda entry: (-entry[1], entry[0]))
    return " ".join(clean(emoji) + (f" {count}" if count > 1 else "") for emoji, count in ordered)


def tick(*, seq: int, read: int, delivered: int, heard: Collection[int] = ()) -> str:
    """Return the state of an own message: stored, delivered, read, heard. `seq` 0: not stored yet."""
    if not seq:
        return PENDING
    if seq in heard:
        return HEARD
    return READ if read >= seq else DELIVERED if delivered >= seq else STORED


def typing_note(users: list[str], speaking: Collection[str] = (), live: Collection[str] = ()) -> str:
    """Return a short note about the users who are typing, or speak a voice note, perhaps a `live` one."""
    if live:
        return f"{clean(next(iter(live)))} is speaking" if len(live) == 1 else f"{len(live)} are speaking"
    if not users:
        return ""
    if len(users) > 1:
        return f"{len(users)} are typing"
    return f"{clean(users[0])} is {'recording' if users[0] in speaking else 'typing'}"


def clock(time_ms: float) -> str:
    """Return hour and minute in local time, with the date when it is not today."""
    then, now = time.localtime(time_ms / 1000), time.localtime()
    return time.strftime("%H:%M" if then[:3] == now[:3] else "%Y-%m-%d %H:%M", then)


def clean(text: str) -> str:
    """Replace the characters of `text` that affect a terminal: control, escape and bidi override characters."""
    return "".join(letter if _harmless(letter) else " " if letter in "\n\t" else "?" for letter in text)


def _harmless(letter: str) -> bool:
    # Joiners (Cf) are part of emoji and Indic letters; other characters of category Cf hide or reverse text.
    return letter in "\u200c\u200d" or unicodedata.category(letter) not in ("Cc", "Cf", "Cs", "Zl", "Zp")


def _silenced(actor: str, users: str, until: object) -> str:
    if not isinstance(until, int) or until == 0:
        return f"{actor} let {users} write again"
    return f"{actor} silenced {users}" + ("" if until == 1 else f" until {clock(until)}")


def _users(event: Mapping[str, object]) -> str:
    listed = event.get("users")
    if not isinstance(listed, (list, tuple)):
        return ""
    return ", ".join(
        clean(str(_mapping(one).get("user", one) if isinstance(one, Mapping) else one)) for one in listed
    )


def _mapping(value: object) -> Mapping[str, object]:
    return value if isinstance(value, Mapping) else {}


def excerpt(text: str) -> str:
    """Return the beginning of a text, cleaned: enough to recognise a message."""
    return clean(text if len(text) <= EXCERPT else text[:EXCERPT] + "…")
