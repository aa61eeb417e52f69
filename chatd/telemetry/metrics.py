"""The counters in the text format of Prometheus: names, help, labels. No label names a user or a room."""

import platform
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from prometheus_client import CollectorRegistry, GCCollector, ProcessCollector, generate_latest
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    InfoMetricFamily,
    Metric,
)

from chatd import __version__
from chatd.telemetry.counters import Counters, Histogram

MEDIA_TYPE = "text/plain; version=0.0.4; charset=utf-8"

# A value, or one for each value of the metric's label.
Gauge = float | Mapping[str, float]


@dataclass(slots=True, frozen=True)
class _About:
    name: str  # without chatd_ and _total
    help: str
    label: str = ""


# field of Counters -> its metric; tests compare the two
COUNTED: dict[str, _About] = {
    "connections_opened": _About("connections_opened", "WebSocket handshakes that succeeded."),
    "connections_closed": _About("connections_closed", "Connections that ended, by close code.", "code"),
    "handshakes_rejected": _About("handshake_rejected", "Upgrades refused.", "reason"),
    "arrivals_cut": _About("arrivals_cut", "Sockets cut before they were a connection.", "reason"),
    "frames_received": _About("frames_received", "Messages received from clients."),
    "bytes_received": _About("bytes_received", "Payload bytes of messages received."),
    "frames_sent": _About("frames_sent", "Frames written to clients."),
    "bytes_sent": _About("bytes_sent", "Bytes of frames written to clients."),
    "requests": _About("requests", "Requests by packet type.", "type"),
    "errors": _About("errors", "Error replies by code.", "code"),
    "rate_limited": _About(
        "rate_limited",
        "Requests refused by a rate limit, and frames (bytes) that pause reading from a connection.",
        "scope",
    ),
    "hellos": _About("hellos", "Hellos by result.", "result"),
    "logins": _About("logins", "Logins by result.", "result"),
    "api_requests": _About("api_requests", "Requests of back ends to the API by result.", "result"),
    "screened": _About(
        "screened", "Requests that screening did not let pass as they came, by outcome.", "outcome"
    ),
    "webhook_batches": _About("webhook_batches", "POSTs of events to endpoints by outcome.", "outcome"),
    "webhook_events": _About("webhook_events", "Events that endpoints accepted."),
    "notifications": _About(
        "notifications", "Decisions about push notifications, and what became of them.", "outcome"
    ),
    "reports": _About("reports", "Reports of users and filters, by the state they came to.", "state"),
    "slow_consumers": _About("slow_consumers", "Measures taken against slow clients.", "action"),
    "events_committed": _About("events_committed", "Events made durable, by kind.", "kind"),
    "commit_failures": _About("commit_failures", "Transactions that failed."),
    "erasures_found": _About("erasures_found", "Rows that a check found of persons who were erased."),
    "commit_seconds": _About(
        "message_commit_seconds", "From the arrival of the oldest mutation of a batch until it is durable."
    ),
    "batch_seconds": _About("batch_seconds", "Duration of one transaction."),
    "batch_size": _About("batch_size", "Mutations in one transaction."),
    "delivery_seconds": _About(
        "message_delivery_seconds",
        "From the arrival of the oldest mutation of a batch to its last socket write.",
    ),
    "fanout_recipients": _About("fanout_recipients", "Connections one push was written to."),
    "loop_lag_seconds": _About("event_loop_lag_seconds", "How late the event loop runs timers."),
    "loop_stalls": _About("event_loop_stalls", "Times the event loop was late by more than 100 ms."),
    "troubles": _About("troubles", "Failures by trouble.", "what"),
    "children_started": _About("children_started", "Starts of processes beside the daemon.", "child"),
    "defects": _About("defects", "Unexpected exceptions; each is in the log with its traceback."),
}

