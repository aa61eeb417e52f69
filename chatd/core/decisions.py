"""The table of decisions, by type of request: all that the writer knows of them."""

from collections.abc import Callable
from typing import Any

from chatd.core import (
    accounts,
    api_keys,
    audit,
    contact_settings,
    erasure_steps,
    erasures,
    exports,
    friends,
    graph,
    maintenance,
    members,
    message_requests,
    messages,
    privacy_settings,
    profiles,
    read_state,
    rooms,
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
    maintenance.PostNotice: maintenance.post_notice,
    maintenance.SummariseReactions: maintenance.summarise_reactions,
    maintenance.CompactLog: maintenance.compact_log,
    maintenance.ForgetKeys: maintenance.forget_keys,
    maintenance.NoteDay: maintenance.note_day,
    erasure_steps.Erase: erasure_steps.erase,
    erasure_steps.EraseEvents: erasure_steps.erase_events,
    erasure_steps.EraseReactions: erasure_steps.erase_reactions,
    erasure_steps.EraseMembership: erasure_steps.erase_membership,
    erasure_steps.EraseContacts: erasure_steps.erase_contacts,
    erasure_steps.EraseProfile: erasure_steps.erase_profile,
    erasure_steps.EraseRows: erasure_steps.erase_rows,
    erasure_steps.PurgeRoom: erasure_steps.purge_room,
    erasures.NoteErasure: erasures.note_erasure,
    exports.AskExport: exports.ask_export,
    exports.EndExport: exports.end_export,
    exports.DropExport: exports.drop_export,
    audit.NoteAccess: audit.note_access,
    audit.ForgetAudit: audit.forget_audit,
    api_keys.AddKey: api_keys.add_key,
    api_keys.RotateKey: api_keys.rotate_key,
    api_keys.DeleteKey: api_keys.delete_key,
}
