"""The facts of a decision, put together from what the store and the hub know at one moment."""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from functools import lru_cache

from chatd.core.attention import Attention, RoomState, attention_of
from chatd.core.push import Kind
from chatd.core.push_decision import EVERYTHING, Facts
from chatd.core.push_events import PushEvent
from chatd.core.push_preferences import is_quiet
from chatd.core.room import ACCEPTED
from chatd.protocol.preferences import preferences_of
from chatd.protocol.push import PushPreferences
from chatd.push.zones import wall_ms
from chatd.storage.push import PushRoom, Recipient

USUAL = PushPreferences()


@lru_cache(1024)
def stored(preferences: bytes) -> PushPreferences:
    """Return preferences as they are stored; most users have the same few."""
    return preferences_of(preferences).push if preferences else USUAL


@dataclass(slots=True, frozen=True)
class Moment:
    """What facts need besides the store. `now_ms`: Unix ms. `members_all`: above it, a group alerts who is named.

    `is_people`: whether message requests are kept out of lists. `foreground`: the devices of a user that are looked at.
    """

    now_ms: int
    members_all: int
    is_people: bool
    foreground: Callable[[str], Collection[str]]

    def attention(self, recipient: Recipient, room: PushRoom) -> Attention:
        """Return what a room asks of `recipient`."""
        state = RoomState(
            room.is_direct,
            room.members,
            room.is_written,
            recipient.standing if self.is_people else ACCEPTED,
            recipient.is_hidden,
            recipient.notify,
            recipient.muted_until,
            recipient.is_archived,
            room.is_channel,
        )
        return attention_of(state, stored(recipient.preferences), self.members_all, self.now_ms)

    def facts(
        self,
        kind: Kind,
        recipient: Recipient,
        author: str,
        room: PushRoom | None = None,
        event: PushEvent | None = None,
        *,
        is_blocked: bool = False,
    ) -> Facts:
        """Return what decides about telling `recipient` of an event in a room; without both, of what `author` did."""
        chosen = stored(recipient.preferences)
        quiet = bool(chosen.quiet) and is_quiet(chosen, wall_ms(chosen.timezone, self.now_ms))
        return Facts(
            kind,
            recipient.user,
            author,
            self.now_ms,
            device=recipient.device,
            seq=0 if event is None else event.seq,
            is_named=event is not None and event.names(recipient.user),
            is_for_all=event is not None and event.is_for_all,
            is_recalled=event is not None and event.is_recalled,
            attention=EVERYTHING if room is None else self.attention(recipient, room),
            is_member=recipient.is_member and room is not None,
            first_visible=recipient.first_visible,
            read=recipient.read,
            is_ignored=is_blocked or (event is not None and recipient.user in event.ignored),
            is_disabled=recipient.is_disabled,
            banned_until=recipient.banned_until,
            seen_at=recipient.seen_at,
            is_on=is_on(kind, chosen),
            mute_mentions=chosen.mute_mentions,
            is_foreground=recipient.device in self.foreground(recipient.user),
            is_quiet=quiet,
            is_quiet_off=quiet and chosen.quiet_mode == "off",
        )


def is_on(kind: Kind, chosen: PushPreferences) -> bool:
    """Whether the user wants notifications of this kind at all."""
    if kind in ("invite", "offer", "accepted"):
        return chosen.invites
    return {"reaction": chosen.reactions, "friend": chosen.friends, "join": chosen.joins}.get(kind, True)
