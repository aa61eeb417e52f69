"""One room: summary, unread numbers, receipts, and the rows that survive a restart."""

from chatd.client.core.changes import MessageAdded, ReceiptsChanged, RoomChanged, RoomMoved
from chatd.client.core.replica import EVERYBODY_MEMBERS_MAX, MemberReceipt, Owner, Replica

ROOM, ME = "gRoom", "me"


def text(seq, user="bob", **more):
    body = {"text": "t", **more.pop("body", {})}
    return {"seq": seq, "kind": "message", "user": user, "time": seq, "ordinal": seq, "body": body, **more}


def summary(seq=10, **more):
    return {"room": ROOM, "seq": seq, "ordinal": seq, **more}


def opened(seq=10, **more):
    replica = Replica(ROOM, Owner(ME))
    replica.take_summary(summary(seq, **more))
    replica.timeline.resume(seq)
    return replica


def test_a_summary_replaces_what_was_known():
    replica = opened(title="Old", muted_until=1)
    assert replica.take_summary(summary(title="New")) == [RoomChanged(ROOM)]
    assert (replica.summary.title, replica.summary.muted_until) == ("New", 0)


def test_a_summary_without_preview_keeps_the_last_one():
    replica = opened(preview=text(10))
    replica.take_summary(summary(11))
    assert replica.summary.preview == text(10)


def test_the_events_of_a_summary_are_applied():
    replica = opened(10)
    changes = replica.take_summary(summary(12, unread=2, events=[text(11), text(12)]))
    assert [type(change) for change in changes] == [RoomChanged, MessageAdded, MessageAdded]
    assert (replica.timeline.applied, replica.unread) == (12, 2)


def test_messages_that_follow_count_as_unread():
    replica = opened(10, unread=3)
    replica.feed([text(11), text(12)])
    assert replica.unread == 5


def test_own_silent_and_read_messages_do_not_count():
    replica = opened(10, read=12)
    replica.feed([text(11), text(12), text(13, user=ME), {**text(14), "ordinal": 0}, text(15)])
    assert replica.unread == 1


def test_a_message_the_server_counted_already_is_not_counted_again():
    replica = opened(10)
    replica.take_summary(summary(12, unread=2))
    replica.feed([text(11), text(12), text(13)])
    assert replica.unread == 3


def test_messages_applied_beyond_a_late_summary_are_counted_on_top_of_it():
    replica = opened(10)
    replica.feed([text(11), text(12), text(13)])
    replica.take_summary(summary(11, unread=1))
    assert replica.unread == 3


def test_nothing_is_counted_across_a_hole():
    replica = opened(10)
    replica.feed([text(12)])
    assert replica.unread == 0


def test_mentions_of_oneself_count():
    replica = opened(10)
    replica.feed([text(11, body={"mentions": [ME]}), text(12, body={"mentions": ["ann"]})])
    assert (replica.unread, replica.unread_mentions) == (2, 1)


def test_a_mention_of_everybody_counts_up_to_the_limit():
    small, large = opened(members=EVERYBODY_MEMBERS_MAX), opened(members=EVERYBODY_MEMBERS_MAX + 1)
    for replica in (small, large):
        replica.feed([text(11, body={"mentions": ["*"]})])
    assert (small.unread_mentions, large.unread_mentions) == (1, 0)


def test_a_position_of_another_device_sets_the_numbers():
    replica = opened(10, unread=5)
    assert replica.take_position({"read": 8, "unread": 2, "unread_mentions": 1}) == [RoomChanged(ROOM)]
    assert (replica.read, replica.unread, replica.unread_mentions) == (8, 2, 1)


def test_a_receipt_says_from_where_on_its_member_sees_the_room():
    replica = opened()
    replica.take_receipts([{"user": "bob", "read": 9}, {"user": "eve", "delivered": 8, "first_visible": 7}])
    assert replica.receipts == {"bob": MemberReceipt(9, 0, 1), "eve": MemberReceipt(0, 8, 7)}


def test_what_a_position_counted_is_not_counted_again_when_it_comes():
    replica = opened(10, unread=5)
    replica.take_position({"read": 8, "unread": 4, "unread_mentions": 0, "ordinal": 12})
    replica.feed([text(11), text(12), text(13)])
    assert (replica.unread, replica.badge) == (5, 5)


def test_what_a_head_tells_of_is_unread_before_it_is_fetched():
    replica = opened(10, unread=3)
    replica.take_head(14, 13)
    replica.feed([text(13, user=ME, ordinal=12)])
    assert (replica.unread, replica.badge) == (3, 5)
    replica.feed([text(11), {**text(12), "ordinal": 0}, text(14, ordinal=13)])
    assert (replica.unread, replica.badge) == (5, 5)


