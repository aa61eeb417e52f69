"""protocol.md "Identifiers and counters": a restored backup starts a new history, and clients notice."""

import shutil
from pathlib import Path

import pytest

from tests.kit.client import fresh_key
from tests.kit.clients import Clients
from tests.kit.daemon import DaemonProcess, RunningDaemon


@pytest.mark.asyncio(loop_factories=["asyncio"])
async def test_s24_a_restored_backup_has_a_new_epoch_and_every_client_starts_over(
    server: DaemonProcess, callers: Clients, tmp_path: Path
) -> None:
    room, (alice, bob) = await callers.in_direct("alice", "bob")
    kept = fresh_key()
    before = await alice.send(room, "in the backup", key=kept)
    saved = tmp_path / "saved.sqlite"
    code, output = await server.run("backup", str(saved))
    assert code == 0, output
    lost = fresh_key()
    await alice.send(room, "after the backup", key=lost)
    bob, hello = await callers.reconnect(bob)
    await server.terminate()
    code, output = await server.run("restore", "--yes", str(saved))
    assert code == 0, output
    await server.start()

    bob, back = await callers.reconnect(bob, epoch=hello["epoch"], cursor=hello["sync"]["cursor"])
    assert back["epoch"] != hello["epoch"]
    assert back["sync"]["full"] is True
    assert back["sync"]["rooms"][0]["seq"] == before["seq"]
    alice, _ = await callers.reconnect(alice)
    again = await alice.send(room, "in the backup", key=kept)
    assert (again["seq"], again["duplicate"]) == (before["seq"], True)
    resent = await alice.send(room, "after the backup", key=lost)
    assert resent["seq"] == before["seq"] + 1
    assert "duplicate" not in resent
    assert (await bob.next_event(room))["key"] == lost


@pytest.mark.asyncio(loop_factories=["asyncio"])
async def test_a_backup_taken_under_load_holds_everything_acknowledged_before_it(
    server: DaemonProcess, callers: Clients, tmp_path: Path
) -> None:
    room, (alice, _) = await callers.in_direct("alice", "bob")
    acks = [await alice.send(room, f"message {number}") for number in range(50)]
    saved = tmp_path / "saved.sqlite"
    code, output = await server.run("backup", str(saved))
    assert code == 0, output
    await server.kill9()
    code, output = await server.run("restore", "--yes", str(saved))
    assert code == 0, output
    await server.start()
    alice, _ = await callers.reconnect(alice)
    assert [event["time"] for event in await alice.read_log(room, 2)] == [ack["time"] for ack in acks]


async def test_s08_a_cursor_from_the_future_brings_the_complete_list(
    daemon: RunningDaemon, clients: Clients, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """An older copy of the files was put back by hand: the epoch is the same, the cursor is ahead of it."""
    room, (alice, bob) = await clients.in_direct("alice", "bob")
    store = Path(daemon.config.storage.directory)
    older = tmp_path_factory.mktemp("older") / "store"
    await daemon.stop()
    shutil.copytree(store, older)
    await daemon.start_again()
    clients.url = daemon.url
    alice, _ = await clients.reconnect(alice)
    await alice.create_group("never heard of again", bob)
    for _ in range(20):
        await alice.send(room, "lost")
    alice, ahead = await clients.reconnect(alice)
    await daemon.stop()
    shutil.rmtree(store)
    shutil.copytree(older, store)
    await daemon.start_again()
    clients.url = daemon.url
    _, back = await clients.reconnect(alice, epoch=ahead["epoch"], cursor=ahead["sync"]["cursor"])
    assert back["sync"]["full"] is True
    assert [(summary["room"], summary["seq"]) for summary in back["sync"]["rooms"]] == [(room, 1)]


async def test_the_epoch_survives_a_clean_restart(daemon: RunningDaemon, clients: Clients) -> None:
    alice = await clients.open("alice")
    before = (await alice.say_hello())["epoch"]
    await daemon.restart()
    clients.url = daemon.url
    _, hello = await clients.reconnect(alice)
    assert hello["epoch"] == before
