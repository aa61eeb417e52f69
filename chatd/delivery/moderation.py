"""Reports as they are counted: an operator is woken when more are filed than closed."""

from chatd.core.moderation import Filed
from chatd.core.write_set import WriteSet
from chatd.telemetry.counters import Counters


def count_reports(counters: Counters, writes: WriteSet) -> None:
    """Count the reports that a commit filed or changed, by the state they have now. A commit hook."""
    for filed in writes.records_of(Filed) if writes.records else ():
        counters.reports[filed.state] += 1
