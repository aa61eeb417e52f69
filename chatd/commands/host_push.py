"""Notifications as the host and operators ask about them."""

from collections.abc import Callable, Sequence

from chatd.commands.admin import Admin, Writes
from chatd.commands.push_door import PushDoor
from chatd.core.audit import Audit
from chatd.core.push_registrations import Dropped
from chatd.protocol.errors import Refused
from chatd.push.views import Decision, Now, Status, Tested
from chatd.storage.interface import UserStore
from chatd.storage.views import UserPush


class HostPush:
    """The notifications of all users. What is read or sent is in the audit."""

    def __init__(
        self, store: UserStore, door: PushDoor, admin: Admin, writes: Writes, members_all: Callable[[], int]
    ) -> None:
        self._store = store
        self._door = door
        self._members_all = members_all
        self._admin = admin
        self._writes = writes

    @property
    def enabled(self) -> bool:
        """Whether push is on."""
        return self._door.notifications is not None

    async def of_user(self, user: str, audit: Audit) -> UserPush:
        """Return the registrations and preferences of a user, and their badge; also while push is off."""
        await self._admin.note(audit)
        return await self._read(user)

    async def forget(self, user: str, device: str, audit: Audit) -> None:
        """End the registrations of a device. Raises Refused("not_found") when it has none."""
        if device not in {one.device for one in (await self._read(user)).registrations}:
            raise Refused("not_found", "this device has no registration", field="device")
        await self._writes(user, Dropped(user, device), audit)

    async def _read(self, user: str) -> UserPush:
        return await self._store.user_push(user, self._admin.now_ms(), self._members_all())

    def status(self) -> Status:
        """Return the apps, and how far the planner is. Raises Refused("not_supported") while push is off."""
        return self._door.require().status()

    async def decisions(
        self, user: str, room: str, seq: int, limit: int, audit: Audit
    ) -> tuple[list[Decision], list[Now], int]:
        """Return the decisions of the day, what would become of a message at this moment, and the badge.

        Raises Refused.
        """
        notifications = self._door.require()
        if seq and not room:
            raise Refused("bad_request", "a message needs its room", field="room")
        await self._admin.note(audit)
        found = await notifications.decisions(user, room, seq, limit)
        now = await notifications.now(user, room, seq)
        return found, now, (await self._read(user)).badge

    async def test(self, user: str, device: str, audit: Audit, *, dry_run: bool) -> Sequence[Tested]:
        """Send a test to the devices of a user, or to one; with `dry_run` only look. Raises Refused."""
        notifications = self._door.require()
        await self._admin.note(audit)
        return await notifications.test(user, device, dry_run=dry_run)

    async def pause(self, platform: str, on: bool, audit: Audit) -> Status:
        """Stop sending to a platform, or go on. Raises Refused."""
        notifications = self._door.require()
        if platform not in {app.platform for app in notifications.status().apps}:
            raise Refused("not_found", "push.apps has no app of this platform", field="platform")
        await self._admin.note(audit)
        notifications.pause(platform, on)
        return notifications.status()
