"""Reports (protocol.md "Reports")."""

from typing import Annotated, Literal

from msgspec import UNSET, Meta, UnsetType

from chatd.protocol.envelope import Mutation, Ok
from chatd.protocol.identifiers import Room, Seq, User

Reason = Literal["spam", "abuse", "sexual", "violence", "fraud", "self_harm", "other"]
ReportText = Annotated[str, Meta(max_length=1000)]


class Report(Mutation, tag="report", frozen=True, kw_only=True):
    """A report of a message (`room`, `seq`), a room or a `user`."""

    reason: Reason
    room: Room | UnsetType = UNSET
    seq: Seq | UnsetType = UNSET
    user: User | UnsetType = UNSET
    text: ReportText = ""


class ReportOk(Ok, tag="ok", kw_only=True):
    """`duplicate`: the user has reported this before, and nobody has closed that report."""

    report: str
    duplicate: bool = False
