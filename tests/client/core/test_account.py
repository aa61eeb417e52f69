"""One account: pages of a sync, pushes, and the rows stored of it."""

import pytest

from chatd.client.core.account import Account, Presence
from chatd.client.core.changes import (
    AccountChanged,
    EventAdded,
    MessageAdded,
    PresenceChanged,
    RoomChanged,
    RoomGone,
    RoomMoved,
)
from chatd.client.core.records import Record, put


class Delegate:
    """Notes what an account says, by kind."""

    def __init__(self):
        self.changes, self.typing, self.gaps, self.lags, self.own = [], [], [], [], []
        self.syncs = self.rounds = 0

    def on_change(self, change):
        self.changes.append(change)

    def on_typing(self, room, user, what):
        self.typing.append((room, user))

    def on_gap(self, replica):
        self.gaps.append(replica.room)

    def on_behind(self, replica):
        self.lags.append(replica.room)

    def on_more_rows(self):
        self.syncs += 1

    def on_synced(self):
        self.rounds += 1

    def on_own_message(self, event):
        self.own.append(event["seq"])

    def of(self, kind):
        return [change for change in self.changes if isinstance(change, kind)]


@pytest.fixture
def told():
    return Delegate()


@pytest.fixture
def account(told):
    return account_with(told)


def account_with(told, kept=1000):
    account = Account(told, kept)
    account.take_hello({"user": "me", "epoch": "e1"})
    return account


def summary(room, seq=1, **more):
    return {"room": room, "seq": seq, **more}


def text(seq, user="bob", **more):
    return {"seq": seq, "kind": "message", "user": user, "time": seq, "ordinal": seq, "body": {}, **more}


def events(room, *pushed):
    return {"type": "event", "room": room, "events": list(pushed)}


def stored(account, tables=None):
    tables = {} if tables is None else tables
    for record in account.records():
        put(tables, record)
    return tables


# --- sync


def test_a_page_with_more_leaves_the_cursor_alone(account):
    assert account.take_sync({"rooms": [summary("a")], "more": "m1"}) == "m1"
    assert account.cursor == ""
    assert account.take_sync({"rooms": [summary("b")], "cursor": "c1"}) == ""
    assert (account.cursor, list(account.replicas)) == ("c1", ["a", "b"])


def test_a_full_round_forgets_rooms_no_page_mentioned(account, told):
    account.take_sync({"rooms": [summary("a"), summary("b"), summary("c")], "cursor": "c1"})
    account.begin_round()
    account.take_sync({"rooms": [summary("a")], "full": True, "more": "m1"})
    assert not told.of(RoomGone)
    account.take_sync({"rooms": [summary("b")], "cursor": "c2"})
    assert told.of(RoomGone) == [RoomGone("c", "forgotten")]


def test_a_room_that_appears_between_the_pages_is_kept(account):
    account.take_sync({"rooms": [summary("a")], "full": True, "more": "m1"})
    account.take_push({"type": "room", "summary": summary("new")})
    account.take_sync({"rooms": [], "cursor": "c2"})
    assert set(account.replicas) == {"a", "new"}


def test_an_unfinished_full_round_does_not_count_for_the_next(account):
    account.take_sync({"rooms": [summary("a")], "full": True, "more": "m1"})
    account.begin_round()
    account.take_sync({"rooms": [summary("b")], "cursor": "c2"})
    assert set(account.replicas) == {"a", "b"}


def test_gone_rooms_of_a_page_are_lost(account, told):
    account.take_sync({"rooms": [summary("a")], "cursor": "c1"})
    account.take_sync({"rooms": [], "gone": ["a", "never"], "cursor": "c2"})
    assert told.of(RoomGone) == [RoomGone("a", "removed")]


def test_totals_are_kept_until_the_next_full_round(account):
    totals = {"rooms": 1, "unread": 2, "mentions": 0}
    account.take_sync({"rooms": [], "totals": totals, "cursor": "c1"})
    account.take_sync({"rooms": [], "cursor": "c2"})
    assert account.totals == totals


def test_another_epoch_drops_positions_and_cursor(account):
    account.take_sync({"rooms": [summary("a", 5)], "cursor": "c1"})
    account.take_push(events("a", text(6)))
    account.take_hello({"user": "me", "epoch": "e2"})
    assert (account.cursor, account.epoch) == ("", "e2")
    assert not account.replicas["a"].timeline.started


