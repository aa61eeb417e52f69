"""core/reports.py against protocol.md, "report"."""

from chatd.client.core.reports import REASONS
from tests.kit import document


def test_the_reasons_are_those_of_the_document():
    (row,) = (
        row
        for row in document.section("21.1.1").table(first="Key")
        if document.words(row["Key"]) == {"reason": False}
    )
    assert sorted(REASONS) == sorted(document.words(row["Type"]))
