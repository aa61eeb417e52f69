"""Decisions on what a user keeps of others for themselves: remarks, circles, follows, blocks (protocol.md "Remarks,
circles, follows, blocks").
"""

from collections.abc import Iterable
from dataclasses import dataclass

from msgspec import UNSET, convert
from msgspec.structs import replace

from chatd.core.contacts import Contact, contact_of, put, row_of, rows_again, tally_of
from chatd.core.friends import change, require_clients_own, require_other, require_unmoved
from chatd.core.privacy import bits_of
from chatd.core.privacy_settings import privacy_of, put_privacy
from chatd.core.read_set import ReadSet
from chatd.core.sections import ACCOUNT, ChangedRow, store, stored
from chatd.core.write_set import WriteSet
from chatd.protocol.codec import decode_tree, encode
from chatd.protocol.envelope import Ok
from chatd.protocol.errors import Refused
from chatd.protocol.friends import Circle, CircleDelete, CircleOk, CircleSet, ContactOk, ContactSet
from chatd.protocol.limits import CIRCLES_MAX

# The account row with all circles of a user.
CIRCLES = "circles"
# More than anybody reads.
FOLLOWS_MAX = 5000
# They are looked at when a room is loaded.
BLOCKS_MAX = 1000
# Contacts of one user besides friends: remarks on everybody they ever met.
OTHERS_MAX = 10_000


@dataclass(slots=True, frozen=True)
class ClearedCircle:
    """A record: nobody is in this circle of `owner` any more. Their rows are as they were, for clients."""

    owner: str
    number: int


def set_contact(user: str, request: ContactSet, writes: WriteSet, reads: ReadSet) -> ContactOk:
    """Change what the user keeps of another; keys that are absent stay as they are."""
    require_other(user, request)
    before = contact_of(user, request.user, reads)
    wanted = {name: getattr(request, name) for name in ("remark", "following", "blocked")}
    wanted = {name: value for name, value in wanted.items() if value not in (UNSET, getattr(before, name))}
    if request.circles is not UNSET:
        bits = bits_of(request.circles)
        if bits != before.circles:
            wanted["circles"] = bits
    if not wanted:
        return ContactOk(contact=row_of(before), duplicate=True)
    require_unmoved(before, request)
    require_allowed(before, wanted, reads)
    if "blocked" in wanted:
        change("block" if wanted.pop("blocked") else "unblock", user, request.user, writes, reads)
    contact = put(replace(contact_of(user, request.user, reads), **wanted), writes, reads)
    return ContactOk(contact=row_of(contact))


def require_allowed(contact: Contact, wanted: dict[str, object], reads: ReadSet) -> None:
    """Refuse a change that another owner makes, or that goes beyond a limit."""
    for kind, name in (("follows", "following"), ("blocks", "blocked")):
        if name in wanted:
            require_clients_own(kind, reads)
    if bits := wanted.get("circles"):
        if not contact.is_friend:
            raise Refused("conflict", "only friends are in circles", field="circles")
        known = bits_of(circle.number for circle in circles_of(contact.owner, reads))
        if isinstance(bits, int) and bits & ~known:
            raise Refused("not_found", "no such circle", field="circles")
    tally = tally_of(contact.owner, reads)
    if wanted.get("following") and tally.following >= FOLLOWS_MAX:
        raise Refused("too_large", f"a user follows at most {FOLLOWS_MAX} others", field="following")
    if wanted.get("blocked") and tally.blocked >= BLOCKS_MAX:
        raise Refused("too_large", f"a user blocks at most {BLOCKS_MAX} others", field="blocked")
    if not contact.matters and tally.rows >= reads.rules.people.friends_max + OTHERS_MAX:
        raise Refused("too_large", "as many contacts as a user may have", field="user")


def set_circle(user: str, request: CircleSet, writes: WriteSet, reads: ReadSet) -> CircleOk:
    """Make a circle, or rename one. A new one with a name that another has is that one."""
    circles = {circle.number: circle for circle in circles_of(user, reads)}
    namesake = next((circle for circle in circles.values() if circle.name == request.name), None)
    if request.number is UNSET:
        if namesake is not None:
            return CircleOk(circle=namesake, duplicate=True)
        number = next((free for free in range(1, CIRCLES_MAX + 1) if free not in circles), None)
        if number is None:
            raise Refused("too_large", f"a user has at most {CIRCLES_MAX} circles")
        circle = Circle(number, request.name, since=writes.stamp)
    else:
        known = circles.get(request.number)
        if known is None:
            raise Refused("not_found", "no such circle", field="number")
        if known is namesake:
            return CircleOk(circle=known, duplicate=True)
        if namesake is not None:
            raise Refused("conflict", "another circle has this name", field="name")
        circle = Circle(known.number, request.name, known.since)
    circles[circle.number] = circle
    store_circles(user, circles.values(), writes, reads)
    return CircleOk(circle=circle)


def delete_circle(user: str, request: CircleDelete, writes: WriteSet, reads: ReadSet) -> Ok:
    """Remove a circle, whose number is free at once; nobody's contact changes for clients."""
    circles = circles_of(user, reads)
    left = [circle for circle in circles if circle.number != request.number]
    if len(left) == len(circles):
        raise Refused("not_found", "no such circle", field="number")
    store_circles(user, left, writes, reads)
    writes.add(ClearedCircle(user, request.number))
    for contact in [*reads.records_of(Contact).values()]:
        if contact.owner == user and contact.circles >> request.number & 1:
            rows_again(replace(contact, circles=contact.circles & ~(1 << request.number)), writes, reads)
    leave_privacy(user, request.number, writes, reads)
    return Ok()


def leave_privacy(user: str, number: int, writes: WriteSet, reads: ReadSet) -> None:
    """Take a circle out of the user's privacy: the next one of its number is another."""
    privacy = privacy_of(user, reads)
    rules = {
        capability: replace(
            audience,
            allow=tuple(one for one in audience.allow if one != number),
            deny=tuple(one for one in audience.deny if one != number),
        )
        for capability, audience in privacy.rules.items()
    }
    if rules != privacy.rules:
        put_privacy(user, replace(privacy, rules=rules), writes, reads)


def circles_of(user: str, reads: ReadSet) -> list[Circle]:
    row = stored(user, ACCOUNT, CIRCLES, reads)
    return [] if row is None else convert(decode_tree(row), list[Circle])


def store_circles(user: str, circles: Iterable[Circle], writes: WriteSet, reads: ReadSet) -> None:
    value = sorted(circles, key=lambda circle: circle.number)
    store(ChangedRow(user, ACCOUNT, CIRCLES, encode(value) if value else None), writes, reads)
