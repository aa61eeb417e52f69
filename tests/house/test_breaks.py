"""Breaks of promises whose tests stand elsewhere: with the break in place, such a test has to fail."""

from pathlib import Path
from typing import Any

import pytest

from chatd.auth.passwords import Passwords
from chatd.core import permissions
from chatd.core.room import Room
from chatd.protocol.errors import Refused
from chatd.websocket.admission import Admission
from chatd.writer.writer import Writer
from tests.auth.test_passwords import (
    test_hashing_leaves_the_event_loop_alone as hashing_leaves_the_event_loop_alone,
)
from tests.authorization.test_matrix import test_a_row_is_as_the_table_says as a_row_is_as_the_table_says
from tests.kit.inprocess import in_process
from tests.websocket.test_admission import (
    test_the_oldest_unauthenticated_goes_when_the_pool_is_full as the_oldest_goes_when_the_pool_is_full,
)
from tests.writer.test_writer import (
    test_a_stop_carries_out_what_waits_and_takes_nothing_more as a_stop_carries_out_what_waits,
)


async def test_a_door_that_says_forbidden_to_strangers_is_found_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = permissions.member_of

    def candid(room: Room | None, user: str) -> Any:
        if room is not None and user not in room.members and user not in room.former:
            raise Refused("forbidden", "only for members")
        return real(room, user)

    monkeypatch.setattr(permissions, "member_of", candid)
    with pytest.raises(AssertionError):
        await a_row_is_as_the_table_says("room.leave", tmp_path)


def test_a_pool_that_never_empties_is_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Admission, "oldest_out", lambda self: None)
    with pytest.raises(AssertionError):
        the_oldest_goes_when_the_pool_is_full()


async def test_hashing_on_the_loop_is_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    async def at_once(self: Passwords, work: Any) -> Any:
        return work()

    monkeypatch.setattr(Passwords, "_run", at_once)
    passwords = Passwords()
    with pytest.raises(AssertionError):
        await hashing_leaves_the_event_loop_alone(passwords)
    passwords.close()


async def test_a_stop_that_drops_what_waits_is_found_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = Writer.stop

    async def hasty(self: Writer) -> None:
        self._waiting.clear()
        await real(self)

    async with in_process(tmp_path) as server:
        with monkeypatch.context() as broken:
            broken.setattr(Writer, "stop", hasty)
            with pytest.raises(ValueError, match="not enough values"):  # an answer that never came
                await a_stop_carries_out_what_waits(server)
