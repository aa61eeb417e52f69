"""The type of a file and the size of a picture, by their bytes alone."""

import struct

import pytest

pytest.importorskip("pyvips")
pytest.importorskip("pillow_heif")
pytest.importorskip("av")

from chatd.media.inspect.sniff import declared_size, sniffed
from tests.kit import media_samples as samples

SCRIPT = b"<script>alert(1)</script>"
PICTURES = ("jpeg", "png", "gif", "webp", "heic", "avif")


@pytest.mark.parametrize("form", PICTURES)
def test_the_type_and_the_size_of_a_picture_are_read(form):
    content = samples.picture(form, 128, 64)
    assert sniffed(content[:4096]) == form
    assert declared_size(form, content) == (128, 64)


def test_containers_are_told_apart():
    made = {
        "mp4": samples.video("mp4", "libx264", seconds=0.2),
        "mov": samples.video("mov", "libx264", seconds=0.2),
        "webm": samples.video("webm", "libvpx-vp9", seconds=0.2),
        "ogg": samples.voice("ogg", "libopus", seconds=0.2),
    }
    assert {form: sniffed(content) for form, content in made.items()} == {form: form for form in made}
    assert sniffed(samples.voice("ipod", "aac", seconds=0.2)) == "mp4"


def test_the_size_of_each_form_of_webp_is_read():
    forms = [
        samples.picture("webp", 64, 48, keep=keep, lossless=lossless)
        for keep in ("none", "all")
        for lossless in (True, False)
    ]
    assert {form[12:16] for form in forms} == {b"VP8X", b"VP8L", b"VP8 "}
    assert {declared_size("webp", form) for form in forms} == {(64, 48)}


def test_the_largest_size_in_a_heic_counts():
    """Tiles and thumbnails are decoded, too."""
    content = samples.picture("heic", 64, 48)
    place = content.index(b"ispe")
    assert declared_size("heic", content) == (64, 64)
    large = content[: place + 8] + struct.pack(">II", 40_000, 30_000) + content[place + 16 :]
    assert declared_size("heic", large) == (40_000, 30_000)


def test_what_is_nothing_has_no_type_and_no_size():
    for kind in PICTURES:
        assert declared_size(kind, b"") == declared_size(kind, bytes(50)) == (0, 0)
    assert sniffed(b"") == sniffed(bytes(4096)) == sniffed(SCRIPT) == ""
