"""core/bots.py: buttons as a body has them, and kinds of accounts."""

import pytest

from chatd.client.core.bots import Button, buttons_of, kind_of


def test_a_button_that_does_nothing_this_client_knows_is_left_out():
    strange = {"label": "Pay", "amount": 3}
    rows = [
        [{"label": "Yes", "data": "y"}, strange],
        [strange],
        [{"label": "Map", "url": "https://a.example/"}],
    ]
    assert buttons_of({"buttons": rows}) == (
        (Button("Yes", data="y"),),
        (Button("Map", url="https://a.example/"),),
    )


def test_a_body_without_buttons_has_none():
    assert buttons_of(None) == buttons_of({"text": "Hi"}) == ()


@pytest.mark.parametrize(
    ("card", "kind"),
    [
        ({"user": "a", "kind": "bot"}, "bot"),
        ({"user": "a", "kind": "official"}, "official"),
        ({"user": "a", "kind": "a-kind-of-tomorrow"}, "person"),
        ({"user": "a"}, "person"),
        (None, "person"),
    ],
)
def test_an_account_is_of_a_kind(card, kind):
    assert kind_of(card) == kind
