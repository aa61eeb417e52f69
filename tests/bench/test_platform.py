from bench.scenarios import platform
from tests.bench.test_target_rows import GLANCE, PLATFORM


async def test_a_message_that_the_endpoint_was_not_sent_is_lost(monkeypatch):
    """What is measured of a daemon that sends everything is a row of the targets."""
    for name, value in {**PLATFORM, "TYPES": ["account"], "LATE_S": 0.1}.items():
        monkeypatch.setattr(platform, name, value)
    all_sides = platform.settings
    monkeypatch.setattr(
        platform,
        "settings",
        lambda *of: {side: all_sides(*of)[side] for side in ("endpoint", "filters")},
    )
    async with platform.sides(GLANCE) as on:
        result = await on.slice("direct", "endpoint")
    assert result["lost"] == on.acked > 0
