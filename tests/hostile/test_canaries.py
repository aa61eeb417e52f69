"""Proof that the corpus can fail: each deliberate break here is found by one of its cases."""

import logging
from pathlib import Path
from typing import Any, cast

import pytest

from chatd.commands.context import Command
from chatd.commands.table import COMMANDS
from chatd.protocol import codec
from chatd.protocol.envelope import Ok
from chatd.protocol.rooms import RoomGet
from chatd.session.rate_limits import RateLimits
from chatd.websocket.admission import Admission
from chatd.websocket.connection import WebSocketConnection
from tests.hostile.attacked_daemon import Harm, attacked
from tests.hostile.case import Case
from tests.hostile.corpus import CASES

pytestmark = pytest.mark.asyncio(loop_factories=["uvloop"])


def case_of(what: str) -> Case:
    """Return the first case of this description."""
    return next(case for case in CASES if case.what == what)


async def meets(directory: Path, what: str, **sections: dict[str, Any]) -> None:
    """Run one case against a daemon of its own; raises what the corpus finds."""
    case = case_of(what)
    async with attacked(directory, None, **sections) as attacked_daemon:
        found = await attacked_daemon.run_case(case)
        assert found == case.outcome, f"{found} instead of {case.outcome}"


@pytest.mark.parametrize(
    "what", ["a room of 13 characters", "65 fragments", "512 arrays in host data", "nil", "a TLS ClientHello"]
)
async def test_without_a_break_nothing_is_found(tmp_path: Path, what: str) -> None:
    await meets(tmp_path, what)


async def test_a_handler_with_a_bug_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def broken(*_: object) -> Ok:
        raise KeyError("no such key")

    monkeypatch.setitem(cast(dict[type, Command], COMMANDS), RoomGet, Command(broken))
    with pytest.raises(Harm, match=r"handler failed|defects"):
        await meets(tmp_path, "room twice, the last counts")


async def test_a_bound_on_fragments_that_is_off_is_found(tmp_path: Path) -> None:
    with pytest.raises(AssertionError, match="ok instead of close 1009"):
        await meets(tmp_path, "65 fragments", limits={"fragments": 4096})


async def test_a_bound_on_depth_that_is_off_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(codec, "host_data", lambda raw, *_: codec.decode_tree(raw))
    with pytest.raises(AssertionError, match="could not be carried out"):
        await meets(tmp_path, "512 arrays in host data")


async def test_a_place_that_is_not_given_back_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Admission, "released", lambda self, address, entry: None)
    monkeypatch.setattr("tests.hostile.attacked_daemon.TIMEOUT_S", 0.2)
    with pytest.raises(Harm, match=r"left behind: \{.admitted."):
        await meets(tmp_path, "nil")


async def test_a_connection_that_is_kept_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kept: list[WebSocketConnection] = []
    lost = WebSocketConnection.connection_lost

    def keeps(self: WebSocketConnection, exc: Exception | None) -> None:
        kept.append(self)
        lost(self, exc)

    monkeypatch.setattr(WebSocketConnection, "connection_lost", keeps)
    async with attacked(tmp_path) as attacked_daemon:
        for _ in range(5):
            await attacked_daemon.run_case(case_of("nil"))
        with pytest.raises(Harm, match="are kept"):
            attacked_daemon.expect_no_leftovers()
        kept.clear()


async def test_a_payload_in_the_log_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        RateLimits,
        "on_broken",
        lambda self, session, address, broken: logging.warning("got %s", "abcdefghijklmno"),
    )
    case = case_of("a text")
    leaking = Case(case.number, "text", b"\x82\x90\0\0\0\0\xafabcdefghijklmno", case.outcome)
    async with attacked(tmp_path) as attacked_daemon:
        with pytest.raises(Harm, match="which was sent"):
            await attacked_daemon.run_case(leaking)


async def test_a_wrong_close_code_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("chatd.protocol.codec.PROTOCOL", 1011)
    with pytest.raises(AssertionError, match="close 1011 instead of close 4204"):
        await meets(tmp_path, "nil")
