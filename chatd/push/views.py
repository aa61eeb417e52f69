"""What others are shown of push notifications, and the door by which they ask."""

from collections.abc import Sequence
from typing import Protocol

from msgspec import Struct

from chatd.core.push import Kind, Outcome


class Decision(Struct, frozen=True, omit_defaults=True):
    """What became of a notification, as the trace of the last day has it. `time`: Unix ms.

    `seq`: the newest message that it told of. `device`: empty where it was decided for all devices. `detail`: the word
    of the push service.
    """

    time: int
    kind: Kind
    outcome: Outcome
    device: str = ""
    room: str = ""
    seq: int = 0
    detail: str = ""


class Line(Struct, frozen=True):
    """One rule of the table, and whether it fits."""

    outcome: Outcome
    fits: bool


class Now(Struct, frozen=True):
    """What would become of a message at this moment on one device, rule by rule; the first that fits decides.

    `device`, `platform`: empty where the user has no registration. `delay_s`: for so long another device is waited for.
    `paused`: why its app sends nothing, empty when it does.
    """

    device: str
    platform: str
    outcome: Outcome
    delay_s: int
    lines: Sequence[Line]
    paused: str = ""


class Tested(Struct, frozen=True):
    """What became of a test notification for one device. `status`: of the push service, 0 without an answer."""

    device: str
    platform: str
    app: str
    outcome: Outcome
    detail: str = ""
    status: int = 0


class AppStatus(Struct, frozen=True):
    """One app at one push service. `paused`: why nothing is sent, empty when it is not paused."""

    platform: str
    app: str
    waiting: int
    under_way: int
    paused: str = ""


class Status(Struct, frozen=True):
    """Push at this moment. `late_ms`: how long the oldest commit waits to be planned."""

    late_ms: int
    outstanding: int
    apps: Sequence[AppStatus]


class Notifications(Protocol):
    """The door of push for commands and routes. There is none while push is off."""

    async def decisions(self, user: str, room: str = "", seq: int = 0, limit: int = 50) -> list[Decision]:
        """Return what was decided for `user` in the last day, the newest first; about one room or message if given."""

    async def now(self, user: str, room: str, seq: int, device: str = "") -> list[Now]:
        """Return what would become of a message at this moment, for each device with a registration.

        Without `seq` of one that comes now; without `room` of one in a direct room with nothing special about it.
        Empty when there is no such message; the caller has checked that `user` may know of it.
        """

    async def test(self, user: str, device: str = "", *, dry_run: bool = False) -> list[Tested]:
        """Send a test to the devices of `user`, and wait for the answers; with `dry_run` only look and send nothing."""

    def pause(self, platform: str, on: bool) -> None:
        """Stop sending to all apps of a platform, or go on; also after a key was refused."""

    def status(self) -> Status: ...
