"""Voice notes and videos of phones and browsers, and what others get of them."""

import io
import struct
import subprocess
import sys

import pytest
from msgspec import UNSET

av = pytest.importorskip("av")
pyvips = pytest.importorskip("pyvips")
pytest.importorskip("pillow_heif")

from chatd.media.inspect import jobs, plain_videos, sounds  # noqa: E402
from chatd.media.inspection import Found, Refusal  # noqa: E402
from tests.kit import media_samples as samples  # noqa: E402
from tests.kit.inspecting import Files, inspected  # noqa: E402
from tests.kit.newcomer import ROOT  # noqa: E402
from tests.media.inspect.test_pictures import is_upright, look, quarters_of  # noqa: E402

NOTES = {"Ogg Opus": ("ogg", "libopus"), "WebM Opus": ("webm", "libopus"), "M4A": ("ipod", "aac")}
CLIPS = {
    "MP4 H.264": ("mp4", "libx264", "aac", "video/mp4"),
    "MOV HEVC": ("mov", "libx265", "aac", "video/mp4"),
    "MP4 AV1": ("mp4", "libsvtav1", None, "video/mp4"),
    "WebM VP9": ("webm", "libvpx-vp9", "libopus", "video/webm"),
    "WebM VP8": ("webm", "libvpx", "libopus", "video/webm"),
    "Matroska H.264": ("matroska", "libx264", "aac", "video/mp4"),
}


@pytest.mark.parametrize("name", NOTES)
def test_a_note_has_a_length_and_a_waveform(tmp_path, name):
    content = samples.voice(*NOTES[name])
    assert samples.SECRET in content
    files = Files(tmp_path, content)
    found = inspected(files, "voice")
    assert isinstance(found, Found), found
    facts = found.facts
    assert facts.mime == ("audio/mp4" if name == "M4A" else "audio/ogg")
    assert abs(facts.duration - 2000) <= 40
    assert facts.kind == "voice"
    assert len(facts.waveform) == 64
    # The tone grows louder from silence.
    assert facts.waveform[0] in "01"
    assert facts.waveform[-1] in "tuv"
    assert list(facts.waveform) == sorted(facts.waveform)
    assert samples.SECRET not in files.written()
    with av.open(io.BytesIO(files.written())) as container:
        assert sum(frame.samples for frame in container.decode(audio=0)) > 1.9 * samples.RATE_HZ


def test_a_note_of_a_browser_gets_its_length(tmp_path):
    """A recorder that streams leaves the length out (ryanheise/just_audio#689)."""
    content = samples.voice("webm", "libopus")
    place = content.index(b"\x44\x89\x88")
    streamed = content[:place] + b"\xec\x89" + content[place + 2 :]
    files = Files(tmp_path, streamed)
    found = inspected(files, "voice")
    assert abs(found.facts.duration - 2000) <= 40
    with av.open(io.BytesIO(files.written())) as container:
        assert abs(container.duration / 1000 - 2000) <= 40


def test_a_note_that_is_too_long_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(sounds, "SLACK_MS", -299_000)
    refusal = inspected(Files(tmp_path, samples.voice("ogg", "libopus")), "voice")
    assert isinstance(refusal, Refusal)
    assert refusal.code == "too_large"


def test_without_the_library_a_note_is_opus_and_has_no_waveform(tmp_path, monkeypatch):
    monkeypatch.setattr(sounds, "containers", None)
    files = Files(tmp_path, samples.voice("ogg", "libopus"))
    facts = inspected(files, "voice").facts
    assert (facts.duration, facts.waveform) == (2000, UNSET)
    assert samples.SECRET not in files.written()
    refusal = inspected(Files(tmp_path, samples.voice("ipod", "aac")), "voice")
    assert isinstance(refusal, Refusal)
    assert refusal.code == "not_supported"


@pytest.mark.parametrize("name", CLIPS)
def test_a_video_is_copied_into_a_container_of_its_own(tmp_path, name):
    form, codec, sound, mime = CLIPS[name]
    content = samples.video(form, codec, sound)
    assert samples.SECRET in content
    files = Files(tmp_path, content)
    found = inspected(files, "video")
    assert isinstance(found, Found), found
    facts = found.facts
    assert (facts.kind, facts.mime, facts.width, facts.height) == ("video", mime, 320, 160)
    assert abs(facts.duration - 1000) <= 60
    assert facts.sizes == ["m", "s"]
    assert is_upright(look(files, "m"))
    assert look(files, "s").width == 320
    full = files.written()
    assert samples.SECRET not in full
    if mime == "video/mp4":
        assert 0 < full.index(b"moov") < full.index(b"mdat")
    if codec == "libx265":
        assert b"hvc1" in full
    with av.open(io.BytesIO(content)) as before, av.open(io.BytesIO(full)) as after:
        assert [stream.type for stream in after.streams] == ["video", "audio"][: 2 if sound else 1]
        frames = [[bytes(packet) for packet in one.demux(video=0) if packet.size] for one in (before, after)]
        assert frames[0] == frames[1]
    with av.open(io.BytesIO(full)) as after:
        assert sum(1 for _ in after.decode(video=0)) == samples.FRAMES_PER_S


