"""The errors of the codec for packets that are wrong in two ways at once."""

import msgspec
import pytest

from chatd.config.model import Limits
from chatd.protocol.codec import Invalid, decode_request
from chatd.protocol.errors import Broken
from chatd.protocol.limits import FOCUS_MAX, WATCH_MAX

TWO_TYPES = {
    "msgpack": b"\x83\xa4type\xa4send\xa4type\xa4ping\xa2id\x01",
    "json": b'{"type":"send","type":"ping","id":1}',
}


@pytest.mark.parametrize("encoding", TWO_TYPES)
def test_two_known_types_are_no_unknown_type(encoding: str) -> None:
    found = decode_request(TWO_TYPES[encoding], encoding == "json")
    assert isinstance(found, Invalid)
    assert (found.id, found.refusal.code) == (1, "bad_request")


@pytest.mark.parametrize("types", [("send", "future"), ("future", "future")])
def test_the_last_of_two_types_says_whether_it_is_known(types: tuple[str, str]) -> None:
    first, last = types
    found = decode_request(f'{{"type":"{first}","type":"{last}","id":1}}'.encode(), text=True)
    assert isinstance(found, Invalid)
    assert found.refusal.code == "unknown_type"


def test_a_packet_that_nests_too_deep_and_ends_too_early_is_undecodable() -> None:
    with pytest.raises(Broken):
        decode_request(b"\x82\xa2id\x01\xa1x" + b"\x91" * 2000, text=False)


def test_no_list_is_longer_than_an_operator_may_allow() -> None:
    for name, highest in (("focus", FOCUS_MAX), ("watch", WATCH_MAX)):
        msgspec.convert({name: highest}, Limits)
        with pytest.raises(msgspec.ValidationError):
            msgspec.convert({name: highest + 1}, Limits)
