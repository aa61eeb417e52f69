"""Containers of sound and video: opened by the one reader of their type, and written anew without metadata."""

import importlib
import pkgutil
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, TypeAlias

import av
from av.container import InputContainer
from av.packet import Packet
from av.stream import Disposition, Stream
from av.video.stream import VideoStream

from chatd.media.inspect.descriptor_file import DescriptorFile
from chatd.media.inspect.sniff import Type

AnyPacket: TypeAlias = "Packet[Any]"
READERS: dict[Type, str] = {"mp4": "mp4", "mov": "mov", "webm": "matroska", "ogg": "ogg"}
# Without the name of the library. The index comes first, so that a player begins before it has everything.
OPTIONS = {
    "mp4": {"fflags": "+bitexact", "movflags": "+faststart"},
    "webm": {"fflags": "+bitexact"},
    "ogg": {"fflags": "+bitexact"},
}
PARTS = ("audio", "codec", "container", "data", "filter", "sidedata", "subtitles", "video")
REORDERED_MAX = 16  # frames that wait for a later one: the most that H.264 has
# Players of Apple take HEVC by this name alone.
TAGS = {"hevc": "hvc1"}


def prepare() -> None:
    """Load all parts of the library, which it does by itself when it needs them."""
    for module in pkgutil.walk_packages(av.__path__, "av."):
        if module.name.split(".")[1] in PARTS:
            importlib.import_module(module.name)


def opened(kind: Type, source: int) -> InputContainer:
    """Return a container of this type. Raises av.FFmpegError."""
    return av.open(DescriptorFile(source), "r", format=READERS[kind])


def codec_of(stream: Stream) -> str:
    """Return the name of the format of a stream, whatever decodes it; "" for one that nothing decodes."""
    context = stream.codec_context
    return context.codec.canonical_name if context is not None else ""


def moving_pictures(container: InputContainer) -> list[VideoStream]:
    """Return the streams of pictures; that on the cover of a song does not move."""
    still = Disposition.attached_pic
    return [stream for stream in container.streams.video if not stream.disposition & still]


def copy(source: InputContainer, streams: Sequence[Stream], target: int, form: str) -> int:
    """Write packets of these streams, as they are, into a new container; return the milliseconds that they last.

    The length that a container states may be wrong or absent. Raises av.FFmpegError, ValueError.
    """
    begin, end = float("inf"), 0.0

    def second_place(url: str, flags: int, options: dict[str, str]) -> DescriptorFile:
        # To move the index to the front, what was written is read at a second place.
        return DescriptorFile(target)

    with av.open(
        DescriptorFile(target), "w", format=form, container_options=OPTIONS[form], io_open=second_place
    ) as new:
        twins = {stream.index: new.add_stream_from_template(stream, opaque=True) for stream in streams}
        for stream in streams:
            twins[stream.index].codec_context.codec_tag = TAGS.get(codec_of(stream), "\0\0\0\0")
        for packet in _dated(source.demux(list(streams))):
            if packet.pts is not None and packet.time_base:
                start = float(packet.pts * packet.time_base)
                begin = min(begin, start)
                end = max(end, start + float((packet.duration or 0) * packet.time_base))
            packet.stream = twins[packet.stream.index]
            new.mux(packet)
    if end <= 0:
        raise ValueError("there is nothing in it")
    return max(1, round((end - max(0.0, begin)) * 1000))


def _dated(packets: Iterable[AnyPacket]) -> Iterator[AnyPacket]:
    """Yield packets with the time of their decoding, which Matroska does not say of the first ones."""
    waiting: dict[int, list[AnyPacket]] = {}
    for packet in packets:
        # The last one of each stream is empty.
        if not packet.size:
            continue
        early = waiting.setdefault(packet.stream.index, [])
        early.append(packet)
        if packet.dts is None and len(early) <= REORDERED_MAX:
            continue
        for count, one in enumerate(reversed(early)):
            if one.dts is None and packet.dts is not None:
                one.dts = packet.dts - count * max(1, one.duration or 1)
        yield from early
        early.clear()
    for early in waiting.values():
        yield from early
