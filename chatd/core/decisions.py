"""The table of decisions: which function decides which request. The writer knows only this table."""

from collections.abc import Callable
from typing import Any

from chatd.core import admin, membership, posting, reading
from chatd.core.facts import Facts
from chatd.core.work import Work
from chatd.protocol import requests
from chatd.protocol.replies import Ok

Decide = Callable[[str, Any, Work, Facts], Ok]

DECISIONS: dict[type, Decide] = {
    requests.Send: posting.post,
    requests.Edit: posting.edit,
    requests.Recall: posting.recall,
    requests.React: posting.react,
    requests.Pin: posting.pin,
    requests.Read: reading.read,
    requests.Delivered: reading.delivered,
    requests.Preferences: reading.prefer,
    requests.RoomCreate: membership.create,
    requests.RoomDirect: membership.direct,
    requests.RoomGet: membership.get,
    requests.RoomUpdate: membership.update,
    requests.RoomDelete: membership.delete,
    requests.RoomJoin: membership.join,
    requests.RoomLeave: membership.leave,
    requests.MembersAdd: membership.add,
    requests.MembersRemove: membership.remove,
    requests.MembersRole: membership.set_roles,
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
