"""Live notes on a disk in memory: only whole, checked pages are heard, and only what a power cut leaves."""

import asyncio
import random
from contextlib import suppress

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chatd.media import live as live_module
from chatd.media.interface import Live
from chatd.media.live import CUT_S, REPEAT_S
from chatd.media.ogg import FIRST, Note, Page, PageReader, without_comments
from chatd.media.tus import Part
from chatd.protocol.errors import Refused
from tests.kit.live_notes import HEAD, TAGS, packet, pages, sound
from tests.kit.media_disk import Inline, MemoryDisk
from tests.kit.upload_bench import FILE, VOICE_MS, Body, UploadBench
from tests.kit.waiting import nothing_is_ready


class Bench(UploadBench):
    """Live notes of one process; another one on the same disk is the next process."""

    may_hear = True

    def begin(self, file=FILE, **other):
        return self.rows.begin(file, None, "voice", **({"room": 5} | other))

    async def speak(self, *pieces, file=FILE, length=None, breaks=True):
        row = self.rows.files[file]
        offset = (await self.uploads.look(row)).offset
        return await self.uploads.append(
            row, Part(offset, length, None), Body(*pieces, then="lost" if breaks else "end")
        )

    def note(self, file=FILE):
        return self.live.of(self.rows.files[file])

    async def heard(self, offset=0, file=FILE):
        """Return what a listener who comes now hears before they would wait."""
        note, got = self.note(file), b""
        await self.live.restore(note)
        while offset + len(got) < note.size:
            got += await note.read(offset + len(got), Inline())
        return got

    def listen(self, offset=0):
        heard = bytearray()

        async def is_allowed():
            return self.may_hear

        async def run():
            async for data in self.live.listen(self.note(), offset, is_allowed):
                heard.extend(data)

        task = asyncio.create_task(run())
        return heard, task

    @property
    def states(self):
        return [said.state for said in self.rows.told if isinstance(said, Live)]

    def pass_time(self, seconds):
        self.env.advance(seconds)
        self.live.look()


@pytest.fixture
def bench(tmp_path):
    return Bench(tmp_path)


def as_kept(content):
    """Return what others get of a note when it is a file."""
    return b"".join(without_comments([content], Note()))


def pages_in(content):
    """Return the whole pages that bytes begin with, as others get them."""
    note, got = Note(), b""
    with suppress(ValueError):
        for page in PageReader().feed(content):
            got += b"".join(one.encoded() for one in note.add(page))
    return got


async def test_listeners_hear_whole_pages_without_comments_and_the_rest_when_it_comes(bench):
    bench.begin()
    head, tags, first, second, third = pages(3)
    await bench.speak(head + tags + first + second[:40])
    heard, task = bench.listen()
    await nothing_is_ready()
    assert heard == as_kept(head + tags + first)
    assert bench.states == ["live"]
    await bench.speak(second[40:], third[:1])
    await nothing_is_ready()
    assert heard == as_kept(head + tags + first + second)
    whole = b"".join(pages(3))
    assert (await bench.speak(third[1:], length=len(whole), breaks=False)).said == "ready"
    await task
    assert heard == as_kept(whole)
    assert b"52.5200" in whole
    assert b"52.5200" not in heard
    assert bench.states == ["live", "done"]
    assert not bench.disk._open


async def test_a_listener_goes_on_at_any_byte(bench):
    bench.begin()
    whole = b"".join(pages(3))
    await bench.speak(whole)
    kept = as_kept(whole)
    for offset in range(len(kept) + 1):
        assert await bench.heard(offset) == kept[offset:]


async def test_what_is_not_on_the_disk_for_good_is_not_heard(bench):
    bench.begin()
    head, tags, first, second = pages(2)
    await bench.speak(head + tags + first)
    bench.disk.fault = lambda operation: 5 if operation.kind.name == "SYNC" else 0
    with suppress(Exception):
        await bench.speak(second)
    assert bench.states == ["live", "cut"]
    assert bench.note() is None


