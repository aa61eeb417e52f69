"""The settings of the event feed."""

from typing import Annotated

from chatd.config.section import Section, span, text


class Events(Section, frozen=True):
    """The event feed (docs/events.md): the changes of each commit, stored with it for the back end of the host app."""

    enabled: Annotated[
        bool, text("Switches the feed on: GET /v1/events, and what is sent from it to webhooks and bots.")
    ] = False
    kept_h: Annotated[int, span(1, 720, "Hours for which entries are kept: an outage of a weekend.")] = 72
    bytes_max: Annotated[
        int,
        span(
            1 << 20,
            1 << 40,
            "Bytes of entries, of which the oldest are dropped above: 20 a message, 200 million.",
        ),
    ] = 4 << 30
    reads: Annotated[bool, text("Puts read positions into the feed, too: they may outnumber messages.")] = (
        False
    )
