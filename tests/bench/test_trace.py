"""A trace is read whole or refused with the line and the reason."""

from __future__ import annotations

import doctest
import gzip
import io
import json
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from bench import trace
from bench.trace import Trace, TraceError, load, read, sanitised

REAL_TRACE = Path(__file__).parents[3] / "shared" / "data" / "slack-2019.ndjson.gz"


def lines(*records: Any) -> bytes:
    return b"\n".join(r if isinstance(r, bytes) else json.dumps(r).encode() for r in records)


def line(**changes: Any) -> dict[str, Any]:
    return {"ts": 1.5, "room": "r", "user": "u", "text": "hi", **changes}


def parsed(*records: Any) -> Trace:
    return read(io.BytesIO(lines(*records)), "t")


def test_messages_keep_their_order_and_times_count_from_the_first() -> None:
    result = parsed(line(), b"", line(ts=2, user="v", text="ho", thread=None), line(ts=2, room="s"))
    assert [(m.place, m.at_s, m.room, m.user, m.text) for m in result.messages] == [
        (0, 0.0, "r", "u", "hi"),
        (1, 0.5, "r", "v", "ho"),
        (2, 0.5, "s", "u", "hi"),
    ]
    assert result.members == {"r": ("u", "v"), "s": ("u",)}
    assert result.users == ("u", "v")
    assert result.rooms_of == {"u": ["r", "s"], "v": ["r"]}
    assert result.deliveries == 2


@pytest.mark.parametrize("packed", [False, True])
def test_gzip_is_recognised_by_its_bytes(tmp_path: Path, packed: bool) -> None:
    file = tmp_path / "any-name"
    content = lines(line(), line(user="v"))
    file.write_bytes(gzip.compress(content) if packed else content)
    assert load(file).users == ("u", "v")


BAD_LINES = [
    (b"{", "not JSON"),
    (b"\xff\xfe{", "not JSON"),
    (b"[" * 100_000, "not JSON"),
    ([1, 2], "a list, not an object"),
    ({"room": "r", "user": "u", "text": "x"}, "ts must be a number"),
    (line(ts="soon"), "ts must be a number of seconds, not 'soon'"),
    (line(ts=int("9" * 400)), "ts must be a number of seconds, not 9{60}…"),
    (line(ts="9" * 400), "ts must be a number"),
    (line(ts=1546215120504), "ts is 1546215120504, which is after the year 9999"),
    (line(ts=True), "ts must be a number"),
    (line(ts=float("nan")), "ts must be a number"),
    (line(ts=float("inf")), "ts must be a number"),
    (line(room=None), "room must be a text that is not empty"),
    (line(room="r" * 4000), "room of 4,000 characters; a title holds 256"),
    (line(user=["u"]), "user must be a text, not"),
    (line(text={"plain": "hi"}), "text must be a text, not"),
    (line(text="x" * 16_001), "text of 16,001 bytes"),
    (line(text="x" * 200_000), "longer than 131,072 bytes"),
]


@pytest.mark.parametrize(("bad", "reason"), BAD_LINES)
def test_a_bad_line_is_refused_by_number_and_reason(bad: Any, reason: str) -> None:
    with pytest.raises(TraceError, match=f"t, line 2: .*{reason}"):
        parsed(line(), bad, line(ts=9))


def test_what_real_traces_have_is_mended_or_left_out_and_told_once() -> None:
    result = parsed(
        line(ts="2.5"),
        line(ts=2, user=17, room=4),
        b'{"ts": 3, "room": "r", "user": "u", "text": "half \\ud83d"}',
        line(ts=4, text=None),
        line(ts=4, text=" \n"),
        line(ts=4, user=None),
        {"ts": 4, "room": "r", "user": "u"},
        line(ts=5, text="one\ntwo"),
    )
    assert [(m.at_s, m.room, m.user, m.text) for m in result.messages] == [
        (0.0, "4", "17", "hi"),
        (0.5, "r", "u", "hi"),
        (1.0, "r", "u", "half \ufffd"),
        (3.0, "r", "u", "one\ntwo"),
    ]
    assert result.mending == (
        "mended 1: ts as text (the first: line 1)",
        "mended 1: room as a number (the first: line 2)",
        "mended 1: user as a number (the first: line 2)",
        "mended 1: half a surrogate pair in text, replaced (the first: line 3)",
        "mended 1: not in the order of time, sorted (the first: line 2)",
        "left out 3: without text (the first: line 4)",
        "left out 1: without a user (the first: line 6)",
    )


def test_a_pipe_loses_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pipe = tmp_path / "pipe"
    for content in (
        lines(line(), line(user="v", text="")),
        gzip.compress(lines(line(), line(user="v", text=""))),
    ):
        os.mkfifo(pipe)
        with ThreadPoolExecutor(1) as writing:
            written = writing.submit(pipe.write_bytes, content)
            assert load(pipe).users == ("u",)
            written.result()
        pipe.unlink()
        assert capsys.readouterr().err == "bench: pipe: left out 1: without text (the first: line 2)\n"


def test_a_trace_without_messages_is_refused() -> None:
    with pytest.raises(TraceError, match="no message"):
        parsed(b"", b" ")


@pytest.mark.parametrize(
    ("limit", "reason"),
    [
        ("MESSAGES_MAX", "line 3: more than 2 messages"),
        ("MEMBERS_MAX", "r has 3 members; a group holds 2"),
        ("USERS_MAX", "3 people; one machine plays at most 2"),
    ],
)
def test_a_trace_is_bounded(monkeypatch: pytest.MonkeyPatch, limit: str, reason: str) -> None:
    monkeypatch.setattr(trace, limit, 2)
    with pytest.raises(TraceError, match=reason):
        parsed(line(user="a"), line(user="b"), line(user="c"))


def test_a_missing_file_is_refused_in_words(tmp_path: Path) -> None:
    with pytest.raises(TraceError, match="No such file"):
        load(tmp_path / "none")


@pytest.mark.parametrize("keep", [20, -4])
def test_a_torn_gzip_file_is_refused(tmp_path: Path, keep: int) -> None:
    file = tmp_path / "torn.gz"
    file.write_bytes(gzip.compress(lines(*[line()] * 50))[:keep])
    with pytest.raises(TraceError, match=r"torn\.gz"):
        load(file)


@pytest.mark.parametrize("user", ["zoë", "a b", "../x", "👋", "n" * 65, "é" * 64])
def test_a_foreign_user_becomes_one_the_protocol_allows(user: str) -> None:
    name = sanitised(user)
    assert 1 <= len(name) <= 64
    assert trace._FOREIGN.search(name) is None
    assert name == sanitised(user)


def test_two_foreign_users_stay_two_and_an_allowed_one_stays_himself() -> None:
    assert sanitised("zoë") != sanitised("zoé")
    assert sanitised("anna.k@example:1_-") == "anna.k@example:1_-"


def test_the_examples_in_the_documentation_hold() -> None:
    assert doctest.testmod(trace) == (0, 1)


def test_the_real_trace_is_read_whole() -> None:
    if not REAL_TRACE.exists():
        pytest.skip("the real trace is not part of the project and not beside it")
    real = load(REAL_TRACE)
    assert (len(real.messages), len(real.users)) == (36_273, 1_246)
    assert sorted(len(members) for members in real.members.values()) == [106, 618, 619]
