"""Facts put together: the rules of push say the same as core/attention.py, and quiet hours follow the wall."""

from hypothesis import given
from hypothesis import strategies as st

from chatd.core.push import Address
from chatd.core.push_decision import decide
from chatd.core.push_events import PushEvent
from chatd.core.room import CHANNEL, DIRECT, GROUP, Member, Room, Standing
from chatd.protocol.codec import encode
from chatd.protocol.messages import EVERYBODY
from chatd.protocol.preferences import PreferencesRow
from chatd.protocol.push import PushPreferences, QuietHours
from chatd.push.facts import Moment
from chatd.storage.push import PushRoom, Recipient
from tests.kit.attention import attention

NOW = 1_763_900_000_000
MEMBERS_ALL = 3
LEVELS = st.sampled_from(["all", "mentions", "none"])


def moment(now_ms: int = NOW, foreground: tuple[str, ...] = ()) -> Moment:
    return Moment(now_ms, MEMBERS_ALL, True, lambda user: foreground)


def recipient(member: Member, chosen: PushPreferences) -> Recipient:
    return Recipient(
        member.user,
        True,
        member.first_visible,
        member.read,
        member.standing,
        member.muted_until,
        member.hidden > 0,
        member.folder == 1,
        member.notify,
        False,
        0,
        encode(PreferencesRow(push=chosen)),
        "phone",
        Address("fcm", "", "token"),
        NOW,
    )


def event(*mentions: str) -> PushEvent:
    return PushEvent(7, "message", "alice", NOW, 1, mentions)


@given(
    kind=st.sampled_from([DIRECT, GROUP, CHANNEL]),
    others=st.integers(1, 4),
    muted_until=st.sampled_from([0, 1, NOW - 1, NOW + 1]),
    hidden=st.sampled_from([0, 1]),
    folder=st.sampled_from([0, 1, 2]),
    notify=st.sampled_from(["", "all", "mentions", "none"]),
    standing=st.sampled_from([0, 1, 2, 3]),
    written=st.sampled_from([0, 1]),
    chosen=st.builds(PushPreferences, messages=LEVELS, groups=LEVELS, mute_mentions=st.booleans()),
)
def test_what_alerts_is_what_attention_says(
    kind: str,
    others: int,
    muted_until: int,
    hidden: int,
    folder: int,
    notify: str,
    standing: int,
    written: int,
    chosen: PushPreferences,
) -> None:
    room = Room(1, "r", kind, "alice", 0, written=written)
    member = Member("bob", "member", 0, 1, 0, 0, muted_until=muted_until, hidden=hidden, folder=folder)
    member.standing, member.notify = Standing(standing), notify  # type: ignore[assignment]
    room.members = {"bob": member, **{f"u{n}": Member(f"u{n}", "member", 0, 1, 0, 0) for n in range(others)}}
    level = attention(room, member, chosen, MEMBERS_ALL, NOW).alerts
    facts_of, told = moment().facts, recipient(member, chosen)
    shown = PushRoom(1, "r", "t", kind == DIRECT, room.size, written > 0, is_channel=kind == CHANNEL)

    def is_sent(*mentions: str) -> bool:
        return decide(facts_of("message", told, "alice", shown, event(*mentions))) == "sent"

    muted = member.muted(NOW) or folder == 1
    large = kind != DIRECT and (kind == CHANNEL or room.size > MEMBERS_ALL) and notify != "all"
    assert is_sent() == (level == "all")
    by_name = level != "none" and (chosen.mute_mentions or not muted)
    assert is_sent("bob") == by_name
    assert is_sent(EVERYBODY) == (level != "none" and not muted and not large)


def test_quiet_hours_follow_the_wall_of_the_user() -> None:
    member = Member("bob", "member", 0, 1, 0, 0)
    room = PushRoom(1, "r", "", True, 2, True)
    chosen = PushPreferences(quiet=[QuietHours("22:00", "07:00")], timezone="Asia/Tokyo")
    # 13:00 in London, 22:00 in Tokyo; and an hour before.
    evening = 1_767_358_800_000
    told = recipient(member, chosen)
    assert decide(moment(evening).facts("message", told, "alice", room, event())) == "sent_silent"
    assert decide(moment(evening - 3_600_000).facts("message", told, "alice", room, event())) == "sent"
    silenced = recipient(member, PushPreferences(quiet=chosen.quiet, timezone="Asia/Tokyo", quiet_mode="off"))
    assert decide(moment(evening).facts("message", silenced, "alice", room, event())) == "quiet"


def test_a_kind_that_is_not_wanted_is_off() -> None:
    told = recipient(Member("bob", "member", 0, 1, 0, 0), PushPreferences(friends=False))
    assert decide(moment().facts("friend", told, "alice")) == "prefs_off"
    wanted = recipient(Member("bob", "member", 0, 1, 0, 0), PushPreferences())
    assert decide(moment().facts("friend", wanted, "alice")) == "sent"
    assert decide(moment(foreground=("phone",)).facts("friend", wanted, "alice")) == "foreground"
