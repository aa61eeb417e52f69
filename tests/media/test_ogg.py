"""Ogg Opus, page by page: whole notes, broken ones, and comments that stay behind."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

pytest.importorskip("pyvips")
pytest.importorskip("pillow_heif")
pytest.importorskip("av")

from chatd.media.ogg import Note, Page, PageReader, checksum, without_comments
from tests.kit import media_samples as samples


def by_bits(data):
    """The checksum of RFC 3533 as its text says it."""
    crc = 0
    for byte in data:
        crc ^= byte << 24
        for _ in range(8):
            crc = (crc << 1 ^ (0x04C11DB7 if crc & 0x80000000 else 0)) & 0xFFFFFFFF
    return crc


@given(st.binary(max_size=300))
def test_the_checksum_is_that_of_the_standard(data):
    assert checksum(data) == by_bits(data)


@given(st.binary())
def test_bytes_that_are_no_pages_are_noticed(data):
    reader = PageReader()
    try:
        pages = list(reader.feed(data))
    except ValueError:
        return
    assert pages == []
    assert reader.is_between_pages == (not data)


def test_a_note_is_read_whatever_the_pieces_in_which_it_comes():
    content = samples.voice("ogg", "libopus", seconds=1.5)
    whole = None
    for size in (1, 27, 1000, len(content)):
        note = Note()
        pieces = [content[start : start + size] for start in range(0, len(content), size)]
        made = b"".join(without_comments(pieces, note))
        assert note.duration_ms == 1500
        assert whole in (None, made)
        whole = made
    assert samples.SECRET in content
    assert samples.SECRET not in whole


def test_comments_of_many_pages_become_one_and_the_rest_is_counted_on():
    head, comments, *sound = pages_of(samples.voice("ogg", "libopus", seconds=1.5))
    long = comments.body.ljust(300 * 255, b"x")
    first = replace(comments, lacing=b"\xff" * 255, body=long[: 255 * 255])
    second = replace(comments, number=2, lacing=b"\xff" * 45 + b"\0", body=long[255 * 255 :])
    later = [replace(page, number=page.number + 1) for page in sound]
    content = b"".join(page.encoded() for page in (head, first, second, *later))
    made = pages_of(b"".join(without_comments([content], Note())))
    assert [page.number for page in made] == list(range(len(sound) + 2))
    assert made[2:] == sound


def pages_of(content):
    return list(PageReader().feed(content))


def broken_notes():
    note = samples.voice("ogg", "libopus", seconds=2.5)
    head, comments, *sound = pages_of(note)
    other = [replace(page, serial=7) for page in sound]
    yield "a wrong checksum", note[:-1] + bytes((note[-1] ^ 1,))
    yield "a page is missing", b"".join(page.encoded() for page in (head, comments, *sound[1:]))
    yield "two streams", b"".join(page.encoded() for page in (head, comments, *other))
    yield "a second note behind it", note + note
    yield "its end is missing", note[:-10]
    yield "something else behind it", note + b"<script>" * 9
    yield "no comments", b"".join(page.encoded() for page in (head, *sound))
    yield "no sound", head.encoded() + comments.encoded()
    lacing, filled = b"\xff" * 255, b"OpusTags" + bytes(255 * 255 - 8)
    endless = [Page(0, 0, head.serial, number, lacing, filled) for number in range(1, 40)]
    yield "comments without an end", b"".join(page.encoded() for page in (head, *endless))
    back = [replace(page, granule=9 - place) for place, page in enumerate(sound)]
    yield "time that runs backwards", b"".join(page.encoded() for page in (head, comments, *back))


def is_note(content):
    try:
        return bool(list(without_comments([content], Note())))
    except ValueError:
        return False


def test_a_broken_note_is_none():
    assert is_note(samples.voice("ogg", "libopus"))
    assert [name for name, content in broken_notes() if is_note(content)] == []
