"""The table of decisions: which function decides which request. The writer knows only this table."""

from collections.abc import Callable
from typing import Any

from chatd.core import admin, members, messages, read_state
from chatd.core.read_set import ReadSet
from chatd.core.write_set import WriteSet
from chatd.protocol.envelope import Ok
from chatd.protocol.members import MembersAdd, MembersRemove, MembersRole, RoomJoin, RoomLeave
from chatd.protocol.messages import Edit, Pin, React, Recall, Send
from chatd.protocol.read_state import Delivered, Read
from chatd.protocol.rooms import Preferences, RoomCreate, RoomDelete, RoomDirect, RoomGet, RoomUpdate
from chatd.protocol.users import DevicesRemove

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
    RoomCreate: members.create,
    RoomDirect: members.direct,
    RoomGet: members.get,
    RoomUpdate: members.update,
    RoomDelete: members.delete,
    RoomJoin: members.join,
    RoomLeave: members.leave,
    MembersAdd: members.add,
    MembersRemove: members.remove,
    MembersRole: members.set_roles,
    DevicesRemove: admin.remove_device,
    admin.RecordDevice: admin.record_device,
    admin.RecordLastSeen: admin.record_last_seen,
    admin.ForgetDevices: admin.forget_devices,
    admin.Barrier: admin.barrier,
    admin.RefreshSummaries: admin.refresh_summaries,
    admin.Revoke: admin.revoke,
    admin.Amend: admin.amend,
    admin.PostNotice: admin.post_notice,
    admin.SummariseReactions: admin.summarise_reactions,
    admin.CompactLog: admin.compact_log,
    admin.ForgetKeys: admin.forget_keys,
    admin.NoteDay: admin.note_day,
}
