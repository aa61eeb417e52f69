"""What phones show: the pace of alerts, and what is taken away when it was read elsewhere."""

from hypothesis import example, given
from hypothesis import strategies as st

from chatd.push.outstanding import (
    BACKGROUND_MAX,
    BACKGROUND_S,
    BADGE_GAP_S,
    BURST,
    BURST_S,
    DIRECT_GAP_S,
    GROUP_GAPS_S,
    Outstanding,
    Withdrawn,
)
from chatd.push.pending import AppKey, Key

APP = AppKey("fcm", "")
PHONE, TABLET = Key("alice", "phone", 7, "message"), Key("alice", "tablet", 7, "message")


def alerts_at(
    outstanding: Outstanding, key: Key, count: int, *, is_direct: bool, every: float = 0.5
) -> list[float]:
    """Return when so many messages alert that come `every` so many seconds; what is held back joins."""
    now, at, pending = 0.0, list[float](), False
    for step in range(10_000):
        now = step * every
        pending = True
        if pending and outstanding.due(key, now, is_direct=is_direct) <= now:
            outstanding.on_sent(key, APP, step, now)
            at.append(now)
            if len(at) == count:
                break
    return at


def test_a_group_alerts_ever_less_until_it_is_read() -> None:
    outstanding = Outstanding()
    first, second, third = GROUP_GAPS_S
    expected = [0.0, first, first + second, first + second + third, first + second + 2 * third]
    assert alerts_at(outstanding, PHONE, 5, is_direct=False) == expected
    outstanding.on_read(7, "alice", 10_000)
    assert outstanding.due(PHONE, 999, is_direct=False) == 999


def test_a_direct_room_alerts_each_message_up_to_ten_a_minute() -> None:
    at = alerts_at(Outstanding(), PHONE, BURST + 3, is_direct=True)
    assert at[:BURST] == [0.5 * step for step in range(BURST)]
    held_back = [later - earlier for earlier, later in zip(at[BURST - 1 :], at[BURST:], strict=False)]
    assert held_back == [DIRECT_GAP_S] * 3


def test_after_a_minute_a_direct_room_is_as_before() -> None:
    outstanding = Outstanding()
    alerts_at(outstanding, PHONE, BURST, is_direct=True)
    assert outstanding.due(PHONE, BURST_S - 1, is_direct=True) == BURST_S - 1
    assert outstanding.due(PHONE, 5, is_direct=True) > 5
    assert outstanding.due(PHONE, BURST_S, is_direct=True) == BURST_S


def test_what_was_read_is_taken_away_from_all_devices_and_nothing_newer() -> None:
    outstanding = Outstanding()
    outstanding.on_sent(PHONE, APP, 5, 0)
    outstanding.on_sent(TABLET, APP, 8, 0)
    assert outstanding.concerns(7, "alice")
    assert outstanding.on_read(7, "alice", 6) == [Withdrawn("phone", APP)]
    assert outstanding.on_read(7, "alice", 8) == [Withdrawn("tablet", APP)]
    assert not outstanding.concerns(7, "alice")
    assert len(outstanding) == 0


def test_a_recalled_message_is_taken_away_where_it_is_the_last_one_shown() -> None:
    outstanding = Outstanding()
    outstanding.on_sent(PHONE, APP, 5, 0)
    outstanding.on_sent(Key("bob", "phone", 7, "message"), APP, 6, 0)
    assert list(outstanding.on_recalled(7, 5)) == [("alice", Withdrawn("phone", APP))]
    assert list(outstanding.on_recalled(7, 5)) == []


def test_badges_alone_are_rare_and_wake_nobody_more_often_than_ios_allows() -> None:
    outstanding = Outstanding()
    assert [outstanding.badge_due("alice", "phone", now) for now in (0, 1, 100)] == [0, BADGE_GAP_S, 100]
    woken = [outstanding.may_wake("alice", "phone", now) for now in (0, 1, 2, 3, BACKGROUND_S + 0.5)]
    assert woken == [True] * BACKGROUND_MAX + [False, True]


@given(st.lists(st.tuples(st.integers(1, 4), st.sampled_from("abc"), st.sampled_from("xy"), st.booleans())))
@example(
    [
        (1, "a", "x", False),
        (1, "b", "x", False),
        (1, "b", "y", False),
        (1, "c", "x", False),
        (1, "a", "y", False),
    ]
)
def test_it_never_keeps_more_than_its_bound_and_counts_right(steps: list[tuple[int, str, str, bool]]) -> None:
    outstanding = Outstanding(most=4)
    for seq, (room, user, device, is_read) in enumerate(steps, 1):
        if is_read:
            outstanding.on_read(room, user, seq - 1)
        else:
            outstanding.on_sent(Key(user, device, room, "message"), APP, seq, seq)
            assert outstanding.shown(Key(user, device, room, "message")) is not None
        held = [
            (room, user, device)
            for room in range(1, 5)
            for user in "abc"
            for device in "xy"
            if outstanding.shown(Key(user, device, room, "message"))
        ]
        assert len(outstanding) == len(held) <= 4
