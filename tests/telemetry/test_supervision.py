"""Tasks that go on as long as the daemon does: what fails begins again, what ends has ended."""

import asyncio
import logging

import pytest

from chatd.core.maintenance import Barrier
from chatd.telemetry import supervision
from chatd.telemetry.supervision import supervised
from tests.kit.waiting import until


@pytest.fixture(autouse=True)
def at_once(monkeypatch):
    monkeypatch.setattr(supervision, "RESTART_S", 0)


async def test_what_fails_is_logged_with_its_traceback_and_begins_again(caplog):
    outcomes = [ValueError("first"), OSError("second"), None]

    async def work():
        if (outcome := outcomes.pop(0)) is not None:
            raise outcome

    await supervised("the work", work)
    assert outcomes == []
    said = [
        (record.levelno, record.getMessage(), str(record.exc_info[1]))
        for record in caplog.records
        if record.name == supervision.log.name
    ]
    assert said == [
        (logging.ERROR, "the work failed, and is started again", "first"),
        (logging.ERROR, "the work failed, and is started again", "second"),
    ]


async def test_what_is_cancelled_ends(caplog):
    task = asyncio.create_task(supervised("the work", asyncio.Event().wait))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert caplog.records == []


async def test_the_writer_goes_on_after_a_defect_of_its_own(server, monkeypatch, caplog):
    writer = server.app.writer
    monkeypatch.setattr(writer, "_next_batch", lambda: 1 / 0)
    carried = asyncio.create_task(writer.submit_and_wait("", Barrier()))
    await until(lambda: "the writer failed" in caplog.text)
    monkeypatch.undo()
    await carried
