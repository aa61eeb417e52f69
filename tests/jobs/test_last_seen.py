"""sightings.py: the ends of connections, noted together; and none is lost when the daemon stops."""

from pathlib import Path

from chatd.core.admin import SeeDevice, SeeLeft, Settle
from chatd.jobs.last_seen import GATHERED_S, PART_MAX
from chatd.writer.writer import Submission
from tests.kit.daemon import config_for, running_daemon
from tests.kit.env import START_MS
from tests.kit.indoors import Indoors, device_of
from tests.kit.phone import Phone


def heard(house: Indoors) -> list[SeeLeft]:
    """What the writer is asked to note, from now on."""
    asked: list[SeeLeft] = []
    submit = house.inside.writer.submit

    def listening(submission):
        if isinstance(submission.request, SeeLeft):
            asked.append(submission.request)
        submit(submission)

    house.inside.writer.submit = listening
    return asked


async def last_seen(house: Indoors, user: str) -> int:
    (row,) = await house.store.devices(user)
    return row.last_seen


async def test_ends_are_noted_together_each_with_its_own_time(house: Indoors) -> None:
    ann, bob = await house.meets("ann"), await house.meets("bob")
    asked = heard(house)
    await house.passes(5)
    ann.hangs_up()
    await house.passes(GATHERED_S / 2)
    bob.hangs_up()
    await house.quiet()
    assert await last_seen(house, "ann") == START_MS  # not yet
    await house.passes(GATHERED_S / 2)
    assert [list(one.devices) for one in asked] == [[("ann", device_of(1)), ("bob", device_of(1))]]
    assert await last_seen(house, "ann") == START_MS + 5_000
    assert await last_seen(house, "bob") == START_MS + 5_000 + round(1000 * GATHERED_S / 2)


async def test_who_comes_back_at_once_is_seen_last_when_he_left_last(house: Indoors) -> None:
    for _ in range(2):
        guest = await house.meets("ann")
        await house.passes(GATHERED_S / 4)
        guest.hangs_up()
    await house.passes(GATHERED_S)
    assert await last_seen(house, "ann") == START_MS + round(1000 * GATHERED_S / 2)


async def test_the_ends_of_many_are_several_commits(house: Indoors) -> None:
    asked = heard(house)
    users = [f"user{number}" for number in range(PART_MAX + 1)]
    for user in users:
        house.inside.writer.submit(Submission(user, SeeDevice(device_of(1))))
        house.inside.sightings.left(user, device_of(1))
    await house.passes(GATHERED_S)
    assert [len(one.devices) for one in asked] == [PART_MAX, 1]
    assert len(await house.store.last_seen(users)) == PART_MAX + 1


async def test_a_clean_stop_notes_who_was_connected(tmp_path: Path) -> None:
    async with running_daemon(config_for(tmp_path)) as daemon:
        phone = await Phone.connect(daemon.url, "ann")
        await phone.says_hello()
        await daemon.inside.writer.carry("", Settle())
        (before,) = await daemon.inside.store.devices("ann")
        await daemon.restart()
        (after,) = await daemon.inside.store.devices("ann")
        assert after.last_seen > before.last_seen
