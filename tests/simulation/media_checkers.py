"""The checkers of files: pure functions over the history. A finding is a sentence."""

from collections.abc import Iterator

from tests.simulation.history import History

Findings = Iterator[str]
SERVED, NOT_FOUND = 200, 404


def fetched_by_right(history: History) -> Findings:
    """G37: Whether a file is given is decided by the commits before the fetch, whatever token or link is shown."""
    for one in history.media.fetches:
        if one.before[1] != one.after[1]:
            continue
        may_see = one.before[0]
        if one.status == SERVED and not may_see:
            yield f"{one.user} fetched {one.place} at {one.began:.4f}, which they may not see"
        if one.status == NOT_FOUND and may_see:
            yield f"{one.user} was not given {one.place} at {one.began:.4f}, which they may see"


def fetched_whole(history: History) -> Findings:
    """G35, G36: What is given is what somebody sent."""
    for one in history.media.fetches:
        if one.status == SERVED and one.digest not in history.media.sent:
            yield f"{one.user} fetched {one.place} at {one.began:.4f}, and nobody sent that"


def fetched_in_force(history: History) -> Findings:
    """G37: After a revocation was answered no token of before opens a file."""
    for one in history.media.fetches:
        for revocation in history.revocations:
            if (
                one.status == SERVED
                and revocation.user == one.user
                and revocation.device in ("", one.device)
                and one.issued_s < revocation.wall_s
                and one.began > revocation.at
                and "restore" not in history.faults
            ):
                yield f"{one.user} fetched {one.place} at {one.began:.4f}, revoked at {revocation.at:.4f}"


def files_agree(history: History) -> Findings:
    """G38: At the end rows, logs and the disk say the same of every file, and quotas are what files take."""
    yield from history.media.findings


MEDIA_CHECKERS = (fetched_by_right, fetched_whole, fetched_in_force, files_agree)
