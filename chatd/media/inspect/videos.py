"""Videos: their streams as they are, in a new container, and a picture of their first frame."""

from av.container import InputContainer
from av.video.stream import VideoStream
from msgspec import UNSET

from chatd.media.inspect.containers import codec_of, copy, moving_pictures, opened
from chatd.media.inspect.pictures import Picture, of_pixels, preview, smaller
from chatd.media.inspect.renditions import Renditions
from chatd.media.inspect.sniff import Type
from chatd.media.inspection import SIDE_MAX, Found, Job, Refusal
from chatd.protocol.media import SCHEME
from chatd.protocol.messages import Attachment

# What browsers and phones play, by the container that it goes into.
PLAYED = {
    "webm": ({"vp8", "vp9", "av1"}, {"opus", "vorbis"}),
    "mp4": ({"h264", "hevc", "vp9", "av1"}, {"aac", "opus", "mp3"}),
}


def video(job: Job, kind: Type, source: int, renditions: Renditions) -> Found | Refusal:
    """Return size and length, and write it anew. Raises av.FFmpegError, ValueError for a broken one."""
    with opened(kind, source) as container:
        moving = moving_pictures(container)
        if not moving:
            return Refusal("not_supported", "no moving picture in it")
        picture, *sound = [moving[0], *container.streams.audio[:1]]
        context = moving[0].codec_context
        if context.width * context.height > job.pixels_max:
            return Refusal("too_large", f"{context.width} × {context.height} pixels")
        form = _form(kind, codec_of(picture), [codec_of(one) for one in sound])
        if form is None:
            codecs = ", ".join(codec_of(one) or "nothing known" for one in container.streams)
            return Refusal("not_supported", f"a video of {codecs}")
        mime = f"video/{form}"
        full = renditions.descriptor("full", mime)
        duration_ms = copy(container, [picture, *sound], full, form)
    with opened("webm" if form == "webm" else "mp4", full) as container:
        poster = _first_frame(container, container.streams.video[0])
    sizes = smaller(poster, renditions, at_most=False)
    facts = Attachment(
        url=SCHEME,
        mime=mime,
        kind="video",
        width=poster.width,
        height=poster.height,
        duration=duration_ms,
        preview=preview(poster),
        sizes=sizes or UNSET,
    )
    return Found(facts, tuple(renditions.written))


def _form(kind: Type, picture: str, sound: list[str]) -> str | None:
    """Return the container to keep these formats in: that of before, where it can be."""
    for form in ("webm", "mp4") if kind == "webm" else ("mp4",):
        pictures, sounds = PLAYED[form]
        if picture in pictures and set(sound) <= sounds:
            return form
    return None


def _first_frame(container: InputContainer, stream: VideoStream) -> Picture:
    """Return what a player shows first, upright, with square pixels."""
    stream.thread_type = "NONE"
    for frame in container.decode(stream):
        rgb = frame.reformat(format="rgb24")
        plane = rgb.planes[0]
        image = of_pixels(bytes(plane), plane.line_size, rgb.width, rgb.height, 3)
        ratio = stream.sample_aspect_ratio
        if ratio and ratio != 1 and rgb.width * ratio <= SIDE_MAX:
            image = image.resize(float(ratio), vscale=1.0)
        turned = {90: "rot270", 180: "rot180", -180: "rot180", -90: "rot90", 270: "rot90"}.get(
            round(frame.rotation)
        )
        return (getattr(image, turned)() if turned else image).copy_memory()
    raise ValueError("no frame can be decoded")
