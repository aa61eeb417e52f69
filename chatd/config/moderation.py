"""The settings of moderation."""

from typing import Annotated

from msgspec import Meta

from chatd.config.section import Section, span, text


class Moderation(Section, frozen=True):
    """Reports of users and the queue of the moderators (docs/moderation.md). Restrictions need none of it."""

    enabled: Annotated[
        bool, text("Switches reports on, for clients that know the feature word `reports`.")
    ] = False
    actor: Annotated[
        str,
        Meta(
            pattern=r"^[A-Za-z0-9_\-.:@|+]{1,64}\Z",
            description="The user who warns for the moderators, as an official account does.",
        ),
    ] = "system"
    reports_kept_days: Annotated[
        int, span(1, 3650, "Days after its last change for which a report is kept: evidence, not an archive.")
    ] = 180
