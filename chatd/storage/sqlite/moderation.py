"""Reports: their rows, their evidence, and the queue of the moderators."""

import sqlite3
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from chatd.core.moderation import (
    NEIGHBOURS,
    NEIGHBOURS_WITHIN,
    AskedReport,
    Evidence,
    Filed,
    ForgottenReports,
    KnownReports,
    Neighbourhood,
    Place,
    State,
    Target,
    evidence_of,
    fitting,
)
from chatd.protocol.codec import encode
from chatd.protocol.media import SCHEME
from chatd.storage.sqlite.read_pool import ReadPool
from chatd.storage.sqlite.rows import Row, position

COLUMNS = """
r.number, r.state, r.reporter, r.client_key, r.reason, r.text, r.user, r.room, r.seq, r.time, r.changed_at,
r.claimed_by, r.note, r.actions, r.evidence
"""
BY_NUMBER = """
SELECT @columns, s.reporters FROM reports r JOIN report_subjects s ON s.number = r.subject WHERE r.number = ?
""".replace("@columns", COLUMNS)
BY_KEY = """
SELECT @columns FROM reports r WHERE r.reporter = ? AND r.client_key = ?
""".replace("@columns", COLUMNS)
# Its condition names what the index `reports_open` holds.
OPEN = """
SELECT @columns FROM reports r
WHERE r.reporter = ? AND r.room = ? AND r.seq = ? AND r.state <> 'closed' AND (r.seq OR r.user = ?)
""".replace("@columns", COLUMNS)
QUEUE = """
SELECT @columns, s.reporters, s.number
FROM report_subjects s JOIN reports r ON r.subject = s.number AND r.state = :state
WHERE s.reporters > 0 AND s.reporters <= :reporters
  AND (s.reporters < :reporters OR (s.number, r.number) > (:subject, :number))
ORDER BY s.reporters DESC, s.number, r.number LIMIT :limit
""".replace("@columns", COLUMNS)
CLOSED = """
SELECT @columns, s.reporters, s.number FROM reports r JOIN report_subjects s ON s.number = r.subject
WHERE r.state = 'closed' AND r.number < :number ORDER BY r.number DESC LIMIT :limit
""".replace("@columns", COLUMNS)
LAST = "SELECT value FROM meta WHERE key = 'reports'"
NOTE_LAST = "INSERT OR REPLACE INTO meta VALUES ('reports', ?)"

MESSAGE = "SELECT blob FROM events WHERE position = ? AND kind = 'message'"
BEFORE = """
SELECT blob FROM events WHERE position < ? AND position >= ? AND kind = 'message' ORDER BY position DESC LIMIT ?
"""
BEHIND = "SELECT blob FROM events WHERE position > ? AND position <= ? AND kind = 'message' ORDER BY position LIMIT ?"
ROOM = "SELECT number, title FROM rooms WHERE name = ?"

SUBJECT = "SELECT number FROM report_subjects WHERE user = ? AND room = ?"
ADD_SUBJECT = "INSERT INTO report_subjects (user, room, reporters) VALUES (?, ?, 0)"
COUNT = """
UPDATE report_subjects SET reporters =
    (SELECT count(DISTINCT reporter) FROM reports WHERE subject = :subject AND state <> 'closed')
WHERE number = :subject
"""
ADD = """
INSERT INTO reports (number, state, reporter, client_key, reason, text, user, room, seq, time, changed_at,
                     claimed_by, note, actions, evidence, subject)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (number) DO UPDATE
SET state = excluded.state, changed_at = excluded.changed_at, claimed_by = excluded.claimed_by, note = excluded.note,
    actions = excluded.actions
"""
FORGET = """
DELETE FROM reports WHERE number IN (SELECT number FROM reports WHERE changed_at < ? ORDER BY changed_at LIMIT 500)
RETURNING subject
"""
FORGET_SUBJECT = """
DELETE FROM report_subjects WHERE number = :subject AND NOT EXISTS (SELECT 1 FROM reports WHERE subject = :subject)
"""
# A changed report has its files already.
HOLD_FILES = """
INSERT INTO held (holder, file)
SELECT 'report:' || ?1, a.file FROM rooms r JOIN attached a ON a.position = (r.number << 32 | ?3) WHERE r.name = ?2
ON CONFLICT DO NOTHING
"""
OLDEST = "SELECT coalesce(min(changed_at), 0) FROM reports"


class Reports:
    """The reports of a store, by reads of its pool."""

    def __init__(self, read_pool: ReadPool) -> None:
        self._read_pool = read_pool

    async def known(self, asked: Collection[AskedReport]) -> KnownReports:
        return await self._read_pool.run(known, asked)

    async def at(self, numbers: Collection[int]) -> list[Filed]:
        return await self._read_pool.run(reports_at, numbers)

    async def queue(self, state: State, after: Place | None, limit: int) -> list[tuple[Filed, Place]]:
        return await self._read_pool.run(queue, state, after, limit)

    async def oldest(self) -> int:
        return await self._read_pool.run(oldest)


def filed_of(row: Row) -> Filed:
    number, state, reporter, key, reason, text, user, room, seq, *rest = row[:16]
    return Filed(number, state, reporter, key, reason, text, Target(user, room, seq), *rest)


