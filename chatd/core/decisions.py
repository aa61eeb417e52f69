"""The table of decisions: which function decides which request. The writer knows only this table."""

from collections.abc import Callable
from typing import Any

from chatd.core import admin, members, messages, read_state
from chatd.core.read_set import Facts
from chatd.core.write_set import Work
from chatd.protocol import requests
from chatd.protocol.replies import Ok

Decide = Callable[[str, Any, Work, Facts], Ok]

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
    admin.SeeDevice: admin.see_device,
    admin.SeeLeft: admin.see_left,
    admin.ForgetDevices: admin.forget_devices,
    admin.Settle: admin.settle,
    admin.Retell: admin.retell,
    admin.Revoke: admin.revoke,
    admin.Amend: admin.amend,
    admin.Notify: admin.notify,
    admin.SummariseReactions: admin.summarise_reactions,
    admin.Fold: admin.fold,
    admin.ForgetKeys: admin.forget_keys,
}
