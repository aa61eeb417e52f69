"""Pictures, sound and video as phones, browsers and cameras make them, by real encoders, with what hides in them."""

import io
import math
import struct
from array import array
from fractions import Fraction
from typing import Any

import av
import pillow_heif
import pyvips

SECRET = b"52.5200"  # of a latitude, and it stands in no file that others get
EXIF = b"Exif\0\0MM\0*\0\0\0\x08\0\x01\x01\x0e\0\x02\0\0\0\x10\0\0\0\x1a\0\0\0\0" + SECRET + b", 13.40\0\0"
# The quarters of a picture that is upright.
RED, GREEN, BLUE, WHITE = (250, 10, 10), (10, 250, 10), (10, 10, 250), (250, 250, 250)
QUARTERS = (RED, GREEN, BLUE, WHITE)
RATE_HZ, FRAME_SAMPLES, FRAMES_PER_S = 48_000, 960, 25
# What has to be done to an upright picture so that a camera with this orientation means it (Exif 2.3, tag 274).
TURNED_BY = {
    1: (),
    2: ("fliphor",),
    3: ("rot180",),
    4: ("flipver",),
    5: ("rot90", "fliphor"),
    6: ("rot270",),
    7: ("rot270", "fliphor"),
    8: ("rot90",),
}


def quarters(width: int, height: int) -> Any:
    """Return a picture whose quarters are red and green above blue and white."""
    parts = [pyvips.Image.black(width // 2, height // 2, bands=3) + list(colour) for colour in QUARTERS]
    joined = pyvips.Image.arrayjoin(parts, across=2)
    return joined.cast("uchar").copy(interpretation="srgb")


def picture(form: str, width: int = 640, height: int = 480, **options: object) -> bytes:
    """Return a picture in this format: jpeg, png, webp, gif, avif or heic."""
    image = quarters(width, height)
    if form == "heic":
        return heic(image)
    if form == "avif":
        return bytes(image.heifsave_buffer(compression="av1", effort=0, **options))
    return bytes(getattr(image, f"{form}save_buffer")(**options))


def heic(image: Any) -> bytes:
    mode = {1: "L", 3: "RGB", 4: "RGBA"}[image.bands]
    made = pillow_heif.from_bytes(mode, (image.width, image.height), bytes(image.write_to_memory()))
    written = io.BytesIO()
    made.save(written, quality=80, exif=EXIF)
    return written.getvalue()


def photograph(orientation: int, width: int = 640, height: int = 480) -> bytes:
    """Return a JPEG of a camera that was held like this, with the place where it was."""
    image = quarters(width, height)
    for step in TURNED_BY[orientation]:
        image = image.rot(step.replace("rot", "d")) if step.startswith("rot") else getattr(image, step)()
    image = image.copy_memory()
    image.set_type(pyvips.GValue.gint_type, "orientation", orientation)
    image.set_type(pyvips.GValue.gstr_type, "exif-ifd0-ImageDescription", SECRET.decode())
    return bytes(image.jpegsave_buffer(Q=90))


def with_alpha(form: str, width: int = 300, height: int = 200) -> bytes:
    """Return a picture that is transparent on its left."""
    image = quarters(width, height)
    opaque = pyvips.Image.black(width // 2, height).embed(
        0, 0, width, height, extend="background", background=255
    )
    image = image.bandjoin(opaque.cast("uchar"))
    return heic(image) if form == "heic" else bytes(getattr(image, f"{form}save_buffer")())


def animation(form: str, frames: int = 10, width: int = 200, height: int = 100) -> bytes:
    still = quarters(width, height)
    images = [still.wrap(x=number * width // frames) for number in range(frames)]
    joined = pyvips.Image.arrayjoin(images, across=1).copy(interpretation="srgb")
    joined.set_type(pyvips.GValue.gint_type, "page-height", height)
    joined.set_type(pyvips.GValue.array_int_type, "delay", [50] * frames)
    return bytes(getattr(joined, f"{form}save_buffer")())


def voice(form: str, codec: str, seconds: float = 2.0) -> bytes:
    """Return a tone that grows louder, with a title and a place."""
    file = io.BytesIO()
    with av.open(file, "w", format=form) as container:
        _name(container)
        _speak(container, _sound(container, codec), seconds)
    return file.getvalue()


def video(form: str, codec: str, sound: str | None = None, seconds: float = 1.0, side: int = 320) -> bytes:
    """Return a video of quarters, with a title and a place."""
    file = io.BytesIO()
    with av.open(file, "w", format=form) as container:
        _name(container)
        stream: Any = container.add_stream(codec, rate=FRAMES_PER_S)
        stream.width, stream.height, stream.pix_fmt = side, side // 2, "yuv420p"
        heard = _sound(container, sound) if sound else None
        for number in range(int(seconds * FRAMES_PER_S)):
            for packet in stream.encode(_frame(side, side // 2, number)):
                container.mux(packet)
        for packet in stream.encode(None):
            container.mux(packet)
        if heard is not None:
            _speak(container, heard, seconds)
    return file.getvalue()


def turned(video: bytes, matrix: tuple[int, int, int, int]) -> bytes:
    """Return a video whose first track is shown through this matrix (ISO 14496-12, 8.3.2)."""
    a, b, c, d = matrix
    begin = video.index(b"tkhd")
    place = video.index(struct.pack(">5i", 1 << 16, 0, 0, 0, 1 << 16), begin)
    changed = struct.pack(">5i", *(number << 16 for number in (a, b, 0, c, d)))
    return video[:place] + changed + video[place + len(changed) :]


def _name(container: Any) -> None:
    container.metadata["title"] = f"home {SECRET.decode()}"
    container.metadata["location"] = f"+{SECRET.decode()}+013.4000/"


def _frame(width: int, height: int, number: int) -> Any:
    frame = av.VideoFrame(width, height, "rgb24")
    plane: Any = frame.planes[0]
    row = plane.line_size
    pixels = bytearray(plane.buffer_size)
    data = bytes(quarters(width, height).write_to_memory())
    for y in range(height):
        pixels[y * row : y * row + width * 3] = data[y * width * 3 : (y + 1) * width * 3]
    plane.update(bytes(pixels))
    frame.pts, frame.time_base = number, Fraction(1, FRAMES_PER_S)
    return frame


def _sound(container: Any, codec: str) -> Any:
    stream = container.add_stream(codec, rate=RATE_HZ)
    stream.layout = "mono"
    return stream


def _speak(container: Any, stream: Any, seconds: float) -> None:
    count = int(seconds * RATE_HZ)
    for begin in range(0, count, FRAME_SAMPLES):
        places = range(begin, begin + FRAME_SAMPLES)
        wave = array("h", (int(25_000 * at / count * math.sin(at / 20)) for at in places))
        frame: Any = av.AudioFrame(format="s16", layout="mono", samples=FRAME_SAMPLES)
        frame.planes[0].update(wave.tobytes())
        frame.sample_rate, frame.pts = RATE_HZ, begin
        for packet in stream.encode(frame):
            container.mux(packet)
    for packet in stream.encode(None):
        container.mux(packet)