def known(connection: sqlite3.Connection, asked: Collection[AskedReport]) -> KnownReports:
    """Return what decisions on reports look at, as of one commit."""
    found: dict[int, Filed] = {}
    around: dict[tuple[int, int, str], Neighbourhood] = {}
    for one in asked:
        target = (one.reporter, one.room, one.seq, one.user)
        for statement, values in ((BY_KEY, (one.reporter, one.key)), (OPEN, target)):
            for row in connection.execute(statement, values):
                found[row[0]] = filed_of(row)
        if one.seq and one.number:
            place = neighbourhood(connection, one.number, one.seq, one.first_visible)
            if place is not None:
                around[one.number, one.seq, one.reporter] = place
    return KnownReports(list(found.values()), around, last_number(connection))


def last_number(connection: sqlite3.Connection) -> int:
    row = connection.execute(LAST).fetchone()
    return 0 if row is None else int(row[0])


def neighbourhood(
    connection: sqlite3.Connection, room: int, seq: int, first_visible: int
) -> Neighbourhood | None:
    """Return a message and its neighbours from `first_visible` on; None where there is no message."""
    at = position(room, seq)
    row = connection.execute(MESSAGE, (at,)).fetchone()
    if row is None:
        return None
    low = position(room, max(first_visible, seq - NEIGHBOURS_WITHIN))
    sides = (
        connection.execute(statement, (at, end, NEIGHBOURS)).fetchall()
        for statement, end in ((BEFORE, low), (BEHIND, position(room, seq + NEIGHBOURS_WITHIN)))
    )
    before, behind = ([blob for (blob,) in side] for side in sides)
    return Neighbourhood(row[0], before, behind)


def reports_at(connection: sqlite3.Connection, numbers: Collection[int]) -> list[Filed]:
    rows = (connection.execute(BY_NUMBER, (number,)).fetchone() for number in numbers)
    return [filed_of(row) for row in rows if row is not None]


def queue(
    connection: sqlite3.Connection, state: State, after: Place | None, limit: int
) -> list[tuple[Filed, Place]]:
    """Return a page of the reports in a state, each with its place, behind which the next page begins."""
    reporters, subject, number = after or (2**53, 0, 2**53 if state == "closed" else 0)
    wanted = {"state": state, "reporters": reporters, "subject": subject, "number": number, "limit": limit}
    rows = connection.execute(CLOSED if state == "closed" else QUEUE, wanted)
    return [(filed_of(row), Place(row[15], row[16], row[0])) for row in rows]


def oldest(connection: sqlite3.Connection) -> int:
    return int(connection.execute(OLDEST).fetchone()[0])


def write_reports(connection: sqlite3.Connection, reports: Sequence[Filed], stamp: int) -> None:
    """Write reports and count who reported the same; those of filters get their numbers and evidence here."""
    last = {report.number: report for report in reports if report.number}
    number = highest = max((last_number(connection), *last))
    for report in last.values():
        write_report(connection, report, report.number, report.evidence or b"")
    for report in [report for report in reports if not report.number]:
        if connection.execute(BY_KEY, (report.reporter, report.key)).fetchone() is None:
            number += 1
            write_report(connection, report, number, gathered(connection, report.target))
    if last or number > highest:
        connection.execute(NOTE_LAST, (number,))


def write_report(connection: sqlite3.Connection, report: Filed, number: int, evidence: bytes) -> None:
    """Write a report. Files of its evidence are held by it, as far as they are still there in this commit."""
    user, room, seq = report.target
    subject = subject_of(connection, user, "" if user else room)
    values = (
        number, report.state, report.reporter, report.key, report.reason, report.text, user, room, seq, report.time,
        report.changed_at, report.claimed_by, report.note, report.actions, evidence, subject,
    )  # fmt: skip
    connection.execute(ADD, values)
    connection.execute(COUNT, {"subject": subject})
    if SCHEME.encode() in evidence:
        for message in evidence_of(evidence).messages:
            connection.execute(HOLD_FILES, (number, room, message.seq))


def subject_of(connection: sqlite3.Connection, user: str, room: str) -> int:
    """Return the number of a subject, which may be new."""
    row = connection.execute(SUBJECT, (user, room)).fetchone()
    if row is None:
        return int(connection.execute(ADD_SUBJECT, (user, room)).lastrowid or 0)
    return int(row[0])


def gathered(connection: sqlite3.Connection, target: Target) -> bytes:
    """Return the evidence of a message of this commit."""
    number, title = connection.execute(ROOM, (target.room,)).fetchone()
    around = neighbourhood(connection, number, target.seq, 1)
    return encode(Evidence(messages=fitting(around) if around else [], title=title))


def forget_reports(connection: sqlite3.Connection, forgotten: Sequence[ForgottenReports], stamp: int) -> None:
    for one in forgotten:
        for subject in {row[0] for row in connection.execute(FORGET, (one.before,)).fetchall()}:
            connection.execute(COUNT, {"subject": subject})
            connection.execute(FORGET_SUBJECT, {"subject": subject})


WRITES: Mapping[type, Any] = {Filed: write_reports, ForgottenReports: forget_reports}
