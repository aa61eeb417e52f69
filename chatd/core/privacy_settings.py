"""The decisions on privacy rules (protocol.md "Privacy"). Synchronous and pure."""

from dataclasses import dataclass

from msgspec import convert

from chatd.core.privacy import bits_of, refused_choice
from chatd.core.read_set import ReadSet
from chatd.core.sections import ACCOUNT, ChangedRow, store, stored
from chatd.core.write_set import WriteSet
from chatd.protocol.codec import decode_tree, encode
from chatd.protocol.errors import Refused
from chatd.protocol.friends import Circle
from chatd.protocol.privacy import Audiences, Privacy, PrivacyOk, PrivacySet, decode_privacy

# The names of the account rows: the rules of a user, and their circles, which rules name.
PRIVACY, CIRCLES = "privacy", "circles"


@dataclass(slots=True, frozen=True)
class SetByHost:
    """Replace these rules of a user in the place of the host, and lock them all, or no longer; None leaves that."""

    rules: Audiences
    locked: bool | None = None


def set_privacy(user: str, request: PrivacySet, writes: WriteSet, reads: ReadSet) -> PrivacyOk:
    """Replace the rules that the request names, within the bounds of the host."""
    before = privacy_of(user, reads)
    if before.locked:
        raise Refused("forbidden", "the host sets the rules of this user", field="rules")
    return change_rules(user, request.rules, False, writes, reads)


def set_by_host(user: str, request: SetByHost, writes: WriteSet, reads: ReadSet) -> PrivacyOk:
    """Replace the rules that the host names, within the bounds of its configuration."""
    if not reads.rules.people.enabled:
        raise Refused("not_supported", "people are switched off here")
    before = privacy_of(user, reads)
    locked = before.locked if request.locked is None else request.locked
    return change_rules(user, request.rules, locked, writes, reads)


def change_rules(user: str, rules: Audiences, locked: bool, writes: WriteSet, reads: ReadSet) -> PrivacyOk:
    before = privacy_of(user, reads)
    if outside := refused_choice(rules, reads.rules.people.bounds):
        bound = reads.rules.people.bounds[outside]
        raise Refused("forbidden", f"from {bound.narrowest} to {bound.widest}", field=f"rules.{outside}")
    require_circles(user, rules, reads)
    after = Privacy({**before.rules, **rules}, locked)
    if after != before:
        put_privacy(user, after, writes, reads)
    return PrivacyOk(privacy=after)


def require_circles(user: str, rules: Audiences, reads: ReadSet) -> None:
    """Refuse numbers that no circle of the user has: the next circle to get one would be let in, or shut out."""
    known = bits_of(circle.number for circle in circles_of(user, reads))
    for capability, audience in rules.items():
        for name in ("allow", "deny"):
            if bits_of(getattr(audience, name)) & ~known:
                raise Refused("not_found", "no such circle", field=f"rules.{capability}.{name}")


def circles_of(user: str, reads: ReadSet) -> list[Circle]:
    row = stored(user, ACCOUNT, CIRCLES, reads)
    return [] if row is None else convert(decode_tree(row), list[Circle])


def privacy_of(user: str, reads: ReadSet) -> Privacy:
    """Return the rules of a user; nothing is in them of whom has chosen nothing."""
    row = stored(user, ACCOUNT, PRIVACY, reads)
    return Privacy() if row is None else decode_privacy(row)


def put_privacy(user: str, privacy: Privacy, writes: WriteSet, reads: ReadSet) -> None:
    """Store the rules of a user, tell them to their devices, and check again whom they concern."""
    before = privacy_of(user, reads).rules
    changed = {name for name in {*before, *privacy.rules} if before.get(name) != privacy.rules.get(name)}
    changed = {*changed, *writes.rules_changed.get(user, ())}
    writes.rules_changed = {**writes.rules_changed, user: frozenset(changed)}
    store(ChangedRow(user, ACCOUNT, PRIVACY, encode(privacy)), writes, reads)
