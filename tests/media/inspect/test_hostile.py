"""Files that are made to do harm: bombs, two types in one, cut ones, changed ones."""

import random
import struct
import zlib

import pytest

pytest.importorskip("pyvips")
pytest.importorskip("pillow_heif")
pytest.importorskip("av")

from chatd.config.media import Media
from chatd.media.inspection import Found, Refusal
from chatd.media.inspectors import Inspectors
from tests.kit import media_samples as samples
from tests.kit.inspecting import Files
from tests.kit.newcomer import ROOT
from tests.kit.soak import scaled

SCRIPT = b"<script>alert(1)</script>"
MIB = 1 << 20


def chunk(name, data):
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def flat_png(side, declared=None):
    """A PNG of one colour, of some kilobytes whatever its size."""
    head = struct.pack(">IIBBBBB", declared or side, declared or side, 8, 2, 0, 0, 0)
    rows = zlib.compress((b"\0" + bytes(side * 3)) * side, 9)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


def line():
    """A PNG of one pixel in each of 40 million rows."""
    head = struct.pack(">IIBBBBB", 1, 40_000_000, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(bytes(80_000_000), 1))


def stuffed_png(name, data):
    png = samples.picture("png", 64, 64)
    return png[:33] + chunk(name, data) + png[33:]


def gif(width, height, frames):
    head = b"GIF89a" + struct.pack("<HH", width, height) + b"\x80\0\0" + b"\0\0\0\xff\xff\xff"
    frame = b"\x21\xf9\x04\0\x05\0\0\0\x2c" + struct.pack("<HHHH", 0, 0, 1, 1) + b"\0\x02\x02\x44\x01\0"
    return head + frame * frames + b";"


def late_size():
    """A progressive JPEG of 96 Mpx that says so behind what fills: GeiserX/Telegram-Archive#450."""
    frame = b"\xff\xc2" + struct.pack(">HBHHB", 17, 8, 8000, 12_000, 3) + bytes(9)
    return b"\xff\xd8" + (b"\xff\xe1" + struct.pack(">H", 65_535) + bytes(65_533)) * 5 + b"\xff" * 9 + frame


def bombs():
    return {
        "a picture that declares too much": ("picture", flat_png(64, declared=60_000), "too_large"),
        "a line": ("picture", line(), "too_large"),
        "a progressive one, which says it late": ("picture", late_size(), "too_large"),
        "a screen of 4 Gpx": ("picture", gif(65_535, 65_535, 3), "too_large"),
        "more bytes than a picture has": ("picture", samples.picture("png") + bytes(31 * MIB), "too_large"),
        "no data": ("picture", samples.picture("png")[:33] + chunk(b"IEND", b""), "unreadable"),
        "no size": ("picture", b"\xff\xd8\xff\xda" + bytes(1000), "unreadable"),
        "a script that begins as a GIF": ("picture", b"GIF89a/*\0" + SCRIPT, "too_large"),
        "a list of other files": ("video", b"#EXTM3U\n#EXTINF:1,\nfile:///etc/passwd\n", "not_supported"),
        "a script for a player": ("video", b"ffconcat version 1.0\nfile /etc/passwd\n", "not_supported"),
        "a vector drawing": ("picture", b"<?xml version='1.0'?><svg onload='alert(1)'/>", "not_supported"),
        "a container of nothing": ("video", b"\x1a\x45\xdf\xa3" + bytes(3000), "unreadable"),
        "an index of nothing": ("video", b"\0\0\0\x10ftypisom\0\0\0\0\0\0\0\x08moov", "not_supported"),
        "sound of nothing": ("voice", b"OggS\0\2" + bytes(40), "not_supported"),
    }


def bearable_pictures():
    return {
        "a comment of 100 MB": stuffed_png(b"zTXt", b"c\0\0" + zlib.compress(bytes(100 * MIB), 1)),
        "a profile of 100 MB": stuffed_png(b"iCCP", b"x\0\0" + zlib.compress(bytes(100 * MIB), 1)),
        "a profile of noise": stuffed_png(
            b"iCCP", b"x\0\0" + zlib.compress(random.Random(1).randbytes(5000))
        ),
        "9 Mpx in 27 kB": flat_png(3000),
        "65,535 frames": gif(1, 1, 65_535),
        "a web page behind it": samples.picture("jpeg") + SCRIPT,
        "an archive behind it": samples.picture("png") + b"PK\3\4" + SCRIPT,
    }


@pytest.fixture
async def inspectors(monkeypatch):
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    inspectors = Inspectors(Media(inspectors=1))
    yield inspectors
    await inspectors.close()


async def test_bombs_are_refused_and_the_process_lives(tmp_path, inspectors):
    answers, made = {}, bombs()
    for name, (kind, content, _) in made.items():
        answer = await inspectors.inspect(kind, "message", Files(tmp_path, content).opened)
        answers[name] = answer.code if isinstance(answer, Refusal) else answer
    assert answers == {name: code for name, (_, _, code) in made.items()}
    assert inspectors.running == 1


async def test_what_hides_in_a_picture_stays_behind(tmp_path, inspectors):
    for name, content in bearable_pictures().items():
        files = Files(tmp_path, content)
        found = await inspectors.inspect("picture", "message", files.opened)
        assert isinstance(found, Found), (name, found)
        assert SCRIPT not in files.written()
        assert len(files.written()) < MIB
    assert inspectors.running == 1


async def test_a_picture_that_was_cut_is_refused(tmp_path, inspectors):
    """Libraries fill the rest with grey, unless they are told not to."""
    wide = samples.quarters(640, 480).icc_transform("p3", input_profile="srgb")
    made = {form: samples.picture(form) for form in ("jpeg", "png", "webp", "gif", "avif", "heic")}
    made["with a profile"] = bytes(wide.jpegsave_buffer())
    for form, whole in made.items():
        for share in (0.3, 0.6, 0.9):
            files = Files(tmp_path, whole[: int(len(whole) * share)])
            answer = await inspectors.inspect("picture", "message", files.opened)
            assert isinstance(answer, Refusal), (form, share)
            assert answer.code == "unreadable"


SEEDS = scaled(40, 5000)


async def test_changed_bytes_harm_nothing(tmp_path, inspectors):
    """Whatever a decoder makes of them, it is an answer, and the next file is opened."""
    originals = [
        *(
            ("picture", samples.picture(form, 160, 120))
            for form in ("jpeg", "png", "webp", "gif", "avif", "heic")
        ),
        ("picture", samples.animation("gif", 4)),
        ("picture", samples.animation("webp", 4)),
        ("voice", samples.voice("ogg", "libopus", 0.2)),
        ("voice", samples.voice("ipod", "aac", 0.2)),
        ("voice", samples.voice("webm", "libopus", 0.2)),
        ("video", samples.video("mp4", "libx264", "aac", 0.2)),
        ("video", samples.video("mov", "libx265", None, 0.2)),
        ("video", samples.video("webm", "libvpx-vp9", "libopus", 0.2)),
    ]
    for seed in range(SEEDS):
        draw = random.Random(seed)
        kind, content = draw.choice(originals)
        changed = bytearray(content)
        for _ in range(draw.choice((1, 3, 20, 200))):
            changed[draw.randrange(len(changed))] = draw.randrange(256)
        answer = await inspectors.inspect(kind, "message", Files(tmp_path, bytes(changed)).opened)
        assert isinstance(answer, Found | Refusal), seed
