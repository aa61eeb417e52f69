import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatd.delivery.hub import NOBODY, Audience, Live

FULL_MEMBERS = 500


class Connection:
    def __init__(self, user="ann", device="d1", *, variant=0, mode="foreground"):
        self.user, self.device, self.variant, self.mode = user, device, variant, mode
        self.receipts = True
        self.rooms, self.focus, self.muted, self.departed = {}, frozenset(), {}, set()


@pytest.fixture
def live():
    return Live(FULL_MEMBERS)


def attached(live, connection=None, *, number=1, members=2, muted_until=0):
    connection = connection or Connection()
    live.enter(connection)
    live.attach(connection, number, f"g{number}", members, muted_until)
    return connection


def level(live, connection, number=1):
    """Where it sits; it must sit in exactly one place."""
    audience = live.audiences[number]
    seats = [("full", group) for group in audience.full] + [("head", audience.head), ("none", audience.none)]
    taken = [name for name, group in seats if connection in group]
    assert len(taken) == 1
    return taken[0]


@pytest.mark.parametrize("members", [2, FULL_MEMBERS, FULL_MEMBERS + 1])
@pytest.mark.parametrize("focused", [False, True])
@pytest.mark.parametrize("muted", [False, True])
@pytest.mark.parametrize("mode", ["foreground", "background"])
def test_the_table_of_levels(live, members, focused, muted, mode):
    connection = Connection(mode=mode)
    connection.focus = {1} if focused else set()
    attached(live, connection, members=members, muted_until=int(muted))
    expected = "full" if focused or members <= FULL_MEMBERS else "head"
    if muted and mode == "background":
        expected = "none"
    assert level(live, connection) == expected
    assert (connection in live.audiences[1].focused) is focused


@pytest.mark.parametrize("variant", [0, 1, 2])
def test_full_listeners_sit_by_the_encoding_they_get(live, variant):
    connection = attached(live, Connection(variant=variant))
    assert [connection in group for group in live.audiences[1].full] == [n == variant for n in range(3)]


def test_a_room_pays_for_the_places_that_are_taken(live):
    connection = attached(live)
    audience = live.audiences[1]
    assert [group for group in (*audience.full, audience.head, audience.none) if group is not NOBODY] == [
        {connection: None}
    ]
    assert not any(Audience(2, "g2", 2).full)


def test_attaching_again_brings_the_seat_up_to_date(live):
    connection = attached(live, Connection(mode="background"), muted_until=1)
    live.attach(connection, 1, "g1", 2, 0)
    assert (level(live, connection), connection.muted) == ("full", {})
    live.attach(connection, 1, "g1", 2, 1)
    assert (level(live, connection), connection.muted) == ("none", {1: 1})


def test_a_newer_connection_takes_the_place_of_its_device(live):
    older, other, newer = Connection(), Connection(device="d2"), Connection()
    assert [live.enter(one) for one in (older, other, newer)] == [None, None, older]
    assert live.of("ann") == [newer, other]
    assert live.of("bob") == []


def test_the_end_of_a_replaced_connection_leaves_its_successor(live):
    older, newer = Connection(), Connection()
    live.enter(older)
    live.enter(newer)
    live.exit(older)
    assert live.of("ann") == [newer]


def test_an_exit_takes_all_seats(live):
    connection = attached(live)
    live.attach(connection, 2, "g2", 1000, 1)
    stays = attached(live, Connection("bob"))
    live.refocus(connection, {2})
    live.exit(connection)
    assert (connection.rooms, connection.muted, set(live.sessions)) == ({}, {}, {"bob"})
    assert not connection.focus
    assert set(live.audiences) == {1}
    assert list(live.audiences[1].listeners()) == [stays]


def test_a_second_exit_changes_nothing(live):
    connection = attached(live)
    live.exit(connection)
    live.exit(connection)
    assert (live.sessions, live.audiences) == ({}, {})


def test_detaching_forgets_focus_and_mute(live):
    connection = Connection()
    connection.focus = {1}
    attached(live, connection, muted_until=1)
    live.detach(connection, 1)
    assert (connection.rooms, connection.focus, connection.muted, live.audiences) == ({}, set(), {}, {})


def test_detaching_where_one_is_not_is_nothing(live):
    live.detach(Connection(), 7)
    assert live.audiences == {}


