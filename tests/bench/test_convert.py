"""An export as people get it becomes a trace that can be replayed, and what became of the rest is told once."""

from __future__ import annotations

import io
import json
import sys
import zipfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from bench import __main__ as command
from bench.exports import documents, logs
from bench.exports.documents import tidied
from bench.trace import TEXT_BYTES_MAX, Mending, TraceError, read

EXPORTS = Path(__file__).parent / "exports"

RIDE, DAY_S = 1709287260.0, 86400.0  # 10:01 on a first of March, in UTC
NOTICE = "notices: who came, went, or changed something"


def converted(
    capsysbinary: pytest.CaptureFixture[bytes], format_: str, path: Path
) -> tuple[list[dict[str, Any]], list[str]]:
    """The lines of the trace, and those on standard error without the name of the file."""
    assert command.main(["convert", format_, str(path)]) == 0
    out, err = capsysbinary.readouterr()
    assert len(read(io.BytesIO(out), "trace").mending) == 0
    said = [json.loads(line) for line in out.splitlines()]
    return said, [line.partition(f"{path.name}: ")[2] for line in err.decode().splitlines()]


def brief(said: list[dict[str, Any]], first: float = RIDE) -> list[tuple[float, str, str]]:
    return [(round(one["ts"] - first, 3), one["user"], one["text"]) for one in said]


def zipped(tmp_path: Path, directory: Path, name: str) -> Path:
    archive = tmp_path / name
    with zipfile.ZipFile(archive, "w") as file:
        for path in sorted(directory.rglob("*.*")):
            file.write(path, path.relative_to(directory))
    return archive


@pytest.mark.parametrize("packed", [False, True])
def test_slack(tmp_path: Path, capsysbinary: pytest.CaptureFixture[bytes], packed: bool) -> None:
    path = zipped(tmp_path, EXPORTS / "slack", "export.zip") if packed else EXPORTS / "slack"
    said, told = converted(capsysbinary, "slack", path)
    assert {one["room"] for one in said} == {"general"}
    assert brief(said) == [
        (0.0, "U01ANN", "Who is up for Sunday?\nWe start at 9 & take the river <-> hill path"),
        (30.0, "weather", "Rain on Sunday"),
        (60.0, "U02BOB", "me"),
        (82740.0, "U01ANN", "then on Monday"),
    ]
    day = "general/2024-03-01.json, message"
    assert told == [
        f"mended 1: said by a bot, kept under its name (the first: {day} 4)",
        f"mended 1: not in the order of time, sorted (the first: {day} 4)",
        f"left out 1: {NOTICE} (the first: {day} 1)",
        f"left out 1: without text (the first: {day} 5)",
        f"left out 1: without a user (the first: {day} 6)",
        "messages 4 · people 3 · rooms 1 · days 1.0",
    ]


def test_one_day_of_slack_is_of_the_channel_whose_folder_it_lies_in(
    capsysbinary: pytest.CaptureFixture[bytes],
) -> None:
    said, _ = converted(capsysbinary, "slack", EXPORTS / "slack" / "general" / "2024-03-02.json")
    assert [(one["room"], one["text"]) for one in said] == [("general", "then on Monday")]


def test_telegram(capsysbinary: pytest.CaptureFixture[bytes]) -> None:
    said, told = converted(capsysbinary, "telegram", EXPORTS / "telegram" / "result.json")
    assert {one["room"] for one in said} == {"Bike tour"}
    assert brief(said) == [
        (0.0, "user1001", "Start: https://map.example/1\n9:00 sharp"),
        (60.0, "user1002", "ok 👍"),
        (120.0, "user1003", "from an account that is deleted"),
        (240.0, "channel77", "Rain \ufffd"),
    ]
    assert told[:3] == [
        "mended 1: half a surrogate pair, replaced (the first: Bike tour, message 6)",
        f"left out 1: {NOTICE} (the first: Bike tour, message 1)",
        "left out 1: without text (the first: Bike tour, message 5)",
    ]


def test_all_chats_of_telegram_are_rooms(tmp_path: Path) -> None:
    message = {"type": "message", "date_unixtime": "7", "from_id": "user1", "text": "x"}
    chats = [
        {"name": "A", "messages": [message]},
        {"name": None, "type": "saved", "id": 9, "messages": [message]},
    ]
    path = tmp_path / "result.json"
    path.write_text(
        json.dumps({"chats": {"list": chats}, "left_chats": {"list": [{"name": "B", "messages": [message]}]}})
    )
    assert [one.room for one in documents.telegram(path, Mending())] == ["A", "saved 9", "B"]


def test_whatsapp_of_a_phone_that_tells_minutes(capsysbinary: pytest.CaptureFixture[bytes]) -> None:
    path = EXPORTS / "whatsapp" / "WhatsApp Chat with Bike tour.txt"
    said, told = converted(capsysbinary, "whatsapp", path)
    assert {one["room"] for one in said} == {"Bike tour"}
    assert brief(said) == [
        (0.0, "Ann", "Who is up for Sunday?\nWe start at 9: at the bridge\n\nBring lights"),
        (20.0, "Bob", "me"),
        (40.0, "+44 7700 900123", "and me"),
        (12 * DAY_S - 35760.0, "Ann", "it was great"),
    ]
    assert [line.partition(" (")[0] for line in told[:3]] == [
        "mended 4: the minute only, spread over it",
        f"left out 2: {NOTICE}",
        "left out 1: media, and notices in the name of somebody",
    ]