def test_the_same_epoch_keeps_everything(account):
    account.take_sync({"rooms": [summary("a", 5, first_visible=6)], "cursor": "c1"})
    account.take_push(events("a", text(6)))
    account.take_hello({"user": "me", "epoch": "e1"})
    assert (account.cursor, account.replicas["a"].timeline.applied) == ("c1", 6)


# --- account rows


def row(name, stamp, **value):
    return {"account": [{"name": name, "stamp": stamp, **value}]}


def test_a_row_that_changed_is_told_once_and_stored_before_the_cursor(account, told):
    page = {"rooms": [], "sections": row("a", 5, value=1), "cursor": "c1"}
    account.take_sync(page)
    account.take_push({"type": "account", "sections": row("a", 5, value=1)})
    assert told.of(AccountChanged) == [AccountChanged("account", "a")]
    records = account.records()
    assert next(record.table for record in records if record.table != "rooms") == "account_rows"
    assert records[-1] == Record("account", "cursor", "c1")


def test_rows_survive_a_restart_gone_ones_too(account, told):
    account.take_push({"type": "account", "sections": row("a", 5, value=1)})
    account.take_push({"type": "account", "sections": row("a b", 6)})
    other = Account(told, 100)
    other.restore(stored(account))
    other.take_push({"type": "account", "sections": row("a b", 5, value=2)})
    assert other.rows.section("account") == {"a": 1}


def test_a_row_that_is_forgotten_is_told_and_leaves_the_storage(account, told):
    account.take_sync({"rooms": [], "sections": row("a", 5, value=1), "cursor": "c1"})
    tables = stored(account)
    account.begin_round()
    account.take_sync({"rooms": [], "full_sections": ["account"], "cursor": "c2"})
    assert told.of(AccountChanged)[1:] == [AccountChanged("account", "a")]
    assert stored(account, tables)["account_rows"] == {}


def test_another_epoch_drops_all_rows(account):
    account.take_sync({"rooms": [], "sections": row("a", 100, value=1), "cursor": "c1"})
    tables = stored(account)
    account.take_hello({"user": "me", "epoch": "e2"})
    account.take_sync({"rooms": [], "full": True, "sections": row("b", 3, value=2), "cursor": "c2"})
    assert account.rows.section("account") == {"b": 2}
    assert list(stored(account, tables)["account_rows"]) == ["account b"]


def test_more_rows_than_were_told_begin_a_sync(account, told):
    account.take_push({"type": "account", "more": True})
    assert told.syncs == 1


# --- pushes


def test_events_are_applied_and_told(account, told):
    account.take_push(events("a", text(1), {"seq": 2, "kind": "joined"}))
    assert [type(change) for change in told.changes] == [MessageAdded, EventAdded]


def test_a_hole_is_pointed_out(account, told):
    account.take_push(events("a", text(1)))
    account.take_push(events("a", text(3)))
    assert told.gaps == ["a"]


def test_a_head_tells_that_the_room_moved_and_points_it_out(account, told):
    account.take_push({"type": "head", "rooms": [{"room": "a", "seq": 9, "ordinal": 4}]})
    assert told.changes == [RoomMoved("a", 9, 4)]
    assert told.lags == ["a"]


def test_a_summary_ahead_of_the_events_points_the_room_out(account, told):
    account.take_push({"type": "room", "summary": summary("a", 7)})
    assert told.lags == ["a"]


def test_gone_is_told_with_its_reason(account, told):
    account.take_push({"type": "room", "summary": summary("a")})
    account.take_push({"type": "gone", "room": "a", "reason": "banned"})
    account.take_push({"type": "gone", "room": "unknown"})
    assert told.of(RoomGone) == [RoomGone("a", "banned")]


def test_a_position_moves_the_numbers(account, told):
    account.take_push({"type": "position", "room": "a", "read": 3, "unread": 1, "unread_mentions": 0})
    assert (account.replicas["a"].read, told.changes) == (3, [RoomChanged("a")])


def test_receipts_move(account):
    account.take_push({"type": "receipts", "room": "a", "receipts": [{"user": "bob", "read": 3}]})
    assert account.replicas["a"].receipts["bob"].read == 3