async def speak_with_power_cuts(root, seed):
    """Speak a note, and look after each part what a power cut would leave; sometimes there is one.

    Raises AssertionError where something was heard that is not stored.
    """
    bench, draw = Bench(root), random.Random(seed)
    bench.begin()
    whole, heard, at = b"".join(pages(4)), b"", 0
    while at < len(whole):
        count = draw.randint(1, 300)
        await bench.speak(whole[at : at + count])
        at += count
        heard = max(heard, await bench.heard(), key=len)
        survivors = bench.disk.survivors(len(bench.disk.journal), draw.randrange)
        assert pages_in(survivors.get(f"incoming/{FILE}", b"")).startswith(heard)
        if draw.random() < 0.2:
            # The phone sends again what the next process does not know that it has.
            bench = Bench(root, MemoryDisk(root, survivors), bench.rows)
            at = (await bench.uploads.look(bench.rows.files[FILE])).offset
    assert await bench.heard() == as_kept(whole)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.integers(0, 1 << 30))
async def test_what_was_heard_is_the_beginning_of_what_a_power_cut_leaves(tmp_path, seed):
    await speak_with_power_cuts(tmp_path, seed)


async def test_pages_that_are_heard_before_they_are_synced_are_found(tmp_path, monkeypatch):
    monkeypatch.setattr(MemoryDisk, "sync", lambda self, descriptor: None)
    # Of a note in 20 parts, one that a power cut takes something from is always among them.
    with pytest.raises(AssertionError):
        await speak_with_power_cuts(tmp_path, 1)


WRONG_CRC = bytearray(sound(0))
WRONG_CRC[-1] ^= 1
HOSTILE = {
    "no Ogg": [b"RIFF" + bytes(60)],
    "a changed page": [*pages(1)[:2], bytes(WRONG_CRC)],
    "a page is missing": [*pages(1)[:2], sound(1)],
    "another stream": [*pages(1)[:2], sound(0, serial=8)],
    "a second head": [*pages(1)[:2], packet(FIRST, 2, HEAD)],
    "not Opus": [packet(FIRST, 0, b"\x01vorbis" + bytes(30))],
    "no comments": [packet(FIRST, 0, HEAD), sound(0)],
    "long comments": [
        packet(FIRST, 0, HEAD),
        Page(0, 0, 7, 1, bytes((255,)) * 255, TAGS.ljust(65025)).encoded(),
    ],
    "a long head": [packet(FIRST, 0, HEAD.ljust(2000, b"\0"))],
    "after its end": [*pages(1), sound(1)],
    "time runs backwards": [*pages(3)[:4], Page(0, 5, 7, 4, b"\x03", b"\xf8\xff\xfe").encoded()],
}


@pytest.mark.parametrize("sent", HOSTILE.values(), ids=HOSTILE.keys())
async def test_a_bad_page_ends_the_note_and_is_not_heard(bench, sent):
    bench.begin()
    good, bad = sent[:-1], sent[-1]
    if good:
        await bench.speak(*good)
    listeners = [bench.listen()] if bench.note().size else []
    before = await bench.heard()
    with pytest.raises(Refused, match="unreadable"):
        await bench.speak(bad)
    for heard, task in listeners:
        await task
        assert heard == before
    assert bench.states in ([], ["live", "cancelled"])
    assert bench.rows.files[FILE].state == "refused"
    assert not bench.disk.files
    assert not bench.disk._open


async def test_a_page_that_never_ends_takes_no_more_memory_than_a_page(bench):
    bench.begin()
    head, tags, *_ = pages(1)
    endless = Page(0, 0, 7, 2, bytes((255,)) * 255, bytes(65025)).encoded()
    await bench.speak(head, tags, endless[:-1])
    assert await bench.heard() == pages_in(head + tags)
    assert len(bench.note()._reader._rest) < 1 << 16


async def test_a_byte_a_second_is_heard_as_pages_and_ends_in_time(bench):
    bench.begin()
    head, tags, first, *_ = pages(2)
    await bench.speak(head, tags)
    for at in range(len(first)):
        await bench.speak(first[at : at + 1])
        bench.pass_time(1)
    assert await bench.heard() == as_kept(head + tags + first)
    while bench.note() is not None:
        await bench.speak(b"O"[: bench.note()._reader.is_between_pages])
        bench.note().touched_at = bench.env.monotonic()
        bench.pass_time(1)
    assert bench.states[-1] == "cut"


