"""What an inspector may say: whatever became of it, it says nothing that harms others."""

import pytest
from msgspec.structs import replace

from chatd.media.inspection import Found, Job, Written, is_sound
from chatd.protocol.messages import Attachment

JOB = Job("picture", "message", 50_000_000, 300_000, 10)
FACTS = Attachment("media:", "image/jpeg", kind="picture", width=640, height=480, sizes=["s"])
WRITTEN = (Written("full", "image/jpeg"), Written("s", "image/jpeg"))

LIES = {
    "a type that browsers run": (
        replace(FACTS, mime="text/html"),
        (Written("full", "text/html"), WRITTEN[1]),
    ),
    "another type than it wrote": (replace(FACTS, mime="image/png"), WRITTEN),
    "a small one that browsers run": (FACTS, (WRITTEN[0], Written("s", "image/svg+xml"))),
    "sizes that are not there": (replace(FACTS, sizes=["m", "s"]), WRITTEN),
    "sizes that it does not say": (replace(FACTS, sizes=["s"]), WRITTEN[:1]),
    "nothing": (FACTS, ()),
    "one twice": (FACTS, (*WRITTEN, WRITTEN[1])),
    "another kind": (replace(FACTS, kind="file"), WRITTEN),
    "no width": (replace(FACTS, width=0), WRITTEN),
    "a height without end": (replace(FACTS, height=1 << 40), WRITTEN),
}


def test_the_truth_is_believed():
    assert is_sound(JOB, Found(FACTS, WRITTEN))


@pytest.mark.parametrize("name", LIES)
def test_a_lie_is_not(name):
    assert not is_sound(JOB, Found(*LIES[name]))
