"""The rule of attention about the rooms and members of decisions, which are what stores and facts are compared with."""

from chatd.core.attention import Attention, RoomState, attention_of
from chatd.core.room import CHANNEL, Member, Room
from chatd.protocol.push import PushPreferences


def attention(
    room: Room, member: Member, preferences: PushPreferences, members_all: int, now_ms: int
) -> Attention:
    state = RoomState(
        room.direct,
        room.size,
        room.written > 0,
        member.standing,
        member.is_hidden(room.ordinal),
        member.notify,
        member.muted_until,
        member.folder == 1,
        room.kind == CHANNEL,
        member.unread_mark,
    )
    return attention_of(state, preferences, members_all, now_ms)
