"""The table of decisions: which function decides which request. The writer knows only this table."""

from collections.abc import Callable
from typing import Any

from chatd.core import admin, members, messages, read_state
from chatd.core.read_set import ReadSet
from chatd.core.write_set import WriteSet
from chatd.protocol import requests
from chatd.protocol.replies import Ok

Decide = Callable[[str, Any, WriteSet, ReadSet], Ok]

DECISIONS: dict[type, Decide] = {
    requests.Send: messages.post,
    requests.Edit: messages.edit,
    requests.Recall: messages.recall,
    requests.React: messages.react,
    requests.Pin: messages.pin,
    requests.Read: read_state.read,
    requests.Delivered: read_state.delivered,
    requests.Preferences: read_state.prefer,
    requests.RoomCreate: members.create,
    requests.RoomDirect: members.direct,
    requests.RoomGet: members.get,
    requests.RoomUpdate: members.update,
    requests.RoomDelete: members.delete,
    requests.RoomJoin: members.join,
    requests.RoomLeave: members.leave,
    requests.MembersAdd: members.add,
    requests.MembersRemove: members.remove,
    requests.MembersRole: members.set_roles,
    requests.DevicesRemove: admin.remove_device,
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
