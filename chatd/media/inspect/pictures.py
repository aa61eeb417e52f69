"""Pictures: opened by the one decoder of their type, and written anew, upright, in sRGB, without metadata."""

import base64
import io
from contextlib import suppress
from typing import TypeAlias

import pyvips
from msgspec import UNSET

from chatd.media.inspect.renditions import Renditions
from chatd.media.inspect.sniff import Type, declared_size
from chatd.media.inspection import Found, Job, Refusal
from chatd.media.thumbhash import thumbhash
from chatd.protocol.media import SCHEME, Size, Variant
from chatd.protocol.messages import Attachment

try:
    import pillow_heif
except ImportError:
    pillow_heif = None  # type: ignore[assignment]

Picture: TypeAlias = pyvips.Image
DECODERS = {
    "jpeg": "VipsForeignLoadJpeg",
    "png": "VipsForeignLoadPng",
    "gif": "VipsForeignLoadNsgif",
    "webp": "VipsForeignLoadWebp",
    "avif": "VipsForeignLoadHeif",
}
SIDE_MAX = 65_535  # of a JPEG; a line of millions of rows costs as many steps
# Pixels of the longer side: what a screen shows, what a bubble shows, what a list shows.
FULL_PX, M_PX, S_PX = 2048, 1280, 320
STICKER_PX, AVATAR_PX = 512, 1024
WHOLE = "fail_on=truncated"  # a picture that was cut is not sent with a grey half
HASH_PX = 32  # 7 waves need no more
JPEG_Q, WEBP_Q = 82, 80  # where eyes see no difference on a phone
PNG_BYTES_MAX = 3 << 19  # 1.5 MiB; beyond, what is said to be a drawing is a photograph
STICKER_BYTES_MAX = 512 << 10
# Of all frames together: written, and read for it. More is shown by the first frame.
ANIMATION_PX_MAX, ANIMATION_READ_PX_MAX = 20_000_000, 60_000_000

JPEG, PNG, WEBP = "image/jpeg", "image/png", "image/webp"


def prepare() -> None:
    """Make the library keep nothing, and refuse each decoder that is not named here."""
    pyvips.cache_set_max(0)
    pyvips.operation_block_set("VipsForeignLoad", True)
    for decoder in DECODERS.values():
        pyvips.operation_block_set(decoder, False)


def is_openable(kind: Type) -> bool:
    return kind in DECODERS or (kind == "heic" and pillow_heif is not None)


def picture(job: Job, kind: Type, data: bytes, renditions: Renditions) -> Found | Refusal:
    """Return what a picture is, and write its renditions. Raises pyvips.Error, ValueError for a broken one."""
    width, height = declared_size(kind, data)
    if not width or not height:
        return Refusal("unreadable", "it declares no size")
    if width * height > job.pixels_max or max(width, height) > SIDE_MAX:
        return Refusal("too_large", f"{width} × {height} pixels")
    side = _side(job)
    if job.purpose == "message" and kind in ("gif", "webp"):
        animation = _animation(data, side, STICKER_BYTES_MAX if job.kind == "sticker" else None)
        if isinstance(animation, Refusal):
            return animation
    else:
        animation = None
    image = _opened(kind, data, side, job.pixels_max)
    if animation is not None:
        renditions.write("full", WEBP, animation)
        full = pyvips.Image.new_from_buffer(animation, "")
        mime, width, height = WEBP, full.width, full.height
    else:
        mime = _write_full(image, _is_drawing(kind, data, image), renditions)
        width, height = image.width, image.height
    sizes = smaller(image, renditions)
    facts = Attachment(
        url=SCHEME,
        mime=mime,
        kind=job.kind,
        width=width,
        height=height,
        preview=preview(image),
        sizes=sizes or UNSET,
    )
    return Found(facts, tuple(renditions.written))


