"""Reports of users and filters: the queue of the moderators, and what they do about one, in one commit; warnings."""

import re
from typing import Annotated, Any

from msgspec import UNSET, Meta, Struct, UnsetType, field

from chatd.core.moderation import Filed, Place, State, evidence_of
from chatd.core.report_actions import Action, AmendReport, Restrain, TakeBack, Warn, WarnUser
from chatd.http.api.messages import Written, body_of, event_shown, written
from chatd.http.api.restrictions import ReasonWord, Until, restriction_of
from chatd.http.api.route import Asked, Call, Page, Route
from chatd.protocol.codec import decode_tree
from chatd.protocol.errors import Refused
from chatd.protocol.hostdata import to_json
from chatd.protocol.identifiers import Key, Milliseconds, Seq, User
from chatd.protocol.messages import Event, LooseBody

ReportNote = Annotated[str, Meta(max_length=4096)]
ACTIONS_MAX = 10
MORE = re.compile(r"([0-9]{1,15})\.([0-9]{1,15})\.([0-9]{1,15})\Z")


class Does(Struct, tag_field="do", frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The base of actions. `user`: whom it is about, the one who was reported unless it is given."""

    user: User | UnsetType = UNSET

    def about(self, filed: Filed) -> str:
        return filed.target.user if self.user is UNSET else self.user


class Restrains(Does, frozen=True, kw_only=True):
    until: Until
    reason: ReasonWord = ""

    def action(self, call: Call, filed: Filed) -> Action:
        what: Any = self.__struct_config__.tag
        return Restrain(self.about(filed), restriction_of(what, self.until, self.reason, call.admin.now_ms()))


class BanUser(Restrains, tag="ban", frozen=True, kw_only=True):
    pass


class MuteUser(Restrains, tag="mute", frozen=True, kw_only=True):
    pass


class LimitUser(Restrains, tag="limit", frozen=True, kw_only=True):
    pass


class WarnsUser(Does, tag="warn", frozen=True, kw_only=True):
    body: LooseBody

    def action(self, call: Call, filed: Filed) -> Action:
        return WarnUser(self.about(filed), body_of(call, self.body))


class RecallMessage(
    Struct, tag_field="do", tag="recall", frozen=True, kw_only=True, forbid_unknown_fields=True
):
    """Take a message of the room back: `seq`, or the one that was reported."""

    seq: Seq | UnsetType = UNSET

    def action(self, call: Call, filed: Filed) -> Action:
        return TakeBack(filed.target.seq if self.seq is UNSET else self.seq)


AnyAction = BanUser | MuteUser | LimitUser | WarnsUser | RecallMessage


class ReportsQuery(Page, frozen=True, kw_only=True):
    state: State = "open"


class PatchReport(Asked, frozen=True, kw_only=True):
    """What is decided about a report; what is absent stays. An action that was carried out before is not repeated."""

    state: State | None = None
    note: ReportNote | None = None
    actions: Annotated[tuple[AnyAction, ...], Meta(max_length=ACTIONS_MAX)] = ()


class PostWarning(Asked, frozen=True, kw_only=True):
    """A warning. A repeated request with the same `key` is answered like the first one."""

    key: Key
    body: LooseBody


class ReportRow(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A report. `reporters`: how many have one about the same user, or room, that is not closed.

    `reporter` or `filter` has filed it.
    """

    report: str
    state: State
    time: Milliseconds
    changed_at: Milliseconds
    reporter: str = ""
    filter: str = ""
    reason: str = ""
    text: str = ""
    user: str = ""
    room: str = ""
    seq: int = 0
    reporters: int
    claimed_by: str = ""
    note: str = ""


class ReportsAnswer(Struct, frozen=True, kw_only=True, omit_defaults=True):
    reports: list[ReportRow]
    more: str | UnsetType = UNSET


class EvidenceAnswer(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What was reported, as it was then: messages, the `title` of their room, the `name` of a user."""

    messages: list[Event] = field(default_factory=list)
    title: str = ""
    name: str = ""


class ReportAnswer(ReportRow, frozen=True, kw_only=True, omit_defaults=True):
    actions: list[dict[str, Any]] = field(default_factory=list)
    evidence: EvidenceAnswer


def values_of(filed: Filed) -> dict[str, Any]:
    by_filter = not filed.reporter
    return {
        "report": filed.name,
        "state": filed.state,
        "time": filed.time,
        "changed_at": filed.changed_at,
        "reporter": filed.reporter,
        "filter": filed.text if by_filter else "",
        "reason": "" if by_filter else filed.reason,
        "text": "" if by_filter else filed.text,
        **filed.target._asdict(),
        "reporters": filed.reporters,
        "claimed_by": filed.claimed_by,
        "note": filed.note,
    }


def whole(filed: Filed) -> ReportAnswer:
    evidence = evidence_of(filed.evidence or b"\x80")
    actions = [to_json(action) for action in decode_tree(filed.actions)] if filed.actions else []
    kept = EvidenceAnswer(
        messages=[event_shown(event) for event in evidence.messages], title=evidence.title, name=evidence.name
    )
    return ReportAnswer(**values_of(filed), actions=actions, evidence=kept)


async def filed_at(call: Call) -> Filed:
    """Return the report of the path. Raises Refused("not_found")."""
    found = await call.admin.moderation.at([number_of(call.path["report"])])
    if not found:
        raise Refused("not_found", "there is no such report")
    return found[0]


def number_of(name: str) -> int:
    return int(name.removeprefix("r"))


def place_of(more: str) -> Place | None:
    """Return the place that `more` stands for. Raises Refused("bad_cursor")."""
    if not more:
        return None
    found = MORE.match(more)
    if found is None:
        raise Refused("bad_cursor", "`more` is not one that was answered", field="more")
    return Place(*map(int, found.groups()))


async def get_reports(call: Call, asked: ReportsQuery) -> ReportsAnswer:
    rows = await call.admin.moderation.queue(asked.state, place_of(asked.more), asked.limit + 1)
    page = rows[: asked.limit]
    more = ".".join(map(str, page[-1][1])) if len(rows) > asked.limit else UNSET
    return ReportsAnswer(reports=[ReportRow(**values_of(filed)) for filed, _ in page], more=more)


async def get_report(call: Call, asked: Asked) -> ReportAnswer:
    filed = await filed_at(call)
    await call.admin.note(call.audit(filed.name))
    return whole(filed)


async def patch_report(call: Call, asked: PatchReport) -> ReportAnswer:
    filed = await filed_at(call)
    request = AmendReport(
        number=filed.number,
        room=filed.target.room,
        by=call.caller.id,
        actor=call.admin.actor(),
        state=asked.state,
        note=asked.note,
        actions=[action.action(call, filed) for action in asked.actions],
    )
    await call.admin.decide("", request, call.audit(filed.name))
    return whole(await filed_at(call))


async def post_warning(call: Call, asked: PostWarning) -> Written:
    user = call.path["user"]
    warning = Warn(user, asked.key, body_of(call, asked.body))
    return written(await call.admin.decide(call.admin.actor(), warning, call.audit(user)))


ROUTES = (
    Route("POST", "/v1/users/{user}/warnings", "moderation", post_warning, PostWarning, Written),
    Route("GET", "/v1/reports", "moderation", get_reports, ReportsQuery, ReportsAnswer),
    Route("GET", "/v1/reports/{report}", "moderation", get_report, answer=ReportAnswer),
    Route("PATCH", "/v1/reports/{report}", "moderation", patch_report, PatchReport, ReportAnswer),
)
