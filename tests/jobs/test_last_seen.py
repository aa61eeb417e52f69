"""last_seen.py: the ends of connections, noted together; and none is lost when the daemon stops."""

from pathlib import Path

from chatd.core.accounts import RecordDevice, RecordLastSeen
from chatd.core.maintenance import Barrier
from chatd.jobs.last_seen import DEVICES_AT_ONCE, FLUSH_AFTER_S
from chatd.writer.submission import Submission
from tests.kit.client import TestClient
from tests.kit.daemon import config_for, running_daemon
from tests.kit.env import START_MS
from tests.kit.inprocess import InProcessServer, device_of


def heard(server: InProcessServer) -> list[RecordLastSeen]:
    """Collect the requests to the writer, from now on."""
    asked: list[RecordLastSeen] = []
    submit = server.app.writer.submit

    def listening(submission):
        if isinstance(submission.request, RecordLastSeen):
            asked.append(submission.request)
        submit(submission)

    server.app.writer.submit = listening
    return asked


async def last_seen(server: InProcessServer, user: str) -> int:
    (row,) = await server.store.devices(user)
    return row.last_seen


async def test_ends_are_noted_together_each_with_its_own_time(server: InProcessServer) -> None:
    ann, bob = await server.connect("ann"), await server.connect("bob")
    asked = heard(server)
    await server.advance(5)
    ann.hang_up()
    await server.advance(FLUSH_AFTER_S / 2)
    bob.hang_up()
    await server.wait_idle()
    assert await last_seen(server, "ann") == START_MS  # not yet
    await server.advance(FLUSH_AFTER_S / 2)
    assert [list(one.devices) for one in asked] == [[("ann", device_of(1)), ("bob", device_of(1))]]
    assert await last_seen(server, "ann") == START_MS + 5_000
    assert await last_seen(server, "bob") == START_MS + 5_000 + round(1000 * FLUSH_AFTER_S / 2)


async def test_a_user_who_comes_back_at_once_was_last_seen_at_their_last_end(server: InProcessServer) -> None:
    for _ in range(2):
        client = await server.connect("ann")
        await server.advance(FLUSH_AFTER_S / 4)
        client.hang_up()
    await server.advance(FLUSH_AFTER_S)
    assert await last_seen(server, "ann") == START_MS + round(1000 * FLUSH_AFTER_S / 2)


async def test_the_ends_of_many_are_several_commits(server: InProcessServer) -> None:
    asked = heard(server)
    users = [f"user{number}" for number in range(DEVICES_AT_ONCE + 1)]
    for user in users:
        server.app.writer.submit(Submission(user, RecordDevice(device_of(1))))
        server.app.context.last_seen.on_disconnected(user, device_of(1))
    await server.advance(FLUSH_AFTER_S)
    assert [len(one.devices) for one in asked] == [DEVICES_AT_ONCE, 1]
    assert len(await server.store.last_seen(users)) == DEVICES_AT_ONCE + 1


async def test_a_clean_stop_notes_who_was_connected(tmp_path: Path) -> None:
    async with running_daemon(config_for(tmp_path)) as daemon:
        client = await TestClient.connect(daemon.url, "ann")
        await client.say_hello()
        await daemon.app.writer.submit_and_wait("", Barrier())
        (before,) = await daemon.app.store.devices("ann")
        await daemon.restart()
        (after,) = await daemon.app.store.devices("ann")
        assert after.last_seen > before.last_seen
