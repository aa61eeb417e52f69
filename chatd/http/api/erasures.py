"""Erasures and exports of persons: scope `privacy`."""

from typing import Annotated

from msgspec import UNSET, Meta, Struct, UnsetType

from chatd.core.erasure_steps import Erase
from chatd.core.erasures import Erasure, Messages, Place, Reports
from chatd.core.exports import Export
from chatd.http.api.route import Asked, Call, Download, Limit, Route, page_of
from chatd.protocol.identifiers import U53_MAX, Milliseconds

MoreErasures = Annotated[str, Meta(pattern=r"^([0-9]{1,16} [^ ]{1,64})?\Z")]

MEDIA_TYPE = "application/gzip"


class AskErasure(Asked, frozen=True, kw_only=True):
    """`messages`: recall them for everybody, or keep them as what a stranger wrote. `reports`: those about the person.

    `seen`: refuse a person who was never here.
    """

    messages: Messages = "recall"
    reports: Reports = "keep"
    seen: bool = False


class Since(Asked, frozen=True, kw_only=True):
    """The erasures asked for after this time (Unix ms), the oldest first."""

    since: Annotated[int, Meta(ge=0, le=U53_MAX)] = 0
    limit: Limit = 50
    more: MoreErasures = ""

    @property
    def place(self) -> tuple[int, str]:
        """The (asked, user) behind which the page begins."""
        asked, _, user = self.more.partition(" ")
        # No user id is above this one.
        return (int(asked), user) if user else (self.since, "\x7f")


class Check(Struct, frozen=True):
    """The last check of an erasure: when it was, and how many rows it found, which it erased."""

    time: Milliseconds
    found: int


class ErasureAnswer(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """An erasure. `receipt`: what was taken away, place by place, when it is done."""

    user: str
    state: str
    asked: Milliseconds
    messages: Messages = "recall"
    reports: Reports = "keep"
    done: Milliseconds | UnsetType = UNSET
    receipt: list[Place] | UnsetType = UNSET
    check: Check | UnsetType = UNSET
    reopened: Milliseconds | UnsetType = UNSET


class ErasuresAnswer(Struct, frozen=True, kw_only=True, omit_defaults=True):
    erasures: list[ErasureAnswer]
    more: str | UnsetType = UNSET


class ExportAnswer(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """An export. `until`: when its file is removed."""

    user: str
    state: str
    asked: Milliseconds
    done: Milliseconds | UnsetType = UNSET
    bytes: int | UnsetType = UNSET
    until: Milliseconds | UnsetType = UNSET


def answer_of(erasure: Erasure) -> ErasureAnswer:
    return ErasureAnswer(
        user=erasure.user,
        state="done" if erasure.done else "running",
        asked=erasure.asked,
        messages=erasure.messages,
        reports=erasure.reports,
        done=erasure.done or UNSET,
        receipt=[*erasure.receipt] if erasure.done else UNSET,
        check=Check(erasure.checked, erasure.found) if erasure.checked else UNSET,
        reopened=erasure.reopened or UNSET,
    )


def export_answer(export: Export) -> ExportAnswer:
    return ExportAnswer(
        user=export.user,
        state="done" if export.done else "running",
        asked=export.asked,
        done=export.done or UNSET,
        bytes=export.bytes if export.done else UNSET,
        until=export.until or UNSET,
    )


async def put_erasure(call: Call, asked: AskErasure) -> ErasureAnswer:
    user = call.path["user"]
    request = Erase(user, asked.messages, asked.reports)
    return answer_of(await call.services.privacy.erase(request, call.audit(user), seen=asked.seen))


async def get_erasure(call: Call, asked: Asked) -> ErasureAnswer:
    return answer_of(await call.services.privacy.erasure(call.path["user"]))


async def check_erasure(call: Call, asked: Asked) -> ErasureAnswer:
    user = call.path["user"]
    return answer_of(await call.services.privacy.check(user, call.audit(user)))


async def get_erasures(call: Call, asked: Since) -> ErasuresAnswer:
    found = await call.services.privacy.erasures(*asked.place, asked.limit + 1)
    page, more = page_of(found, asked.limit, lambda one: f"{one.asked} {one.user}")
    return ErasuresAnswer(erasures=[answer_of(one) for one in page], more=more)


async def put_export(call: Call, asked: Asked) -> ExportAnswer:
    user = call.path["user"]
    return export_answer(await call.services.privacy.ask_export(user, call.audit(user)))


async def get_export(call: Call, asked: Asked) -> ExportAnswer:
    return export_answer(await call.services.privacy.export(call.path["user"]))


async def get_file(call: Call, asked: Asked) -> Download:
    user = call.path["user"]
    return Download(await call.services.privacy.export_path(user, call.audit(user)), MEDIA_TYPE)


ROUTES = (
    Route("GET", "/v1/erasures", "privacy", get_erasures, Since, ErasuresAnswer),
    Route("PUT", "/v1/erasures/{user}", "privacy", put_erasure, AskErasure, ErasureAnswer),
    Route("GET", "/v1/erasures/{user}", "privacy", get_erasure, Asked, ErasureAnswer),
    Route("POST", "/v1/erasures/{user}/check", "privacy", check_erasure, Asked, ErasureAnswer),
    Route("PUT", "/v1/exports/{user}", "privacy", put_export, Asked, ExportAnswer),
    Route("GET", "/v1/exports/{user}", "privacy", get_export, Asked, ExportAnswer),
    Route("GET", "/v1/exports/{user}/file", "privacy", get_file, Asked, Download),
)