def test_focus_moves_the_seat_and_back(live):
    connection = attached(live, members=1000)
    live.attach(connection, 2, "g2", 1000, 0)
    live.refocus(connection, {1})
    assert (level(live, connection, 1), level(live, connection, 2)) == ("full", "head")
    live.refocus(connection, {2})
    assert (level(live, connection, 1), level(live, connection, 2)) == ("head", "full")
    assert connection not in live.audiences[1].focused
    assert connection in live.audiences[2].focused
    live.refocus(connection, set())
    assert level(live, connection, 2) == "head"


def test_focus_on_a_room_one_does_not_sit_in_is_harmless(live):
    connection = attached(live)
    live.refocus(connection, {99})
    assert connection.focus == {99}


def test_a_sleeping_phone_hears_nothing_of_muted_rooms(live):
    connection = attached(live, muted_until=1)
    live.attach(connection, 2, "g2", 2, 0)
    assert level(live, connection) == "full"
    connection.mode = "background"
    live.remode(connection)
    assert (level(live, connection), level(live, connection, 2)) == ("none", "full")
    connection.mode = "foreground"
    live.remode(connection)
    assert level(live, connection) == "full"


def test_muting_takes_effect_at_once(live):
    connection = attached(live, Connection(mode="background"))
    live.mute(connection, 1, 1)
    assert level(live, connection) == "none"
    live.mute(connection, 1, 0)
    assert (level(live, connection), connection.muted) == ("full", {})


def test_crossing_the_mark_moves_everybody_but_who_looks(live):
    plain, looking = Connection("ann"), Connection("bob")
    looking.focus = {1}
    sleeping = Connection("cat", mode="background")
    attached(live, plain, members=FULL_MEMBERS)
    attached(live, looking, members=FULL_MEMBERS)
    attached(live, sleeping, members=FULL_MEMBERS, muted_until=1)
    live.resize(1, FULL_MEMBERS + 1)
    assert [level(live, one) for one in (plain, looking, sleeping)] == ["head", "full", "none"]
    live.resize(1, FULL_MEMBERS)
    assert [level(live, one) for one in (plain, looking, sleeping)] == ["full", "full", "none"]


def test_a_resize_of_a_room_nobody_is_in_is_nothing(live):
    live.resize(5, 3)
    assert live.audiences == {}


STEPS = st.lists(
    st.tuples(
        st.integers(0, 3),
        st.one_of(
            st.tuples(st.just("attach"), st.integers(1, 3), st.integers(0, 1)),
            st.tuples(st.just("detach"), st.integers(1, 3)),
            st.tuples(st.just("focus"), st.sets(st.integers(1, 3))),
            st.tuples(st.just("mute"), st.integers(1, 3), st.integers(0, 1)),
            st.tuples(st.just("mode"), st.sampled_from(["foreground", "background"])),
            st.tuples(st.just("resize"), st.integers(1, 3), st.sampled_from([1, 500, 501])),
            st.tuples(st.just("exit")),
        ),
    ),
    max_size=40,
)


@given(STEPS)
def test_seats_and_rooms_agree_whatever_happens(steps):
    live = Live(FULL_MEMBERS)
    connections = [Connection(user, variant=n % 3) for n, user in enumerate(["ann", "bob", "cat", "dan"])]
    for who, (what, *args) in steps:
        connection = connections[who]
        if what == "attach" and args[0] not in connection.rooms:
            live.enter(connection)
            members = live.audiences[args[0]].members if args[0] in live.audiences else 500
            live.attach(connection, args[0], f"g{args[0]}", members, args[1])
        elif what == "detach":
            live.detach(connection, args[0])
        elif what == "focus":
            live.refocus(connection, set(args[0]) & set(connection.rooms))
        elif what == "mute" and args[0] in connection.rooms:
            live.mute(connection, args[0], args[1])
        elif what == "mode":
            connection.mode = args[0]
            live.remode(connection)
        elif what == "resize":
            live.resize(args[0], args[1])
        elif what == "exit":
            live.exit(connection)
        agree(live, connections)


def agree(live, connections):
    assert not NOBODY
    for connection in connections:
        for number, audience in connection.rooms.items():
            assert live.audiences[number] is audience
            assert level(live, connection, number) == live.level(connection, audience)
            assert (connection in audience.focused) == (number in connection.focus)
        assert set(connection.muted) <= set(connection.rooms)
    for number, audience in live.audiences.items():
        assert not audience.empty
        assert all(audience.number == number and number in one.rooms for one in audience.listeners())
