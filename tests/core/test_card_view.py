from dataclasses import replace
from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import UNSET, structs

from chatd.core import card_view
from chatd.core.card_view import MUTUAL, CardView, shown_plate
from chatd.core.contacts import Contact, State
from chatd.core.privacy import BOUNDS
from chatd.core.profiles import Card, packed
from chatd.core.users import Account
from chatd.protocol.errors import Refused
from chatd.protocol.privacy import Audience, To
from chatd.protocol.users import CardField, Page, Profile

FIELDS: list[tuple[str, To | None]] = [
    ("site", None),
    ("city", "everyone"),
    ("blog", "followers"),
    ("club", "acquaintances"),
    ("phone", "friends"),
    ("diary", "nobody"),
]
LINES = [CardField(name, "x", to=to or UNSET) for name, to in FIELDS]
CARD = Card("ann", "ann.k", "staff", packed(Page(bio="Two wheels.", fields=LINES)))
PLATE = Profile("ann", "Ann", "a.jpg", 7, "ann.k", "staff")
shown_card = partial(card_view.shown_card, bounds=BOUNDS)
may_find = partial(card_view.may_find, bounds=BOUNDS)
own_card_as = partial(card_view.own_card_as, bounds=BOUNDS)
EVERYBODY_SEES = {"page": Audience("everyone")}


def looked_at(of_owner: Contact | None = None, of_viewer: Contact | None = None, **parts) -> CardView:
    """ann's card as bob looks at it."""
    account = Account("ann", "Ann", "a.jpg", 7, disabled=parts.pop("closed", False))
    return CardView(
        account, CARD, of_owner or Contact("ann", "bob"), of_viewer or Contact("bob", "ann"), **parts
    )


def friends(**of_owner) -> CardView:
    return looked_at(
        Contact("ann", "bob", State.FRIEND, **of_owner), Contact("bob", "ann", State.FRIEND), common=["g1"]
    )


def lines(profile: Profile) -> list[str]:
    return [] if profile.page is UNSET else [line.name for line in profile.page.fields]


def test_a_stranger_sees_the_plate_and_a_friend_the_page() -> None:
    assert shown_card(looked_at()) == shown_plate(looked_at()) == PLATE
    profile = shown_card(friends())
    assert (profile.page.bio, profile.common) == ("Two wheels.", ["g1"])
    assert shown_plate(friends()) == PLATE


@pytest.mark.parametrize(
    ("view", "seen"),
    [
        (friends(), ["site", "city", "blog", "club", "phone"]),
        (looked_at(acquainted=True), ["site", "city", "blog", "club"]),
        (looked_at(Contact("ann", "bob", following=True)), ["site", "city", "blog", "club"]),
        (looked_at(of_viewer=Contact("bob", "ann", following=True)), ["site", "city", "blog"]),
        (looked_at(), ["site", "city"]),
    ],
)
def test_a_line_is_for_an_audience_which_only_its_owner_is_told(view: CardView, seen: list[str]) -> None:
    profile = shown_card(replace(view, rules=EVERYBODY_SEES))
    assert lines(profile) == seen
    assert [line.to for line in profile.page.fields] == [UNSET] * len(seen)


def test_the_owner_sees_everything_whatever_their_rules_are() -> None:
    own = looked_at(Contact("ann", "ann"), Contact("ann", "ann"), rules={"page": Audience("nobody")})
    assert shown_card(own).page.fields == LINES
    assert may_find(replace(own, rules={"find": Audience("nobody")}))


def test_a_circle_goes_before_the_audience() -> None:
    inside = friends(circles=1 << 2)
    assert shown_card(replace(inside, rules={"page": Audience("friends", deny=(2,))})).page is UNSET
    assert shown_card(replace(inside, rules={"page": Audience("nobody", allow=(2,))})).page is not UNSET
    assert shown_card(replace(friends(), rules={"page": Audience("nobody", allow=(2,))})).page is UNSET


TIES = st.builds(
    lambda state, following, circles: {"state": state, "following": following, "circles": circles},
    st.sampled_from(State),
    st.booleans(),
    st.sampled_from((0, 1 << 1, 1 << 2)),
)


@given(TIES, TIES, st.booleans(), st.booleans(), st.sampled_from(("everyone", "friends", "nobody")))
def test_who_is_blocked_is_shown_what_a_closed_account_shows(
    of_owner: dict, of_viewer: dict, shares_room: bool, acquainted: bool, to: To
) -> None:
    ties = Contact("ann", "bob", **of_owner), Contact("bob", "ann", **of_viewer)
    parts = {
        "shares_room": shares_room,
        "acquainted": acquainted,
        "rules": {"page": Audience(to), "find": Audience(to)},
        "common": ["g1"] if shares_room else [],
    }
    blocked = looked_at(structs.replace(ties[0], blocked=True), ties[1], **parts)
    closed = looked_at(*ties, closed=True, **parts)
    assert shown_card(blocked) == shown_card(closed)
    assert shown_card(blocked).page is UNSET
    assert not may_find(blocked)
    assert not may_find(closed)
    met = shares_room or ties[1].state in MUTUAL
    assert shown_plate(blocked) == shown_plate(closed) == (PLATE if met else Profile("ann"))


def test_whom_one_blocks_one_still_finds_but_sees_no_page_of() -> None:
    view = looked_at(Contact("ann", "bob", State.FRIEND), Contact("bob", "ann", State.FRIEND, blocked=True))
    assert shown_card(view) == PLATE
    assert may_find(view)


@pytest.mark.parametrize(("to", "found"), [("everyone", True), ("acquaintances", False), ("nobody", False)])
def test_a_handle_finds_who_lets_themself_be_found(to: To, found: bool) -> None:
    assert may_find(looked_at(rules={"find": Audience(to)})) is found


def test_what_one_side_does_alone_makes_nobody_met() -> None:
    alone = Contact("bob", "ann", remark="Ann", following=True, blocked=True)
    assert not looked_at(of_viewer=alone).is_met
    assert not looked_at(of_viewer=Contact("bob", "ann", State.DECLINED)).is_met
    assert looked_at(of_viewer=Contact("bob", "ann", State.SENT)).is_met
    assert looked_at(shares_room=True).is_met


def test_the_own_card_is_shown_as_another_would_see_it() -> None:
    rules = {"page": Audience("friends", deny=(2,))}
    own = looked_at(Contact("ann", "ann"), Contact("ann", "ann"), rules=rules)
    assert own_card_as(own, "stranger", ()) == PLATE
    assert lines(own_card_as(own, "friend", ())) == ["site", "city", "blog", "club", "phone"]
    assert lines(own_card_as(own, 1, {1, 2})) == ["site", "city", "blog", "club", "phone"]
    assert own_card_as(own, 2, {1, 2}) == PLATE
    with pytest.raises(Refused) as refusal:
        own_card_as(own, 3, {1, 2})
    assert (refusal.value.code, refusal.value.field) == ("not_found", "as")
