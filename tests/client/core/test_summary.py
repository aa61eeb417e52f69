"""Room summaries, typed."""

from chatd.client.core.summary import DEFAULTS, Summary
from tests.kit import document


def test_every_documented_key_is_known_but_the_events():
    rows = document.section("5.4").table(first="Key")
    keys = {key.strip().strip("`") for row in rows for key in row["Key"].split(",")}
    assert set(DEFAULTS) | {"room"} == keys - {"events"}


def test_absent_keys_have_their_default_and_unknown_ones_are_ignored():
    summary = Summary.from_packet({"room": "gRoom", "seq": 5, "title": "Bikes", "colour": "red"})
    assert (summary.seq, summary.title, summary.role, summary.first_visible) == (5, "Bikes", "member", 1)


def test_a_packet_comes_back_without_its_defaults():
    packet = {"room": "gRoom", "seq": 5, "peer": "bob", "pinned": True}
    assert Summary.from_packet({**packet, "role": "member", "unread": 0}).packet() == packet


def test_an_unknown_role_is_that_of_a_member():
    roles = [Summary.from_packet({"room": "gRoom", "role": role}).role for role in ("owner", "admin", "king")]
    assert roles == ["owner", "admin", "member"]
