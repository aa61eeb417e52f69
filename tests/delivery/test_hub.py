import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatd.delivery.hub import NO_SUBSCRIBERS, Hub, RoomSubscribers, Subscriptions

FULL_MEMBERS = 500


class Connection:
    def __init__(self, user="ann", device="d1", *, encoding=0, mode="foreground"):
        self.user, self.device, self.encoding, self.mode = user, device, encoding, mode
        self.receipts = True
        self.subscriptions = Subscriptions()


@pytest.fixture
def hub():
    return Hub(FULL_MEMBERS)


def attached(hub, connection=None, *, number=1, members=2, muted_until=0):
    connection = connection or Connection()
    hub.enter(connection)
    hub.subscribe(connection, number, f"g{number}", members, muted_until)
    return connection


def level(hub, connection, number=1):
    """Return the level it is subscribed at; it must be exactly one."""
    subscribers = hub.rooms[number]
    groups = [("full", group) for group in subscribers.full] + [
        ("head", subscribers.head),
        ("none", subscribers.none),
    ]
    taken = [name for name, group in groups if connection in group]
    assert len(taken) == 1
    return taken[0]


@pytest.mark.parametrize("members", [2, FULL_MEMBERS, FULL_MEMBERS + 1])
@pytest.mark.parametrize("focused", [False, True])
@pytest.mark.parametrize("muted", [False, True])
@pytest.mark.parametrize("mode", ["foreground", "background"])
def test_the_table_of_levels(hub, members, focused, muted, mode):
    connection = Connection(mode=mode)
    connection.subscriptions.look_at({1} if focused else set())
    attached(hub, connection, members=members, muted_until=int(muted))
    expected = "full" if focused or members <= FULL_MEMBERS else "head"
    if muted and mode == "background":
        expected = "none"
    assert level(hub, connection) == expected
    assert (connection in hub.rooms[1].focused) is focused


@pytest.mark.parametrize("encoding", [0, 1, 2])
def test_full_listeners_sit_by_the_encoding_they_get(hub, encoding):
    connection = attached(hub, Connection(encoding=encoding))
    assert [connection in group for group in hub.rooms[1].full] == [n == encoding for n in range(3)]


def test_a_room_pays_for_the_places_that_are_taken(hub):
    connection = attached(hub)
    subscribers = hub.rooms[1]
    assert [
        group
        for group in (*subscribers.full, subscribers.head, subscribers.none)
        if group is not NO_SUBSCRIBERS
    ] == [{connection: None}]
    assert not any(RoomSubscribers(2, "g2", 2).full)


def test_subscribing_again_brings_the_subscription_up_to_date(hub):
    connection = attached(hub, Connection(mode="background"), muted_until=1)
    hub.subscribe(connection, 1, "g1", 2, 0)
    assert (level(hub, connection), connection.subscriptions.muted) == ("full", {})
    hub.subscribe(connection, 1, "g1", 2, 1)
    assert (level(hub, connection), connection.subscriptions.muted) == ("none", {1: 1})


def test_a_newer_connection_takes_the_place_of_its_device(hub):
    older, other, newer = Connection(), Connection(device="d2"), Connection()
    assert [hub.enter(one) for one in (older, other, newer)] == [None, None, older]
    assert hub.of("ann") == [newer, other]
    assert hub.of("bob") == []


def test_the_end_of_a_replaced_connection_leaves_its_successor(hub):
    older, newer = Connection(), Connection()
    hub.enter(older)
    hub.enter(newer)
    hub.exit(older)
    assert hub.of("ann") == [newer]


def test_an_exit_ends_all_subscriptions(hub):
    connection = attached(hub)
    hub.subscribe(connection, 2, "g2", 1000, 1)
    stays = attached(hub, Connection("bob"))
    hub.set_focus(connection, {2})
    hub.exit(connection)
    assert (connection.subscriptions.rooms, connection.subscriptions.muted, set(hub.sessions)) == (
        {},
        {},
        {"bob"},
    )
    assert not connection.subscriptions.focus
    assert set(hub.rooms) == {1}
    assert list(hub.rooms[1].connections()) == [stays]


def test_a_second_exit_changes_nothing(hub):
    connection = attached(hub)
    hub.exit(connection)
    hub.exit(connection)
    assert (hub.sessions, hub.rooms) == ({}, {})


def test_detaching_forgets_focus_and_mute(hub):
    connection = Connection()
    connection.subscriptions.look_at({1})
    attached(hub, connection, muted_until=1)
    hub.unsubscribe(connection, 1)
    assert (
        connection.subscriptions.rooms,
        connection.subscriptions.focus,
        connection.subscriptions.muted,
        hub.rooms,
    ) == ({}, set(), {}, {})


