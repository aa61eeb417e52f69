"""The settings of moderation."""

from typing import Annotated

from msgspec import Meta

from chatd.config.section import Section, span, text


class Moderation(Section, frozen=True):
    """Reports to the moderators, filters and new accounts (docs/moderation.md). Restrictions need none of it."""

    enabled: Annotated[
        bool,
        text(
            "Switches on filters, bounds of new accounts, and reports for clients that know the word `reports`."
        ),
    ] = False
    actor: Annotated[
        str,
        Meta(
            pattern=r"^[A-Za-z0-9_\-.:@|+]{1,64}\Z",
            description="The user who warns for the moderators, as an official account does.",
        ),
    ] = "system"
    words_max: Annotated[
        int, span(1, 1_000_000, "Words of all filters together: 50,000 take 15 MB and 0.1 s to make ready.")
    ] = 50_000
    patterns_max: Annotated[
        int, span(1, 10_000, "Patterns of all filters together: 200 take a microsecond of a short text.")
    ] = 200
    new_account_h: Annotated[
        int,
        span(
            0,
            8760,
            "Hours for which an account sends no links and opens few direct rooms: a day outlasts a raid.",
        ),
    ] = 24
    reports_kept_days: Annotated[
        int, span(1, 3650, "Days after its last change for which a report is kept: evidence, not an archive.")
    ] = 180