def test_whatsapp_of_a_phone_that_names_the_zip(
    tmp_path: Path, capsysbinary: pytest.CaptureFixture[bytes]
) -> None:
    folder = tmp_path / "only"
    folder.mkdir()
    (folder / "_chat.txt").write_bytes((EXPORTS / "whatsapp" / "_chat.txt").read_bytes())
    said, told = converted(capsysbinary, "whatsapp", zipped(tmp_path, folder, "WhatsApp Chat - Radtour.zip"))
    assert {one["room"] for one in said} == {"Radtour"}
    assert brief(said) == [(2.0, "Ann", "Wer kommt am Sonntag?"), (31.0, "Bob", "ich")]
    assert told[0].startswith("left out 2: media, and notices in the name of somebody")


@pytest.mark.parametrize(
    ("first", "second", "days"),
    [
        ("1/2/24", "3/2/24", [(2, 1), (2, 3)]),  # both orders rise: the day is taken
        ("1/2/24", "1/13/24", [(1, 2), (1, 13)]),  # there is no thirteenth month
        ("13/1/24", "1/2/24", [(1, 13), (2, 1)]),
        ("2/1/24", "1/2/24", [(1, 2), (2, 1)]),  # months first would go back
        ("2024-02-01", "2024-02-03", [(2, 1), (2, 3)]),
    ],
)
def test_the_order_of_a_date_is_the_one_that_fits(
    tmp_path: Path, first: str, second: str, days: list[tuple[int, int]]
) -> None:
    path = tmp_path / "chat.txt"
    path.write_text(f"{first}, 10:00 - Ann: x\n{second}, 10:00 - Bob: y\n")
    found = [datetime.fromtimestamp(one.at_s, UTC) for one in logs.whatsapp(path, Mending())]
    assert [(day.month, day.day) for day in found] == days


IRSSI = [
    (0.0, "ann", "who is up for Sunday?"),
    (20.0, "bob", "me"),
    (40.0, "bob", "packs lights"),
    (180.0, "cleo", "<- me too"),
]
TOLD_SECONDS = [(0.0, "ann", "who is up for Sunday?"), (5.0, "bob", "packs lights")]


@pytest.mark.parametrize(
    ("name", "room", "expected", "first", "notices"),
    [
        ("#bikes.log", "#bikes", IRSSI, RIDE + 50220, 2),
        (
            "irc.example.#bikes.weechatlog",
            "#bikes",
            [TOLD_SECONDS[0], (5.0, "bob", "me"), (6.0, "bob", "packs lights")],
            RIDE,
            2,
        ),
        ("znc", "#bikes", TOLD_SECONDS, RIDE, 1),
        ("hexchat.txt", "hexchat", TOLD_SECONDS, RIDE, 2),
    ],
)
def test_irc(
    capsysbinary: pytest.CaptureFixture[bytes],
    name: str,
    room: str,
    expected: list[tuple[float, str, str]],
    first: float,
    notices: int,
) -> None:
    said, told = converted(capsysbinary, "irc", EXPORTS / "irc" / name)
    assert {one["room"] for one in said} == {room}
    assert brief(said, first) == expected
    assert any(line.startswith(f"left out {notices}: {NOTICE}") for line in told)


def test_a_log_without_a_date_counts_days_from_one_midnight_to_the_next(tmp_path: Path) -> None:
    path = tmp_path / "log.txt"
    path.write_bytes("23:59:58 <ann> x\n00:00:01 <bob> gr\u00fcn\nno time\n".encode("latin-1"))
    mending = Mending()
    assert [(one.at_s, one.text) for one in logs.irc(path, mending)] == [
        (86398.0, "x"),
        (86401.0, "gr\u00fcn"),
    ]
    assert mending.lines() == [
        "mended 2: no date, days counted from 1970 (the first: log.txt, line 1)",
        "mended 1: not UTF-8, read as Latin-1 (the first: log.txt, line 2)",
        "left out 1: lines without a time (the first: log.txt, line 3)",
    ]


def test_what_is_too_long_is_cut(tmp_path: Path) -> None:
    path = tmp_path / f"{'r' * 200}.json"
    rows = {
        "name": "n" * 300,
        "messages": [{"type": "message", "date_unixtime": 1, "from": "a", "text": "ö" * 9000}],
    }
    path.write_text(json.dumps(rows))
    mending = Mending()
    (one,) = tidied(documents.telegram(path, mending), mending)
    assert (len(one.room), len(one.text.encode())) == (256, TEXT_BYTES_MAX)
    assert [line.partition(" (")[0] for line in mending.lines()] == [
        "mended 1: text longer than 16,000 bytes, cut",
        "mended 1: room longer than 256 characters, cut",
    ]


@pytest.mark.parametrize("format_", ["slack", "telegram", "whatsapp", "irc"])
@pytest.mark.parametrize(
    "content", [b"", b"not an export", b"\xff\xfe", b"PK\x03\x04", b"\x1f\x8b torn", b"[" * 100_000]
)
def test_what_is_no_export_is_a_usage_error(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], format_: str, content: bytes
) -> None:
    path = tmp_path / "file"
    path.write_bytes(content)
    assert command.main(["convert", format_, str(path)]) == command.USAGE
    assert capsys.readouterr().err.startswith("bench: ")


def test_an_export_comes_through_a_pipe_and_leaves_through_one(
    monkeypatch: pytest.MonkeyPatch, capsysbinary: pytest.CaptureFixture[bytes]
) -> None:
    export = (EXPORTS / "telegram" / "result.json").read_bytes()
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(export)))
    assert command.main(["convert", "telegram", "-"]) == 0
    assert len(capsysbinary.readouterr().out.splitlines()) == 4


def test_a_time_that_is_none_is_refused_with_its_place(tmp_path: Path) -> None:
    path = tmp_path / "day.json"
    path.write_text(json.dumps([{"ts": "noon", "user": "U1", "text": "x"}]))
    with pytest.raises(TraceError, match=r"day\.json, message 1: ts must be a number"):
        list(documents.slack(path, Mending()))