def test_unknown_values_are_taken_as_the_default(account, told):
    account.take_push({"type": "room", "summary": {"room": "a", "seq": 1}})
    account.take_push({"type": "gone", "room": "a", "reason": "expelled"})
    account.take_push({"type": "presence", "users": [{"user": "bob", "state": "dancing"}]})
    assert told.of(RoomGone) == [RoomGone("a", "removed")]
    assert account.presence == {"bob": Presence("offline")}


def test_presence_is_kept_and_told_with_offline_as_default(account, told):
    account.take_push({"type": "presence", "users": [{"user": "bob", "state": "online"}, {"user": "ann"}]})
    assert account.presence == {"bob": Presence("online"), "ann": Presence("offline")}
    assert told.changes == [PresenceChanged("bob", "online"), PresenceChanged("ann", "offline")]


def test_typing_is_pointed_out(account, told):
    account.take_push({"type": "typing", "room": "a", "user": "bob"})
    assert (told.typing, told.changes) == ([("a", "bob")], [])


def test_unknown_pushes_are_ignored(account, told):
    account.take_push({"type": "future.thing", "later": [1]})
    account.take_push({"no": "type"})
    assert told.changes == []


def test_own_messages_are_pointed_out_whatever_their_position(account, told):
    account.take_push(events("a", text(1, "me"), text(2)))
    account.take_push(events("a", text(9, "me")))
    account.take_sync({"rooms": [summary("b", 4, events=[text(4, "me")])], "cursor": "c"})
    assert told.own == [1, 9, 4]


# --- the cursor


def test_a_ping_may_carry_a_newer_cursor(account):
    account.take_sync({"rooms": [], "cursor": "c1"})
    account.take_push({"type": "ping", "cursor": "c2"})
    assert account.cursor == "c2"
    account.take_push({"type": "ping"})
    assert account.cursor == "c2"


def test_a_cursor_before_the_round_is_complete_is_not_taken(account):
    account.take_sync({"rooms": [], "more": "m1"})
    account.take_push({"type": "ping", "cursor": "c2"})
    assert account.cursor == ""


def test_a_dropped_cursor_is_forgotten_for_good(account):
    account.take_sync({"rooms": [], "cursor": "c1"})
    tables = stored(account)
    account.drop_cursor()
    assert "cursor" not in stored(account, tables)["account"]


# --- storing


def test_what_is_stored_is_restored(account):
    account.take_sync({"rooms": [summary("a", 5, title="A"), summary("b", 9)], "cursor": "c1"})
    account.take_push(events("a", text(6)))
    again = account_with(Delegate())
    again.restore(stored(account))
    assert (again.user, again.epoch, again.cursor) == ("me", "e1", "c1")
    assert again.replicas["a"].record() == account.replicas["a"].record()


def test_rooms_are_stored_before_the_cursor_that_covers_them(account):
    account.take_sync({"rooms": [summary("a", 5)], "cursor": "c1"})
    tables = [record.table for record in account.records()]
    assert tables == sorted(tables, key=lambda table: table != "rooms")


def test_nothing_is_stored_twice(account):
    account.take_sync({"rooms": [summary("a")], "cursor": "c1"})
    account.records()
    assert (account.unstored, account.records()) == (False, [])


def test_a_lost_room_is_removed_from_the_storage(account):
    account.take_sync({"rooms": [summary("a")], "cursor": "c1"})
    tables = stored(account)
    account.take_push({"type": "gone", "room": "a"})
    assert stored(account, tables)["rooms"] == {}


# --- the cache


def test_rooms_off_the_screen_are_trimmed_and_the_one_on_it_is_not():
    account = account_with(Delegate(), kept=10)
    account.focused = ("a",)
    for room in "ab":
        account.take_push(events(room, *(text(seq) for seq in range(1, 101))))
        account.take_push(events(room, text(101)))
    assert len(account.replicas["a"].timeline.messages) == 101
    assert len(account.replicas["b"].timeline.messages) <= 50


def test_how_many_members_a_mention_of_everybody_reaches_is_what_the_server_says(account):
    known = account.replica("r")
    account.take_hello({"user": "me", "epoch": "e1", "limits": {"full_delivery_members": 2}})
    for replica in (known, account.replica("q")):
        for members, mentions in ((3, 0), (2, 1)):
            replica.reset()
            replica.take_summary(summary(replica.room, 1, ordinal=1, members=members))
            replica.timeline.resume(1)
            replica.feed([{**text(2), "body": {"mentions": ["*"]}}])
            assert replica.unread_mentions == mentions
