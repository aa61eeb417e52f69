"""The settings of the console of operators."""

from typing import Annotated

from chatd.config.section import Section, span, text


class Console(Section, frozen=True):
    """The console of operators on `listen.ops_address` (docs/operations.md "Console")."""

    enabled: Annotated[
        bool,
        text("Serves /console/; without a key of `chatd console` it shows nothing, unwatched it is free."),
    ] = True
    url: Annotated[
        str,
        text('https://HOST[:PORT] of a proxy with TLS in front of ops_address; "" = loopback only.'),
    ] = ""
    watchers: Annotated[
        int, span(1, 64, "Open pages that are sent live figures: a team and a wall screen.")
    ] = 8
    history_s: Annotated[
        int, span(60, 3600, "Seconds of figures kept while somebody watches; ten minutes take 0.3 MiB.")
    ] = 600
    log_lines: Annotated[
        int, span(100, 20_000, "Last lines of the log kept for the console; 2,000 take about 1 MiB.")
    ] = 2000
    backup_directory: Annotated[
        str,
        text('Directory of the *.sqlite files that chatd backup writes, to show the newest; "" = unknown.'),
    ] = ""
