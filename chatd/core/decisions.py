"""The table of decisions, by type of request: all that the writer knows of them."""

from collections.abc import Callable
from typing import Any

from chatd.core import (
    accounts,
    api_keys,
    audit,
    bots,
    contact_settings,
    event_feed,
    friends,
    graph,
    maintenance,
    members,
    message_requests,
    messages,
    privacy_settings,
    profiles,
    read_state,
    restrictions,
    rooms,
    webhooks,
)
from chatd.core.read_set import ReadSet
from chatd.core.write_set import WriteSet
from chatd.protocol.envelope import Ok
from chatd.protocol.friends import (
    CircleDelete,
    CircleSet,
    ContactSet,
    FriendAccept,
    FriendCancel,
    FriendDecline,
    FriendRemove,
    FriendRequest,
)
from chatd.protocol.members import MembersAdd, MembersRemove, MembersRole, RoomJoin, RoomLeave
from chatd.protocol.messages import Edit, Pin, React, Recall, Send
from chatd.protocol.privacy import PrivacySet
from chatd.protocol.read_state import Delivered, Read
from chatd.protocol.rooms import (
    Preferences,
    RoomAccept,
    RoomCreate,
    RoomDecline,
    RoomDelete,
    RoomDirect,
    RoomGet,
    RoomUpdate,
)
from chatd.protocol.users import DevicesRemove, ProfileSet

Decide = Callable[[str, Any, WriteSet, ReadSet], Ok]

DECISIONS: dict[type, Decide] = {
    Send: messages.post,
    Edit: messages.edit,
    Recall: messages.recall,
    React: messages.react,
    Pin: messages.pin,
    Read: read_state.read,
    Delivered: read_state.delivered,
    Preferences: read_state.prefer,
    RoomCreate: rooms.create,
    RoomDirect: rooms.direct,
    rooms.OpenDirect: rooms.open_direct,
    RoomGet: rooms.get,
    RoomAccept: message_requests.accept,
    RoomDecline: message_requests.decline,
    PrivacySet: privacy_settings.set_privacy,
    RoomUpdate: rooms.update,
    RoomDelete: rooms.delete,
    RoomJoin: members.join,
    RoomLeave: members.leave,
    MembersAdd: members.add,
    MembersRemove: members.remove,
    MembersRole: members.set_roles,
    members.SetMembers: members.set_members,
    ProfileSet: profiles.set_profile,
    DevicesRemove: accounts.remove_device,
    FriendRequest: friends.request,
    FriendAccept: friends.accept,
    FriendDecline: friends.decline,
    FriendCancel: friends.cancel,
    FriendRemove: friends.remove,
    ContactSet: contact_settings.set_contact,
    CircleSet: contact_settings.set_circle,
    CircleDelete: contact_settings.delete_circle,
    friends.Befriend: friends.befriend,
    friends.ExpireContacts: friends.expire,
    graph.ChangeGraph: graph.change_graph,
    privacy_settings.SetByHost: privacy_settings.set_by_host,
    accounts.RecordDevice: accounts.record_device,
    accounts.RecordLastSeen: accounts.record_last_seen,
    accounts.ForgetDevices: accounts.forget_devices,
    maintenance.Barrier: maintenance.barrier,
    maintenance.RefreshSummaries: maintenance.refresh_summaries,
    accounts.Revoke: accounts.revoke,
    accounts.Amend: accounts.amend,
    restrictions.Restrict: restrictions.restrict,
    maintenance.PostNotice: maintenance.post_notice,
    maintenance.SummariseReactions: maintenance.summarise_reactions,
    maintenance.CompactLog: maintenance.compact_log,
    maintenance.ForgetKeys: maintenance.forget_keys,
    maintenance.NoteDay: maintenance.note_day,
    audit.NoteAccess: audit.note_access,
    audit.ForgetAudit: audit.forget_audit,
    event_feed.BeginFeed: event_feed.begin_feed,
    event_feed.EndFeed: event_feed.end_feed,
    event_feed.ForgetEntries: event_feed.forget_entries,
    event_feed.NotePresence: event_feed.note_presence,
    webhooks.SaveConsumers: webhooks.save_consumers,
    webhooks.ForgetParked: webhooks.forget_parked,
    webhooks.Unpark: webhooks.unpark,
    api_keys.AddKey: api_keys.add_key,
    api_keys.RotateKey: api_keys.rotate_key,
    api_keys.DeleteKey: api_keys.delete_key,
    bots.PutBot: bots.put_bot,
    bots.DeleteBot: bots.delete_bot,
}
