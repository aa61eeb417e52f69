"""Reports to the moderators (protocol.md, "Reports"); pure."""

from dataclasses import dataclass
from typing import Literal, NotRequired, TypedDict, get_args

Reason = Literal["spam", "abuse", "sexual", "violence", "fraud", "self_harm", "other"]

REASONS: tuple[Reason, ...] = get_args(Reason)


@dataclass(frozen=True, slots=True)
class Report:
    """A report that was filed, by the name to refer to when writing to the support of the host.

    `duplicate`: it was filed before, and waits for a moderator still or was sent with the same key.
    """

    name: str
    duplicate: bool = False


class ReportReply(TypedDict):
    """The reply to `report`."""

    report: str
    duplicate: NotRequired[bool]