async def test_a_cut_ends_it_and_the_phone_goes_on_unheard(bench):
    bench.begin()
    sent = pages(3)
    await bench.speak(*sent[:3])
    heard, task = bench.listen()
    await nothing_is_ready()
    bench.pass_time(CUT_S - 1)
    assert not task.done()
    bench.pass_time(1)
    await task
    assert heard == as_kept(b"".join(sent[:3]))
    assert bench.states[-1] == "cut"
    whole = b"".join(sent)
    assert (await bench.speak(*sent[3:], length=len(whole), breaks=False)).said == "ready"
    assert bench.note() is None
    assert bench.states[-1] == "cut"


async def test_it_is_said_again_that_somebody_speaks(bench):
    bench.begin()
    await bench.speak(*pages(3)[:3])
    for _ in range(3):
        bench.pass_time(REPEAT_S)
    assert bench.states == ["live"] * 4


async def test_the_next_process_knows_what_was_said_and_cuts_what_does_not_go_on(bench, tmp_path):
    bench.begin()
    sent = pages(3)
    await bench.speak(*sent[:3])
    again = Bench(tmp_path, bench.disk, bench.rows)
    assert await again.heard() == as_kept(b"".join(sent[:3]))
    again.env.advance(0)
    again.pass_time(CUT_S)
    assert again.note() is None


async def test_a_note_of_long_ago_is_not_spoken(bench, tmp_path):
    bench.begin()
    await bench.speak(*pages(3)[:3])
    again = Bench(tmp_path, bench.disk, bench.rows)
    again.env.advance(VOICE_MS / 1000 + CUT_S + 1)
    assert again.note() is None


async def test_one_of_a_user_and_three_of_a_room_are_heard(bench):
    names = [f"Fz3kQ0{letter * 16}" for letter in "abcdef"]
    for number, name in enumerate(names[:4]):
        bench.begin(name, owner=f"u{number}")
        await bench.speak(*pages(2)[:3], file=name)
    assert [bench.note(name) is not None for name in names[:4]] == [True, True, True, False]
    bench.begin(names[4], owner="u9", room=6)
    await bench.speak(*pages(2)[:3], file=names[4])
    assert bench.note(names[4]) is not None
    # The newest of a user counts, and there is room for it.
    bench.env.advance(1)
    bench.begin(names[5], owner="u0")
    await bench.speak(*pages(2)[:3], file=names[5])
    assert bench.note(names[0]) is None
    assert bench.note(names[5]) is not None
    # A place became free.
    await bench.uploads.end(names[1])
    await bench.speak(file=names[3])
    assert await bench.heard(file=names[3]) == as_kept(b"".join(pages(2)[:3]))


async def test_who_may_not_hear_it_any_more_hears_a_second_more_at_most(bench, monkeypatch):
    monkeypatch.setattr(live_module, "LOOK_S", 0.001)
    bench.begin()
    sent = pages(3)
    await bench.speak(*sent[:3])
    heard, task = bench.listen()
    await nothing_is_ready()
    bench.may_hear = False
    bench.env.advance(1)
    await task
    await bench.speak(sent[3])
    assert heard == as_kept(b"".join(sent[:3]))
    assert bench.live.listeners == 0


async def test_what_is_dropped_is_cancelled(bench):
    bench.begin()
    await bench.speak(*pages(3)[:3])
    _, task = bench.listen()
    await nothing_is_ready()
    await bench.uploads.end(FILE)
    await task
    assert bench.states == ["live", "cancelled"]
    assert not bench.disk._open


async def test_the_end_of_the_process_lets_listeners_go(bench):
    bench.begin()
    await bench.speak(*pages(3)[:3])
    _, task = bench.listen()
    await nothing_is_ready()
    bench.live.close()
    await task
    assert bench.states == ["live"]
