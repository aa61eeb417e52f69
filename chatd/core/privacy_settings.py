"""The decision on privacy rules (protocol.md "Privacy"). Synchronous and pure."""

from chatd.core.privacy import refused_choice
from chatd.core.read_set import ReadSet
from chatd.core.sections import ACCOUNT, ChangedRow
from chatd.core.write_set import WriteSet
from chatd.protocol.codec import encode
from chatd.protocol.errors import Refused
from chatd.protocol.privacy import Privacy, PrivacyOk, PrivacySet

# The name of the account row.
PRIVACY = "privacy"


def set_privacy(user: str, request: PrivacySet, writes: WriteSet, reads: ReadSet) -> PrivacyOk:
    """Replace the rules that the request names, within the bounds of the host."""
    before = reads.records_of(Privacy).get(user) or Privacy()
    if before.locked:
        raise Refused("forbidden", "the host sets the rules of this user", field="rules")
    if outside := refused_choice(request.rules, reads.rules.people.bounds):
        bound = reads.rules.people.bounds[outside]
        message = f"from {bound.narrowest} to {bound.widest}"
        raise Refused("forbidden", message, field=f"rules.{outside}")
    after = Privacy({**before.rules, **request.rules})
    if after != before:
        put_privacy(user, after, writes, reads)
    return PrivacyOk(privacy=after)


def put_privacy(user: str, privacy: Privacy, writes: WriteSet, reads: ReadSet) -> None:
    """Store the rules of a user, and tell them to their devices."""
    before = (reads.records_of(Privacy).get(user) or Privacy()).rules
    changed = {name for name in {*before, *privacy.rules} if before.get(name) != privacy.rules.get(name)}
    writes.rules_changed[user] = writes.rules_changed.get(user, frozenset()) | changed
    reads.records_of(Privacy)[user] = privacy
    writes.add(ChangedRow(user, ACCOUNT, PRIVACY, encode(privacy)))
