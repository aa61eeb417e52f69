"""The hash of small pictures, against what its reference in JavaScript makes of them (npm `thumbhash` 0.1.1)."""

import base64

import pytest

from chatd.media.thumbhash import thumbhash


def waves(width, height, opacity):
    """A picture of several colours that needs no file."""
    return bytes(
        value
        for y in range(height)
        for x in range(width)
        for value in (x * x * 3 % 251, (x + 2 * y * y) % 241, x * y * 7 % 256, opacity(x, y))
    )


CASES = {
    "wide": (32, 18, lambda x, y: 255),
    "tall": (7, 90, lambda x, y: 255),
    "with a hole": (30, 30, lambda x, y: 0 if (x - 15) ** 2 + (y - 12) ** 2 < 50 else 255),
    "half transparent": (40, 20, lambda x, y: (x * 11 + y * 23) % 256),
}
EXPECTED = {
    "wide": "WhcGDIwyNIRwd3dyh3VQ0VjzyA==",
    "tall": "FWcJKQ5gdWiHdnZ2+oYHuqc=",
    "with a hole": "WReGDQotQQNzd3NGR1C2RLDY+FeFeX6zZw==",
    "half transparent": "WgeGC4QIJDZwmIEWlGDy+ZZGZgZaahI=",
}


@pytest.mark.parametrize("name", CASES)
def test_the_hash_is_that_of_the_reference(name):
    width, height, opacity = CASES[name]
    assert (
        base64.b64encode(thumbhash(width, height, waves(width, height, opacity))).decode() == EXPECTED[name]
    )


def test_one_colour_has_no_waves():
    waves_of_it = thumbhash(4, 4, bytes((10, 200, 30, 255)) * 16)[5:]
    assert waves_of_it.strip(b"\0") == b""


def test_nothing_visible_is_hashed_too():
    assert len(thumbhash(5, 5, bytes(100))) > 5
