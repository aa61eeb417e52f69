"""The settings of the host's API."""

from typing import Annotated

from chatd.config.section import Section, span


class Api(Section, frozen=True):
    """The API for the back end of the host app (docs/api.md): what one of its keys may use of the daemon."""

    rate_per_s: Annotated[
        float, span(0.1, 1e6, "Requests a second and key: a loop in one service of the host is no outage.")
    ] = 100.0
    burst: Annotated[int, span(1, 1_000_000, "Requests of a key at once.")] = 200
    in_flight: Annotated[int, span(1, 1000, "Unanswered requests of a key; a connection has one.")] = 16
    writes_waiting: Annotated[
        int,
        span(
            1, 512, "Changes of the API that wait to be stored at once, so that phones wait little for them."
        ),
    ] = 64
    audit_kept_days: Annotated[
        int, span(1, 3650, "Days for which the audit tells who changed what: evidence, not an archive.")
    ] = 365
