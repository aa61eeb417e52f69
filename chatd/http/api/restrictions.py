"""Restrictions: a ban, a mute or a limit of a user, for a while or until it is lifted; and warnings."""

from typing import Annotated

from msgspec import UNSET, Meta, Struct, UnsetType

from chatd.core.restrictions import in_force
from chatd.core.users import FOR_EVER, Restrained, Restriction
from chatd.http.api.route import Asked, Call, Done, Page, Route, page_of
from chatd.protocol.errors import Refused
from chatd.protocol.identifiers import Milliseconds

ReasonWord = Annotated[str, Meta(max_length=64)]
# FOR_EVER, or a time to come.
Until = Annotated[int, Meta(ge=FOR_EVER, le=2**53 - 1)]


class PutRestriction(Asked, frozen=True, kw_only=True):
    """A restriction in place of the one there is. `until`: Unix milliseconds, 1 for ever. `reason`: for moderators.

    `seen`: refuse a user who was never here.
    """

    what: Restrained
    until: Until
    reason: ReasonWord = ""
    seen: bool = False


class RestrictionAnswer(Struct, frozen=True, kw_only=True, omit_defaults=True):
    what: Restrained
    until: Milliseconds
    reason: str = ""

    @classmethod
    def of(cls, restriction: Restriction) -> "RestrictionAnswer":
        return cls(what=restriction.what, until=restriction.until, reason=restriction.reason)


class RestrictedUser(RestrictionAnswer, frozen=True, kw_only=True, omit_defaults=True):
    user: str


class RestrictedUsers(Struct, frozen=True, kw_only=True, omit_defaults=True):
    users: list[RestrictedUser]
    more: str | UnsetType = UNSET


def restriction_of(what: Restrained, until: int, reason: str, now_ms: int) -> Restriction:
    """Return a restriction; Refused("bad_request") for one that would have ended already."""
    restriction = Restriction(what, until, reason)
    if not restriction.holds(now_ms):
        raise Refused(
            "bad_request", "`until` is a time to come in Unix milliseconds, or 1 for ever", field="until"
        )
    return restriction


async def put_restriction(call: Call, asked: PutRestriction) -> RestrictionAnswer:
    user = call.path["user"]
    restriction = restriction_of(asked.what, asked.until, asked.reason, call.admin.now_ms())
    await call.admin.restrict(user, restriction, call.audit(user), seen=asked.seen)
    return RestrictionAnswer.of(restriction)


async def get_restriction(call: Call, asked: Asked) -> RestrictionAnswer:
    account = await call.admin.store.account(call.path["user"])
    restriction = in_force(account.restriction, call.admin.now_ms()) if account else None
    if restriction is None:
        raise Refused("not_found", "this user is not restricted")
    return RestrictionAnswer.of(restriction)


async def delete_restriction(call: Call, asked: Asked) -> Done:
    user = call.path["user"]
    await call.admin.restrict(user, None, call.audit(user))
    return Done()


async def get_restricted(call: Call, asked: Page) -> RestrictedUsers:
    found = await call.admin.store.restricted(call.admin.now_ms(), asked.more, asked.limit + 1)
    accounts, more = page_of(found, asked.limit, lambda account: account.user)
    users = [
        RestrictedUser(user=account.user, what=one.what, until=one.until, reason=one.reason)
        for account in accounts
        if (one := account.restriction)
    ]
    return RestrictedUsers(users=users, more=more)


PATH = "/v1/users/{user}/restriction"
ROUTES = (
    Route("GET", "/v1/restrictions", "moderation", get_restricted, Page, RestrictedUsers),
    Route("GET", PATH, "moderation", get_restriction, answer=RestrictionAnswer),
    Route("PUT", PATH, "moderation", put_restriction, PutRestriction, RestrictionAnswer),
    Route("DELETE", PATH, "moderation", delete_restriction),
)
