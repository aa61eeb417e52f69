"""Voice notes: how long, how loud, and without what a recorder wrote beside the sound."""

from msgspec import UNSET, UnsetType

from chatd.media.inspect.descriptor_file import DescriptorFile
from chatd.media.inspect.renditions import Renditions
from chatd.media.inspect.sniff import Type
from chatd.media.inspection import Found, Job, Refusal
from chatd.media.ogg import Note, without_comments
from chatd.protocol.media import SCHEME
from chatd.protocol.messages import Attachment

try:
    from chatd.media.inspect import containers, waveform
except ImportError:
    containers = waveform = None  # type: ignore[assignment]

CHUNK_BYTES = 1 << 16
SLACK_MS = 1000  # beyond what is allowed: a recorder stops at the end of a packet
# The formats of sound, with the container that they are kept in.
FORMS: dict[str, tuple[Type, str]] = {"opus": ("ogg", "audio/ogg"), "aac": ("mp4", "audio/mp4")}


def prepare() -> None:
    """Load all of the library, if it is there; videos need the same."""
    if containers is not None:
        containers.prepare()


def voice(job: Job, kind: Type, source: int, renditions: Renditions) -> Found | Refusal:
    """Return how long a note is, and write it anew. Raises av.FFmpegError, ValueError for a broken one."""
    kept = _ogg(source, renditions) if kind == "ogg" else _remuxed(kind, source, renditions)
    if isinstance(kept, Refusal):
        return kept
    form, mime, duration_ms = kept
    if duration_ms > job.voice_ms + SLACK_MS:
        return Refusal("too_large", f"{duration_ms} ms of sound")
    facts = Attachment(
        url=SCHEME,
        mime=mime,
        kind="voice",
        duration=duration_ms,
        waveform=_waveform(form, renditions.number("full")),
    )
    return Found(facts, tuple(renditions.written))


def _ogg(source: int, renditions: Renditions) -> tuple[Type, str, int] | Refusal:
    file = DescriptorFile(source)
    if b"OpusHead" not in file.read(64):
        return Refusal("not_supported", "sound other than Opus in Ogg")
    file.seek(0)
    form, mime = FORMS["opus"]
    note, full = Note(), DescriptorFile(renditions.descriptor("full", mime))
    for data in without_comments(iter(lambda: file.read(CHUNK_BYTES), b""), note):
        full.write(data)
    return form, mime, note.duration_ms


def _remuxed(kind: Type, source: int, renditions: Renditions) -> tuple[Type, str, int] | Refusal:
    if containers is None:
        return Refusal("not_supported", f"sound of type {kind} without the library for it")
    with containers.opened(kind, source) as container:
        sound, pictures = container.streams.audio[:1], containers.moving_pictures(container)
        codec = containers.codec_of(sound[0]) if sound else ""
        if pictures or codec not in FORMS:
            return Refusal(
                "not_supported", f"a note of {codec or 'nothing known'}, pictures: {len(pictures)}"
            )
        form, mime = FORMS[codec]
        full = renditions.descriptor("full", mime)
        return form, mime, containers.copy(container, sound, full, form)


def _waveform(form: Type, full: int) -> str | UnsetType:
    if containers is None:
        return UNSET
    with containers.opened(form, full) as container:
        return waveform.waveform(container)
