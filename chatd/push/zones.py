"""Time zones, from the data of the system or else of the package tzdata."""

from datetime import UTC, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

MS = timedelta(milliseconds=1)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


# More than there are; names that there are not come from clients, and are bounded, too.
@lru_cache(1024)
def zone_of(name: str) -> ZoneInfo | None:
    """Return a zone by its IANA name, None when there is none."""
    try:
        return ZoneInfo(name)
    # An unknown name is a KeyError; one that is no name of a file is any of the others.
    except (KeyError, ValueError, OSError):
        return None


def knows_zone(name: str) -> bool:
    return zone_of(name) is not None


def wall_ms(name: str, now_ms: int) -> int:
    """Return the time on the walls of a zone, as milliseconds since they said 1970; UTC for a zone that is not known.

    >>> wall_ms("Asia/Tokyo", 0) // 3_600_000
    9
    """
    zone = zone_of(name)
    if zone is None:
        return now_ms
    offset = zone.utcoffset((EPOCH + now_ms * MS).astimezone(zone))
    return now_ms + (0 if offset is None else offset // MS)