def test_detaching_where_one_is_not_is_nothing(hub):
    hub.unsubscribe(Connection(), 7)
    assert hub.rooms == {}


def test_focus_moves_the_subscription_and_back(hub):
    connection = attached(hub, members=1000)
    hub.subscribe(connection, 2, "g2", 1000, 0)
    hub.set_focus(connection, {1})
    assert (level(hub, connection, 1), level(hub, connection, 2)) == ("full", "head")
    hub.set_focus(connection, {2})
    assert (level(hub, connection, 1), level(hub, connection, 2)) == ("head", "full")
    assert connection not in hub.rooms[1].focused
    assert connection in hub.rooms[2].focused
    hub.set_focus(connection, set())
    assert level(hub, connection, 2) == "head"


def test_focus_on_a_room_one_does_not_sit_in_is_harmless(hub):
    connection = attached(hub)
    hub.set_focus(connection, {99})
    assert connection.subscriptions.focus == {99}


def test_a_background_client_receives_nothing_of_muted_rooms(hub):
    connection = attached(hub, muted_until=1)
    hub.subscribe(connection, 2, "g2", 2, 0)
    assert level(hub, connection) == "full"
    connection.mode = "background"
    hub.mode_changed(connection)
    assert (level(hub, connection), level(hub, connection, 2)) == ("none", "full")
    connection.mode = "foreground"
    hub.mode_changed(connection)
    assert level(hub, connection) == "full"


def test_muting_takes_effect_at_once(hub):
    connection = attached(hub, Connection(mode="background"))
    hub.mute(connection, 1, 1)
    assert level(hub, connection) == "none"
    hub.mute(connection, 1, 0)
    assert (level(hub, connection), connection.subscriptions.muted) == ("full", {})


def test_crossing_the_mark_moves_everybody_but_who_looks(hub):
    plain, looking = Connection("ann"), Connection("bob")
    looking.subscriptions.look_at({1})
    sleeping = Connection("cat", mode="background")
    attached(hub, plain, members=FULL_MEMBERS)
    attached(hub, looking, members=FULL_MEMBERS)
    attached(hub, sleeping, members=FULL_MEMBERS, muted_until=1)
    hub.resize(1, FULL_MEMBERS + 1)
    assert [level(hub, one) for one in (plain, looking, sleeping)] == ["head", "full", "none"]
    hub.resize(1, FULL_MEMBERS)
    assert [level(hub, one) for one in (plain, looking, sleeping)] == ["full", "full", "none"]


def test_a_resize_of_a_room_nobody_is_in_is_nothing(hub):
    hub.resize(5, 3)
    assert hub.rooms == {}


STEPS = st.lists(
    st.tuples(
        st.integers(0, 3),
        st.one_of(
            st.tuples(st.just("subscribe"), st.integers(1, 3), st.integers(0, 1)),
            st.tuples(st.just("unsubscribe"), st.integers(1, 3)),
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
def test_subscriptions_and_rooms_agree_whatever_happens(steps):
    hub = Hub(FULL_MEMBERS)
    connections = [Connection(user, encoding=n % 3) for n, user in enumerate(["ann", "bob", "cat", "dan"])]
    for who, (what, *args) in steps:
        connection = connections[who]
        if what == "subscribe" and args[0] not in connection.subscriptions.rooms:
            hub.enter(connection)
            members = hub.rooms[args[0]].members if args[0] in hub.rooms else 500
            hub.subscribe(connection, args[0], f"g{args[0]}", members, args[1])
        elif what == "unsubscribe":
            hub.unsubscribe(connection, args[0])
        elif what == "focus":
            hub.set_focus(connection, set(args[0]) & set(connection.subscriptions.rooms))
        elif what == "mute" and args[0] in connection.subscriptions.rooms:
            hub.mute(connection, args[0], args[1])
        elif what == "mode":
            connection.mode = args[0]
            hub.mode_changed(connection)
        elif what == "resize":
            hub.resize(args[0], args[1])
        elif what == "exit":
            hub.exit(connection)
        agree(hub, connections)


def agree(hub, connections):
    assert not NO_SUBSCRIBERS
    for connection in connections:
        for number, subscribers in connection.subscriptions.rooms.items():
            assert hub.rooms[number] is subscribers
            assert level(hub, connection, number) == hub.level(connection, subscribers)
            assert (connection in subscribers.focused) == (number in connection.subscriptions.focus)
        assert set(connection.subscriptions.muted) <= set(connection.subscriptions.rooms)
    for number, subscribers in hub.rooms.items():
        assert not subscribers.empty
        assert all(
            subscribers.number == number and number in one.subscriptions.rooms
            for one in subscribers.connections()
        )
