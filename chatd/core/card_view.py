"""A card as another user is shown it (protocol.md "Cards").

Whom the owner blocks is shown what they would see of a closed account, so both are one case here: `is_shut`.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from msgspec import UNSET, structs

from chatd.core.contacts import Contact, State
from chatd.core.privacy import ONESELF, RANKS, STRANGER, HostBounds, Viewer, allows, viewer_of
from chatd.core.profiles import Card, page_of, plate
from chatd.core.users import Account
from chatd.protocol.codec import decode_tree
from chatd.protocol.errors import Refused
from chatd.protocol.privacy import Audience, Capability
from chatd.protocol.users import Page, Profile, Viewpoint

# Both sides of these have a part in it. A remark, a follow or a block is made by one alone, with as many as they like.
MUTUAL = frozenset((State.SENT, State.RECEIVED, State.FRIEND))


@dataclass(slots=True, frozen=True)
class CardView:
    """A card, and what decides how much of it is shown.

    `of_owner`: the viewer as the owner has them, `of_viewer`: the owner as the viewer has them. `shares_room`: both are
    in one; `acquainted`: in a small group. `rules`, `acquainted` and `common`, groups of both, are read for pages only.
    """

    account: Account
    card: Card
    of_owner: Contact
    of_viewer: Contact
    shares_room: bool = False
    acquainted: bool = False
    rules: Mapping[Capability, Audience] = field(default_factory=dict)
    common: Collection[str] = ()

    @property
    def is_own(self) -> bool:
        return self.account.user == self.of_viewer.owner

    @property
    def is_shut(self) -> bool:
        """Whether the owner blocks the viewer, or has no account any more."""
        return self.account.disabled or self.of_owner.blocked

    @property
    def is_met(self) -> bool:
        """Whether the viewer knows the user id from more than hearsay: such cards count against no budget."""
        return self.is_own or self.shares_room or self.of_viewer.state in MUTUAL

    @property
    def viewer(self) -> Viewer:
        if self.is_own:
            return ONESELF
        closed, acquainted = self.account.disabled, self.acquainted
        return viewer_of(self.of_owner, self.of_viewer, closed=closed, acquainted=acquainted)


@dataclass(slots=True, frozen=True)
class CardPage:
    """Plates in order of user id, as of commit `stamp`. `after`: the user to continue behind, None on the last page."""

    users: list[Profile]
    stamp: int
    after: str | None


def shown_plate(view: CardView) -> Profile:
    """Return what anybody may see, or what is shown of somebody unknown."""
    if view.is_shut and not view.is_met:
        return Profile(view.account.user)
    return plate(view.account, view.card)


def shown_card(view: CardView, bounds: HostBounds) -> Profile:
    """Return the plate, the page as far as the viewer may see it, and the groups of both."""
    profile = shown_plate(view)
    profile.page = shown_page(view.card, view.rules, view.viewer, bounds) or UNSET
    if view.common:
        profile.common = [*view.common]
    return profile


def shown_page(
    card: Card, rules: Mapping[Capability, Audience], viewer: Viewer, bounds: HostBounds
) -> Page | None:
    """Return the page for a viewer, with the lines that are for them. Only the owner sees whom a line is for."""
    page = page_of(card)
    if page is None or viewer == ONESELF or not allows(viewer, rules, "page", bounds):
        return page if viewer == ONESELF else None
    lines = [line for line in page.fields if line.to is UNSET or viewer.rank <= RANKS[line.to]]
    page = structs.replace(page, fields=[structs.replace(line, to=UNSET) for line in lines])
    return None if page == Page() else page


def may_find(view: CardView, bounds: HostBounds) -> bool:
    """Whether the viewer may find the owner by their handle. Blocking somebody does not hide them from oneself."""
    if view.is_own:
        return True
    if view.is_shut:
        return False
    viewer = view.viewer._replace(shut_out=False)
    return allows(viewer, view.rules, "find", bounds)


def numbers_of(circles: bytes | None) -> set[int]:
    """Return the numbers in the account row `circles`, None when there is none."""
    return {circle["number"] for circle in decode_tree(circles)} if circles else set()


def own_card_as(
    view: CardView, viewpoint: Viewpoint, circles: Collection[int], bounds: HostBounds
) -> Profile:
    """Return the own card as a stranger, a friend, or a friend in one of the own `circles` sees it."""
    viewer = STRANGER if viewpoint == "stranger" else Viewer(RANKS["friends"])
    if isinstance(viewpoint, int):
        if viewpoint not in circles:
            raise Refused("not_found", "no circle has this number", field="as")
        viewer = viewer._replace(circles=1 << viewpoint)
    profile = plate(view.account, view.card)
    profile.page = shown_page(view.card, view.rules, viewer, bounds) or UNSET
    return profile
