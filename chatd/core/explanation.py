"""The rule that decides whether one user may do something to another, for whoever asks why (docs/people.md). Pure.

The answer is that of core/privacy.py and of the gates in core/message_requests.py; here is only which of their lines
it was.
"""

from collections.abc import Collection
from typing import Literal, NamedTuple

from chatd.core.privacy import (
    RANKS,
    HostBounds,
    Outcome,
    Relation,
    Side,
    Viewer,
    audience_of,
    bits_of,
    decided_by_kind,
    is_allowed,
    outcome,
    viewer_of,
)
from chatd.core.room import Standing
from chatd.protocol.privacy import Audience, Capability

Rule = Literal[
    "relation", "audience", "circle", "block", "closed", "unknown", "standing", "preferences", "kind"
]
Related = Literal["self", "friend", "acquaintance", "follower", "stranger"]

RELATED: dict[int, Related] = {
    RANKS["friends"]: "friend",
    RANKS["acquaintances"]: "acquaintance",
    RANKS["followers"]: "follower",
    RANKS["everyone"]: "stranger",
}
# Who hides these from somebody does not see theirs either.
MUTUAL: frozenset[Capability] = frozenset({"presence", "receipts"})


class Explanation(NamedTuple):
    """An outcome, and the line that it comes from. `of`: the user whose rule, block or account it is.

    `relation`: of the viewer to the owner. `audience`: the one in force, of `of`. `chosen`: whether they chose it
    themselves, or the host has it so.
    """

    outcome: Outcome
    rule: Rule
    of: str
    relation: Related
    audience: Audience
    chosen: bool = False
    standing: Standing | None = None


def explain(
    relation: Relation,
    standing: Standing | None,
    what: Capability,
    bounds: HostBounds,
    *,
    silent: Collection[str] = (),
) -> Explanation:
    """Return whether the viewer may use the capability `what` of the owner, and why.

    `standing`: of the owner in the direct room of the two, None where there is none. `silent`: those of the two who
    switched `what`, a mutual capability, off for everybody in their preferences.
    """
    one, other = relation.viewer, relation.owner
    if one.user == other.user:
        return Explanation("yes", "relation", one.user, "self", audience_of(one.rules, what, bounds))
    found = judged(one, other, what, relation.acquainted, bounds)
    if not relation.is_known and not one.tie.blocked:
        return found._replace(outcome="no", rule="unknown", of=other.user)
    if found.rule in ("block", "closed"):
        return found
    if what == "write" and found.outcome != "yes" and standing not in (None, Standing.POLICY):
        accepted = standing == Standing.ACCEPTED
        return found._replace(outcome="yes" if accepted else "ask", rule="standing", standing=standing)
    for user in (other.user, one.user):
        if user in silent:
            return found._replace(outcome="no", rule="preferences", of=user)
    if what in MUTUAL and found.outcome == "yes":
        back = judged(other, one, what, relation.acquainted, bounds)
        if back.outcome != "yes":
            return back._replace(outcome="no", relation=found.relation)
    return found if what == "write" or found.outcome != "ask" else found._replace(outcome="no")


def judged(one: Side, other: Side, what: Capability, acquainted: bool, bounds: HostBounds) -> Explanation:
    """Return what the rules of `other` say of `one`."""
    audience = audience_of(other.rules, what, bounds)
    closed = one.closed or other.closed
    viewer = viewer_of(other.tie, one.tie, closed=closed, acquainted=acquainted)
    result = outcome(viewer, other.rules, what, bounds)
    rule, of = line_of(one, other, viewer, audience)
    by_kind = decided_by_kind(one, other, what)
    if by_kind is not None and not viewer.shut_out:
        result, rule, of = "yes" if by_kind else "no", "kind", other.user if other.automated else one.user
    return Explanation(result, rule, of, RELATED[viewer.rank], audience, what in other.rules)


def line_of(one: Side, other: Side, viewer: Viewer, audience: Audience) -> tuple[Rule, str]:
    """Return the first line of core/privacy.py that fits, and the user whose it is."""
    if one.tie.blocked:
        return "block", one.user
    if other.tie.blocked:
        return "block", other.user
    if viewer.shut_out:
        return "closed", one.user if one.closed else other.user
    if viewer.circles & bits_of(audience.deny):
        return "circle", other.user
    if viewer.circles & bits_of(audience.allow) and not is_allowed(viewer._replace(circles=0), audience):
        return "circle", other.user
    return "audience", other.user
