"""The roles of visitors of the console: scopes of the host's API. Synchronous and pure."""

from collections.abc import Collection
from typing import Literal

Role = Literal["viewer", "moderator", "admin"]

# Nothing that people wrote, and no key: not even events, which bring messages along.
VIEWER = frozenset({"stats.read", "users.read", "people.read", "rooms.read", "push.read"})
# Recalls and warnings come with a report; who has `messages` could write in the name of any user.
MODERATOR = VIEWER | {"messages.read", "moderation", "moderation.read"}


def scopes_of_role(role: Role, known: Collection[str]) -> tuple[str, ...]:
    """Return the scopes of a role among those that open a route; an admin has them all."""
    allowed = {"viewer": VIEWER, "moderator": MODERATOR, "admin": frozenset(known)}[role]
    return tuple(sorted(allowed.intersection(known)))