# The first four numbers of the matrix of a track (ISO 14496-12, 8.3.2), and how it turns what is shown.
MATRICES = {
    "by the clock": ((0, 1, -1, 0), "rot90"),
    "upside down": ((-1, 0, 0, -1), "rot180"),
    "against the clock": ((0, -1, 1, 0), "rot270"),
}


@pytest.mark.parametrize("name", MATRICES)
def test_a_video_of_a_phone_that_was_turned_is_upright(tmp_path, name):
    (a, b, c, d), turned = MATRICES[name]
    files = Files(tmp_path, samples.turned(samples.video("mov", "libx264"), (a, b, c, d)))
    facts = inspected(files, "video").facts
    assert (facts.width, facts.height) == ((320, 160) if name == "upside down" else (160, 320))
    # A player turns it as it turned the one that was sent.
    assert struct.pack(">5i", *(number << 16 for number in (a, b, 0, c, d))) in files.written()
    seen, meant = quarters_of(look(files, "m")), quarters_of(getattr(samples.quarters(320, 160), turned)())
    assert all(
        abs(x - y) < 60 for one, two in zip(seen, meant, strict=True) for x, y in zip(one, two, strict=True)
    )


@pytest.mark.parametrize(
    ("kind", "made"),
    [
        ("video", lambda: samples.video("mp4", "mpeg4")),
        ("video", lambda: samples.voice("ipod", "aac")),
        ("video", lambda: samples.picture("jpeg")),
        ("voice", lambda: samples.video("mp4", "libx264", "aac")),
        ("voice", lambda: samples.voice("ogg", "flac")),
        ("voice", lambda: samples.voice("mp3", "libmp3lame")),
        ("picture", lambda: samples.video("mp4", "libx264")),
        ("picture", lambda: b"<svg xmlns='http://www.w3.org/2000/svg'/>"),
        ("sticker", lambda: b"%PDF-1.7"),
        ("picture", lambda: b""),
    ],
)
def test_what_a_kind_does_not_have_is_not_supported(tmp_path, kind, made):
    refusal = inspected(Files(tmp_path, made()), kind)
    assert isinstance(refusal, Refusal)
    assert refusal.code == "not_supported"


@pytest.mark.parametrize("form", ["mp4", "mov"])
def test_without_the_library_a_video_is_as_sent_but_for_its_place(tmp_path, monkeypatch, form):
    monkeypatch.setattr(jobs, "videos", None)
    content = samples.video(form, "libx264", "aac")
    files = Files(tmp_path, content)
    facts = inspected(files, "video").facts
    assert (facts.kind, facts.mime, facts.width, facts.sizes) == (
        "video",
        plain_videos.MIMES[form],
        UNSET,
        UNSET,
    )
    with av.open(io.BytesIO(content)) as before, av.open(io.BytesIO(files.written())) as after:
        assert "location" in before.metadata
        assert "location" not in after.metadata
        assert "title" not in after.metadata
    assert len(files.written()) == len(content)
    changed = [at for at, pair in enumerate(zip(content, files.written(), strict=True)) if pair[0] != pair[1]]
    assert 0 < len(changed) <= 12


ABSENT = """
import sys
sys.modules |= dict.fromkeys(sys.argv[1:])
from chatd.media.inspect import jobs
jobs.prepare()
print(*jobs.libraries())
"""


@pytest.mark.parametrize(
    ("absent", "there"),
    [
        ((), "pictures heic sounds"),
        (("pillow_heif",), "pictures sounds"),
        (("av",), "pictures heic"),
        (("pyvips",), ""),
        (("av", "pyvips", "pillow_heif"), ""),
    ],
)
def test_an_inspector_says_what_it_can_open(absent, there):
    ran = subprocess.run(
        [sys.executable, "-c", ABSENT, *absent],
        env={"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert (ran.stdout.strip(), ran.stderr) == (there, "")


def test_without_its_library_a_picture_is_not_supported(tmp_path, monkeypatch):
    monkeypatch.setattr(jobs, "pictures", None)
    refusal = inspected(Files(tmp_path, samples.picture("jpeg")), "picture")
    assert isinstance(refusal, Refusal)
    assert refusal.code == "not_supported"
