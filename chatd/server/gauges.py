"""The figures of the parts of a daemon, as they are at a scrape."""

import shutil
from collections.abc import Mapping
from pathlib import Path

from chatd.server.app import App
from chatd.telemetry.troubles import TROUBLES

DATABASE = "chatd.sqlite"


def gauges_of(app: App) -> dict[str, float | Mapping[str, float]]:
    """Return the figures by name of the metric."""
    sessions = [session for devices in app.hub.sessions.values() for session in devices.values()]
    deliveries = app.host.webhooks.deliveries
    return {
        "connections": {"ready": len(sessions), "unauthenticated": app.admission.unauthenticated},
        "hellos_now": {"under_way": app.hello_limiter.under_way, "waiting": app.hello_limiter.waiting},
        "users": len(app.hub.sessions),
        "rooms": len(app.rooms.cache.rooms),
        "writer_queue": app.writer.depth,
        "screening_waiting": app.screening.waiting,
        "send_queue_bytes": sum(session.outbox.queued_bytes for session in sessions),
        "key_set_age_seconds": app.identity.key_age_s,
        "trouble": {name: int(name in app.store.troubles.now) for name in TROUBLES},
        **({} if app.feed_upkeep is None else app.feed_upkeep.gauges()),
        **({} if app.push.push is None else app.push.push.gauges()),
        **app.search.gauges(),
        **({} if app.media is None else app.media.gauges()),
        **({} if deliveries is None else deliveries.gauges()),
    }


def gauges_of_storage(directory: Path) -> Mapping[str, float]:
    """Return the bytes of the database and its log, and those free on their disk, by name of the metric."""
    return {
        "database_bytes": size_of(directory / DATABASE),
        "wal_bytes": size_of(directory / f"{DATABASE}-wal"),
        "free_bytes": shutil.disk_usage(directory).free,
    }


def size_of(path: Path) -> int:
    """Return the bytes of a file; 0 when there is none."""
    try:
        return path.stat().st_size
    except OSError:
        return 0