def test_what_was_only_told_of_is_still_unread_after_a_restart():
    replica = opened(10, unread=3)
    replica.take_head(12, 12)
    again = Replica(ROOM, Owner(ME))
    again.restore(replica.record())
    assert again.badge == 5


def test_reading_to_the_head_clears_the_numbers_at_once():
    replica = opened(10, unread=5, unread_mentions=1)
    assert replica.mark_read(10)
    assert (replica.read, replica.unread, replica.unread_mentions) == (10, 0, 0)


def test_reading_back_or_again_is_nothing():
    replica = opened(10, read=7)
    assert not replica.mark_read(7)
    assert not replica.mark_read(3)


def test_reading_part_of_it_leaves_the_number_to_the_server():
    replica = opened(10, unread=5)
    replica.mark_read(8)
    assert replica.unread == 5


def test_a_head_is_told_once():
    replica = opened(10)
    assert replica.take_head(12, 12) == [RoomMoved(ROOM, 12, 12)]
    assert replica.take_head(12, 12) == []
    assert replica.timeline.behind


def test_receipts_only_move_forward_and_are_told_when_they_move():
    replica = opened(10)
    assert replica.take_receipts([{"user": "bob", "read": 9}]) == [ReceiptsChanged(ROOM, ("bob",))]
    assert replica.take_receipts([{"user": "bob", "read": 4}]) == []
    assert replica.take_receipts([{"user": "bob", "delivered": 10}]) == [ReceiptsChanged(ROOM, ("bob",))]
    assert replica.receipts["bob"] == MemberReceipt(9, 10)


def test_the_peer_of_a_direct_room_has_receipts_from_the_summary():
    replica = opened(10, peer="bob", peer_read=7, peer_delivered=9)
    assert replica.receipts == {"bob": MemberReceipt(7, 9)}


def test_an_own_reaction_of_a_large_room_is_remembered():
    replica = opened(10)
    replica.feed([text(11)])
    replica.take_own_reaction(11, "👍", present=True)
    replica.take_own_reaction(99, "👍", present=True)
    assert replica.timeline.messages[11].mine == {"👍"}


def test_what_was_recorded_is_restored():
    replica = opened(10, title="Bikes", unread=2, read=8)
    replica.feed([text(11)])
    replica.take_head(15, 15)
    again = Replica(ROOM, Owner(ME))
    again.restore(replica.record())
    assert again.record() == replica.record()
    assert (again.summary.title, again.unread, again.read) == ("Bikes", 3, 8)
    assert (again.timeline.applied, again.timeline.head, again.timeline.ordinal) == (11, 15, 15)


def test_a_room_never_begun_is_restored_as_one():
    replica = Replica(ROOM, Owner(ME))
    replica.take_summary(summary(500, first_visible=100))
    again = Replica(ROOM, Owner(ME))
    again.restore(replica.record())
    assert (again.timeline.started, again.timeline.applied, again.timeline.head) == (False, 99, 500)


def test_a_new_epoch_forgets_positions_and_numbers():
    replica = opened(10, unread=4, read=6)
    replica.feed([text(11)])
    replica.reset()
    assert (replica.unread, replica.read, replica.counted, replica.timeline.started) == (0, 0, 0, False)


def test_the_cache_is_bounded_with_some_slack():
    replica = opened(0)
    replica.feed(text(seq) for seq in range(1, 201))
    replica.trim(kept=100)
    assert len(replica.timeline.messages) == 100
    replica.feed([text(201)])
    replica.trim(kept=100)
    assert len(replica.timeline.messages) == 101


def test_what_is_too_old_for_the_room_is_not_shown():
    replica = opened(0, policy={"retain_s": 60}, kept=1)
    replica.feed([text(seq, time=1000 * seq) for seq in (1, 2, 3)])
    messages = replica.timeline.messages
    assert [seq for seq in messages if replica.is_shown(messages[seq], 62_500)] == [1, 3]
    replica.take_summary(summary(3))
    assert all(replica.is_shown(message, 62_500) for message in messages.values())


def test_a_deleted_message_is_forgotten_and_not_told_of():
    replica = opened(0)
    replica.take_summary(summary(2, read=2, deleted=[[1, 1]]))
    changes = replica.without_deleted(replica.feed([text(1), text(2)]))
    assert [change.message.seq for change in changes] == [2]
    assert list(replica.timeline.messages) == [2]


def test_the_preview_of_another_epoch_or_of_before_one_came_back_is_not_shown():
    preview = {"seq": 9, "kind": "message", "user": "u7", "body": {"text": "Hi"}}
    replica = opened(preview=preview)
    replica.take_summary(summary(12, first_visible=9))
    assert replica.summary.preview == preview
    replica.take_summary(summary(12, first_visible=10))
    assert replica.summary.preview is None
    replica = opened(preview=preview)
    replica.reset()
    replica.take_summary(summary(3))
    assert replica.summary.preview is None
