"""`chatd report` and the restraints of `chatd user`, on a database that no daemon uses."""

import json
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from chatd.core.moderation import Evidence, Filed, Target
from chatd.protocol.codec import encode
from chatd.protocol.messages import Body, Event
from chatd.storage.sqlite.moderation import write_reports
from tests.cli.conftest import Run

ROOM, TIME = "g4fKz81QwXe2", 1_763_900_000_000


@pytest.fixture
def reports(run: Run) -> Run:
    """A database with a report of a user and one of a message."""
    assert run("user", "add", "eve", "--password-file", "-", input="correct horse\n").exit_code == 0
    said = Event(seq=7, kind="message", user="eve", body=Body(text="your\x1b[2Jcard?"))
    evidence = encode(Evidence(messages=[said], title="Bikes"))
    with closing(sqlite3.connect("chatd-data/chatd.sqlite")) as connection, connection:
        write_reports(
            connection,
            [
                Filed(1, "open", "ann", "k-1", "spam", "", Target("mal"), TIME, 1, evidence=b"\x80"),
                Filed(
                    2,
                    "open",
                    "ann",
                    "k-2",
                    "fraud",
                    "a scam",
                    Target("eve", ROOM, 7),
                    1_763_900_000_000,
                    1,
                    evidence=evidence,
                ),
                Filed(
                    3,
                    "open",
                    "ben",
                    "k-3",
                    "fraud",
                    "",
                    Target("eve"),
                    1_763_900_000_000,
                    1,
                    evidence=b"\x80",
                ),
            ],
            1,
        )
    return run


def test_reports_are_listed_shown_acted_on_and_closed(reports: Run) -> None:
    listed = reports("report", "list").output.splitlines()
    assert [line.split()[0] for line in listed] == ["r2", "r3", "r1"]
    assert "user eve, message 7 of g4fKz81QwXe2, by ann (2 in all)" in listed[0]
    shown = reports("report", "show", "r2").output
    assert ">      7 eve              your [2Jcard?" in shown
    assert "text: a scam" in shown
    assert "title then: Bikes" in shown
    done = reports("report", "act", "r3", "mute", "--for", "1h", "--reason", "fraud")
    assert done.output == "r3: mute is done.\n"
    warned = reports("report", "act", "r3", "warn", "--text", "Stop it.")
    assert warned.exit_code == 0, warned.output
    assert reports("report", "close", "r3", "--note", "clear").output == "r3 is closed.\n"
    (row,) = reports("report", "list", "--state", "closed", "--json").output.splitlines()
    assert {"report": "r3", "state": "closed", "note": "clear"}.items() <= json.loads(row).items()
    whole = json.loads(reports("report", "show", "r3", "--json").output)
    assert [done["do"] for done in whole["actions"]] == ["mute", "warn"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("show", "r77"), "no such report"),
        (("show", "77"), "r and a number"),
        (("act", "r1", "recall"), "no such room"),
        (("act", "r1", "warn"), "--text"),
    ],
)
def test_what_cannot_be_done_says_so(reports: Run, arguments: tuple[str, ...], words: str) -> None:
    result = reports("report", *arguments)
    assert result.exit_code != 0
    assert words in result.output + result.stderr


def restriction(database: Path) -> tuple[str, int, str]:
    with closing(sqlite3.connect(database)) as connection:
        columns = "restriction, restricted_until, restricted_reason"
        return connection.execute(f"SELECT {columns} FROM users WHERE user = 'eve'").fetchone()


def test_a_user_is_banned_muted_limited_and_freed(reports: Run) -> None:
    database = Path("chatd-data/chatd.sqlite")
    for what, done in (("ban", "Banned"), ("mute", "Muted"), ("limit", "Limited")):
        result = reports("user", what, "eve", "--reason", "spam")
        assert result.output == f"{done} eve. Undo with: chatd user free eve\n"
        assert restriction(database) == (what, 1, "spam")
    assert reports("user", "mute", "eve", "--for", "1h").exit_code == 0
    assert restriction(database)[1] > TIME
    assert reports("user", "free", "eve").output == "eve is not restricted.\n"
    assert restriction(database) == ("", 0, "")
    assert reports("user", "ban", "evee").exit_code == 1
    assert reports("user", "ban", "evee", "--unseen").exit_code == 0
