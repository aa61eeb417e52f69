"""The page of a report: one file of HTML without scripts, fonts or pictures of others."""

from html import escape

from .runner import Outcome, Report


def page(report: Report) -> str:
    """Return the page."""
    return (
        "<!doctype html>"
        + escape(report.client)
        + "".join(escape(o.why) for o in report.outcomes if isinstance(o, Outcome))
    )