# name -> its metric; the daemon measures these at a scrape
GAUGES: dict[str, _About] = {
    "connections": _About("connections", "Connections now.", "state"),
    "hellos_now": _About("hellos_now", "Hellos being carried out, and hellos waiting.", "state"),
    "users": _About("users", "Users with at least one connection."),
    "rooms": _About("rooms", "Rooms in memory."),
    "writer_queue": _About("writer_queue", "Mutations waiting for the writer."),
    "screening_waiting": _About(
        "screening_waiting", "Requests waiting to be judged, or behind one that does."
    ),
    "send_queue_bytes": _About("send_queue_bytes", "Bytes waiting in all outboxes."),
    "event_feed_bytes": _About("event_feed_bytes", "Bytes of the entries of the event feed."),
    "event_feed_oldest_timestamp_seconds": _About(
        "event_feed_oldest_timestamp_seconds",
        "Unix time of the oldest entry of the event feed, 0 without one.",
    ),
    "webhook_lag_seconds": _About(
        "webhook_lag_seconds", "Age of the next event of an endpoint, 0 when there is none.", "endpoint"
    ),
    "webhook_disabled": _About("webhook_disabled", "1 while an endpoint is disabled.", "endpoint"),
    "webhook_parked": _About("webhook_parked", "Events that an endpoint refused, and that wait.", "endpoint"),
    "push_late_seconds": _About("push_late_seconds", "Age of the oldest commit that push has not looked at."),
    "push_cpu_seconds": _About("push_cpu_seconds", "CPU time of deciding who is notified, with its reads."),
    "push_waiting": _About("push_waiting", "Push notifications that wait to be sent.", "app"),
    "push_under_way": _About("push_under_way", "Push notifications without an answer yet.", "app"),
    "push_paused": _About("push_paused", "1 while nothing is sent to an app.", "app"),
    "push_outstanding": _About("push_outstanding", "Devices in rooms that show a notification."),
    "media_free_bytes": _About("media_free_bytes", "Free bytes on the disk of files."),
    "media_connections": _About("media_connections", "Connections to the listener for files."),
    "media_inspectors": _About("media_inspectors", "Processes that open what users upload."),
    "media_waiting": _About("media_waiting", "Uploads that wait to be inspected."),
    "media_events": _About(
        "media_events", "Uploads, downloads and refusals since the process for files started.", "event"
    ),
    "database_bytes": _About("database_bytes", "Size of the database file."),
    "wal_bytes": _About("wal_bytes", "Size of the write-ahead log."),
    "free_bytes": _About("free_bytes", "Free bytes on the disk of the database."),
    "backup_timestamp_seconds": _About(
        "backup_timestamp_seconds",
        "Unix time of the newest backup, 0 without one; left out without console.backup_directory.",
    ),
    "certificate_end_timestamp_seconds": _About(
        "certificate_end_timestamp_seconds",
        "Unix time at which the certificate ends, 0 when it cannot be read; left out without listen.tls_cert.",
    ),
    "search_behind_rooms": _About("search_behind_rooms", "Rooms with messages that the index has not seen."),
    "search_index_bytes": _About("search_index_bytes", "Bytes of the index of messages."),
    "child_up": _About("child_up", "1 while a process beside the daemon works.", "child"),
    "draining": _About("draining", "1 while the daemon stops."),
    "key_set_age_seconds": _About(
        "key_set_age_seconds", "Seconds since the keys of auth.jwks_url were fetched, or since the start."
    ),
    "trouble": _About("trouble", "1 while a trouble lasts.", "what"),
}


def render(counters: Counters, gauges: Mapping[str, Gauge]) -> bytes:
    """Return all metrics in the text format (MEDIA_TYPE). A gauge whose name is not in GAUGES is a KeyError."""
    registry = CollectorRegistry()
    registry.register(_Collector(counters, gauges))
    ProcessCollector(registry=registry)
    GCCollector(registry=registry)
    return generate_latest(registry)


class _Collector:
    def __init__(self, counters: Counters, gauges: Mapping[str, Gauge]) -> None:
        self._counters = counters
        self._gauges = gauges

    def collect(self) -> Iterator[Metric]:
        build = {"version": __version__, "python": platform.python_version()}
        yield InfoMetricFamily("chatd_build", "The running version.", value=build)
        for field, about in COUNTED.items():
            yield _counted(about, getattr(self._counters, field))
        for name, value in self._gauges.items():
            yield _gauge(GAUGES[name], value)


def _counted(about: _About, value: int | dict[object, int] | Histogram) -> Metric:
    name = f"chatd_{about.name}"
    if isinstance(value, Histogram):
        return _histogram(name, about.help, value)
    if not isinstance(value, dict):
        return CounterMetricFamily(name, about.help, value=value)
    family = CounterMetricFamily(name, about.help, labels=[about.label])
    for word, count in value.items():
        family.add_metric([str(word)], count)
    return family


def _gauge(about: _About, value: Gauge) -> Metric:
    name = f"chatd_{about.name}"
    if not isinstance(value, Mapping):
        return GaugeMetricFamily(name, about.help, value=value)
    family = GaugeMetricFamily(name, about.help, labels=[about.label])
    for word, amount in value.items():
        family.add_metric([word], amount)
    return family


def _histogram(name: str, text: str, histogram: Histogram) -> Metric:
    buckets: list[tuple[str, float]] = []
    below = 0
    for bound, count in zip((*histogram.bounds, float("inf")), histogram.counts, strict=True):
        below += count
        buckets.append(("+Inf" if bound == float("inf") else str(bound), below))
    return HistogramMetricFamily(name, text, buckets=buckets, sum_value=histogram.total)