def of_pixels(data: bytes, stride: int, width: int, height: int, bands: int) -> Picture:
    """Return a picture of rows of `stride` bytes, of which the last ones may mean nothing."""
    rows = pyvips.Image.new_from_memory(data, stride // bands, height, bands, "uchar")
    return rows.crop(0, 0, width, height).copy(interpretation="srgb" if bands > 2 else "b-w")


def smaller(image: Picture, renditions: Renditions, at_most: bool = True) -> list[Size]:
    """Write the smaller renditions that are smaller than the picture; return which."""
    sides: tuple[tuple[Size, int], ...] = (("m", M_PX), ("s", S_PX))
    sizes = [(size, side) for size, side in sides if max(image.width, image.height) > side or not at_most]
    for size, side in sizes:
        _write(size, _shrunk(image, side), renditions)
    return [size for size, _ in sizes]


def preview(image: Picture) -> str:
    """Return the ThumbHash in base64."""
    small = _shrunk(image, HASH_PX)
    if small.bands < 3:
        small = small.colourspace("srgb")
    if not small.hasalpha():
        small = small.bandjoin(255)
    pixels = bytes(small.cast("uchar").write_to_memory())
    return base64.b64encode(thumbhash(small.width, small.height, pixels)).decode()


def _side(job: Job) -> int:
    if job.kind == "sticker":
        return STICKER_PX
    return AVATAR_PX if job.purpose == "avatar" else FULL_PX


def _opened(kind: Type, data: bytes, side: int, pixels_max: int) -> Picture:
    """Return the first frame, upright, in sRGB, of 8 bits, at most this large, decoded."""
    if kind == "heic":
        image = _heic(data, pixels_max).thumbnail_image(side, height=side, size="down")
    else:
        image = pyvips.Image.thumbnail_buffer(
            data, side, height=side, size="down", option_string=f"[{WHOLE}]"
        )
    image = _in_srgb(image).copy_memory()
    if image.hasalpha() and image[image.bands - 1].min() == 255:
        image = image[0 : image.bands - 1]
    return image


def _in_srgb(image: Picture) -> Picture:
    """Return the picture with the colours of screens; one without a profile has them, as has one with a broken one."""
    # Not by an option of the thumbnail, which costs six times as much where there is no profile.
    if image.get_typeof("icc-profile-data"):
        # What is wrong with the picture itself shows here.
        image = image.copy_memory()
        with suppress(pyvips.Error):
            image = image.icc_transform("srgb", embedded=True, depth=8).copy_memory()
    if image.interpretation not in ("srgb", "b-w"):
        image = image.colourspace("srgb")
    return image.cast("uchar")


def _heic(data: bytes, pixels_max: int) -> Picture:
    heif = pillow_heif.open_heif(io.BytesIO(data), convert_hdr_to_8bit=True)
    width, height = heif.size
    if width * height > pixels_max:
        raise ValueError("it is larger than it declares")
    if heif.mode.startswith("I;16"):
        # Grey of more than 8 bits: two bytes each, the second of which counts more.
        grey = of_pixels(bytes(heif.data), heif.stride, width, height, 2)
        return grey[1].copy(interpretation="b-w")
    image = of_pixels(bytes(heif.data), heif.stride, width, height, len(heif.mode))
    profile = heif.info.get("icc_profile")
    if profile:
        image.set_type(pyvips.GValue.blob_type, "icc-profile-data", profile)
    return image


def _animation(data: bytes, side: int, bytes_max: int | None) -> bytes | Refusal | None:
    """Return an animated WebP, or None for a picture that does not move, or that moves too much."""
    head = pyvips.Image.new_from_buffer(data, "", access="sequential")
    frames = head.get("n-pages") if head.get_typeof("n-pages") else 1
    pixels = head.width * head.height * frames
    if frames < 2 or pixels > ANIMATION_READ_PX_MAX:
        return None
    scale = min(1.0, side / max(head.width, head.height), (ANIMATION_PX_MAX / pixels) ** 0.5)
    size = max(1, int(max(head.width, head.height) * scale))
    image = pyvips.Image.thumbnail_buffer(
        data, size, height=size, size="down", option_string=f"[n=-1,{WHOLE}]"
    )
    animation = bytes(_in_srgb(image).webpsave_buffer(Q=WEBP_Q, effort=2, keep="none"))
    if bytes_max is not None and len(animation) > bytes_max:
        return Refusal("too_large", f"an animation of {len(animation)} bytes")
    return animation


def _is_drawing(kind: Type, data: bytes, image: Picture) -> bool:
    """Return whether it is kept without loss: its source was, and has few colours or transparency."""
    has_palette = kind == "gif" or (kind == "png" and data[25] == 3)
    return has_palette or (kind == "png" and image.hasalpha())


def _write_full(image: Picture, is_drawing: bool, renditions: Renditions) -> str:
    if is_drawing:
        png = image.pngsave_buffer(keep="none", compression=9)
        if len(png) <= PNG_BYTES_MAX:
            renditions.write("full", PNG, png)
            return PNG
    return _write("full", image, renditions)


def _write(variant: Variant, image: Picture, renditions: Renditions) -> str:
    mime = WEBP if image.hasalpha() else JPEG
    if mime == WEBP:
        content = image.webpsave_buffer(Q=WEBP_Q, keep="none")
    else:
        content = image.jpegsave_buffer(Q=JPEG_Q, optimize_coding=True, keep="none")
    renditions.write(variant, mime, content)
    return mime


def _shrunk(image: Picture, side: int) -> Picture:
    return image.thumbnail_image(side, height=side, size="down").copy_memory()
